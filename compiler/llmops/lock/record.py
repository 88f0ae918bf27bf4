"""Puts results into a lock: evidence for releases, calibrations of judges. Which of several counts is said here too.

Input: a `Lock` and new entries. Output: the lock to write.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from llmops.lock.entries import Calibration, Evidence, Lock, lock_of
from llmops.lock.lines import RESULTS

Result = Evidence | Calibration


def record(lock: Lock, results: Iterable[Result]) -> Lock:
    """The lock with these results; each takes the place of what was recorded for the same thing before."""
    new = {_subject(result): result for result in results}
    kept = [entry for entry in lock.entries if not isinstance(entry, Evidence | Calibration) or _subject(entry) not in new]
    return lock_of([*kept, *new.values()])


def latest(evidence: Sequence[Evidence], release: str, evaluation: str) -> Evidence | None:
    """The evidence that counts for a release: of whatever environment, as the same hash is the same behaviour. `evaluation` is an id.

    The newest; of one day the worst, since a merge may have left two.
    """
    mine = [entry for entry in evidence if entry.release == release and entry.evaluation == evaluation]
    return max(mine, key=lambda entry: (entry["date"], RESULTS.index(entry["result"])), default=None)


def calibration_of(calibrations: Sequence[Calibration], judge: str, evaluation: str) -> Calibration | None:
    """The calibration of just this judge (`Model/name@digest`) for this evaluation; the newest, of one day the worst."""
    mine = [entry for entry in calibrations if entry.judge == judge and entry.evaluation == evaluation]
    return max(mine, key=lambda entry: (entry.date, -entry.low), default=None)


def _subject(result: Result) -> tuple[str, ...]:
    """What a result is about: there is one of each."""
    if isinstance(result, Evidence):
        return "evidence", result.release, result.environment, result.evaluation
    return "calibration", result.judge.partition("@")[0], result.evaluation
