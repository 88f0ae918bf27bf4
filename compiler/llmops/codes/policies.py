"""LLM09: the organisation's own policies, and the waivers from them."""

from __future__ import annotations

from llmops.codes.code import Code

CODES: dict[str, Code] = {
    "LLM0901": Code(
        "Policy violated",
        "The organisation holds its specs to this rule; `llmops policy explain NAME` says why.",
        "Change the spec as the hint says, run `llmops check --fix` where it offers an edit, or ask for a Waiver.",
    ),
    "LLM0902": Code(
        "Policy's expression does not compile",
        "A rule with a misspelt field would never fire.",
        "Correct the CEL at the caret; fields are those of the kind's schema.",
    ),
    "LLM0903": Code(
        "Policy failed while it was evaluated",
        "A rule that crashes has judged nothing; it never counts as a pass.",
        "Guard a field that may be absent with has(), or correct the expression.",
    ),
    "LLM0904": Code(
        "Policy took too much",
        "A rule has a budget of time, memory and iterations, so that a hostile one cannot hang a check.",
        "Nest fewer loops, and don't build long texts.",
    ),
    "LLM0905": Code(
        "Policy without a passing and a failing case",
        "A rule that was never seen to fire may never do.",
        "Add a case to `tests` with `expect: pass` and one with `expect: fail`.",
    ),
    "LLM0906": Code(
        "Policy's own case fails",
        "The rule says something else than its author shows.",
        "Correct the rule or the case; `llmops policy test NAME` runs them.",
    ),
    "LLM0907": Code(
        "Waiver has expired",
        "An exception was allowed for a time, and that time is over: the policy holds again.",
        "Mend the spec and remove the waiver, or have it approved anew with another day.",
    ),
    "LLM0908": Code(
        "Waiver waives nothing",
        "It would silently cover the next violation.",
        "Remove it, or correct `policy` and `target`.",
    ),
    "LLM0909": Code(
        "Policy pack not found, or another version",
        "A check without its policies would pass everything.",
        "Install the package, or correct `path`, `package` and `version` in llmops.yaml.",
    ),
    "LLM0910": Code(
        "No such policy or environment",
        "A name that is nowhere declared configures nothing.",
        "Correct the name.",
    ),
    "LLM0911": Code(
        "Policy declared twice",
        "Two rules of one name cannot be told apart in a report or a waiver.",
        "Rename one.",
    ),
    "LLM0912": Code(
        "Policy names a field that its kinds don't have",
        "The caret, the item or the fix would lead nowhere.",
        "Correct the path; `llmops schema` writes the schemas.",
    ),
    "LLM0913": Code(
        "Waiver approved by its own owner",
        "An exception needs a second pair of eyes.",
        "Have another team or person approve it.",
    ),
    "LLM0914": Code(
        "Policies of changes not evaluated",
        "They compare a resource with its base version, and this check was given no base.",
        "Give one: `llmops check --base origin/main`.",
    ),
}
