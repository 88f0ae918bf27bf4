"""Findings for the tests of reports, and a text that they point into."""

from __future__ import annotations

from llmops.diagnostics import Diagnostic, Edit, Location
from llmops.report.findings import Findings

TEXT = "a: 1\nbcd: 22\n"
POLICY = Location("policies/pinned.yaml", 3, 17, 6, "the policy pinned is here")
REASON = "The vendor has no revisions. (until 2999-01-31, approved by risk)"
PINNED = {
    "metadata": {"name": "pinned", "title": "Models are pinned"},
    "spec": {
        "why": "A model that floats changes its answers.\n",
        "severity": "high",
        "remediation": {"text": "Name the revision."},
        "frameworks": {"owasp_llm": ["LLM03"], "eu_ai_act": None},
    },
}


def diagnostic(
    *places: Location, code: str = "LLM0205", severity: str = "error", message: str = "Wrong", hint: str = "Mend it."
) -> Diagnostic:
    return Diagnostic(code, severity, message, places, "a", hint)  # type: ignore[arg-type]


def violation(place: Location, severity: str = "error", waived: str = "", edits: tuple[Edit, ...] = ()) -> Diagnostic:
    """Of the policy `pinned`, which is the last place, as the stage `check` has it."""
    message, hint = "chatter is not pinned", "Name the revision."
    return Diagnostic("LLM0901", severity, message, (place, POLICY), "spec.revision", hint, "pinned", waived, edits)  # type: ignore[arg-type]


def one_of_each(file: str = "x.yaml") -> tuple[Diagnostic, ...]:
    """A note, what is waived, a warning and an error, in an order that no report keeps."""
    return (
        violation(Location(file, 1), "note"),
        violation(Location(file, 1), waived=REASON),
        diagnostic(Location(file, 2), severity="warning", code="LLM0406"),
        diagnostic(Location(file, 2, 6, 2)),
    )


def findings(*found: Diagnostic, text: str = TEXT, **known: object) -> Findings:
    return Findings(found, lambda _: text, "dev", **{"least": "note", "policies": lambda: {"pinned": PINNED}, **known})  # type: ignore[arg-type]
