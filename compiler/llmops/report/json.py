"""Diagnostics as JSON, for programs."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import orjson

from llmops.diagnostics import Diagnostic, Location
from llmops.report.excerpt import plain


def json_report(diagnostics: Iterable[Diagnostic]) -> str:
    """A list of `{code, severity, message, file, line, column, hint, path, related}`."""
    return orjson.dumps([_entry(d) for d in diagnostics], option=orjson.OPT_INDENT_2).decode() + "\n"


def _entry(diagnostic: Diagnostic) -> dict[str, Any]:
    place = diagnostic.location
    return {
        "code": diagnostic.code,
        "severity": diagnostic.severity,
        "message": plain(diagnostic.message),
        "file": place.file,
        "line": place.line,
        "column": place.column,
        "hint": plain(diagnostic.hint),
        "path": plain(diagnostic.path),
        "related": [_related(other) for other in diagnostic.locations[1:]],
    }


def _related(place: Location) -> dict[str, Any]:
    return {"file": place.file, "line": place.line, "column": place.column, "label": place.label}
