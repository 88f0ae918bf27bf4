"""Means of scores or amounts over cases, with 95 % intervals that hold for cases that come in clusters.

Input: one value a case, and the cluster that each case belongs to. Output: an `Estimate`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from llmops.evaluate.statistics.student import LEVEL, quantile
from llmops.monitor.signals import wilson

Bounds = tuple[float, float] | None


@dataclass(frozen=True, slots=True)
class Estimate:
    """A mean over `n` cases in `clusters`, and its 95 % interval. Amounts of one cluster have an endless one."""

    value: float
    low: float
    high: float
    error: float
    """Standard error of the mean; inf for one cluster."""
    n: int
    clusters: int


@dataclass(frozen=True, slots=True)
class Moments:
    """A mean with the variance and the third cumulant of that mean, both from the sums of whole clusters."""

    mean: float
    variance: float
    """Unbiased where clusters are alike (CR2 of Bell and McCaffrey 2002): the square of the standard error. inf for one cluster."""
    third: float
    n: int
    sums: tuple[float, ...]
    """Of each cluster's values."""
    effective: float
    """Clusters of equal size that would say as much (Kish 1965); their number where they are of equal size."""

    @property
    def degrees(self) -> float:
        return self.effective - 1 if len(self.sums) > 1 else 0.0


def moments(values: Sequence[float], clusters: Sequence[str]) -> Moments:
    """Of the mean of `values`; ValueError without values, or where one is not finite."""
    if not values or len(values) != len(clusters):
        raise ValueError(f"{len(values)} values of {len(clusters)} clusters' cases")
    if not all(map(math.isfinite, values)):
        raise ValueError("a value is not finite")
    gathered: dict[str, list[float]] = {}
    for value, cluster in zip(values, clusters, strict=True):
        gathered.setdefault(cluster, []).append(value)
    n = len(values)
    # Clipped, as a mean of equal values may otherwise be one bit beyond them.
    mean = min(max(math.fsum(values) / n, min(values)), max(values))
    sums = tuple(map(math.fsum, gathered.values()))
    sizes = tuple(map(len, gathered.values()))
    residuals = [total - mean * size for total, size in zip(sums, sizes, strict=True)]
    variance = math.inf
    if len(sums) > 1:
        variance = math.fsum(e * e / (1 - size / n) for e, size in zip(residuals, sizes, strict=True)) / n**2
    third = math.fsum(e**3 for e in residuals) / n**3
    return Moments(mean, variance, third, n, sums, n * n / sum(size * size for size in sizes))


def estimate(values: Sequence[float], clusters: Sequence[str], *, bounds: Bounds = (0.0, 1.0)) -> Estimate:
    """The mean and its 95 % interval, inside `bounds`; None for amounts, which have none.

    Shares of cases that stand alone have Wilson's interval (1927). Any other mean has an interval of the same form, in which the
    variance comes from the clusters and leans with the skewness seen: (mean - m)² = t² · variance(m). To it is added what one more
    cluster with values at the bounds would bring, since values that all agree do not prove that every other one would.
    """
    seen = moments(values, clusters)
    if bounds is None:
        half = quantile(LEVEL, seen.degrees) * math.sqrt(seen.variance)
        return _estimate(seen, seen.mean - half, seen.mean + half)
    least, most = bounds
    if not least <= min(values) <= max(values) <= most:
        raise ValueError(f"a value is outside {least} to {most}")
    if bounds == (0.0, 1.0) and len(seen.sums) == seen.n > 1 and set(values) <= {0.0, 1.0}:
        return _estimate(seen, *wilson(seen.mean, seen.n))
    low, high = _score_interval(seen, bounds)
    return _estimate(seen, max(least, low), min(most, high))


def _estimate(seen: Moments, low: float, high: float) -> Estimate:
    return Estimate(seen.mean, low, high, math.sqrt(seen.variance), seen.n, len(seen.sums))


def _score_interval(seen: Moments, bounds: tuple[float, float]) -> tuple[float, float]:
    least, most = bounds
    t2 = quantile(LEVEL, seen.degrees) ** 2
    if math.isinf(t2):
        return bounds
    imagined = (seen.mean - least) * (most - seen.mean) / seen.effective**2
    lean = (least + most - 2 * seen.mean) / seen.effective
    variance = seen.variance + imagined
    slope = (seen.third + imagined * lean) / variance if variance else lean
    # With x = m - mean: (1 + t² / effective) x² - t² slope x - t² variance = 0; Wilson's equation where the values are shares.
    weight, middle = 1 + t2 / seen.effective, t2 * slope / 2
    half = math.sqrt(middle**2 + weight * t2 * variance)
    return seen.mean + (middle - half) / weight, seen.mean + (middle + half) / weight
