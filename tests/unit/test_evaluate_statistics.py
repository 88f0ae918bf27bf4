"""Intervals, comparisons and words of the gate, beside SciPy, scikit-learn, brute force and simulation."""

from __future__ import annotations

import itertools
import math
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from llmops.evaluate.statistics import Estimate, Paired, compare, estimate, holm, limit_needed, limit_outcome, needed, verdict

SCORES = st.floats(0, 1)
CASES = st.lists(st.tuples(SCORES, SCORES, st.sampled_from("abcdefgh")), min_size=1, max_size=40)


def alone(n: int) -> list[str]:
    return [str(i) for i in range(n)]


def resampled_error(values: np.ndarray, clusters: list[str], rounds: int) -> float:
    """The standard error by a bootstrap of whole clusters."""
    rng = np.random.default_rng(1)
    groups = [values[[i for i, c in enumerate(clusters) if c == name]] for name in dict.fromkeys(clusters)]
    picks = rng.integers(len(groups), size=(rounds, len(groups)))
    sums, sizes = np.array([g.sum() for g in groups]), np.array([len(g) for g in groups])
    return float((sums[picks].sum(1) / sizes[picks].sum(1)).std())


def paired(value: float, low: float, high: float, n: int = 100) -> Paired:
    return Paired(Estimate(value, low, high, 0.02, n, n), 0.5, 3, 4, n - 7, 0.06, 0.2)


# --- estimate


@pytest.mark.parametrize(("right", "n"), [(36, 36), (0, 36), (30, 36), (1, 2), (97, 100), (500, 1000)])
def test_a_share_of_cases_has_wilsons_interval(right: int, n: int) -> None:
    found = estimate([1.0] * right + [0.0] * (n - right), alone(n))
    wanted = stats.binomtest(right, n).proportion_ci(method="wilson")
    assert (found.value, found.n, found.clusters) == (right / n, n, n)
    assert (found.low, found.high) == pytest.approx((wanted.low, wanted.high), abs=1e-6)


def test_scores_that_all_agree_still_have_an_interval() -> None:
    found = estimate([0.7] * 36, alone(36))
    assert found.value == 0.7
    assert found.low < 0.66 < 0.7 < 0.71 < found.high


def test_clusters_that_all_agree_count_once() -> None:
    values = [1.0] * 36
    twelve = estimate(values, [str(i // 3) for i in range(36)])
    assert twelve.low < estimate(values[:12], alone(12)).low < estimate(values, alone(36)).low
    assert estimate(values, ["a"] * 36) == Estimate(1.0, 0.0, 1.0, math.inf, 36, 1)


def test_one_case_says_nothing() -> None:
    assert (estimate([1.0], ["a"]).low, estimate([1.0], ["a"]).high) == (0.0, 1.0)
    amount = estimate([120.0], ["a"], bounds=None)
    assert (amount.value, amount.low, amount.high) == (120.0, -math.inf, math.inf)


def test_amounts_have_students_interval() -> None:
    values = np.random.default_rng(2).lognormal(5, 0.5, 30)
    found = estimate(values.tolist(), alone(30), bounds=None)
    wanted = stats.t.interval(0.95, 29, values.mean(), stats.sem(values))
    assert (found.low, found.high) == pytest.approx(wanted)
    assert found.error == pytest.approx(stats.sem(values))


def test_the_error_of_clusters_is_that_of_their_bootstrap() -> None:
    rng = np.random.default_rng(3)
    clusters = [str(c) for c in range(60) for _ in range(1 + c % 5)]
    values = np.clip(0.6 + np.repeat(rng.normal(0, 0.2, 60), [1 + c % 5 for c in range(60)]) + rng.normal(0, 0.1, len(clusters)), 0, 1)
    assert estimate(values.tolist(), clusters).error == pytest.approx(resampled_error(values, clusters, 20_000), rel=0.04)


@pytest.mark.parametrize("clusters", [12, 36, 100])
def test_intervals_of_scores_cover_the_truth(clusters: int) -> None:
    rng = np.random.default_rng(4)
    names, hits = [str(i // 5) for i in range(5 * clusters)], 0
    for _ in range(400):
        found = estimate((rng.random((clusters, 5)) < rng.beta(3.4, 0.6, (clusters, 1))).ravel().astype(float).tolist(), names)
        hits += found.low <= 0.85 <= found.high
    assert hits / 400 >= 0.95 - 2 * 0.011


@given(CASES)
def test_an_interval_holds_its_value_and_keeps_to_the_bounds(cases: list[tuple[float, float, str]]) -> None:
    values, _, clusters = map(list, zip(*cases, strict=True))
    found = estimate(values, clusters)
    assert 0 <= found.low <= found.value <= found.high <= 1


@pytest.mark.parametrize(
    ("values", "clusters"),
    [([], []), ([1.0], []), ([1.5], ["a"]), ([math.nan], ["a"]), ([-0.1, 0.5], ["a", "b"])],
)
def test_what_is_no_score_is_refused(values: list[float], clusters: list[str]) -> None:
    with pytest.raises(ValueError, match="value"):
        estimate(values, clusters)


# --- compare


def test_p_and_error_are_those_of_the_paired_t_test() -> None:
    rng = np.random.default_rng(5)
    base, head = rng.random(50), rng.random(50)
    found = compare(base.tolist(), head.tolist(), alone(50))
    wanted = stats.ttest_rel(head, base)
    assert found.p == pytest.approx(wanted.pvalue)
    assert found.difference.error == pytest.approx(stats.sem(head - base))
    assert found.deviation == pytest.approx((head - base).std(ddof=1))
    assert (found.better, found.worse, found.same) == ((head > base).sum(), (head < base).sum(), 0)


def test_differences_of_clusters_have_the_error_of_their_bootstrap() -> None:
    rng = np.random.default_rng(6)
    clusters = [str(i // 5) for i in range(500)]
    difference = np.clip(np.repeat(rng.normal(0, 0.2, 100), 5) + rng.normal(0, 0.1, 500), -1, 1)
    found = compare([0.0] * 500, difference.tolist(), clusters)
    assert found.difference.error == pytest.approx(resampled_error(difference, clusters, 20_000), rel=0.03)
    assert found.difference.error > 1.5 * compare([0.0] * 500, difference.tolist(), alone(500)).difference.error


def test_nothing_seen_in_twenty_cases_is_no_proof() -> None:
    found = compare([1.0] * 20, [1.0] * 20, alone(20))
    assert (found.difference.value, found.p, found.same) == (0.0, 1.0, 20)
    # One in seven could fall, and 20 cases would show none with a probability of 5 %.
    assert -0.17 < found.difference.low < -0.13
    assert verdict(found, found.p, 0.05) == "unproven"
    assert verdict(compare([1.0] * 200, [1.0] * 200, alone(200)), 1.0, 0.05) == "no worse"


@pytest.mark.parametrize(("fallen", "proven"), [(1, False), (3, False), (4, False), (8, True)])
def test_a_few_falls_prove_nothing(fallen: int, proven: bool) -> None:
    found = compare([1.0] * 100, [0.0] * fallen + [1.0] * (100 - fallen), alone(100))
    assert (found.p <= 0.05) == proven
    assert (verdict(found, found.p, 0.01) == "regressed") == proven


def test_small_noise_does_not_hide_that_few_fell() -> None:
    noise = [0.01 * (-1) ** i for i in range(100)]
    base = [0.5] * 100
    quiet = compare(base, [0.5 + d for d in noise], alone(100))
    fell = compare(base, [0.0, 0.0, *(0.5 + d for d in noise[2:])], alone(100))
    assert quiet.difference.high - quiet.difference.low < 0.01
    assert fell.difference.high - fell.difference.low > 0.05


def test_rare_falls_are_drawn_out_as_wilson_does() -> None:
    found = compare([1.0] * 1000, [0.0] * 10 + [1.0] * 990, alone(1000)).difference
    wanted = stats.binomtest(10, 1000).proportion_ci(method="wilson")
    assert -found.low == pytest.approx(wanted.high, rel=0.05)
    assert found.value - found.low > 1.15 * (found.high - found.value)


def test_one_cluster_proves_nothing() -> None:
    found = compare([1.0, 1.0], [0.0, 0.0], ["a", "a"])
    assert (found.difference.low, found.difference.high, found.p) == (-1.0, 1.0, 1.0)
    assert math.isinf(found.minimum_effect)
    assert needed(found, 0.05) == 10
    assert compare([5.0], [1.0], ["a"], bounds=None).difference.low == -math.inf


def test_amounts_are_not_clipped() -> None:
    found = compare([-100.0, -130.0, -90.0], [-500.0, -600.0, -700.0], ["a", "b", "c"], bounds=None).difference
    assert found.value == pytest.approx(-493.333, abs=1e-3)
    assert found.low < -1000
    equal = compare([-5.0] * 3, [-5.0] * 3, alone(3), bounds=None)
    assert (equal.difference.low, equal.difference.high, equal.p) == (0.0, 0.0, 1.0)


@settings(deadline=None)
@given(CASES)
def test_comparing_the_other_way_turns_everything_round(cases: list[tuple[float, float, str]]) -> None:
    base, head, clusters = map(list, zip(*cases, strict=True))
    one, other = compare(base, head, clusters), compare(head, base, clusters)
    assert one == compare(base, head, clusters)
    assert (one.better, one.worse, one.p) == (other.worse, other.better, pytest.approx(other.p))
    assert (one.difference.low, one.difference.value) == pytest.approx((-other.difference.high, -other.difference.value))
    assert -1 <= one.difference.low <= one.difference.value <= one.difference.high <= 1
    # p and the interval never contradict each other.
    assert abs(one.p - 0.05) < 1e-9 or (one.p < 0.05) == (one.difference.low > 0 or one.difference.high < 0)


def test_a_comparison_needs_the_same_cases() -> None:
    with pytest.raises(ValueError, match="1 scores against 2"):
        compare([1.0], [1.0, 0.0], ["a"])
    with pytest.raises(ValueError, match="0 values"):
        compare([], [], [])


def test_the_minimum_effect_is_seen_in_four_of_five_comparisons() -> None:
    rng = np.random.default_rng(7)

    def compared(effect: float) -> Paired:
        return compare([0.0] * 60, (effect + rng.normal(0, 0.2, 60)).clip(-1, 1).tolist(), alone(60))

    effect = float(np.mean([compared(0.0).minimum_effect for _ in range(50)]))
    assert 0.75 < np.mean([compared(effect).p <= 0.05 for _ in range(500)]) < 0.85


# --- words


def by_closed_testing(p: list[float]) -> list[float]:
    """Of each hypothesis, the largest Bonferroni p of all intersections that it is part of."""
    sets = [s for size in range(1, len(p) + 1) for s in itertools.combinations(range(len(p)), size)]
    return [max(min(1.0, len(s) * min(p[j] for j in s)) for s in sets if i in s) for i in range(len(p))]


@given(st.lists(st.floats(0, 1), max_size=6))
def test_holm_is_closed_testing_with_bonferroni(p: list[float]) -> None:
    assert holm(p) == pytest.approx(by_closed_testing(p))


@pytest.mark.parametrize(
    ("difference", "p", "word"),
    [
        ((0.04, 0.01, 0.07), 0.01, "improved"),
        ((0.04, -0.01, 0.09), 0.1, "no worse"),
        ((0.04, -0.06, 0.14), 0.3, "unproven"),
        ((-0.02, -0.03, -0.01), 0.001, "no worse"),
        ((-0.02, -0.05, 0.01), 0.2, "unproven"),
        ((-0.08, -0.12, -0.04), 0.001, "regressed"),
        ((-0.08, -0.12, -0.04), 0.051, "unproven"),
        ((-0.08, -0.12, -0.04), 0.05, "regressed"),
        ((0.0, -0.01, 0.01), 1.0, "no worse"),
    ],
)
def test_words_of_a_comparison(difference: tuple[float, float, float], p: float, word: str) -> None:
    assert verdict(paired(*difference), p, 0.05) == word


@pytest.mark.parametrize(
    ("low", "high", "side", "outcome"),
    [
        (0.8, 0.9, "min", "held"),
        (0.81, 0.9, "min", "held"),
        (0.7, 0.9, "min", "unproven"),
        (0.7, 0.8, "min", "unproven"),
        (0.7, 0.79, "min", "missed"),
        (0.7, 0.8, "max", "held"),
        (0.7, 0.9, "max", "unproven"),
        (0.81, 0.9, "max", "missed"),
    ],
)
def test_a_limit_is_held_by_the_whole_interval(low: float, high: float, side: str, outcome: str) -> None:
    assert limit_outcome(Estimate((low + high) / 2, low, high, 0.02, 9, 9), 0.8, side) == outcome  # type: ignore[arg-type]


# --- needed


def changed(n: int, share: float, rng: np.random.Generator, loss: float = 0.0) -> Paired:
    draw = rng.random(n)
    head = np.where(draw < share / 2 + loss, 0.0, np.where(draw > 1 - share / 2, 1.0, 0.5))
    return compare([0.5] * n, head.tolist(), alone(n))


@pytest.mark.parametrize("loss", [0.0, 0.2])
def test_the_cases_needed_settle_four_of_five_comparisons(loss: float) -> None:
    rng = np.random.default_rng(8)
    first = next(p for p in (changed(60, 0.3, rng, loss) for _ in range(99)) if abs(p.difference.value + loss / 2) < 0.01)
    assert verdict(first, first.p, 0.05) in ("unproven", "regressed")
    cases = needed(first, 0.05)
    settled = [p for p in (changed(cases, 0.3, rng, loss) for _ in range(400)) if verdict(p, p.p, 0.05) != "unproven"]
    assert 0.68 < len(settled) / 400 < 0.97


def test_as_many_cases_without_a_change_as_needed_settle_it() -> None:
    cases = needed(compare([1.0] * 20, [1.0] * 20, alone(20)), 0.05)
    assert 60 < cases < 100
    assert verdict(compare([1.0] * cases, [1.0] * cases, alone(cases)), 1.0, 0.05) == "no worse"


@settings(deadline=None)
@given(CASES, st.floats(0, 1))
def test_always_more_cases_are_needed_than_there_are(cases: list[tuple[float, float, str]], margin: float) -> None:
    base, head, clusters = map(list, zip(*cases, strict=True))
    assert needed(compare(base, head, clusters), margin) > len(cases)


def test_importing_statistics_loads_no_scipy() -> None:
    code = "import sys, llmops.evaluate.statistics; print([m for m in ('numpy', 'scipy') if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "[]"


# --- limit_needed


def share(right: int, n: int) -> Estimate:
    return estimate([1.0] * right + [0.0] * (n - right), alone(n))


@pytest.mark.parametrize(("right", "limit"), [(75, 0.7), (65, 0.7), (97, 0.95), (96, 0.98)])
def test_the_cases_that_would_settle_a_limit_settle_it_in_four_of_five_runs(right: int, limit: float) -> None:
    assert limit_outcome(share(right, 100), limit, "min") == "unproven"
    wanted = limit_needed(share(right, 100), limit)
    assert wanted is not None
    drawn = np.random.default_rng(11).binomial(wanted, right / 100, 2000)
    outcome = {count: limit_outcome(share(count, wanted), limit, "min") for count in set(drawn.tolist())}
    settled = [outcome[count] != "unproven" for count in drawn.tolist()]
    assert 0.7 < np.mean(settled) < 0.9


@pytest.mark.parametrize("limit", [0.8, 0.9])
def test_so_do_the_cases_of_clusters(limit: float) -> None:
    rng = np.random.default_rng(12)

    def seen(clusters: int) -> Estimate:
        values = rng.random((clusters, 5)) < rng.beta(3.4, 0.6, (clusters, 1))
        return estimate(values.ravel().astype(float).tolist(), [str(i // 5) for i in range(5 * clusters)])

    wanted = [limit_needed(e, limit) for e in (seen(60) for _ in range(200)) if abs(e.value - 0.85) < 0.003]
    assert len(wanted) > 10
    cases = float(np.median([count for count in wanted if count]))
    settled = [limit_outcome(seen(round(cases / 5)), limit, "min") != "unproven" for _ in range(300)]
    assert 0.68 < np.mean(settled) < 0.95


def test_cases_that_all_pass_need_as_many_as_wilson_asks_for() -> None:
    assert limit_outcome(share(36, 36), 0.95, "min") == "unproven"
    assert limit_needed(share(36, 36), 0.95) == 73
    assert limit_outcome(share(72, 72), 0.95, "min") == "unproven"
    assert limit_outcome(share(73, 73), 0.95, "min") == "held"
    assert limit_needed(share(0, 36), 0.05) == 73


def test_no_number_of_cases_settles_a_mean_on_its_limit() -> None:
    assert limit_needed(share(75, 100), 0.75) is None
    assert limit_needed(estimate([0.1] * 3 + [0.3] * 3, alone(6)), 0.2) is None
    assert limit_needed(estimate([0.5], ["a"]), 0.5) is None


def test_more_cases_of_one_cluster_must_bring_others() -> None:
    assert limit_needed(estimate([0.5], ["a"]), 0.4) == 5
    assert limit_needed(estimate([120.0] * 3, ["a"] * 3, bounds=None), 100) == 15


def test_a_limit_of_amounts_is_settled_as_a_t_test_would() -> None:
    values = np.random.default_rng(13).lognormal(5, 0.5, 200)
    limit = values.mean() + 1.5 * stats.sem(values)
    # (1.96 + 0.84)² / 1.5² of the cases.
    assert limit_needed(estimate(values.tolist(), alone(200), bounds=None), limit) == pytest.approx(697, rel=0.02)
    assert limit_needed(estimate([5.0] * 3, alone(3), bounds=None), 6.0) == 4


@settings(deadline=None)
@given(CASES, SCORES)
def test_always_more_cases_are_needed_for_a_limit_than_there_are(cases: list[tuple[float, float, str]], limit: float) -> None:
    values, _, clusters = map(list, zip(*cases, strict=True))
    seen = estimate(values, clusters)
    wanted = limit_needed(seen, limit)
    assert (wanted is None) == math.isclose(seen.value, limit, abs_tol=1e-12)
    assert wanted is None or wanted > len(values)


def test_a_loss_that_is_the_same_on_every_case_is_seen() -> None:
    """Without any spread t knows nothing; the signs of 24 cases do."""
    names = [str(i) for i in range(24)]
    paired = compare([1.0] * 24, [0.0] * 24, names)
    assert (paired.difference.value, paired.p) == (-1.0, 2.0**-23)
    assert verdict(paired, paired.p, 0.05) == "regressed"
    assert compare([0.5] * 24, [0.5] * 24, names).p == 1.0
    five = compare([1.0] * 5, [0.0] * 5, names[:5])
    assert five.p == pytest.approx(0.0625)
    assert verdict(five, five.p, 0.05) == "unproven"


@pytest.mark.parametrize(("bounds", "least", "most"), [((-1.0, 1.0), -1.0, 1.0), (None, -math.inf, math.inf)])
@pytest.mark.parametrize("base", [[0.75] * 5, [0.9, 0.8, 0.7, 0.6, 0.5]])
def test_five_equal_losses_leave_everything_open(base: list[float], bounds: tuple[float, float] | None, least: float, most: float) -> None:
    """The differences of the second base are equal but for their rounding."""
    found = compare(base, [old - 0.3 for old in base], alone(5), bounds=bounds)
    assert (found.difference.low, found.difference.high, found.p) == (least, most, 0.0625)
    assert (found.minimum_effect, needed(found, 0.05)) == (math.inf, 25)
    assert verdict(found, found.p, 0.05) == "unproven"
    six = compare([*base, 0.4], [old - 0.3 for old in [*base, 0.4]], alone(6), bounds=bounds)
    assert (six.p, six.difference.high) == (pytest.approx(0.03125), pytest.approx(-0.3))
    assert verdict(six, six.p, 0.05) == "regressed"
