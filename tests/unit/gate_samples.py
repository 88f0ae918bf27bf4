"""Scores for tests of the gate: forty cases, better or worse by so much, and what the gate makes of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from llmops.evaluate.cases import Case
from llmops.evaluate.gate import Measured, judge_runs
from llmops.evaluate.questions import Chosen
from llmops.evaluate.scoring import CaseScore, MetricScores

Row = dict[str, Any]
Values = Sequence[float | None]
JUDGE = {"model": "Model/judge", "digest": "9ab1c0ffee", "kappa": 0.52, "low": 0.31, "high": 0.71, "n": 80}
AMOUNTS = ("latency_ms", "input_tokens", "output_tokens", "cost_usd")
WAVE = [round(0.5 + (i % 5 - 2) / 10, 2) for i in range(40)]
"""Forty scores between 0.3 and 0.7, with the mean 0.5."""


def cases(count: int) -> list[Case]:
    return [Case(n, f"question {n}", "x") for n in range(1, count + 1)]


def scores(name: str, values: Values, *, note: str = "", unreadable: float = 0.0, **declared: Any) -> MetricScores:
    """As scored from one answer a case."""
    margin = 0.1 if name in AMOUNTS else 0.05
    rows = tuple(CaseScore(case, value, (value,)) for case, value in zip(cases(len(values)), values, strict=True))
    return MetricScores({"name": name, "margin": margin, "blocking": False, **declared}, rows, note, {"unreadable": unreadable})


def measured(
    head: Sequence[MetricScores], base: Sequence[MetricScores] | None = None, application: str = "helper", **known: Any
) -> Measured:
    asked = tuple({case.case.line: case.case for each in head for case in each.cases}.values())
    about = {"application": application, "evaluation": "answers", "release": "sha256:1", "judge": known.pop("judge", JUDGE)}
    return Measured(about, {"metrics": [each.declared for each in head]}, Chosen((), asked, 0), head, base, **known)


def run_of(head: MetricScores, base: MetricScores | None = None, **known: Any) -> Row:
    (row,) = judge_runs([measured([head], None if base is None else [base], **known)])
    return row


def metric_of(head: MetricScores, base: MetricScores | None = None, **known: Any) -> Row:
    (metric,) = run_of(head, base, **known)["metrics"]
    return dict(metric)


def moved(by: float, values: Values = WAVE, jitter: float = 0.02) -> list[float]:
    """The same cases, better or worse by about so much."""
    return [round(value + by + (-jitter if i % 2 else jitter), 6) for i, value in enumerate(values) if value is not None]


def repeated(*rows: Sequence[float | None], **declared: Any) -> MetricScores:
    found = []
    for case, repeats in zip(cases(len(rows)), rows, strict=True):
        known = [value for value in repeats if value is not None]
        found.append(CaseScore(case, sum(known) / len(known) if known else None, tuple(repeats)))
    return MetricScores({"name": "answer_excludes", "margin": 0.05, "blocking": False, **declared}, tuple(found))
