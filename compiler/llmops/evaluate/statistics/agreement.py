"""Agreement of two raters beyond chance, such as a judge and a person."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from llmops.monitor.signals import wilson


@dataclass(frozen=True, slots=True)
class Kappa:
    """Cohen's kappa over `n` items, -1 to 1, and its 95 % interval."""

    value: float
    low: float
    high: float
    n: int


def kappa(one: Sequence[int], other: Sequence[int]) -> Kappa:
    """Cohen's kappa (1960) of two raters' categories, item by item; ValueError without items.

    Its interval is Wilson's for the share of agreement, with the agreement by chance held at what was seen: unlike the asymptotic one
    (Fleiss, Cohen and Everitt 1969) it has a width where all agree. Where both name one and the same category throughout, chance
    alone agrees as often: nothing is known, and the value is 0, from -1 to 1.
    """
    if not one or len(one) != len(other):
        raise ValueError(f"{len(one)} ratings beside {len(other)}")
    n = len(one)
    first, second = Counter(one), Counter(other)
    chance = sum(first[category] * second[category] for category in first)
    if chance == n * n:
        return Kappa(0.0, -1.0, 1.0, n)
    seen = sum(a == b for a, b in zip(one, other, strict=True)) / n
    value, low, high = ((share - chance / n**2) / (1 - chance / n**2) for share in (seen, *wilson(seen, n)))
    return Kappa(value, max(-1.0, min(low, value)), min(1.0, max(high, value)), n)
