"""Findings as SARIF 2.1.0, for code scanning. Columns are characters from 1; files are named from the repository's root.

A waived finding is suppressed, not left out. A fingerprint holds no line, so that a finding is known again when it moves.
"""

from __future__ import annotations

import re
from hashlib import sha256
from typing import Any
from urllib.parse import quote

import orjson

from llmops.diagnostics import Diagnostic, Location
from llmops.report.excerpt import plain
from llmops.report.findings import Findings, is_fixable, name_of
from llmops.report.repairs import repairs
from llmops.report.rules import rule_entries
from llmops.version import VERSION

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
ROOT = "%SRCROOT%"
"""The name by which SARIF's readers know the root of the repository."""
_INDEX = re.compile(r"\[\d+\]")


def report(findings: Findings) -> str:
    log = {"$schema": SCHEMA, "version": "2.1.0", "runs": [_run(findings)]}
    return orjson.dumps(log, option=orjson.OPT_INDENT_2).decode() + "\n"


def _run(findings: Findings) -> dict[str, Any]:
    rules = rule_entries(findings.shown, findings)
    names = [rule["id"] for rule in rules]
    driver = {"name": "llmops", "version": VERSION, "semanticVersion": VERSION, "rules": rules}
    return {
        "tool": {"driver": driver},
        "automationDetails": {"id": f"llmops/{findings.environment}/"},
        "columnKind": "unicodeCodePoints",
        "originalUriBaseIds": {ROOT: {"description": {"text": "The root of the repository."}}},
        "results": [_result(d, number, names, findings) for d, number in _numbered(findings.shown)],
    }


def _numbered(shown: tuple[Diagnostic, ...]) -> list[tuple[Diagnostic, int]]:
    """Findings that tell nothing apart get numbers, in their order in the file."""
    seen: dict[str, int] = {}
    numbered = []
    for diagnostic in shown:
        likeness = _likeness(diagnostic)
        seen[likeness] = seen.get(likeness, 0) + 1
        numbered.append((diagnostic, seen[likeness]))
    return numbered


def _likeness(diagnostic: Diagnostic) -> str:
    """Rule, file, field and message: what stays when lines are added above, or items before."""
    return "\0".join([name_of(diagnostic), diagnostic.location.file, _INDEX.sub("[]", diagnostic.path), plain(diagnostic.message)])


def _result(diagnostic: Diagnostic, number: int, names: list[str], findings: Findings) -> dict[str, Any]:
    name = name_of(diagnostic)
    first, *related = diagnostic.locations
    fingerprint = sha256(f"{_likeness(diagnostic)}\0{number}".encode()).hexdigest()
    result: dict[str, Any] = {
        "ruleId": name,
        "ruleIndex": names.index(name),
        "level": diagnostic.severity,
        "message": {"text": _message(diagnostic)},
        "locations": [{"physicalLocation": _physical(first, findings)}],
        "partialFingerprints": {"llmops/v1": fingerprint},
    }
    if related:
        result["relatedLocations"] = [_related(place, index, findings) for index, place in enumerate(related, 1)]
    if diagnostic.waived:
        result["suppressions"] = [{"kind": "external", "status": "accepted", "justification": plain(diagnostic.waived)}]
    replacements = repairs(diagnostic, findings.text_of) if is_fixable(diagnostic) else {}
    if replacements:
        result["fixes"] = [_fix(replacements, findings)]
    return result


def _fix(replacements: dict[str, dict[str, Any]], findings: Findings) -> dict[str, Any]:
    changes = [{"artifactLocation": _artifact(file, findings), "replacements": [change]} for file, change in replacements.items()]
    return {"description": {"text": "What `llmops check --fix` writes."}, "artifactChanges": changes}


def _message(diagnostic: Diagnostic) -> str:
    """SARIF reads brackets as links; these are none."""
    sentences = [plain(diagnostic.message), *([plain(diagnostic.hint)] if diagnostic.hint else [])]
    return re.sub(r"([\[\]])", r"\\\1", ". ".join(sentences))


def _related(place: Location, index: int, findings: Findings) -> dict[str, Any]:
    return {"id": index, "message": {"text": plain(place.label) or "related"}, "physicalLocation": _physical(place, findings)}


def _physical(place: Location, findings: Findings) -> dict[str, Any]:
    region = {"startLine": place.line, "startColumn": place.column, "endColumn": place.column + place.width}
    return {"artifactLocation": _artifact(place.file, findings), "region": region}


def _artifact(file: str, findings: Findings) -> dict[str, str]:
    return {"uri": quote(findings.in_repository(file)), "uriBaseId": ROOT}
