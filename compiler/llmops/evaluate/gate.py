"""The gate: scores of a release, alone or beside its base → a verdict on each metric and each run, with what it rests on.

Answers have no single right form, so nothing fails by a point: only a limit that the whole interval misses, a loss that is
significant, or a rule about single cases that has no statistics at all. docs/evaluation.md explains the words.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from llmops.evaluate.judging import UNREADABLE
from llmops.evaluate.metrics import METRICS
from llmops.evaluate.questions import Chosen, Spec
from llmops.evaluate.scoring import CaseScore, MetricScores
from llmops.evaluate.statistics import Estimate, Paired, compare, estimate, holm, limit_needed, limit_outcome, needed, preference, verdict

Row = dict[str, Any]

GRAVITY = ("failed", "regressed", "unproven", "no worse", "improved", "passed", "unchanged")
"""Verdicts, the gravest first."""
FAILING = frozenset({"failed", "regressed"})
PREFERENCE = "judge_preference"
TIE = 0.5
SCORE_BOUNDS, DIFFERENCE_BOUNDS = (0.0, 1.0), (-1.0, 1.0)


@dataclass(frozen=True, slots=True)
class Measured:
    """One evaluation of one application. `about` is what the document repeats: names, releases, counts, the judge."""

    about: Mapping[str, Any]
    spec: Spec
    chosen: Chosen
    head: Sequence[MetricScores]
    base: Sequence[MetricScores] | None = None
    decisions: Mapping[str, str | None] | None = None
    """Where the run was stopped early: what each metric's sequential test said, None where it had not decided."""
    answers: Sequence[Row] = field(default=())


@dataclass(frozen=True, slots=True)
class _Compared:
    """A metric's scores and, beside a base, the paired comparison, oriented so that larger is better."""

    scores: MetricScores
    base: MetricScores | None
    paired: Paired | None
    margin: float


def judge_runs(measured: Sequence[Measured]) -> list[Row]:
    """A row for each run. The runs of one application are one family: its metrics' p-values are corrected together (Holm)."""
    compared = [[_compare(scores, base) for scores, base in _pairs(each)] for each in measured]
    adjusted = _adjusted([each.about["application"] for each in measured], compared)
    return [
        _run(each, [_metric(*pair, each) for pair in zip(metrics, p, strict=True)])
        for each, metrics, p in zip(measured, compared, adjusted, strict=True)
    ]


def overall(verdicts: Iterable[str]) -> str:
    """One verdict for several. An improvement beside what is no worse is an improvement."""
    found = set(verdicts)
    if not found:
        return "unchanged"
    if "improved" in found and found <= {"improved", "no worse", "passed", "unchanged"}:
        return "improved"
    return min(found, key=GRAVITY.index)


def _pairs(measured: Measured) -> list[tuple[MetricScores, MetricScores | None]]:
    bases: Sequence[MetricScores | None] = measured.base or [None] * len(measured.head)
    return list(zip(measured.head, bases, strict=True))


def _compare(head: MetricScores, base: MetricScores | None) -> _Compared:
    """Over the cases that both sides have a score for; a preference is itself a comparison, with a tie."""
    declared, unit = head.declared, METRICS[head.name].unit
    others = {case.case.line: case.value for case in base.cases} if base else {}
    if head.name == PREFERENCE:
        others = {case.case.line: TIE for case in head.cases}
    rows = [(case, other) for case in _known(head) if (other := others.get(case.case.line)) is not None]
    if not rows:
        return _Compared(head, base, None, declared["margin"])
    sign = -1.0 if unit else 1.0
    before = [sign * other for _, other in rows]
    after = [sign * (case.value or 0.0) for case, _ in rows]
    margin = declared["margin"] * abs(sum(before) / len(before)) if unit else declared["margin"]
    bounds = None if unit else DIFFERENCE_BOUNDS
    return _Compared(head, base, compare(before, after, [case.case.group for case, _ in rows], bounds=bounds), margin)


def _adjusted(applications: Sequence[str], compared: Sequence[Sequence[_Compared]]) -> list[list[float]]:
    """p-values in the form of `compared`, 1 where nothing was compared."""
    places = [(application, run, i) for run, application in enumerate(applications) for i in range(len(compared[run]))]
    out = [[1.0] * len(metrics) for metrics in compared]
    for family in dict.fromkeys(applications):
        members = [(run, i, compared[run][i].paired) for application, run, i in places if application == family]
        tested = [(run, i, paired.p) for run, i, paired in members if paired]
        for (run, i, _), p in zip(tested, holm([p for _, _, p in tested]), strict=True):
            out[run][i] = p
    return out


def _metric(compared: _Compared, p_adjusted: float, measured: Measured) -> Row:
    scores, declared, metric = compared.scores, compared.scores.declared, METRICS[compared.scores.name]
    head = _estimate(scores)
    limit = declared.get("max") if metric.unit else declared.get("threshold")
    side = "max" if metric.unit else "min"
    undecided = _is_undecided(scores, measured)
    outcome = _limit_outcome(head, limit, side, undecided=undecided or _was_watched(scores, measured))
    row = {
        "name": scores.name,
        "direction": "lower" if metric.unit else "higher",
        "unit": metric.unit,
        "n": head.n if head else 0,
        "clusters": head.clusters if head else 0,
        "margin": compared.margin,
        "head": _interval(head),
        "base": _interval(_estimate(compared.base)) if compared.base and scores.name != PREFERENCE else None,
        **_comparison(compared, p_adjusted, lower=bool(metric.unit)),
        "limit": limit,
        "limit_side": side,
        "limit_outcome": outcome,
        "case_threshold": declared.get("case_threshold"),
        "case_failures": [] if undecided else _case_failures(scores),
        "preference": _preference(scores) if scores.name == PREFERENCE else None,
        "blocking": declared["blocking"],
        "note": scores.note if head else scores.note or "it applies to no case",
    }
    word = _verdict(row, compared, p_adjusted, measured)
    return {**row, "needed": _needed(compared, head, row, word), "verdict": word}


def _verdict(row: Row, compared: _Compared, p_adjusted: float, measured: Measured) -> str:
    """What is deterministic comes first; then the comparison, or without one the limit."""
    if row["case_failures"]:
        return "failed"
    if measured.base is None:
        alone = {None: "passed", "held": "passed", "missed": "failed", "unproven": "unproven"}
        return "unproven" if row["head"] is None or _is_undecided(compared.scores, measured) else alone[row["limit_outcome"]]
    if row["blocking"] and row["limit_outcome"] == "missed":
        return "failed"
    if compared.paired is None or any(_is_undecided(side, measured) for side in (compared.scores, compared.base) if side):
        return "unproven"
    if measured.decisions is not None and _was_watched(compared.scores, measured):
        return measured.decisions.get(row["name"]) or "unproven"
    return verdict(compared.paired, p_adjusted, compared.margin)


def _was_watched(scores: MetricScores, measured: Measured) -> bool:
    """Whether the run stopped when these scores pleased: then their interval proves nothing, and only the sequential test does."""
    return measured.decisions is not None and METRICS[scores.name].needs == "reply"


def _is_undecided(scores: MetricScores, measured: Measured) -> bool:
    """Whether a judge decides nothing here: one that nobody has held against people, or that rambles on too many answers.

    What it says of the answers that it can read is worth nothing then either: which ones those are is no accident.
    """
    if not METRICS[scores.name].judged:
        return False
    judge = measured.about.get("judge")
    return not judge or judge["kappa"] is None or scores.details.get("unreadable", 0.0) > UNREADABLE


def _estimate(scores: MetricScores) -> Estimate | None:
    known = _known(scores)
    if not known:
        return None
    bounds = None if METRICS[scores.name].unit else SCORE_BOUNDS
    return estimate([case.value or 0.0 for case in known], [case.case.group for case in known], bounds=bounds)


def _known(scores: MetricScores) -> list[CaseScore]:
    return [case for case in scores.cases if case.value is not None]


def _limit_outcome(head: Estimate | None, limit: float | None, side: Any, *, undecided: bool) -> str | None:
    """What was measured on nothing has not held its limit."""
    if limit is None:
        return None
    return "unproven" if head is None or undecided else limit_outcome(head, limit, side)


def _comparison(compared: _Compared, p_adjusted: float, *, lower: bool) -> Row:
    """Differences are head less base in the metric's own unit, so an amount's sign is turned back."""
    paired = compared.paired
    if paired is None:
        return {"difference": None, "better": 0, "worse": 0, "same": 0, "minimum_effect": None}
    found = paired.difference
    value, low, high = (-found.value, -found.high, -found.low) if lower else (found.value, found.low, found.high)
    difference = {"value": value, "low": _finite(low), "high": _finite(high), "p": paired.p, "p_adjusted": p_adjusted}
    counts = {"better": paired.better, "worse": paired.worse, "same": paired.same}
    return {"difference": difference, **counts, "minimum_effect": _finite(paired.minimum_effect)}


def _needed(compared: _Compared, head: Estimate | None, row: Row, word: str) -> int | None:
    """Cases that would settle what is unproven: the comparison, or without a base the limit."""
    if word != "unproven":
        return None
    if compared.paired:
        return needed(compared.paired, compared.margin)
    return limit_needed(head, row["limit"]) if head and row["limit"] is not None else None


def _case_failures(scores: MetricScores) -> list[int]:
    """Lines of the cases of which any repeat broke the rule."""
    least = scores.declared.get("case_threshold")
    if least is None:
        return []
    return [case.case.line for case in scores.cases if any(value is not None and value < least for value in case.repeats)]


def _preference(scores: MetricScores) -> Row | None:
    known = [(case.value, case.case.group) for case in scores.cases if case.value is not None]
    if not known:
        return None
    values = [value for value, _ in known]
    strength, low, high = preference(values, [group for _, group in known])
    counts = {"wins": sum(v > TIE for v in values), "ties": values.count(TIE), "losses": sum(v < TIE for v in values)}
    return {**counts, "strength": strength, "low": low, "high": high}


def _interval(found: Estimate | None) -> Row | None:
    return {"value": found.value, "low": _finite(found.low), "high": _finite(found.high)} if found else None


def _finite(number: float) -> float | None:
    """JSON has no infinity: an end that nothing bounds is None."""
    return number if math.isfinite(number) else None


def _run(measured: Measured, metrics: list[Row]) -> Row:
    cases = {case.line: case for case in (*measured.chosen.retrieved, *measured.chosen.asked)}
    return {
        **measured.about,
        "cases": len(cases),
        "clusters": len({case.group for case in cases.values()}),
        "repeats": measured.spec.get("repeats", 1),
        "tuning": measured.chosen.tuning,
        "stopped_early": measured.decisions is not None,
        "verdict": overall(row["verdict"] for row in metrics),
        "reasons": [reason for row in metrics for reason in _reasons(row)],
        "evidence": _evidence(measured, metrics),
        "metrics": metrics,
        "answers": list(measured.answers),
    }


def _reasons(row: Row) -> list[str]:
    """Why a run is not simply fine, in short phrases."""
    found = []
    if row["case_failures"]:
        count = len(row["case_failures"])
        found.append(f"{count} {'case is' if count == 1 else 'cases are'} below {row['name']} {row['case_threshold']:g}")
    if row["limit_outcome"] == "missed":
        found.append(f"{row['name']} misses its limit {row['limit']:g}")
    if row["head"] is None:
        found.append(f"{row['name']} applies to no case")
    if row["verdict"] in ("regressed", "improved") and row["difference"]:
        found.append(f"{row['name']} {row['verdict']} by {abs(row['difference']['value']):.3g}")
    return found


def _evidence(measured: Measured, metrics: Sequence[Row]) -> str | None:
    """What may stand in the lock: only a whole run says anything, and only limits that hold for certain pass."""
    if measured.decisions is not None:
        return None
    outcomes = [row["limit_outcome"] for row in metrics]
    if "missed" in outcomes or any(row["case_failures"] for row in metrics):
        return "fail"
    decided = [row for row in metrics if row["limit_outcome"] or row["case_threshold"] is not None]
    unmeasured = any(row["head"] is None for row in decided) or any(_has_gaps(scores, measured) for scores in measured.head)
    return "pass" if decided and not unmeasured and "unproven" not in outcomes else "unproven"


def _has_gaps(scores: MetricScores, measured: Measured) -> bool:
    """Whether the rule about single cases could not be held against an answer, as where a judge gave no readable grade."""
    if scores.declared.get("case_threshold") is None:
        return False
    return _is_undecided(scores, measured) or any(None in case.repeats for case in scores.cases)
