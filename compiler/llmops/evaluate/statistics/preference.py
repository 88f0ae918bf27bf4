"""Strengths from pairwise preferences (Bradley and Terry 1952)."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from llmops.evaluate.statistics.interval import estimate

PRIOR = 0.5
"""Wins imagined each way between every two, so that one who never lost has a strength all the same."""
ENOUGH, MOST = 1e-10, 10_000
"""Change of a log-strength below which the iteration ends, and rounds after which it has failed."""


def bradley_terry(wins: Mapping[tuple[str, str], float]) -> dict[str, float]:
    """Log-strengths by name, with mean 0, from how often the first of a pair beat the second; a tie is half a win for both.

    Fitted by the MM algorithm (Hunter 2004). The difference of two strengths is the log-odds that one beats the other. ValueError
    without a pair.
    """
    names = sorted({name for pair in wins for name in pair})
    if not wins or any(one == other for one, other in wins):
        raise ValueError("strengths need pairs of two different names")
    games = {(a, b): wins.get((a, b), 0.0) + wins.get((b, a), 0.0) + 2 * PRIOR for a in names for b in names if a != b}
    won = {a: math.fsum(wins.get((a, b), 0.0) + PRIOR for b in names if a != b) for a in names}
    strength = dict.fromkeys(names, 0.0)
    for _ in range(MOST):
        better = _centred({a: _improve(a, strength, won, games) for a in names})
        if all(abs(better[a] - strength[a]) < ENOUGH for a in names):
            return better
        strength = better
    raise ArithmeticError("strengths did not settle")


def _improve(name: str, strength: Mapping[str, float], won: Mapping[str, float], games: Mapping[tuple[str, str], float]) -> float:
    own = math.exp(strength[name])
    expected = math.fsum(games[name, other] / (own + math.exp(strength[other])) for other in strength if other != name)
    return math.log(won[name] / expected) if expected else 0.0


def _centred(strength: Mapping[str, float]) -> dict[str, float]:
    mean = math.fsum(strength.values()) / len(strength)
    return {name: value - mean for name, value in strength.items()}


def preference(scores: Sequence[float], clusters: Sequence[str]) -> tuple[float, float, float]:
    """Log-odds of head over base, and their 95 % interval, from one score a case: 1 where head is preferred, 0 base, 0.5 neither.

    With `bradley_terry`'s imagined wins, so that the value is the difference of the two strengths.
    """
    share = estimate(scores, clusters)
    value, low, high = (_log_odds(part, share.n) for part in (share.value, share.low, share.high))
    return value, low, high


def _log_odds(share: float, n: int) -> float:
    return math.log((share * n + PRIOR) / ((1 - share) * n + PRIOR))
