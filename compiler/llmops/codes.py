"""Every code a diagnostic can carry. Codes are stable and never reused.

The text here is what `llmops explain CODE` prints and what `docs/errors.md` is generated from.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Code:
    """`title` is a short name, `why` says what goes wrong otherwise, `fix` how to mend it; `wrong` and `right` are examples."""

    title: str
    why: str
    fix: str
    wrong: str = ""
    right: str = ""


CODES: dict[str, Code] = {
    "LLM0001": Code("File is not UTF-8", "Other encodings read differently on different machines.", "Save the file as UTF-8."),
    "LLM0002": Code(
        "Not valid YAML",
        "The parser cannot tell what is meant.",
        "Mend the syntax at the caret; often a missing quote or a tab.",
        "a: b: c",
        'a: "b: c"',
    ),
    "LLM0003": Code(
        "Field given twice",
        "YAML parsers silently keep one of the two, and not all keep the same one.",
        "Keep one.",
        "top_k: 3\ntop_k: 5",
        "top_k: 5",
    ),
    "LLM0004": Code(
        "Alias, anchor or merge key",
        "An alias can grow a small file into gigabytes, and hides what a resource says from its reviewer.",
        "Write the value out, or use an overlay.",
        "a: &x 1\nb: *x",
        "a: 1\nb: 1",
    ),
    "LLM0005": Code(
        "Tag", "Tags can build arbitrary objects in other parsers.", "Remove it; quote a value that must be text.", "v: !!str 1", 'v: "1"'
    ),
    "LLM0006": Code(
        "Number that JSON cannot hold",
        "Infinite, too large or not exact: every tool behind it would read something else.",
        "Write a smaller number, or quote it.",
        "x: .inf",
        "x: 1000",
    ),
    "LLM0007": Code("Too large or too deep", "Caps keep a hostile file from taking the machine down.", "Split or flatten the document."),
    "LLM0008": Code("Key is not text", "Fields have names.", "Give the field a name.", "? [a, b]\n: 1", "ab: 1"),
    "LLM0101": Code("No workspace", "Nothing can be compiled without llmops.yaml.", "Run `llmops init`, or change into the workspace."),
    "LLM0102": Code("File cannot be read", "The operating system refuses.", "Check that it exists and its permissions."),
    "LLM0103": Code("Outside the workspace", "What a bundle depends on must be in the repository.", "Move the file or folder inside."),
    "LLM0104": Code("Folder does not exist", "`spec.specs` names the folders that hold specs.", "Make the folder, or correct the name."),
    "LLM0105": Code(
        "No resource",
        "The bundle would be empty, and would replace one that is not.",
        "Write a spec into a folder of spec.specs; files end in .yaml or .yml.",
    ),
    "LLM0201": Code(
        "Not a spec",
        "Every document declares one resource.",
        "Start with apiVersion, kind, metadata and spec.",
        "- a",
        "apiVersion: llmops/v1",
    ),
    "LLM0202": Code(
        "apiVersion", "The version says how the rest is read.", "Write `apiVersion: llmops/v1`.", "apiVersion: v1", "apiVersion: llmops/v1"
    ),
    "LLM0203": Code("Unknown kind", "Only known kinds can be compiled.", "Correct the spelling.", "kind: Promt", "kind: Prompt"),
    "LLM0204": Code(
        "Unknown field",
        "A misspelt field would be ignored, and the setting it stands for never apply.",
        "Correct the name.",
        "topk: 3",
        "top_k: 3",
    ),
    "LLM0205": Code(
        "Wrong type", "Values are never converted silently.", "Write the type that the message names.", 'top_k: "3"', "top_k: 3"
    ),
    "LLM0206": Code("Value is not allowed", "The field takes one of a list.", "Pick one.", "mode: fuzzy", "mode: hybrid"),
    "LLM0207": Code("Field is missing", "The resource cannot work without it.", "Add it."),
    "LLM0208": Code(
        "Wrong form",
        "Names end up in Kubernetes, Dagster and file names, and must be valid in all.",
        "Match the pattern.",
        "name: My App",
        "name: my-app",
    ),
    "LLM0209": Code("Out of range", "The value is too small, too large, too short or too long.", "Stay within the limits."),
    "LLM0210": Code(
        "Secret in a spec",
        "What is in git is known to everybody who can read it, for ever.",
        "Revoke the secret; name an environment variable.",
        "api_key: sk-…",
        "api_key: {env: OPENAI_API_KEY}",
    ),
    "LLM0211": Code(
        "Not a schedule",
        "The schedule would never run, or refuse to load.",
        "Five fields: minute hour day month weekday.",
        '"0 25 * * *"',
        '"0 3 * * *"',
    ),
    "LLM0212": Code(
        "Not a regular expression", "A rule with a broken pattern enforces nothing.", "Escape special characters.", "'('", "'\\('"
    ),
    "LLM0213": Code(
        "Not a relative path",
        "Absolute paths differ on every machine.",
        "Write it relative to the file.",
        "/data/x.jsonl",
        "../data/x.jsonl",
    ),
    "LLM0214": Code("Fields that belong together", "One field needs another, or excludes it.", "Follow the message."),
    "LLM0215": Code("Numbers that contradict", "Each value is fine alone, not together.", "Follow the message."),
    "LLM0216": Code("Given twice in a list", "Items are known by this field.", "Rename or remove one."),
    "LLM0217": Code(
        "Model that this machine cannot run",
        "It would fail when the model is started, after everything else was built.",
        "Use what the local runtime supports, or an endpoint with provider openai.",
        "url: http://models.example.org/v1",
        "url: http://127.0.0.1:18181/v1",
    ),
    "LLM0218": Code(
        "Not a day",
        "A day that does not exist can neither expire nor be compared.",
        "Write year-month-day.",
        "expires: 2027-02-30",
        "expires: 2027-02-28",
    ),
    "LLM0301": Code(
        "Patch matches nothing",
        "An overlay that changes nothing is a slip: production would run with the base value.",
        "Correct the target.",
    ),
    "LLM0302": Code("Unknown default environment", "Commands that name no environment take this one.", "Name one of spec.environments."),
    "LLM0401": Code("Reference to nothing", "The resource does not exist in this environment.", "Correct the name, or declare it."),
    "LLM0402": Code("Ambiguous reference", "Several versions stand side by side.", "Pin one.", "prompt: answer", "prompt: answer@1.2.0"),
    "LLM0403": Code("Wrong version", "The pinned version does not exist, or the kind has none.", "Pin one that exists."),
    "LLM0404": Code(
        "Model for another task", "An embedding model cannot chat, a chat model gives no vectors.", "Name a model with the right task."
    ),
    "LLM0405": Code("Listed twice", "The second mention does nothing.", "Remove one."),
    "LLM0406": Code("Unused resource", "Nobody reaches it; it will rot.", "Use it, or remove it."),
    "LLM0407": Code("Declared twice", "Two specs claim one name.", "Rename one, or give it another version."),
    "LLM0501": Code(
        "Template does not parse", "It would fail on the first question.", "Mend the template.", "{{ question }", "{{ question }}"
    ),
    "LLM0502": Code(
        "Undeclared variable",
        "Declared variables are how the compiler knows that every one is supplied.",
        "Declare it under spec.variables.",
    ),
    "LLM0503": Code("Unused variable", "It is declared or supplied for nothing.", "Use it or remove it."),
    "LLM0504": Code(
        "Variable that nobody supplies", "The prompt could not be rendered.", "Add a retrieval source or a value under spec.variables."
    ),
    "LLM0505": Code("Variable of another type", "The template expects something else.", "Declare the type that is supplied."),
    "LLM0506": Code("Variable that comes with the request", "A fixed value would be overwritten.", "Remove it."),
    "LLM0507": Code(
        "Documents are not used", "Retrieval would cost time and change nothing.", "Use `documents` in the prompt, or drop the source."
    ),
    "LLM0508": Code("Template leaves its sandbox", "Templates see their variables and nothing else.", "Write the text out."),
    "LLM0509": Code(
        "Unknown filter or test", "It would fail on the first question.", "Use one of Jinja's.", "{{ x | uper }}", "{{ x | upper }}"
    ),
    "LLM0510": Code(
        "Template in an assistant's message",
        "Haystack copies such a message as it stands, so the model would read the braces.",
        "Write plain text, or put the template into a user or system message.",
    ),
    "LLM0601": Code(
        "Vectors of another length", "The store would refuse them, or find nothing.", "Use the model that filled the store, or re-index."
    ),
    "LLM0602": Code("Chunk longer than the embedder reads", "The rest of each chunk could never be found.", "Make chunks shorter."),
    "LLM0603": Code(
        "Context window too small",
        "The model would cut off the question or the documents silently.",
        "Fewer or shorter passages, or a larger window.",
    ),
    "LLM0604": Code("Answer fills the window", "No room is left for the prompt.", "Lower max_output_tokens."),
    "LLM0701": Code("Rule cannot be enforced", "The engine would let everything pass.", "Change the rule, or name the engines that can."),
    "LLM0702": Code("Engine is not rendered", "The policy does not list the engine that the rule names.", "Add it to spec.engines."),
    "LLM0703": Code(
        "Serving engine leaves a rule out",
        "The first engine serves; the rule would be a silent gap.",
        "Put an engine first that enforces every rule.",
    ),
    "LLM0801": Code("Path leaves the workspace", "The bundle would depend on something outside git.", "Copy the file into the workspace."),
    "LLM0802": Code("File does not exist", "The path leads nowhere.", "Correct it; paths are relative to the spec's file."),
    "LLM0803": Code("Glob matches nothing", "The index would be empty.", "Correct the pattern."),
    "LLM0804": Code(
        "Row is not a case", "The evaluation would skip it or fail.", "Mend the row, or say in spec.fields which column holds what."
    ),
    "LLM0805": Code("File is too large", "Files above 64 MB don't belong in git.", "Split it."),
    "LLM0806": Code("Text is not UTF-8", "Prompts are UTF-8.", "Save the file as UTF-8."),
    "LLM0901": Code(
        "Policy violated",
        "The organisation holds its specs to this rule; `llmops policy explain NAME` says why.",
        "Change the spec as the hint says, run `llmops check --fix` where it offers an edit, or ask for a Waiver.",
    ),
    "LLM0902": Code(
        "Policy's expression does not compile",
        "A rule with a misspelt field would never fire.",
        "Correct the CEL at the caret; fields are those of the kind's schema.",
        "assert: r.spec.revison != ''",
        "assert: r.spec.revision != ''",
    ),
    "LLM0903": Code(
        "Policy failed while it was evaluated",
        "A rule that crashes has judged nothing; it never counts as a pass.",
        "Guard a field that may be absent with has(), or correct the expression.",
        "assert: r.spec.revision != ''",
        "assert: has(r.spec.revision) && r.spec.revision != ''",
    ),
    "LLM0904": Code(
        "Policy took too much",
        "A rule has a budget of time, memory and iterations, so that a hostile one cannot hang a check.",
        "Nest fewer loops, and don't build long texts.",
        "assert: r.spec.rules.all(a, r.spec.rules.all(b, r.spec.rules.all(c, true)))",
        "assert: r.spec.rules.all(rule, rule.action != 'log')",
    ),
    "LLM0905": Code(
        "Policy without a passing and a failing case",
        "A rule that was never seen to fire may never do.",
        "Add a case to `tests` with `expect: pass` and one with `expect: fail`.",
        "tests: [{name: pinned, expect: pass, resource: {spec: {revision: v1}}}]",
        "tests:\n  - {name: pinned, expect: pass, resource: {spec: {revision: v1}}}\n  - {name: floating, expect: fail, resource: {spec: {model: m}}}",
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
        "expires: 2025-01-31",
        "expires: 2027-01-31",
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
        "policies: [{package: acme_policys}]",
        "policies: [{package: acme_policies}]",
    ),
    "LLM0910": Code(
        "No such policy or environment",
        "A name that is nowhere declared configures nothing.",
        "Correct the name.",
        "enforcement: {prodd: block}",
        "enforcement: {prod: block}",
    ),
    "LLM0911": Code("Policy declared twice", "Two rules of one name cannot be told apart in a report or a waiver.", "Rename one."),
    "LLM0912": Code(
        "Policy names a field that its kinds don't have",
        "The caret, the item or the fix would lead nowhere.",
        "Correct the path; `llmops schema` writes the schemas.",
        "at: spec.revison",
        "at: spec.revision",
    ),
    "LLM0913": Code(
        "Waiver approved by its own owner",
        "An exception needs a second pair of eyes.",
        "Have another team or person approve it.",
        "metadata: {name: w, owner: ml}\nspec: {approved_by: ml}",
        "metadata: {name: w, owner: ml}\nspec: {approved_by: risk}",
    ),
}
