"""Plans to draw reports from: a small one, one with everything, one of nothing, a hostile one, a huge one."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from typing import Any

Plan = dict[str, Any]

ENVIRONMENTS = ["dev", "staging", "prod"]
COMMIT = "475e2bd1f0aa4c02b7b1c5d6e7f8091a2b3c4d5e"
PROMPT = "Prompt/handbook-answer@1.1.0"
SOURCE = "RetrievalSource/handbook"
APPLICATION = "Application/handbook-assistant"


def digest(character: str) -> str:
    return f"sha256:{character * 64}"


def field(path: str, old: Any, new: Any, **known: Any) -> dict[str, Any]:
    operation = "add" if old is None else "remove" if new is None else "change"
    return {"path": path, "operation": operation, "class": "behaviour", "old": old, "new": new, "words": None, "note": "", **known}


def change(resource: str = PROMPT, **known: Any) -> dict[str, Any]:
    row = {
        "resource": resource,
        "was": None,
        "operation": "update",
        "class": "behaviour",
        "owner": "docs-team",
        "file": "specs/handbook-assistant.yaml",
        "line": 2,
        "environments": ENVIRONMENTS,
        "fields": [],
        "files": [],
    }
    return {**row, **known}


def finding(severity: str = "error", **known: Any) -> dict[str, Any]:
    row = {
        "code": "LLM0901",
        "policy": "model-revision-pinned",
        "severity": severity,
        "waived": "",
        "resource": "Model/minilm",
        "path": "spec.revision",
        "message": "minilm is not pinned: its revision is latest",
        "hint": "Name the exact revision of the weights.",
        "file": "specs/models.yaml",
        "line": 31,
        "environments": ["prod"],
        "because": "change",
    }
    return {**row, **known}


def nothing() -> Plan:
    """A plan of two equal sides."""
    return {
        "plan_version": 1,
        "llmops_version": "0.1.0",
        "workspace": "handbook",
        "base": {"name": "origin/main", "commit": COMMIT, "environment": None},
        "head": {"name": "the working tree", "commit": None, "environment": None},
        "environments": list(ENVIRONMENTS),
        "blocked": False,
        "summary": {"class": None, "changes": 0, "applications": 0, "indexes": 0, "findings": 0},
        "changes": [],
        "reach": [],
        "applications": [],
        "indexes": [],
        "evaluations": [],
        "findings": {"new": [], "gone": []},
        "policies": [],
        "costs": [],
        "prices": {"digest": None, "models": {}},
        "reviewers": [],
        "matrix": [],
        "promotion": None,
        "lock": {"published": [], "rewritten": [], "removed": []},
        "evidence": [],
    }


WORDS = [
    ["same", "Answer the question from the context "],
    ["removed", "in a few words"],
    ["added", "in one whole sentence"],
    ["same", ".\n"],
    ["removed", "Say nothing else.\n"],
    ["added", "Name the page that you took the answer from.\nSay plainly when the handbook has no answer.\n"],
    ["same", "\nContext: The kettle holds two litres. It stands on the second shelf of the "],
    ["gap", ""],
    ["same", "\nAnswer: Two litres."],
]


def small() -> Plan:
    """One edit of a prompt that reaches one application."""
    texts = ("".join(text for operation, text in WORDS if operation in ("same", side)) for side in ("removed", "added"))
    old, new = texts
    fields = [
        field("spec.changelog", "First version.", "Asks for a sentence and its page.", **{"class": "metadata"}),
        field("spec.messages[0].content", old, new, words=WORDS),
        field("spec.version", "1.0.0", "1.1.0"),
    ]
    releases = {name: {"before": digest("a"), "after": digest("b")} for name in ENVIRONMENTS}
    return {
        **nothing(),
        "summary": {"class": "behaviour", "changes": 1, "applications": 1, "indexes": 0, "findings": 0},
        "changes": [change(was="Prompt/handbook-answer@1.0.0", fields=fields)],
        "reach": [
            {"resource": APPLICATION, "class": "behaviour", "through": [PROMPT], "owner": "docs-team", "environments": list(ENVIRONMENTS)}
        ],
        "applications": [{"application": APPLICATION, "owner": "docs-team", "class": "behaviour", "environments": releases}],
        "evaluations": [
            {
                "evaluation": "Evaluation/handbook-answers",
                "applications": [APPLICATION],
                "environments": list(ENVIRONMENTS),
                "cases": 10,
                "repeats": 1,
                "blocking": True,
                "dollars": 0.02,
            }
        ],
        "reviewers": [{"owner": "docs-team", "handle": "@acme/docs", "why": [f"owns {APPLICATION}, which it reaches", f"owns {PROMPT}"]}],
        "lock": {"published": [PROMPT], "rewritten": [], "removed": []},
    }


def _source() -> dict[str, Any]:
    fields = [
        field("spec.chunking.length", 60, 90, **{"class": "breaking"}),
        field("spec.embedding.model", "minilm", "e5-small", **{"class": "breaking"}),
        field("spec.refresh.schedule", "0 3 * * *", "30 4 * * *", **{"class": "metadata"}),
        field("spec.retrieve.top_k", 3, 4),
    ]
    files = [{"path": f"docs/{name}.md", "operation": operation} for name, operation in (("plan", "add"), ("release", "change"))]
    return change(SOURCE, **{"class": "breaking"}, line=28, fields=fields, files=files)


def _safety() -> dict[str, Any]:
    rule = {"id": "pii-out", "stage": ["output"], "detector": {"kind": "pii", "entities": ["EMAIL_ADDRESS"]}, "action": "redact"}
    fields = [
        field("spec.rules[pii-out]", None, rule),
        field("spec.rules[secrets].mode", "enforce", "monitor", note="weaker: mode is no longer enforce"),
        field("spec.rules[toxic].message", "That is not a question for this assistant, and it will not be answered here.", None),
    ]
    return change("SafetyPolicy/public-assistant", owner="trust-and-safety", file="specs/safety.yaml", line=1, fields=fields)


def _new_model() -> dict[str, Any]:
    return change("Model/e5-small", operation="create", owner="ml-platform", file="specs/models.yaml", line=44)


def everything() -> Plan:
    """A plan with every section, and every way of a row."""
    plan = small()
    plan["summary"] = {"class": "breaking", "changes": 5, "applications": 1, "indexes": 2, "findings": 3}
    plan["head"] = {"name": "3f2a9c1", "commit": "3f2a9c1" + "0" * 33, "environment": None}
    gone = change("Model/old-judge", operation="remove", **{"class": "breaking"}, owner="ml-platform", environments=["prod"])
    plan["changes"] = [_new_model(), gone, *plan["changes"], _source(), _safety()]
    plan["reach"][0].update({"class": "breaking", "through": ["Model/e5-small", PROMPT, SOURCE, "SafetyPolicy/public-assistant"]})
    plan["reach"].append(
        {
            "resource": "Evaluation/handbook-answers",
            "class": "behaviour",
            "through": [SOURCE],
            "owner": "docs-team",
            "environments": ["dev"],
        }
    )
    releases = {"dev": {"before": digest("a"), "after": digest("a")}, "staging": {"before": None, "after": digest("b")}}
    plan["applications"][0].update({"class": "breaking", "environments": {**plan["applications"][0]["environments"], **releases}})
    plan["indexes"] = _indexes()
    plan["evaluations"].append(
        {**plan["evaluations"][0], "evaluation": "Evaluation/red-team", "blocking": False, "dollars": None, "environments": ["prod"]}
    )
    plan["findings"] = _findings()
    plan["policies"] = _policies()
    plan["costs"] = [_cost()]
    plan["prices"] = {"digest": digest("c"), "models": {"Model/gemma-local": {"input": 0.1, "output": 0.4, "from": "spec.price"}}}
    plan["reviewers"] += _reviewers()
    plan["matrix"] = _matrix()
    plan["lock"] = {"published": [PROMPT], "rewritten": ["Prompt/handbook-short@1.0.0"], "removed": ["Prompt/handbook-old@0.9.0"]}
    plan["evidence"] = _evidence()
    return plan


def _indexes() -> list[dict[str, Any]]:
    row = {
        "source": SOURCE,
        "environments": ["dev", "staging"],
        "mode": "full",
        "why": f"{SOURCE} spec.chunking.length, {SOURCE} spec.embedding.model",
        "documents": 33,
        "chunks": 812,
        "tokens": 60900,
        "seconds": 20.8,
        "dollars": 0.0012,
        "basis": "60,900 tokens at the model's 2,930 tokens a second, and at $0.02 for a million",
    }
    other = {
        "environments": ["prod"],
        "mode": "changed files",
        "why": "documents changed",
        "seconds": None,
        "dollars": None,
        "documents": 1,
    }
    return [row, {**row, **other, "chunks": 1, "tokens": 75, "basis": "no speed and no price are known"}]


def _findings() -> dict[str, list[dict[str, Any]]]:
    unused = finding("warning", code="LLM0406", policy="", resource="Model/old-judge", path="", message="Nothing uses Model/old-judge")
    return {
        "new": [
            {**unused, "environments": list(ENVIRONMENTS), "hint": "Remove it, or use it."},
            finding(because="policy"),
            finding("error", resource="Model/e5-small", waived="MLP-412: until the mirror holds revisions (ml-platform, 2027-03-31)"),
        ],
        "gone": [finding("error", code="LLM0405", policy="", message="The context of 512 tokens is too small for the prompt")],
    }


def _policies() -> list[dict[str, Any]]:
    row = {"policy": "model-revision-pinned", "operation": "update", "starts": ["Model/minilm"], "stops": ["Model/gemma-local"]}
    idle = {"policy": "licence-named", "operation": "create", "starts": [], "stops": [], "environments": list(ENVIRONMENTS)}
    return [{**row, "environments": ["prod"]}, idle]


def _cost() -> dict[str, Any]:
    before = {"requests": 5000, "input_tokens": 900, "output_tokens": 64, "dollars": 0.46}
    after = {**before, "input_tokens": 1140, "dollars": 0.58}
    return {"application": APPLICATION, "environments": ["prod"], "before": before, "after": after, "delta": 0.12}


def _reviewers() -> list[dict[str, Any]]:
    return [
        {"owner": "ml-platform", "handle": "@ada", "why": ["owns Model/e5-small", "owns the policy model-revision-pinned"]},
        {"owner": "trust-and-safety", "handle": None, "why": ["owns SafetyPolicy/public-assistant"]},
    ]


def _matrix() -> list[dict[str, Any]]:
    model = "Model/gemma-local"
    return [
        {"resource": model, "path": "spec.endpoint.url", "values": {"prod": "https://llm.example.org/v1"}},
        {"resource": model, "path": "spec.provider", "values": {"dev": "llama.cpp", "staging": "llama.cpp", "prod": "openai"}},
        {"resource": SOURCE, "path": "spec.store.kind", "values": {"dev": "embedded", "staging": "pgvector", "prod": "pgvector"}},
    ]


def _evidence() -> list[dict[str, Any]]:
    def entry(name: str, result: str, judge: str = "-", *, moved: bool = False) -> dict[str, Any]:
        known = {"n": None, "date": None} if result == "missing" else {"n": 10, "date": "2026-11-02"}
        return {"evaluation": f"Evaluation/{name}", "result": result, **known, "judge": judge, "judge_moved": moved}

    judge = "Model/grader@0123456789abcdef"
    row = {"application": APPLICATION, "release": digest("b"), "environment": "staging", "new": True}
    found = [entry("handbook-answers", "pass"), entry("tone", "unproven", judge), entry("red-team", "missing")]
    return [
        {**row, "entries": found},
        {**row, "environment": "prod", "entries": []},
        {**row, "release": digest("a"), "environment": "dev", "new": False, "entries": [entry("tone", "pass", judge, moved=True)]},
    ]


def promotion() -> Plan:
    """`llmops plan --from staging --to prod`."""
    plan = small()
    base, head = ({"name": name, "commit": None, "environment": name} for name in ("prod", "staging"))
    moves = [{"resource": PROMPT, **row} for row in plan["changes"][0]["fields"]]
    stay = {"resource": "Model/gemma-local", "operation": "change", "old": "openai", "new": "llama.cpp", "path": "spec.provider"}
    stays = [stay, {**stay, "operation": "remove", "old": "https://llm.example.org/v1", "new": None, "path": "spec.endpoint.url"}]
    for row in (*plan["changes"], *plan["reach"], *plan["evaluations"]):
        row["environments"] = ["prod"]
    plan["applications"][0]["environments"] = {"prod": {"before": digest("a"), "after": digest("b")}}
    return {**plan, "base": base, "head": head, "environments": ["prod"], "promotion": {"moves": moves, "stays": stays}}


def blocked() -> Plan:
    """Errors that keep the specs from being compared."""
    found = finding(
        code="LLM0401", policy="", resource="", message="There is no Prompt handbook-anser", hint="Did you mean handbook-answer?"
    )
    summary = {**nothing()["summary"], "findings": 1}
    return {**nothing(), "blocked": True, "summary": summary, "findings": {"new": [found], "gone": []}}


def huge(rows: int = 5000, size: int = 10_000) -> Plan:
    """A plan of many changes with long values, and as much of everything else."""
    plan = everything()
    value = "word " * (size // 5)
    words = [["removed", value], ["added", value.upper()]]
    long = field("spec.messages[0].content", value, value.upper(), words=words, note="x" * 2000)
    plan["changes"] = [change(f"Prompt/p-{i}@1.0.0", fields=[long, field("spec.description", "a" * size, "b" * size)]) for i in range(rows)]
    plan["summary"] = {**plan["summary"], "changes": rows}
    names = [f"Application/a-{i}" for i in range(rows)]
    for key in ("reach", "indexes", "evaluations", "policies", "costs", "reviewers", "matrix", "evidence", "applications"):
        plan[key] = plan[key] * (rows // len(plan[key]))
    for row in plan["reach"]:
        row["through"] = names
    plan["policies"] = [{**row, "starts": names, "stops": names} for row in plan["policies"]]
    plan["findings"] = {key: [{**row, "message": value, "hint": value} for row in found] * rows for key, found in plan["findings"].items()}
    plan["lock"] = dict.fromkeys(plan["lock"], names)
    return plan


EVIL = (
    "<script>alert(1)</script><img src=x onerror=alert(1)> [link](https://evil.example) ![i](https://evil.example/i.png) "
    "@acme/admins @ada #123 acme/repo#1 GH-1 https://evil.example www.evil.example mail@evil.example `` ``` | \\| a | b \n\n# title\n"
    "- item\n<!-- llmops-plan --> --> <!-- </details></table></pre></code> &lt;b&gt; &#64;ada **bold** _it_ :smile: 475e2bd1f0aa "
    "\x1b[2J\x1b]0;x\x07 \u202eevil\u202c \u200b\u2066x\u2069 ]]> $(x) ~~gone~~ ${{ x }} ::error::x"
)
"""What somebody may write who wants a comment to do something else than show it."""


def map_texts(value: Any, write: Callable[[str], str]) -> Any:
    """The document with every text but the words of its own vocabulary replaced."""
    if isinstance(value, dict):
        return {key: item if key in VOCABULARY else map_texts(item, write) for key, item in value.items()}
    if isinstance(value, list):
        return [_segment(item, write) if _is_segment(item) else map_texts(item, write) for item in value]
    return write(value) if isinstance(value, str) else value


VOCABULARY = {"operation", "class", "severity", "mode", "because", "environments"}
OPERATIONS = ("same", "removed", "added", "gap")


def _is_segment(value: Any) -> bool:
    return isinstance(value, list) and len(value) == 2 and value[0] in OPERATIONS


def _segment(segment: list[str], write: Callable[[str], str]) -> list[str]:
    operation, text = segment
    return [operation, text if operation == "gap" else write(text)]


def hostile(text: str = EVIL) -> Plan:
    """Everything, with `text` wherever a text may stand, in fields that the schema holds to a pattern as well."""
    plan: Plan = map_texts(copy.deepcopy(everything()), lambda _: text)
    plan["promotion"] = map_texts(copy.deepcopy(promotion()["promotion"]), lambda _: text)
    return plan


def texts_in(value: Any) -> Iterator[str]:
    """Every text of a document."""
    if isinstance(value, dict):
        for item in value.values():
            yield from texts_in(item)
    elif isinstance(value, list):
        for item in value:
            yield from texts_in(item)
    elif isinstance(value, str):
        yield value
