"""LLM10: `llmops.lock`, what is published and what was recorded."""

from __future__ import annotations

from llmops.codes.code import Code, Part, Place

_LOCK = Place("llmops.lock")
_PUBLISHED = """\
lock 1
published Prompt/answer@1.0.0 sha256:f0bdc914d81102c2f0794de8ec9158087148464c67ec23ca6b7043f56d82d5e0
"""
_VARIABLES = "  variables:\n    question: {type: string}\n    documents: {type: documents}\n  messages:\n"
_BRIEF = "    - role: system\n      content: Answer in one sentence.\n"
_USER = "    - role: user"

CODES: dict[str, Code] = {
    "LLM1001": Code(
        "Line of llmops.lock is malformed",
        "An entry that cannot be read protects nothing.",
        "Take the line back from git, or remove it and run `llmops lock`.",
        (Part(_LOCK, "lock 1\n«published Prompt/answer@1.0.0»", "lock 1"),),
        given="The entry lost its digest; `llmops lock` writes it anew.",
    ),
    "LLM1002": Code(
        "Unknown version of llmops.lock",
        "A form that is not known cannot be checked, and a file without its first line may have been cut off.",
        "Use the version of llmops that wrote the file, or a later one; take a damaged file back from git.",
        (Part(_LOCK, "«lock 9»", "lock 1"),),
    ),
    "LLM1003": Code(
        "Unknown kind of entry in llmops.lock",
        "An entry of an unknown kind would be lost when the file is written.",
        "Correct the word, or use the version of llmops that wrote it. The kinds are calibration, evidence, published and snapshot.",
        (Part(_LOCK, "lock 1\n«publishd» Prompt/answer@1.0.0 sha256:f0bdc914", "lock 1"),),
        given="The entry is removed; `llmops lock` writes it anew.",
    ),
    "LLM1004": Code(
        "Digest in llmops.lock is malformed",
        "A digest that was cut off equals no content.",
        "Take the line back from git, or remove it and run `llmops lock`.",
        (Part(_LOCK, "lock 1\npublished Prompt/answer@1.0.0 «sha256:f0bdc914»", "lock 1"),),
        given="The entry is removed; `llmops lock` writes it anew.",
    ),
    "LLM1005": Code(
        "Version published with two contents",
        "Two branches have published the same version; whoever pinned it must get what was merged first.",
        "Keep the entry that was merged first, give the other content the next version, and run `llmops lock`.",
        words="After a merge, llmops.lock has two lines `published Prompt/answer@1.1.0` with different digests.",
    ),
    "LLM1006": Code(
        "Conflict in llmops.lock",
        "A merge could not decide which lines stay.",
        "Run `llmops lock`. It takes both sides, and refuses only a version that they publish with different contents.",
        (
            Part(
                _LOCK,
                "lock 1\n«<<<<<<< HEAD»\n# one side\n=======\n# the other side\n>>>>>>> feature",
                "lock 1\n# one side\n# the other side",
            ),
        ),
    ),
    "LLM1007": Code(
        "Published version has changed",
        "Whoever pinned the version, or measured it, relies on its content.",
        "Raise spec.version, as `llmops check --fix` does. A version that is not merged yet is recorded anew by `llmops lock`.",
        (
            Part(
                Place("specs/prompt.yaml", "kind: Prompt\nspec:"),
                f"  version: «1.0.0»\n{_VARIABLES}{_BRIEF}{_USER}",
                f"  version: 1.0.1\n{_VARIABLES}{_BRIEF}{_USER}",
                f"  version: 1.0.0\n{_VARIABLES}{_USER}",
            ),
        ),
        given="The lock has published version 1.0.0 without the message of the role system.",
        beside={"llmops.lock": _PUBLISHED},
    ),
    "LLM1008": Code(
        "Version differs between environments",
        "A version has one content, so that what was tested is what is promoted.",
        "Move the patch into the spec, or let it set spec.version, too.",
        words="A patch of prod changes the messages of Prompt/answer@1.0.0 and not its version. `llmops lock` then publishes nothing.",
    ),
    "LLM1009": Code(
        "llmops.lock is out of date",
        "Reviewers see in llmops.lock which versions are published and which documents have changed.",
        "Run `llmops lock`, and commit llmops.lock.",
        words="A document was edited after llmops.lock was written. Only `llmops lock --check` reports it.",
    ),
    "LLM1010": Code(
        "Published entry was changed or removed",
        "With another digest in llmops.lock a published version could change unseen.",
        "Run `llmops lock`, which restores the entry. Publish other content as another version.",
        words="The base branch has published Prompt/answer@1.0.0, and llmops.lock has another digest for it. "
        "Only `llmops lock --check` reports it.",
    ),
}
