"""The edits of a finding as SARIF's `fix`: the characters to delete and those to put there, file by file."""

from __future__ import annotations

from typing import Any

from llmops.diagnostics import Diagnostic
from llmops.edit import apply_edits
from llmops.load.yaml_core import lines_of
from llmops.report.excerpt import quote
from llmops.report.findings import Lines


def repairs(diagnostic: Diagnostic, text_of: Lines) -> dict[str, dict[str, Any]]:
    """File → SARIF's `replacement` that makes all edits of the file; none at all where one edit can only be made by hand."""
    made = apply_edits(diagnostic.edits, lambda file: text_of(file) or "")
    replacements = {change.file: _replacement(change.before, change.after) for change in made.files}
    is_whole = not made.refused and all(_is_public(r["insertedContent"]["text"]) for r in replacements.values())
    return replacements if is_whole else {}


def _replacement(before: str, after: str) -> dict[str, Any]:
    """One span, between what both texts begin with and what both end with."""
    shorter = min(len(before), len(after))
    start = next((i for i in range(shorter) if before[i] != after[i]), shorter)
    left = shorter - start
    tail = next((i for i in range(left) if before[-1 - i] != after[-1 - i]), left)
    line, column = _position(before, start)
    end_line, end_column = _position(before, len(before) - tail)
    region = {"startLine": line, "startColumn": column, "endLine": end_line, "endColumn": end_column}
    return {"deletedRegion": region, "insertedContent": {"text": after[start : len(after) - tail]}}


def _position(text: str, index: int) -> tuple[int, int]:
    """Line and column, from 1."""
    return text.count("\n", 0, index) + 1, index - text.rfind("\n", 0, index)


def _is_public(text: str) -> bool:
    """Whether a report may show it: a span over several edits holds what stands between them, too."""
    return all(quote(text, number, None) == line for number, line in enumerate(lines_of(text), 1))
