"""Cross-check: datasets whose rows are what their spec says."""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import orjson
import yaml

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
    for count, problem in enumerate(FORMATS[dataset.spec["format"]](dataset, content)):
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


def _row(dataset: Resource, number: int, row: Any, form: str = "a JSON object") -> Iterator[FileProblem]:
    if not isinstance(row, dict):
        yield _problem(dataset, number, f"not {form}")
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


def _yaml(dataset: Resource, content: bytes) -> Iterator[FileProblem]:
    """As the runtime reads it: scalars are texts as they are written."""
    try:
        root = yaml.compose(content.decode("utf-8-sig"), Loader=yaml.CBaseLoader)
    except UnicodeDecodeError:
        yield _problem(dataset, 1, "not UTF-8 text")
        return
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        yield _problem(dataset, mark.line + 1 if mark else 1, f"not YAML ({getattr(error, 'problem', None) or error})")
        return
    if not isinstance(root, yaml.SequenceNode) or not root.value:
        yield _problem(dataset, 1, "no rows" if root is None or not root.value else "not a list of cases")
        return
    for node in root.value:
        pairs = node.value if isinstance(node, yaml.MappingNode) else None
        row = None if pairs is None else {key.value: value.value for key, value in pairs if isinstance(key.value, str)}
        yield from _row(dataset, node.start_mark.line + 1, row, "a map")


def _question(spec: Mapping[str, Any]) -> str:
    return str(spec["fields"]["question"])


def _problem(dataset: Resource, line: int, what: str) -> FileProblem:
    return FileProblem(
        "LLM0804", f"{dataset.files[0].path}:{line}: {what}", "Each row is one case; spec.fields says which column holds what."
    )


FORMATS: Mapping[str, Callable[[Resource, bytes], Iterator[FileProblem]]] = {"jsonl": _jsonl, "csv": _csv, "yaml": _yaml}
