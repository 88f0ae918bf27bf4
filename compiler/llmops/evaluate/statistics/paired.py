"""Base against head on the same cases.

Input: two scores a case and the cluster of each case. Output: the difference with its interval, p, and what could have been seen.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from llmops.evaluate.statistics.interval import Bounds, Estimate, Moments, moments
from llmops.evaluate.statistics.student import LEVEL, POWER, quantile, two_sided

FEW = 4
"""Changed clusters that are too few for their spread alone to be believed."""
ROUNDING = 1e-12
"""Part of a mean below which its error is that of adding floats: 0.9 - 0.6 is not quite 0.8 - 0.5."""
FINEST = 1000
"""Parts of the present error below which no difference is worth settling."""


@dataclass(frozen=True, slots=True)
class Paired:
    """A difference, head - base, larger is better; and the numbers of cases by which side is better."""

    difference: Estimate
    p: float
    """Two-sided, of no difference."""
    better: int
    worse: int
    same: int
    minimum_effect: float
    """The smallest true difference that 80 % of such comparisons would show; inf where the error is."""
    deviation: float
    """Standard deviation of a case's difference, clusters reckoned in: the seen part of the error is this / √n."""


def compare(base: Sequence[float], head: Sequence[float], clusters: Sequence[str], *, bounds: Bounds = (-1.0, 1.0)) -> Paired:
    """Compares two scores a case; `bounds` are those of a difference, None for amounts. ValueError without cases.

    The interval is t's, with the cluster-robust error that a bootstrap of clusters tends to, drawn out where the differences are skewed.
    Where no more than four clusters have changed, two more are imagined, one at each bound (of amounts: at the largest change seen):
    that nothing changed in twenty cases does not prove that nothing would in the next ones (after Agresti and Min 2005).
    """
    if len(base) != len(head):
        raise ValueError(f"{len(base)} scores against {len(head)}")
    differences = [new - old for old, new in zip(base, head, strict=True)]
    seen = moments(differences, clusters)
    error = _error(seen, bounds)
    t = quantile(LEVEL, seen.degrees)
    low, high = _interval(seen, error, t)
    if bounds is not None:
        low, high = max(low, bounds[0]), min(high, bounds[1])
    better, worse = sum(d > 0 for d in differences), sum(d < 0 for d in differences)
    p = two_sided(seen.mean / error, seen.degrees) if 0 < error < math.inf else _by_signs(seen)
    return Paired(
        Estimate(seen.mean, low, high, error, seen.n, len(seen.sums)),
        p,
        better,
        worse,
        seen.n - better - worse,
        minimum_effect=(t + quantile(POWER, seen.degrees)) * error,
        deviation=math.sqrt(seen.variance * seen.n),
    )


def _error(seen: Moments, bounds: Bounds) -> float:
    """Endless where all clusters moved by the same amount, and are too few for their signs to prove anything."""
    error = math.sqrt(seen.variance + _imagined(seen, bounds))
    if error > ROUNDING * abs(seen.mean) or not seen.mean:
        return error
    return 0.0 if _by_signs(seen) <= 2 * (1 - LEVEL) else math.inf


def _by_signs(seen: Moments) -> float:
    """Where all clusters moved by the same amount, t knows no spread: the chance that so many signs all fall one way (sign test)."""
    return min(1.0, 2.0 ** (1 - len(seen.sums))) if seen.mean else 1.0


def _imagined(seen: Moments, bounds: Bounds) -> float:
    """What two imagined clusters of usual size add to the variance."""
    if _changed(seen.sums) > FEW + 1e-9:
        return 0.0
    usual = seen.n / seen.effective
    reach = usual * max(map(abs, bounds)) if bounds else max(map(abs, seen.sums))
    return 2 * (reach / seen.n) ** 2


def _changed(sums: Sequence[float]) -> float:
    """How many equally large changes would weigh as much: four falls to nothing are four, whatever small noise stands beside them."""
    largest = max(map(abs, sums))
    squares = [(total / largest) ** 2 for total in sums] if largest else [0.0]
    return math.fsum(squares) ** 2 / math.fsum(square**2 for square in squares) if largest else 0.0


def _interval(seen: Moments, error: float, t: float) -> tuple[float, float]:
    """mean ± t · error, and further out on the side away from 0 where the tail is on that side.

    There the mean is shifted by what skewness does to t (Hall 1992), and the error grows with the shift as a rare event's does
    (Wilson 1927). Towards 0 it stays t's: few changes that all point one way look skewed by chance, and skewness must not prove anything.
    """
    half = t * error
    if not error or math.isinf(half):
        return seen.mean - half, seen.mean + half
    lean = (1 / 6 + t * t / 3) * abs(seen.third) / error**2
    outer = lean + math.sqrt(half**2 + lean**2)
    if seen.third < 0 and seen.mean < 0:
        return seen.mean - outer, seen.mean + half
    if seen.third > 0 and seen.mean > 0:
        return seen.mean - half, seen.mean + outer
    return seen.mean - half, seen.mean + half


def needed(paired: Paired, margin: float) -> int:
    """Cases, clustered alike, with which 80 % of comparisons would be settled; always more than there are.

    Settled: shown to be no worse if nothing is lost, or the loss seen that was observed, if that is the larger one. Without a margin
    and without a loss, a difference as large as the present error. Five times the cases where all are of one cluster.
    """
    difference = paired.difference
    if math.isinf(difference.error):
        return (FEW + 1) * difference.n
    if not difference.error:
        return difference.n + 1
    target = max(margin, -difference.value) or difference.error
    target = max(target, difference.error / FINEST)
    # Degrees of freedom come with the cases, so the first answer only says how many there will be.
    first = _cases(paired, target, math.inf)
    degrees = max(first, difference.n) / difference.n * difference.clusters - 1
    return max(difference.n + 1, math.ceil(_cases(paired, target, degrees)))


def _cases(paired: Paired, target: float, degrees: float) -> float:
    """Where (t + t of the power) · error(n) is `target`: the seen part of the squared error shrinks with n, the imagined one with n²."""
    n, error = paired.difference.n, paired.difference.error
    factor = ((quantile(LEVEL, degrees) + quantile(POWER, degrees)) / target) ** 2
    spread = factor * paired.deviation**2 / 2
    imagined = factor * max(0.0, error**2 - paired.deviation**2 / n) * n**2
    return spread + math.sqrt(spread**2 + imagined)
