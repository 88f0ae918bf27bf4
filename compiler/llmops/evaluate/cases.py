"""Reads evaluation cases from JSONL or CSV.

Input: a file and the names of its columns. Output: `Case`s in the order of the file, or `CasesError` with file and line.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from llmops.errors import LlmopsError

_TRUTH: Mapping[str, bool] = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


class CasesError(LlmopsError):
    """A row of a dataset cannot be read as a case. The message opens with `file:line`."""


@dataclass(frozen=True, slots=True)
class Case:
    """A question with its reference. `sources` are paths relative to the workspace; `line` is where it stands in the file.

    `answerable` is False where the right answer is to say that the documents don't have it; `answer` may then be empty.
    """

    line: int
    question: str
    answer: str = ""
    sources: tuple[str, ...] = ()
    answerable: bool = True


def read_cases(path: Path, fields: Mapping[str, str], format_: str) -> tuple[Case, ...]:
    """All cases of `path`. `fields` maps question, answer, sources and answerable to the file's own column names.

    Raises `CasesError` for an unreadable row, a missing or mistyped field, an answerable case without a reference, or an empty file.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise CasesError(f"{path}: cannot be read: {error}", hint="check the dataset's `spec.path`") from error
    cases = tuple(_case(Row(path, line, values), fields) for line, values in FORMATS[format_](path, text))
    if not cases:
        raise CasesError(f"{path}: no cases", hint="add one case a line")
    return cases


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the file as it was read."""

    path: Path
    line: int
    values: Mapping[str, Any]

    def error(self, message: str) -> CasesError:
        return CasesError(f"{self.path}:{self.line}: {message}")

    def text(self, column: str) -> str:
        value = self.values.get(column) or ""
        if not isinstance(value, str):
            raise self.error(f"`{column}` must be text, not {type(value).__name__}")
        return value.strip()


def _case(row: Row, fields: Mapping[str, str]) -> Case:
    question = row.text(fields["question"])
    if not question:
        raise row.error(f"`{fields['question']}` is missing or empty; the columns are {', '.join(map(str, row.values)) or 'none'}")
    answerable = _truth(row, fields["answerable"])
    case = Case(row.line, question, row.text(fields["answer"]), _sources(row, fields["sources"]), answerable)
    if answerable and not (case.answer or case.sources):
        raise row.error(f"an answerable case needs `{fields['answer']}` or `{fields['sources']}`")
    return case


def _truth(row: Row, column: str) -> bool:
    """True where the column is absent or empty: most datasets hold only questions that have an answer."""
    value = row.values.get(column)
    if value is None or value == "":
        return True
    known = value if isinstance(value, bool) else _TRUTH.get(str(value).strip().lower())
    if known is None:
        raise row.error(f"`{column}` must be true or false, not {value!r}")
    return known


def _sources(row: Row, column: str) -> tuple[str, ...]:
    """A list, or in CSV one cell with the paths separated by `;`."""
    value = row.values.get(column)
    if value is None:
        return ()
    items = value.split(";") if isinstance(value, str) else value
    if not isinstance(items, Sequence) or not all(isinstance(item, str) for item in items):
        raise row.error(f"`{column}` must be a list of paths, not {value!r}")
    return tuple(item.strip() for item in items if item.strip())


def _jsonl(path: Path, text: str) -> Iterator[tuple[int, Mapping[str, Any]]]:
    # Not str.splitlines: it also splits at U+2028, which JSON texts may hold.
    for line, raw in enumerate(text.split("\n"), start=1):
        if raw.strip():
            yield line, _object(path, line, raw)


def _object(path: Path, line: int, raw: str) -> Mapping[str, Any]:
    try:
        values = json.loads(raw)
    except json.JSONDecodeError as error:
        raise CasesError(f"{path}:{line}:{error.colno}: not JSON: {error.msg}", hint="one JSON object a line") from error
    if not isinstance(values, dict):
        raise CasesError(f"{path}:{line}: expected a JSON object, found {type(values).__name__}")
    return values


def _csv(path: Path, text: str) -> Iterator[tuple[int, Mapping[str, Any]]]:
    reader = csv.DictReader(text.splitlines(keepends=True), strict=True)
    try:
        for values in reader:
            if None in values:
                raise CasesError(f"{path}:{reader.line_num}: more cells than columns ({', '.join(reader.fieldnames or ())})")
            yield reader.line_num, values
    except csv.Error as error:
        # A dict reader counts a line only after it was read; the one beneath knows where it stopped.
        raise CasesError(f"{path}:{reader.reader.line_num}: not CSV: {error}") from error


FORMATS: Mapping[str, Callable[[Path, str], Iterator[tuple[int, Mapping[str, Any]]]]] = {"jsonl": _jsonl, "csv": _csv}
