"""Scores: from the answers of one release, or of two side by side, to a number for each metric and case.

Input: the spec of an `Evaluation`, its cases, what was answered. Output: for each metric, every case's score averaged over its repeats.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import fmean

from llmops.evaluate.cases import Case
from llmops.evaluate.metrics import METRICS
from llmops.evaluate.observation import Declared, Observation, Passage, Reply, Tools
from llmops.evaluate.questions import Chosen, Question, Spec, probes

Result = Reply | tuple[Passage, ...]


@dataclass(frozen=True, slots=True)
class Material:
    """What one release answered, by question."""

    results: Mapping[Question, Result]

    def reply(self, text: str, repeat: int) -> Reply:
        result = self.results[Question("reply", text, repeat)]
        assert isinstance(result, Reply)
        return result

    def found(self, text: str) -> tuple[str, ...]:
        result = self.results[Question("passages", text)]
        assert isinstance(result, tuple)
        return tuple(passage.path for passage in result)


@dataclass(frozen=True, slots=True)
class CaseScore:
    """One case's score: the mean over its repeats, None where nothing could be said of any. `repeats` are the single ones."""

    case: Case
    value: float | None
    repeats: tuple[float | None, ...]


@dataclass(frozen=True, slots=True)
class MetricScores:
    """A metric over the cases that it applies to."""

    declared: Declared
    cases: tuple[CaseScore, ...]
    note: str = ""
    details: Mapping[str, float] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return str(self.declared["name"])


@dataclass(frozen=True, slots=True)
class Sides:
    """What is scored, and what it is compared with by metrics of preference. `answered` leaves out cases that were not asked yet."""

    chosen: Chosen
    head: Material
    base: Material | None = None
    answered: Callable[[Case], bool] = lambda _case: True


def score(spec: Spec, sides: Sides, tools: Tools) -> list[MetricScores]:
    """Every metric of the spec over head, in the order of the spec."""
    return [_scores(declared, spec, sides, tools) for declared in spec["metrics"]]


def _scores(declared: Declared, spec: Spec, sides: Sides, tools: Tools) -> MetricScores:
    metric = METRICS[declared["name"]]
    pool = sides.chosen.asked if metric.needs == "reply" else sides.chosen.retrieved
    cases = [case for case in pool if metric.applies(case, declared) and sides.answered(case)]
    repeats = range(spec.get("repeats", 1) if metric.needs == "reply" else 1)
    observations = [_observation(metric.needs, spec, sides, case, repeat) for case in cases for repeat in repeats]
    if not observations:
        return MetricScores(declared, ())
    scored = metric.score(observations, declared, tools)
    rows = [scored.values[i * len(repeats) : (i + 1) * len(repeats)] for i in range(len(cases))]
    return MetricScores(declared, tuple(map(_case_score, cases, rows)), scored.note, scored.details)


def _case_score(case: Case, values: Sequence[float | None]) -> CaseScore:
    known = [value for value in values if value is not None]
    return CaseScore(case, fmean(known) if known else None, tuple(values))


def _observation(needs: str, spec: Spec, sides: Sides, case: Case, repeat: int) -> Observation:
    if needs == "passages":
        return Observation(case, found=sides.head.found(case.question))
    return Observation(
        case,
        reply=sides.head.reply(case.question, repeat),
        probes=tuple(sides.head.reply(text, repeat) for text in probes(spec, case)),
        rival=sides.base.reply(case.question, repeat) if sides.base else None,
    )
