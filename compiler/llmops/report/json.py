"""Findings as JSON, for programs."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import orjson

from llmops.diagnostics import Diagnostic, Location
from llmops.report.excerpt import plain, visible
from llmops.report.findings import Findings, is_fixable


def report(findings: Findings) -> str:
    return json_report(findings.shown)


def json_report(diagnostics: Iterable[Diagnostic]) -> str:
    """A list of `{code, policy, severity, waived, fixable, message, file, line, column, hint, path, related}`."""
    return orjson.dumps([_entry(d) for d in diagnostics], option=orjson.OPT_INDENT_2).decode() + "\n"


def _entry(diagnostic: Diagnostic) -> dict[str, Any]:
    place = diagnostic.location
    return {
        "code": diagnostic.code,
        "policy": diagnostic.policy,
        "severity": diagnostic.severity,
        "waived": plain(diagnostic.waived),
        "fixable": is_fixable(diagnostic),
        "message": plain(diagnostic.message),
        "file": visible(place.file),
        "line": place.line,
        "column": place.column,
        "hint": plain(diagnostic.hint),
        "path": plain(diagnostic.path),
        "related": [_related(other) for other in diagnostic.locations[1:]],
    }


def _related(place: Location) -> dict[str, Any]:
    return {"file": visible(place.file), "line": place.line, "column": place.column, "label": plain(place.label)}
