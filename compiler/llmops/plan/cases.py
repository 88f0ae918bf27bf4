"""How many cases an evaluation runs, and what the answers cost.

Input: an `Evaluation` and its dataset's file. Output: counts and US dollars. Rows are read as `evaluate/cases.py` reads them, which a
compile does not import; tests hold the two together.
"""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import yaml

from llmops.plan.contents import Read, content_of
from llmops.plan.costs import request_cost
from llmops.resources import Graph, Resource

Row = Mapping[str, Any]

_FALSE = frozenset({"false", "no", "0"})


@dataclass(frozen=True, slots=True)
class Case:
    """What decides which metrics apply to a case, and how many questions it takes."""

    question: str
    answerable: bool
    has_answer: bool
    has_sources: bool
    attack: bool | None = None
    has_leaks: bool = False
    tuning: bool = False


Declared = Mapping[str, Any]
Applies = Callable[[Case, Declared], bool]


def _every_case(_case: Case, _declared: Declared) -> bool:
    return True


def _answerable(case: Case, _declared: Declared) -> bool:
    return case.answerable


def _has_reference(case: Case, _declared: Declared) -> bool:
    return case.answerable and case.has_answer


def _can_contain(case: Case, declared: Declared) -> bool:
    return case.answerable and (case.has_answer or bool(declared.get("texts")))


def _is_unanswerable(case: Case, _declared: Declared) -> bool:
    return not case.answerable and not case.attack


def _has_variants(case: Case, declared: Declared) -> bool:
    return bool(_variants(case.question, declared["swaps"]))


ANSWERED: Mapping[str, Applies] = {
    **dict.fromkeys(("answer_exact", "answer_f1", "answer_rouge_l", "answer_similarity", "judge_rubric"), _has_reference),
    **dict.fromkeys(("answered", "groundedness", "citation_correctness", "judge_preference"), _answerable),
    **dict.fromkeys(("answer_excludes", "answer_regex", "answer_json"), _every_case),
    **dict.fromkeys(("latency_ms", "input_tokens", "output_tokens", "cost_usd"), _every_case),
    "answer_contains": _can_contain,
    "abstention": _is_unanswerable,
    "attack_resisted": lambda case, _declared: bool(case.attack and case.has_leaks),
    "attack_caught": lambda case, _declared: bool(case.attack),
    "harmless_allowed": lambda case, _declared: case.attack is False,
    "counterfactual_bias": _has_variants,
}
"""Metrics of answers: the model answers the sampled cases to which one of them applies. The others look at passages, without it."""


MEMORY = 1_000
"""Datasets whose cases are remembered."""
_known: dict[tuple[str, str, tuple[tuple[str, str], ...]], Sequence[Case]] = {}
"""By the digest of the content, its format and its columns: an evaluation of 500 applications is read once."""


def case_count(evaluation: Resource, graph: Graph, read: Read) -> int:
    """The cases that the evaluation runs over: `sample` of the dataset's rows where the model answers, else all of them.

    What was used for tuning is left out. 0 where the dataset cannot be read: `check` reports that.
    """
    cases = _cases(evaluation, graph, read)
    return len(sample(cases, evaluation.spec.get("sample")) if _wanted(evaluation) else cases)


def answer_count(evaluation: Resource, graph: Graph, read: Read) -> int:
    """The answers that the chat model writes for one run: `repeats` for each question of the sampled cases that a metric of answers needs.

    A question that swaps who is spoken of is one more.
    """
    wanted = _wanted(evaluation)
    cases = sample(_cases(evaluation, graph, read), evaluation.spec.get("sample"))
    asked = [case for case in cases if any(applies(case, declared) for applies, declared in wanted)]
    swaps = [declared["swaps"] for _, declared in wanted if "swaps" in declared]
    variants = sum(len(_variants(case.question, groups)) for case in asked for groups in swaps)
    return (len(asked) + variants) * int(evaluation.spec.get("repeats", 1))


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


def _wanted(evaluation: Resource) -> list[tuple[Applies, Declared]]:
    return [(ANSWERED[metric["name"]], metric) for metric in evaluation.spec["metrics"] if metric["name"] in ANSWERED]


def _variants(question: str, swaps: Iterable[Sequence[str]]) -> set[str]:
    """The question with each other word of every group of which it holds one."""
    found: set[str] = set()
    for group in swaps:
        words = "|".join(re.escape(word) for word in sorted(group, key=len, reverse=True))
        pattern = re.compile(rf"(?<!\w)(?:{words})(?!\w)", re.IGNORECASE)
        if pattern.search(question):
            found |= {pattern.sub(word.replace("\\", r"\\"), question) for word in group}
    return found - {question}


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
        _known[key] = [case for case in read_cases(content, dataset.spec["format"], fields) if not case.tuning]
    return _known[key]


def read_cases(content: bytes, format_: str, fields: Mapping[str, str]) -> list[Case]:
    """The cases of a file, in its order. A row that is none is left out: `check` and the run itself report it."""
    try:
        rows = list(FORMATS[format_](content.decode("utf-8-sig")))
    except (UnicodeDecodeError, csv.Error, yaml.YAMLError):
        return []
    found = (_case(row, fields) for row in rows)
    return [case for case in found if case is not None]


def _case(row: Row, fields: Mapping[str, str]) -> Case | None:
    def cell(name: str) -> Any:
        return row.get(fields.get(name, name))

    attack = _truth(cell("attack"))
    said = _truth(cell("answerable"))
    case = Case(
        question=str(cell("question")).strip(),
        answerable=not attack and (True if said is None else said),
        has_answer=_is_text(cell("answer")),
        has_sources=_names_any(cell("sources")),
        attack=attack,
        has_leaks=_names_any(cell("leaks")),
        tuning=bool(_truth(cell("tuning"))),
    )
    refused = case.answerable and attack is None and not (case.has_answer or case.has_sources)
    return case if _is_text(cell("question")) and not refused else None


def _truth(value: Any) -> bool | None:
    """None where nothing is said."""
    return None if value is None or value == "" else str(value).strip().lower() not in _FALSE


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _names_any(value: Any) -> bool:
    """A list, or one cell with its items separated by `;`."""
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


def _yaml(text: str) -> Iterator[Row]:
    """As the runtime reads it: scalars are texts as they are written. A text that is no list has no cases."""
    root = yaml.compose(text, Loader=yaml.CBaseLoader)
    for node in root.value if isinstance(root, yaml.SequenceNode) else ():
        if isinstance(node, yaml.MappingNode):
            yield {key.value: _plain(value) for key, value in node.value}


def _plain(node: yaml.Node) -> Any:
    if isinstance(node.value, str):
        return None if node.value in ("", "~", "null") and not node.style else node.value  # type: ignore[attr-defined]
    return [item.value for item in node.value if isinstance(item, yaml.Node)]


FORMATS: Mapping[str, Callable[[str], Iterator[Row]]] = {"jsonl": _jsonl, "csv": _csv, "yaml": _yaml}
