"""How many cases an evaluation runs, and what the answers cost.

Input: an `Evaluation` and its dataset's file. Output: counts and US dollars. Rows are read as `evaluate/cases.py` reads them, which a
compile does not import; tests hold the two together.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from llmops.plan.contents import Read, content_of
from llmops.plan.costs import request_cost
from llmops.resources import Graph, Resource

Row = Mapping[str, Any]

_FALSE = frozenset({"false", "no", "0"})


@dataclass(frozen=True, slots=True)
class Case:
    """What decides which metrics apply to a case."""

    answerable: bool
    has_answer: bool
    has_sources: bool


def _has_reference(case: Case) -> bool:
    return case.answerable and case.has_answer


def _is_unanswerable(case: Case) -> bool:
    return not case.answerable


Applies = Callable[[Case], bool]

ANSWERED: Mapping[str, Applies] = {"answer_f1": _has_reference, "answer_similarity": _has_reference, "abstention": _is_unanswerable}
"""Metrics of answers: the model answers the sampled cases to which one of them applies. The others look at passages, without it."""


MEMORY = 1_000
"""Datasets whose cases are remembered."""
_known: dict[tuple[str, str, tuple[tuple[str, str], ...]], Sequence[Case]] = {}
"""By the digest of the content, its format and its columns: an evaluation of 500 applications is read once."""


def case_count(evaluation: Resource, graph: Graph, read: Read) -> int:
    """The cases that the evaluation runs over: `sample` of the dataset's rows where the model answers, else all of them.

    0 where the dataset cannot be read: `check` reports that.
    """
    cases = _cases(evaluation, graph, read)
    return len(sample(cases, evaluation.spec.get("sample")) if _wanted(evaluation) else cases)


def answer_count(evaluation: Resource, graph: Graph, read: Read) -> int:
    """The answers that the chat model writes for one run: the sampled cases to which a metric of answers applies."""
    wanted = _wanted(evaluation)
    cases = sample(_cases(evaluation, graph, read), evaluation.spec.get("sample"))
    return sum(any(applies(case) for applies in wanted) for case in cases)


def evaluation_dollars(evaluation: Resource, application: Resource, graph: Graph, read: Read) -> float | None:
    """US dollars for one run against `application`, each answer at the longest request. None where its model has no price."""
    request = request_cost(graph, application)
    if request is None or request.dollars is None:
        return None
    return round(answer_count(evaluation, graph, read) * request.dollars, 6)


def sample(cases: Sequence[Case], count: int | None) -> Sequence[Case]:
    """`count` cases spread evenly over the dataset; all where `count` is None or larger."""
    if count is None or count >= len(cases):
        return cases
    return [cases[i * len(cases) // count] for i in range(count)]


def _wanted(evaluation: Resource) -> list[Applies]:
    return [ANSWERED[metric["name"]] for metric in evaluation.spec["metrics"] if metric["name"] in ANSWERED]


def _cases(evaluation: Resource, graph: Graph, read: Read) -> Sequence[Case]:
    dataset = graph.target_of(evaluation, "spec", "dataset")
    if dataset is None or not dataset.files:
        return ()
    file, fields = dataset.files[0], dataset.spec["fields"]
    key = file.sha256, str(dataset.spec["format"]), tuple(sorted(fields.items()))
    if key not in _known:
        content = content_of(file, read)
        if content is None:
            return ()
        if len(_known) >= MEMORY:
            _known.clear()
        _known[key] = read_cases(content, dataset.spec["format"], fields)
    return _known[key]


def read_cases(content: bytes, format_: str, fields: Mapping[str, str]) -> list[Case]:
    """The cases of a file, in its order. A row that is none is left out: `check` and the run itself report it."""
    try:
        rows = list(FORMATS[format_](content.decode("utf-8-sig")))
    except (UnicodeDecodeError, csv.Error):
        return []
    found = (_case(row, fields) for row in rows)
    return [case for case in found if case is not None]


def _case(row: Row, fields: Mapping[str, str]) -> Case | None:
    case = Case(_truth(row.get(fields["answerable"])), _is_text(row.get(fields["answer"])), _names_any(row.get(fields["sources"])))
    refused = case.answerable and not (case.has_answer or case.has_sources)
    return case if _is_text(row.get(fields["question"])) and not refused else None


def _truth(value: Any) -> bool:
    return value is None or str(value).strip().lower() not in _FALSE


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _names_any(value: Any) -> bool:
    """Sources are a list, or in CSV one cell with the paths separated by `;`."""
    items = value.split(";") if isinstance(value, str) else value
    return isinstance(items, list) and any(map(_is_text, items))


def _jsonl(text: str) -> Iterator[Row]:
    # Not str.splitlines: it also splits at U+2028, which JSON texts may hold.
    for line in filter(str.strip, text.split("\n")):
        try:
            values = json.loads(line)
        except json.JSONDecodeError:
            continue
        if isinstance(values, dict):
            yield values


def _csv(text: str) -> Iterator[Row]:
    yield from csv.DictReader(text.splitlines(keepends=True), strict=True)


FORMATS: Mapping[str, Callable[[str], Iterator[Row]]] = {"jsonl": _jsonl, "csv": _csv}
