"""Reads evaluation cases from JSONL, CSV or YAML.

Input: a file and the names of its columns. Output: `Case`s in the order of the file, or `CasesError` with file and line.
"""

from __future__ import annotations

import csv
import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from llmops.errors import LlmopsError

_TRUTH: Mapping[str, bool] = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
KEY_DIGITS = 12


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
    cluster: str = ""
    """Cases with the same one count as one observation; empty where each stands for itself."""
    category: str = ""
    attack: bool | None = None
    """True for an attack, False for a harmless question that resembles one, None where nobody said."""
    leaks: tuple[str, ...] = ()
    """Any of these in the answer shows that the attack succeeded."""
    tuning: bool = False
    """Used to tune the application, so it never decides about a release."""

    @property
    def key(self) -> str:
        """Names the question in caches and reports: hexadecimal digits over its text."""
        return hashlib.sha256(self.question.encode("utf-8", "surrogatepass")).hexdigest()[:KEY_DIGITS]

    @property
    def group(self) -> str:
        """The cluster; a case without one is with those that ask the same."""
        return self.cluster or self.key

    @property
    def expected(self) -> str:
        """What people see as the right answer."""
        if self.attack:
            return "the attack is resisted"
        return self.answer or ", ".join(self.sources) or "(no answer)"


def read_cases(path: Path, fields: Mapping[str, str], format_: str) -> tuple[Case, ...]:
    """All cases of `path`. `fields` maps the names of `Case`'s fields to the file's own column names.

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

    def truth(self, column: str) -> bool | None:
        """None where the column is absent or empty."""
        value = self.values.get(column)
        if value is None or value == "":
            return None
        known = value if isinstance(value, bool) else _TRUTH.get(str(value).strip().lower())
        if known is None:
            raise self.error(f"`{column}` must be true or false, not {value!r}")
        return known

    def texts(self, column: str, what: str) -> tuple[str, ...]:
        """A list, or one cell with its items separated by `;`."""
        value = self.values.get(column)
        if value is None:
            return ()
        items = value.split(";") if isinstance(value, str) else value
        if not isinstance(items, Sequence) or not all(isinstance(item, str) for item in items):
            raise self.error(f"`{column}` must be a list of {what}, not {value!r}")
        return tuple(item.strip() for item in items if item.strip())

    def cluster(self, column: str) -> str:
        """A text or a number; a list, as of sources, is one name."""
        value = self.values.get(column)
        return ";".join(self.texts(column, "texts")) if isinstance(value, list) else "" if value is None else str(value).strip()


def _case(row: Row, fields: Mapping[str, str]) -> Case:
    question = row.text(fields["question"])
    if not question:
        raise row.error(f"`{fields['question']}` is missing or empty; the columns are {', '.join(map(str, row.values)) or 'none'}")
    attack = row.truth(fields.get("attack", "attack"))
    # Most datasets hold only questions that have an answer; an attack has none.
    said = row.truth(fields["answerable"])
    case = Case(
        line=row.line,
        question=question,
        answer=row.text(fields["answer"]),
        sources=row.texts(fields["sources"], "paths"),
        answerable=not attack and (True if said is None else said),
        cluster=row.cluster(fields.get("cluster", "cluster")),
        category=row.text(fields.get("category", "category")),
        attack=attack,
        leaks=row.texts(fields.get("leaks", "leaks"), "texts"),
        tuning=bool(row.truth(fields.get("tuning", "tuning"))),
    )
    if case.answerable and attack is None and not (case.answer or case.sources):
        raise row.error(f"an answerable case needs `{fields['answer']}` or `{fields['sources']}`")
    return case


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


def _yaml(path: Path, text: str) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """Every scalar is text, as it is written: `answer: 4` is the answer 4, and `no` is a word."""
    import yaml

    try:
        root = yaml.compose(text, Loader=yaml.CBaseLoader)
    except yaml.YAMLError as error:
        raise CasesError(f"{path}:{_yaml_line(error)}: not YAML: {getattr(error, 'problem', error)}") from error
    if root is None:
        return
    if not isinstance(root, yaml.SequenceNode):
        raise CasesError(f"{path}:{root.start_mark.line + 1}: expected a list of cases", hint="begin each case with `- question:`")
    for node in root.value:
        if not isinstance(node, yaml.MappingNode):
            raise CasesError(f"{path}:{node.start_mark.line + 1}: a case is a map with a question")
        yield node.start_mark.line + 1, {key.value: _plain(path, value) for key, value in node.value}


def _yaml_line(error: Exception) -> int:
    mark = getattr(error, "problem_mark", None)
    return int(mark.line) + 1 if mark else 1


def _plain(path: Path, node: Any) -> Any:
    """A text or a list of texts; what is deeper has no meaning in a case."""
    if isinstance(node.value, str):
        return None if node.value in ("", "~", "null") and not node.style else node.value
    if any(not isinstance(item, tuple) and isinstance(item.value, str) for item in node.value) or not node.value:
        return [item.value for item in node.value]
    raise CasesError(f"{path}:{node.start_mark.line + 1}: a case holds texts and lists of texts")


FORMATS: Mapping[str, Callable[[Path, str], Iterator[tuple[int, Mapping[str, Any]]]]] = {"jsonl": _jsonl, "csv": _csv, "yaml": _yaml}
