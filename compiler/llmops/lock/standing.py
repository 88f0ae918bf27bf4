"""What a lock says for the releases of a graph today, as policies read it (`check.evidence` describes the records).

Input: a `Lock` and a graph with its hashes. Output: records by application.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

from llmops.check.evidence import WITHOUT_JUDGE
from llmops.fingerprint import judge_identity
from llmops.lock.entries import Evidence, Lock
from llmops.lock.record import calibration_of, latest
from llmops.resources import Graph, Resource

Records = Mapping[str, list[dict[str, Any]]]

NEVER = 1_000_000
"""Days: evidence of a day to come is a slip or a trick, and must pass for fresh nowhere."""
_AHEAD = 1
"""Days that a date may lie ahead: it is written in UTC, and where the check runs that day may still be to come."""


def standing(lock: Lock, graph: Graph, today: date) -> Records:
    """For each application's id, one record an evaluation that it names and that has evidence for its release."""
    return {app.id: list(_records(lock, graph, app, today)) for app in graph.of_kind("Application")}


def _records(lock: Lock, graph: Graph, application: Resource, today: date) -> Iterator[dict[str, Any]]:
    for evaluation in graph.targets_of(application, "spec", "evaluations"):
        found = latest(lock.evidence, graph.releases[application.id], evaluation.id)
        if found:
            yield _record(lock, graph, evaluation, found, today)


def _record(lock: Lock, graph: Graph, evaluation: Resource, found: Evidence, today: date) -> dict[str, Any]:
    return {
        "evaluation": evaluation.name,
        "environment": found.environment,
        "result": found["result"],
        "n": int(found["n"]),
        "age_days": _age(date.fromisoformat(found["date"]), today),
        **_judged(lock, graph, evaluation, found["judge"]),
    }


def _age(day: date, today: date) -> int:
    days = (today - day).days
    return max(0, days) if days >= -_AHEAD else NEVER


def _judged(lock: Lock, graph: Graph, evaluation: Resource, judge: str) -> dict[str, Any]:
    """`judge` is the one that decided, as the lock writes it."""
    model = graph.target_of(evaluation, "spec", "judge")
    present = f"{model.id}@{judge_identity(graph, evaluation)}" if model else "-"
    if judge == "-":
        return {**WITHOUT_JUDGE, "judge_current": present == "-"}
    calibration = calibration_of(lock.calibrations, judge, evaluation.id)
    return {
        "judge": judge.partition("@")[0].partition("/")[2],
        "judge_current": judge == present,
        "calibrated": calibration is not None,
        "kappa": calibration.kappa if calibration else -1.0,
        "kappa_low": calibration.low if calibration else -1.0,
    }
