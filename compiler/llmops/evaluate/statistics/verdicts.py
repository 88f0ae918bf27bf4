"""From intervals to words: what a comparison shows, what a limit's interval shows, and p values of several metrics at once."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

from llmops.evaluate.statistics.interval import Estimate
from llmops.evaluate.statistics.paired import FEW, Paired
from llmops.evaluate.statistics.student import LEVEL, POWER, quantile

SIGNIFICANT = 0.05

Verdict = Literal["improved", "regressed", "no worse", "unproven"]


def holm(p: Sequence[float]) -> list[float]:
    """Adjusted p values in the given order: at 0.05, one false alarm among all of them in at most 5 % of gates (Holm 1979)."""
    adjusted = [0.0] * len(p)
    highest = 0.0
    for rank, index in enumerate(sorted(range(len(p)), key=p.__getitem__)):
        highest = max(highest, min(1.0, (len(p) - rank) * p[index]))
        adjusted[index] = highest
    return adjusted


def verdict(paired: Paired, p_adjusted: float, margin: float) -> Verdict:
    """What the comparison shows; a loss that is surely smaller than `margin` is `no worse`, even where it is significant."""
    difference, significant = paired.difference, p_adjusted <= SIGNIFICANT
    if significant and difference.value > 0:
        return "improved"
    if difference.low > -margin:
        return "no worse"
    return "regressed" if significant and difference.value < 0 else "unproven"


def limit_outcome(estimate: Estimate, limit: float, side: Literal["min", "max"]) -> Literal["held", "missed", "unproven"]:
    """Whether the whole interval is on the right side of `limit`, or beyond it."""
    low, high = (estimate.low - limit, estimate.high - limit) if side == "min" else (limit - estimate.high, limit - estimate.low)
    if low >= 0:
        return "held"
    return "missed" if high < 0 else "unproven"


def limit_needed(estimate: Estimate, limit: float) -> int | None:
    """Cases, clustered alike, with which 80 % of runs would settle on which side of `limit` a mean like this one is; more than there are.

    None where the mean is on the limit. Five times the cases where all are of one cluster, as for `needed`.
    """
    distance = abs(estimate.value - limit)
    if math.isclose(estimate.value, limit, abs_tol=1e-12):
        return None
    if math.isinf(estimate.error):
        return (FEW + 1) * estimate.n
    reach = estimate.value - estimate.low if limit < estimate.value else estimate.high - estimate.value
    error = math.sqrt(_variance_at(estimate, distance, reach))
    factor = (quantile(LEVEL, math.inf) * error + quantile(POWER, math.inf) * estimate.error) / distance
    return max(estimate.n + 1, math.ceil(estimate.n * factor**2))


def _variance_at(estimate: Estimate, distance: float, reach: float) -> float:
    """Of the mean, if the true one were the limit: that of shares near 1 is smaller than of those further off (Wilson 1927).

    Values that all agree have no error, but their interval has an end, `reach` from the mean: what it has beyond the error grows with
    the distance, less the square of it, as a share's variance does.
    """
    if not reach:
        return estimate.error**2
    beyond = (reach / quantile(LEVEL, math.inf)) ** 2 - estimate.error**2
    curve = (reach - distance) * reach / estimate.clusters
    return max(0.0, estimate.error**2 + distance / reach * (beyond + curve))
