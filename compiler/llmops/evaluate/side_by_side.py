"""The answers of a run as people read them: base and head of each case beside each other, with their scores.

Input: the sides and their scores. Output: rows of the evaluation's document.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from llmops.evaluate.cases import Case
from llmops.evaluate.observation import Reply
from llmops.evaluate.questions import Question, Spec
from llmops.evaluate.scoring import Material, MetricScores, Sides

Row = dict[str, Any]
Marks = Mapping[tuple[int, int], Mapping[str, float]]
"""(Line of a case, repeat) → metric → score."""


def answer_rows(spec: Spec, sides: Sides, head: Sequence[MetricScores], base: Sequence[MetricScores] | None) -> Iterator[Row]:
    """One row a case and repeat, in the order of the dataset. Cases that a run which stopped early did not come to have none."""
    own, other = _marks(head), _marks(base or ())
    asked = [case for case in sides.chosen.asked if sides.answered(case)]
    lines = {case.line for case in asked}
    for case in sorted({*sides.chosen.retrieved, *asked}, key=lambda case: case.line):
        for repeat in range(spec.get("repeats", 1) if case.line in lines else 1):
            row = {"case": case.key, "line": case.line, "cluster": case.group, "repeat": repeat}
            shown = {"question": case.question, "expected": case.expected}
            yield {**row, **shown, "head": _side(sides.head, case, repeat, own), "base": _side(sides.base, case, repeat, other)}


def _marks(scores: Sequence[MetricScores]) -> Marks:
    found: dict[tuple[int, int], dict[str, float]] = {}
    for metric in scores:
        for case in metric.cases:
            for repeat, value in enumerate(case.repeats):
                if value is not None:
                    found.setdefault((case.case.line, repeat), {})[metric.name] = round(value, 6)
    return found


def _side(material: Material | None, case: Case, repeat: int, marks: Marks) -> Row | None:
    if material is None:
        return None
    scores = dict(marks.get((case.line, repeat), {}))
    result = material.results.get(Question("reply", case.question, repeat))
    if isinstance(result, Reply):
        sources = list(dict.fromkeys(passage.path for passage in result.passages))
        return {"text": result.text, "blocked": result.blocked, "sources": sources, "scores": scores}
    passages = material.results.get(Question("passages", case.question))
    if not isinstance(passages, tuple):
        return None
    return {"text": "", "blocked": False, "sources": list(dict.fromkeys(passage.path for passage in passages)), "scores": scores}
