"""Early stops by simulation, agreement beside scikit-learn, strengths beside a likelihood maximised by SciPy."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import minimize
from sklearn.metrics import cohen_kappa_score

from llmops.evaluate.statistics import Kappa, Sequential, bradley_terry, kappa, preference

RUNS, LONGEST = 200, 300


def stops(draw: np.ndarray, margin: float = 0.05) -> list[str | None]:
    """The decision of each row of differences."""
    found: list[str | None] = []
    for row in draw.tolist():
        watch = Sequential(margin)
        for difference in row:
            watch.add(difference)
            if watch.decision:
                break
        found.append(watch.decision)
    return found


def changes(fall: float, rise: float) -> np.ndarray:
    draw = np.random.default_rng(round(1000 * fall)).random((RUNS, LONGEST))
    return np.where(draw < fall, -1.0, np.where(draw > 1 - rise, 1.0, 0.0))


def at_most(share: float) -> float:
    """Of `RUNS`, with twice the error of such a share."""
    return share * RUNS + 2 * math.sqrt(share * (1 - share) * RUNS)


@pytest.mark.parametrize("changed", [0.02, 0.1, 0.4])
def test_a_loss_is_seldom_seen_where_nothing_changed(changed: float) -> None:
    assert stops(changes(changed / 2, changed / 2)).count("regressed") <= at_most(0.025)


def test_a_rare_rise_and_many_small_losses_are_no_loss() -> None:
    draw = np.random.default_rng(9).random((RUNS, LONGEST))
    assert stops(np.where(draw < 0.1, 0.9, -0.1)).count("regressed") <= at_most(0.025)


@pytest.mark.parametrize("changed", [0.05, 0.15, 0.45])
def test_a_loss_of_the_margin_is_seldom_called_no_worse(changed: float) -> None:
    assert stops(changes((changed + 0.05) / 2, (changed - 0.05) / 2)).count("no worse") <= at_most(0.05)


def test_large_losses_and_small_changes_are_decided_early() -> None:
    assert stops(changes(0.3, 0.05)).count("regressed") > 0.95 * RUNS
    assert stops(changes(0.01, 0.01)).count("no worse") > 0.9 * RUNS


def test_what_never_changes_is_no_worse_after_about_ninety_clusters() -> None:
    watch, taken = Sequential(0.05), 0
    while watch.decision is None:
        watch.add(0.0)
        taken += 1
    assert watch.decision == "no worse"
    assert 60 < taken < 100
    for _ in range(200):
        watch.add(-1.0)
    assert watch.decision == "no worse"


def test_several_tests_side_by_side_must_each_win_more() -> None:
    def taken(family: int) -> int:
        watch = Sequential(0.05, family=family)
        for count in itertools.count(1):
            watch.add(-0.5)
            if watch.decision == "regressed":
                return count
        raise AssertionError

    assert taken(1) < taken(3)


@pytest.mark.parametrize("margin", [0.0, 1.0])
def test_the_smallest_and_the_largest_margin_work(margin: float) -> None:
    calm, falling = Sequential(margin), Sequential(margin)
    for _ in range(50):
        calm.add(0.2)
        falling.add(-0.9)
    assert (calm.decision, falling.decision) == ("no worse", "regressed")


@pytest.mark.parametrize("difference", [1.01, -2.0, math.nan])
def test_what_is_no_difference_of_scores_is_refused(difference: float) -> None:
    with pytest.raises(ValueError, match="between -1 and 1"):
        Sequential(0.05).add(difference)
    with pytest.raises(ValueError, match="between 0 and 1"):
        Sequential(difference)


# --- kappa


@given(
    st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=2, max_size=60).filter(lambda r: len({x for p in r for x in p}) > 1)
)
def test_kappa_is_that_of_scikit_learn(ratings: list[tuple[int, int]]) -> None:
    one, other = map(list, zip(*ratings, strict=True))
    found = kappa(one, other)
    assert found.value == pytest.approx(cohen_kappa_score(one, other))
    assert -1 <= found.low <= found.value <= found.high <= 1
    assert kappa(other, one).value == pytest.approx(found.value)


def test_raters_who_never_differ_and_never_vary_have_shown_nothing() -> None:
    assert kappa([1] * 50, [1] * 50) == Kappa(0.0, -1.0, 1.0, 50)
    assert kappa([1], [1]) == Kappa(0.0, -1.0, 1.0, 1)


def test_perfect_agreement_over_few_items_is_uncertain() -> None:
    few, many = kappa([0, 1] * 5, [0, 1] * 5), kappa([0, 1] * 100, [0, 1] * 100)
    assert few.value == many.value == 1.0
    assert few.low < 0.5 < 0.95 < many.low


def test_one_constant_rater_agrees_by_chance_only() -> None:
    found = kappa([1] * 20, [1, 0] * 10)
    assert (found.value, found.n) == (0.0, 20)
    assert found.low < -0.3 < 0.3 < found.high


@pytest.mark.parametrize(("share", "true", "n"), [(0.5, 0.4, 30), (0.8, 0.7, 50), (0.8, 0.9, 100), (0.5, 0.0, 200)])
def test_the_interval_of_kappa_covers_the_truth(share: float, true: float, n: int) -> None:
    rng = np.random.default_rng(10)
    hits = 0
    for _ in range(400):
        one, chance = rng.random(n) < share, rng.random(n) < share
        other = np.where(rng.random(n) < true, one, chance)
        found = kappa(one.astype(int).tolist(), other.astype(int).tolist())
        hits += found.low <= true <= found.high
    assert hits / 400 >= 0.95 - 2 * 0.011


@pytest.mark.parametrize(("one", "other"), [([], []), ([1], [1, 0])])
def test_kappa_needs_the_same_items(one: list[int], other: list[int]) -> None:
    with pytest.raises(ValueError, match="ratings beside"):
        kappa(one, other)


# --- preference

WINS = {("a", "b"): 7.0, ("b", "a"): 2.0, ("b", "c"): 5.5, ("c", "b"): 4.5, ("a", "c"): 3.0}


def test_strengths_have_the_greatest_likelihood() -> None:
    names = ["a", "b", "c"]

    def loss(strength: np.ndarray) -> float:
        of = dict(zip(names, strength, strict=True))
        pairs = [(a, b, WINS.get((a, b), 0.0) + 0.5) for a in names for b in names if a != b]
        return float(sum(won * np.log1p(np.exp(of[b] - of[a])) for a, b, won in pairs) + strength.sum() ** 2)

    wanted = minimize(loss, np.zeros(3), tol=1e-12).x
    found = bradley_terry(WINS)
    assert [found[name] for name in names] == pytest.approx(wanted - wanted.mean(), abs=1e-4)
    assert sum(found.values()) == pytest.approx(0)


def test_who_never_lost_has_a_strength() -> None:
    found = bradley_terry({("head", "base"): 9.0})
    assert found["head"] - found["base"] == pytest.approx(math.log(9.5 / 0.5))


@pytest.mark.parametrize("wins", [{}, {("a", "a"): 1.0}])
def test_nobody_plays_alone(wins: dict[tuple[str, str], float]) -> None:
    with pytest.raises(ValueError, match="two different names"):
        bradley_terry(wins)


def test_preference_is_the_difference_of_the_two_strengths() -> None:
    scores = [1.0] * 5 + [0.5] * 2 + [0.0]
    value, low, high = preference(scores, [str(i) for i in range(8)])
    strength = bradley_terry({("head", "base"): 6.0, ("base", "head"): 2.0})
    assert value == pytest.approx(strength["head"] - strength["base"])
    assert low < 0 < value < high


def test_a_preference_without_exception_stays_finite() -> None:
    value, low, high = preference([1.0] * 6, list("abcdef"))
    assert 0 < low < value <= high < math.inf
    assert preference([0.0] * 6, list("abcdef")) == pytest.approx((-value, -high, -low))
