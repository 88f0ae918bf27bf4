"""Cross-check: datasets whose rows are what their spec says."""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Iterator, Mapping
from typing import Any

import orjson

from llmops.load.files import FileProblem, Files
from llmops.resources import Resource

MAX_REPORTED = 3


def row_problems(dataset: Resource, files: Files) -> Iterator[FileProblem]:
    """What is wrong with the first rows that are wrong. The rows of a training set are not read."""
    if not dataset.files or dataset.spec["purpose"] != "evaluation":
        return
    content = files.read(dataset.files[0].path)
    if isinstance(content, FileProblem):
        yield content
        return
    problems = _jsonl(dataset, content) if dataset.spec["format"] == "jsonl" else _csv(dataset, content)
    for count, problem in enumerate(problems):
        if count == MAX_REPORTED:
            return
        yield problem


def _jsonl(dataset: Resource, content: bytes) -> Iterator[FileProblem]:
    lines = [(number, line) for number, line in enumerate(content.removeprefix(codecs.BOM_UTF8).splitlines(), 1) if line.strip()]
    if not lines:
        yield _problem(dataset, 1, "no rows")
    for number, line in lines:
        try:
            row = orjson.loads(line)
        except orjson.JSONDecodeError as error:
            yield _problem(dataset, number, f"not JSON ({error.msg}, at character {error.colno})")
            continue
        yield from _row(dataset, number, row)


def _row(dataset: Resource, number: int, row: Any) -> Iterator[FileProblem]:
    if not isinstance(row, dict):
        yield _problem(dataset, number, "not a JSON object")
    elif not isinstance(row.get(_question(dataset.spec)), str) or not row[_question(dataset.spec)].strip():
        yield _problem(dataset, number, f"no text in {_question(dataset.spec)!r}")


def _csv(dataset: Resource, content: bytes) -> Iterator[FileProblem]:
    try:
        reader = csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline=""), strict=True)
        columns = reader.fieldnames or ()
        rows = [(reader.line_num, row) for row in reader]
    except UnicodeDecodeError:
        yield _problem(dataset, 1, "not UTF-8 text")
        return
    except csv.Error as error:
        yield _problem(dataset, reader.line_num, f"not CSV ({error})")
        return
    if _question(dataset.spec) not in columns:
        yield _problem(dataset, 1, f"no column {_question(dataset.spec)!r}")
    elif not rows:
        yield _problem(dataset, 1, "no rows")
    for number, row in rows if _question(dataset.spec) in columns else ():
        yield from _row(dataset, number, row)


def _question(spec: Mapping[str, Any]) -> str:
    return str(spec["fields"]["question"])


def _problem(dataset: Resource, line: int, what: str) -> FileProblem:
    return FileProblem(
        "LLM0804", f"{dataset.files[0].path}:{line}: {what}", "Each row is one case; spec.fields says which column holds what."
    )
