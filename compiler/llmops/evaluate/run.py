"""Runs one evaluation against an assistant.

Input: the spec of an `Evaluation`, its cases, the assistant. Output: for each metric the mean, n and every case's score.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from llmops.evaluate.cases import Case
from llmops.evaluate.metrics import METRICS, Metric
from llmops.evaluate.observation import Answering, Embed, Observation


@dataclass(frozen=True, slots=True)
class CaseScore:
    """One case's score, 0 to 1. `got` is what was scored: the answer, or the paths that were found."""

    case: Case
    score: float
    got: str


@dataclass(frozen=True, slots=True)
class MetricResult:
    """A metric over the cases that it applies to."""

    metric: str
    threshold: float
    scores: tuple[CaseScore, ...]

    @property
    def n(self) -> int:
        return len(self.scores)

    @property
    def mean(self) -> float | None:
        """None where the metric applies to no case."""
        return sum(s.score for s in self.scores) / self.n if self.scores else None

    @property
    def passed(self) -> bool:
        """A metric that was measured on nothing has not passed."""
        return self.mean is not None and self.mean >= self.threshold

    def worst(self, count: int) -> tuple[CaseScore, ...]:
        """The lowest scores, worst first, equal ones in the order of the dataset."""
        return tuple(sorted(self.scores, key=lambda s: s.score)[:count])


@dataclass(frozen=True, slots=True)
class Subject:
    """What is evaluated, and the embedding that compares texts."""

    assistant: Answering
    embed: Embed
    progress: Callable[[str], None] = lambda _message: None


def run_evaluation(spec: Mapping[str, Any], cases: Sequence[Case], subject: Subject) -> dict[str, MetricResult]:
    """Results by metric, in the order of the spec.

    Retrieval metrics run on every case they apply to; the model answers only the sampled cases that a metric of answers needs.
    An assistant that fails raises: a case is never left out silently.
    """
    wanted = {m["name"]: METRICS[m["name"]] for m in spec["metrics"]}
    seen = {
        "passages": _retrieve(cases, wanted.values(), subject),
        "reply": _answer(sample(cases, spec.get("sample")), wanted.values(), subject),
    }
    return {m["name"]: _score(m, seen[wanted[m["name"]].needs], subject.embed) for m in spec["metrics"]}


def sample(cases: Sequence[Case], count: int | None) -> list[Case]:
    """`count` cases spread evenly over the dataset, always the same ones; all where `count` is None or larger."""
    if count is None or count >= len(cases):
        return list(cases)
    return [cases[i * len(cases) // count] for i in range(count)]


def _retrieve(cases: Iterable[Case], metrics: Iterable[Metric], subject: Subject) -> list[Observation]:
    needed = _needed(cases, [m for m in metrics if m.needs == "passages"])
    if needed:
        subject.progress(f"retrieving for {len(needed)} cases")
    return [Observation(case, found=tuple(p.path for p in subject.assistant.retrieve(case.question))) for case in needed]


def _answer(cases: Iterable[Case], metrics: Iterable[Metric], subject: Subject) -> list[Observation]:
    needed = _needed(cases, [m for m in metrics if m.needs == "reply"])
    observations = []
    for number, case in enumerate(needed, start=1):
        observations.append(Observation(case, reply=subject.assistant.ask(case.question)))
        subject.progress(f"answered case {number} of {len(needed)}")
    return observations


def _needed(cases: Iterable[Case], metrics: Sequence[Metric]) -> list[Case]:
    return [case for case in cases if any(m.applies(Observation(case)) for m in metrics)]


def _score(declared: Mapping[str, Any], observations: Sequence[Observation], embed: Embed) -> MetricResult:
    metric = METRICS[declared["name"]]
    applicable = [o for o in observations if metric.applies(o)]
    values = metric.score(applicable, embed) if applicable else []
    scores = tuple(CaseScore(o.case, value, _got(o)) for o, value in zip(applicable, values, strict=True))
    return MetricResult(declared["name"], declared["threshold"], scores)


def _got(observation: Observation) -> str:
    return observation.reply.text if observation.reply else ", ".join(dict.fromkeys(observation.found or ()))
