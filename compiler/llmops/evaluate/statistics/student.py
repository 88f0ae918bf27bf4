"""Student's t: quantiles and two-sided p. SciPy is loaded when the first one is asked for."""

from __future__ import annotations

import math
from functools import lru_cache

LEVEL = 0.975
"""Of the upper end of a 95 % interval."""
POWER = 0.80


@lru_cache(maxsize=1024)
def quantile(level: float, degrees: float) -> float:
    """The value that t stays below with the probability `level`; endless without a degree of freedom."""
    if degrees <= 0:
        return math.inf
    from scipy.special import stdtrit  # type: ignore[import-untyped]

    return float(stdtrit(degrees, level))


def two_sided(t: float, degrees: float) -> float:
    """The probability of a value as far from 0 as `t`; 1 without a degree of freedom."""
    if degrees <= 0:
        return 1.0
    from scipy.special import stdtr

    return float(2 * stdtr(degrees, -abs(t)))
