"""Draws of whole gates for `bench.gate`: scores of base and head on the same cases, with a true difference that is known exactly.

The base's true score is 0.85 in all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

SCORE = 0.85
CONVERSATION = 5
"""Cases of a cluster where cases come in clusters."""

Scores = NDArray[np.float64]
Draw = Callable[[np.random.Generator, int, float], tuple[Scores, Scores]]


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of score: what draws base and head of `n` cases with a true effect, and how many cases make a cluster."""

    draw: Draw
    size: int = 1

    def clusters(self, n: int) -> list[str]:
        return [str(case // self.size) for case in range(n)]


@dataclass(frozen=True, slots=True)
class Gate:
    """One evaluation: base and head, case by case."""

    base: list[float]
    head: list[float]
    clusters: list[str]


def gates(kind: Kind, n: int, effect: float, count: int) -> Iterator[Gate]:
    """The same gates each time: the seed is made of the setting."""
    seed = (kind.size, n, round(-1000 * effect), list(KINDS.values()).index(kind))
    rng = np.random.default_rng(seed)
    clusters = kind.clusters(n)
    for _ in range(count):
        base, head = kind.draw(rng, n, effect)
        yield Gate(base.tolist(), head.tolist(), clusters)


def _pass_fail(rng: np.random.Generator, n: int, effect: float) -> tuple[Scores, Scores]:
    """A tenth of the answers changes sides by chance, as many each way; the effect adds falls."""
    swap = 0.05
    base = rng.random(n) < SCORE
    change = rng.random(n) < np.where(base, (swap - effect) / SCORE, swap / (1 - SCORE))
    return base.astype(float), (base ^ change).astype(float)


def _graded(rng: np.random.Generator, n: int, effect: float, fall: float = 0.02) -> tuple[Scores, Scores]:
    """Seven in ten scores are the same, the others vary a little, and two in a hundred fall to nothing; the effect adds such falls."""
    usual = SCORE / (1 - fall)
    same = rng.beta(10 * usual, 10 * (1 - usual), n)
    apart = rng.beta(40 * usual, 40 * (1 - usual), (2, n))
    base, head = np.where(rng.random(n) < 0.7, same, apart)
    falls = rng.random((2, n)) < [[fall], [1 - (SCORE + effect) / usual]]
    return np.where(falls[0], 0, base), np.where(falls[1], 0, head)


def _only_falls(rng: np.random.Generator, n: int, effect: float) -> tuple[Scores, Scores]:
    """Graded scores of which none falls to nothing but by the effect: as skewed as differences get."""
    return _graded(rng, n, effect, fall=0.0)


def _clustered(rng: np.random.Generator, n: int, effect: float) -> tuple[Scores, Scores]:
    """Answers that pass or fail, in conversations that pass or fail together, and partly change together (a Gaussian copula)."""
    talk = np.repeat(rng.standard_normal((3, n // CONVERSATION)), CONVERSATION, axis=1)
    case = rng.standard_normal((3, n))
    of_base, of_head = (np.sqrt(0.2) * talk[0] + np.sqrt(0.3) * talk[i] + np.sqrt(0.3) * case[0] + np.sqrt(0.2) * case[i] for i in (1, 2))
    return (of_base < ndtri(SCORE)).astype(float), (of_head < ndtri(SCORE + effect)).astype(float)


KINDS: Mapping[str, Kind] = {
    "pass or fail": Kind(_pass_fail),
    "graded, few fall": Kind(_graded),
    "conversations": Kind(_clustered, CONVERSATION),
    "graded, no other falls": Kind(_only_falls),
}
