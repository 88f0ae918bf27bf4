"""Which evaluations to run, both sides of each, and the document that every report is drawn from.

Input: an `Order`. Output: the evaluation's document, and what may be recorded of it.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from llmops.cli.base_workspace import BaseWorkspace, base_workspace
from llmops.cli.measuring import Manner, Progress, Task, bench, task_of
from llmops.errors import LlmopsError, UsageError
from llmops.evaluate.gate import Measured, judge_runs, overall
from llmops.load.tree import Disk
from llmops.lock.entries import Lock
from llmops.lock.record import calibration_of
from llmops.lock.source import read_lock
from llmops.lock.text import parse_lock
from llmops.runtime.bundle import Bundle, BundledResource
from llmops.runtime.measuring.session import Subject
from llmops.validate.explain import nearest

EVAL_VERSION = 1
AGREEMENT = ("kappa", "low", "high", "n")
Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Order:
    """What to evaluate. Empty `applications` and `evaluations` are all; `base` is a git ref."""

    root: Path
    bundle: Bundle
    lock: Lock
    manner: Manner
    base: str | None = None
    applications: tuple[str, ...] = ()
    evaluations: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Piece:
    """What a run shows for a release: the row of the document, and the day of its oldest answer."""

    run: Row
    day: date


@dataclass(frozen=True, slots=True)
class _Run:
    """One application with the evaluations that it must pass. `before` is its release in the base, None where the base lacks it."""

    application: str
    evaluations: tuple[BundledResource, ...]
    before: str | None


def evaluate(order: Order, tell: Progress) -> tuple[Row, list[Piece]]:
    """Runs everything that must run. Raises `UsageError` for a name or a ref that does not exist, `RuntimeUnavailable` where a part
    does not answer; what was answered until then is kept.
    """
    runs, skipped = _runs(order)
    base = None
    if order.base and any(run.before for run in runs):
        tell(f"writing out {order.base}")
        base = base_workspace(order.root, order.base, order.bundle.environment)
    measured = [found for run in runs for found in _measure(order, run, base, tell)]
    judged = judge_runs([each for each, _ in measured])
    document = {
        "eval_version": EVAL_VERSION,
        "workspace": order.bundle.workspace,
        "environment": order.bundle.environment,
        "base": {"name": order.base, "commit": _commit(order, base)} if order.base else None,
        "verdict": overall(run["verdict"] for run in judged),
        "runs": judged,
        "skipped": skipped,
    }
    days = [day for _, day in measured]
    return document, [Piece(run, day) for run, day in zip(judged, days, strict=True) if run["evidence"] and day]


def _commit(order: Order, base: BaseWorkspace | None) -> str:
    from llmops.load.git_tree import commit_of

    return base.commit if base else commit_of(order.root, str(order.base))


def _runs(order: Order) -> tuple[list[_Run], list[Row]]:
    """What runs, and what need not. Beside a base those are the evaluations that the plan names: the release of the others is the same."""
    bundle = order.bundle
    for name in order.applications:
        bundle.application(name)
    _check_evaluations(order)
    releases = _releases(order) if order.base else None
    runs, skipped = [], []
    for name, entry in bundle.applications.items():
        if order.applications and name not in order.applications:
            continue
        wanted = [bundle.resource(id_) for id_ in entry.evaluations]
        wanted = [each for each in wanted if not order.evaluations or each.name in order.evaluations]
        if releases is not None and releases.get(name, ("", ""))[0] == entry.release:
            skipped += [{"application": name, "evaluation": each.name, "why": "its release is unchanged"} for each in wanted]
        elif wanted:
            runs.append(_Run(name, tuple(wanted), releases[name][0] if releases and name in releases else None))
    return runs, skipped


def _check_evaluations(order: Order) -> None:
    """A name that selects nothing is a mistake: a gate that measured nothing must not look like one that passed."""
    bundle = order.bundle
    known = [each.name for each in bundle.of_kind("Evaluation")]
    chosen = [bundle.application(name) for name in order.applications or bundle.applications]
    wanted = {bundle.resource(id_).name for entry in chosen for id_ in entry.evaluations}
    for name in order.evaluations:
        if name not in known:
            raise UsageError(f"The workspace has no evaluation {name!r}", nearest(name, known))
        if name not in wanted:
            whose = ", ".join(order.applications) or "any application"
            raise UsageError(f"{name} is no evaluation of {whose}", "Name it in spec.evaluations of the application.")


def _releases(order: Order) -> dict[str, tuple[str | None, str | None]]:
    """Release of each application in the base and here, as the plan sees them; an application that nothing reaches is not in the plan."""
    from llmops.plan import plan_against

    environment = order.bundle.environment
    plan = plan_against(order.root, str(order.base), [environment])
    if plan["blocked"]:
        raise LlmopsError("The plan of this change is hidden by errors, so nobody knows what must be measured", "llmops check")
    rows = {row["application"].partition("/")[2]: row["environments"][environment] for row in plan["applications"]}
    unchanged = {name: (entry.release, entry.release) for name, entry in order.bundle.applications.items()}
    return {**unchanged, **{name: (both["before"], both["after"]) for name, both in rows.items()}}


def _measure(order: Order, run: _Run, base: BaseWorkspace | None, tell: Progress) -> Iterator[tuple[Measured, date | None]]:
    head = Subject(order.bundle, order.root, run.application)
    other = Subject(base.bundle, base.root, run.application) if base and run.before else None
    if other and other.release != run.before:
        message = f"The files of {order.base} make another release of {run.application} than its commit"
        raise LlmopsError(message, "Files that git keeps elsewhere (LFS) or rewrites cannot be measured as a base.")
    tasks = [task_of(head, evaluation) for evaluation in run.evaluations]
    began = time.monotonic()

    def about(task: Task, counts: Mapping[str, int]) -> Row:
        nonlocal began
        seconds, began = time.monotonic() - began, time.monotonic()
        return {
            "application": run.application,
            "evaluation": task.evaluation.name,
            "source": order.bundle.manifest["resources"][task.evaluation.id]["source"],
            "dataset": head.bundle.referenced(task.evaluation, "Dataset")[0].files[0].path,
            "release": head.release,
            "base_release": other.release if other else None,
            **counts,
            "seconds": round(seconds, 3),
            "judge": judge_row(task.evaluation, order.lock),
        }

    with bench(order.root, head, other, order.manner, tell) as sides:
        yield from sides.measure(tasks, about)


def judge_row(evaluation: BundledResource, lock: Lock) -> Row | None:
    """The judge and its agreement with people, as the lock has it; without a calibration of just this judge there is none."""
    judge = evaluation.judge
    if judge is None:
        return None
    found = calibration_of(lock.calibrations, f"{judge.model}@{judge.digest}", evaluation.id)
    agreement = (
        {"kappa": found.kappa, "low": found.low, "high": found.high, "n": found.n}
        if found
        else dict.fromkeys(("kappa", "low", "high", "n"))
    )
    return {"model": judge.model, "digest": judge.digest, **agreement}


def lock_in(root: Path) -> Lock:
    """The workspace's lock. A broken one is refused with `LlmopsError`: what it says of judges and evidence decides."""
    source, unread = read_lock(Disk(root))
    if source is None:
        return Lock()
    lock, wrong = parse_lock(source)
    for found in (*unread, *wrong):
        raise LlmopsError(f"{found.location.file}:{found.location.line}: {found.message}", found.hint)
    return lock
