"""Catch rate and false-alarm rate of each rule or category on each engine, with 95 % intervals (Wilson's).

A text that no rule could judge, as its detector failed or another rule ended the check, counts in neither.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from llmops.runtime.rails.trials.trial import Expectation, Result

Z = 1.959963984540054
"""Quantile of the normal distribution that leaves 5 % outside, on both sides together."""


@dataclass(frozen=True, slots=True)
class Share:
    """`count` of `of`. Without any the interval is everything: nothing is known."""

    count: int
    of: int

    @property
    def interval(self) -> tuple[float, float]:
        """Wilson's 95 % interval, from 0 to 1."""
        if not self.of:
            return 0.0, 1.0
        share, square = self.count / self.of, Z * Z / self.of
        middle = (share + square / 2) / (1 + square)
        half = Z / (1 + square) * math.sqrt(share * (1 - share) / self.of + square / (4 * self.of))
        low = 0.0 if self.count == 0 else middle - half
        return low, 1.0 if self.count == self.of else middle + half


@dataclass(frozen=True, slots=True)
class Rate:
    """How a subject fared on an engine. `caught` is of the texts to be hit, `alarms` of those to pass; `unjudged` are in neither."""

    policy: str
    subject: str
    engine: str
    caught: Share
    alarms: Share
    unjudged: int


def rates_of(results: Iterable[Result]) -> list[Rate]:
    """One rate for each policy, subject and engine, in the order in which they first appear."""
    groups: dict[tuple[str, str, str], list[Result]] = {}
    for result in results:
        groups.setdefault((result.trial.policy, result.trial.subject, result.trial.engine), []).append(result)
    return [_rate(*key, found) for key, found in groups.items()]


def _rate(policy: str, subject: str, engine: str, results: list[Result]) -> Rate:
    judged = [result for result in results if result.outcome in ("hit", "pass")]
    return Rate(policy, subject, engine, _hits("hit", judged), _hits("pass", judged), len(results) - len(judged))


def _hits(expected: Expectation, judged: list[Result]) -> Share:
    outcomes = [result.outcome for result in judged if result.trial.expect == expected]
    return Share(outcomes.count("hit"), len(outcomes))
