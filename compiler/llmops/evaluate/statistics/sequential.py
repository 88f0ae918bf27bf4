"""An early stop that may be looked at after every cluster: two bets against two hypotheses.

Input: oriented differences of clusters, as they come. Output: a decision once one of the bets has won enough.
"""

from __future__ import annotations

import math
from typing import Literal

BETS = 20
"""Sizes of bets, spread evenly up to the largest one that cannot lose everything."""
FALSE_LOSS, FALSE_CALM = 0.025, 0.05
"""Highest probability, at any time, of `regressed` where nothing is lost, and of `no worse` where the margin is lost."""


class Sequential:
    """Whether a loss is proven, or that it is smaller than `margin` (0 to 1).

    Each hypothesis is bet against with a fixed mixture of stakes; where it holds, the money is a supermartingale, and by Ville's
    inequality exceeds 1/p with a probability of at most p, however often one looks (Shafer 2021; Waudby-Smith and Ramdas 2024). That holds
    for clusters in random order, each with a mean difference in [-1, 1]. The first decision stands. `family` is the number of tests
    that run side by side: each must win so much more (Bonferroni).
    """

    def __init__(self, margin: float, *, family: int = 1) -> None:
        if not 0 <= margin <= 1:
            raise ValueError(f"a margin is between 0 and 1, not {margin}")
        self._margin = margin
        self._family = family
        self._no_loss = _Wealth(largest=1.0)
        # Against a margin of 1 no bet can lose.
        self._margin_lost = _Wealth(largest=1 / (1 - margin) if margin < 1 else 1.0)
        self._decision: Literal["regressed", "no worse"] | None = None

    def add(self, difference: float) -> None:
        """One cluster's mean difference, head - base, larger is better; ValueError outside [-1, 1]."""
        if not -1 <= difference <= 1:
            raise ValueError(f"a difference is between -1 and 1, not {difference}")
        self._no_loss.bet(-difference)
        self._margin_lost.bet(difference + self._margin)
        if self._decision is None:
            self._decision = self._decide()

    @property
    def decision(self) -> Literal["regressed", "no worse"] | None:
        """None until one of the hypotheses is refuted; a loss inside the margin is `no worse` where both are at once."""
        return self._decision

    def _decide(self) -> Literal["regressed", "no worse"] | None:
        if self._margin_lost.total >= self._family / FALSE_CALM:
            return "no worse"
        return "regressed" if self._no_loss.total >= self._family / FALSE_LOSS else None


class _Wealth:
    """Money of 1, split evenly over bets of several sizes on what has a mean of at most 0."""

    def __init__(self, largest: float) -> None:
        self._stakes = [largest * (i + 0.5) / BETS for i in range(BETS)]
        self._logs = [0.0] * BETS

    def bet(self, gain: float) -> None:
        self._logs = [log + math.log1p(stake * gain) for log, stake in zip(self._logs, self._stakes, strict=True)]

    @property
    def total(self) -> float:
        return math.fsum(map(math.exp, self._logs)) / BETS
