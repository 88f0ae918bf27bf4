"""The cases behind a run's numbers: which of them are worse, better or changed, and which to look at first.

Input: a run of the document. Output: `Case`s, whose texts are still other people's words.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from llmops.report.evaluations.figures import figures

Row = Mapping[str, Any]

PREFERENCE = "judge_preference"
_TIE = 0.5
"""What the base scores in a comparison with itself."""


@dataclass(frozen=True, slots=True)
class Score:
    """One metric of one answer. `shift` is the change, larger is better; None where a side was not measured."""

    name: str
    base: str
    head: str
    shift: float | None
    counts: bool
    """Whether it says that an answer is better or worse: an amount, which differs each time, does not."""


@dataclass(frozen=True, slots=True)
class Case:
    """One answer of head, of base, or of both, to one question. `failed` are the metrics whose rule about single cases it broke."""

    row: Row
    scores: Sequence[Score]
    failed: Sequence[str]

    @property
    def worse(self) -> bool:
        return any(score.counts and (score.shift or 0) < 0 for score in self.scores)

    @property
    def better(self) -> bool:
        return any(score.counts and (score.shift or 0) > 0 for score in self.scores)

    @property
    def changed(self) -> bool:
        """Whether the user gets to see something else."""
        head, base = self.row["head"], self.row["base"]
        return bool(head and base) and (head["text"], head["blocked"]) != (base["text"], base["blocked"])

    @property
    def flags(self) -> tuple[str, ...]:
        """What a reader may filter by."""
        known = {"changed": self.changed, "worse": self.worse, "better": self.better, "failed": bool(self.failed)}
        return tuple(name for name, holds in known.items() if holds)

    def shift(self, metric: str) -> float:
        """By how much it changed in one metric, 0 where nothing is known."""
        return next((score.shift or 0.0 for score in self.scores if score.name == metric), 0.0)


def cases(run: Row) -> list[Case]:
    """In the document's order."""
    return [_case(row, run["metrics"]) for row in run["answers"]]


def _case(row: Row, metrics: Sequence[Row]) -> Case:
    scores = [score for metric in metrics if (score := _score(row, metric))]
    return Case(row, scores, [metric["name"] for metric in metrics if _fails(row, metric)])


def _score(row: Row, metric: Row) -> Score | None:
    name, form = metric["name"], figures(metric)
    base, head = (_scored(row[side], name) for side in ("base", "head"))
    if name == PREFERENCE and row["base"] and head is not None:
        base = _TIE
    if base is None and head is None:
        return None
    sign = -1.0 if metric["direction"] == "lower" else 1.0
    shift = None if base is None or head is None else sign * (head - base)
    before, after = ("nothing" if value is None else form.value(value) for value in (base, head))
    return Score(name, before if row["base"] else "", after, shift, counts=not metric["unit"])


def _scored(side: Row | None, name: str) -> float | None:
    value = side["scores"].get(name) if side else None
    return None if value is None else float(value)


def _fails(row: Row, metric: Row) -> bool:
    """A case fails by its worst repeat; only that repeat's answer is the one to look at."""
    value = _scored(row["head"], metric["name"])
    least = metric["case_threshold"]
    return row["line"] in metric["case_failures"] and (value is None or least is None or value < least)


def worst_of(found: Sequence[Case], metric: str, most: int) -> list[Case]:
    """Cases that lost most in one metric, the worst first and each once; its other repeats are not shown."""
    losing = sorted((case for case in found if case.shift(metric) < 0), key=lambda case: case.shift(metric))
    return _once(losing)[:most]


def worst_first(found: Sequence[Case]) -> list[Case]:
    """What broke a rule, what is worse, what is better, what else changed, the rest; the largest loss first."""

    def rank(case: Case) -> tuple[int, float]:
        flags = case.flags
        order = next((number for number, flag in enumerate(("failed", "worse", "better", "changed")) if flag in flags), 4)
        return order, sum(score.shift or 0.0 for score in case.scores if score.counts)

    return sorted(found, key=rank)


def failing(found: Sequence[Case], metric: str, most: int) -> list[Case]:
    """Cases that broke the rule of one metric, each once."""
    return _once([case for case in found if metric in case.failed])[:most]


def _once(found: Sequence[Case]) -> list[Case]:
    """The first repeat of each case."""
    first: dict[str, Case] = {}
    for case in found:
        first.setdefault(case.row["case"], case)
    return list(first.values())
