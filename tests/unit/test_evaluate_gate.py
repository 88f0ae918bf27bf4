"""The gate: which verdict a metric gets, alone against its limits and beside a base, as a score and as an amount, among others."""

from __future__ import annotations

import json

import pytest

from llmops.evaluate.cases import Case
from llmops.evaluate.gate import judge_runs
from llmops.evaluate.scoring import CaseScore, MetricScores
from llmops.evaluate.statistics import holm
from tests.unit.gate_samples import WAVE, Values, measured, metric_of, moved, run_of, scores

# --- Alone, against limits


@pytest.mark.parametrize(
    ("threshold", "outcome", "verdict", "evidence"),
    [
        (None, None, "passed", "unproven"),
        (0.4, "held", "passed", "pass"),
        (0.5, "unproven", "unproven", "unproven"),
        (0.6, "missed", "failed", "fail"),
    ],
)
def test_a_limit_is_held_or_missed_by_the_whole_interval(threshold: float | None, outcome: str | None, verdict: str, evidence: str) -> None:
    run = run_of(scores("answer_f1", WAVE, threshold=threshold))
    (metric,) = run["metrics"]
    assert (metric["limit"], metric["limit_side"], metric["limit_outcome"]) == (threshold, "min", outcome)
    assert (metric["verdict"], run["verdict"], run["evidence"]) == (verdict, verdict, evidence)
    assert metric["head"]["value"] == pytest.approx(0.5)
    assert 0.4 < metric["head"]["low"] < 0.5 < metric["head"]["high"] < 0.6
    assert (metric["base"], metric["difference"], metric["minimum_effect"], metric["needed"]) == (None, None, None, None)
    assert (metric["better"], metric["worse"], metric["same"]) == (0, 0, 0)


@pytest.mark.parametrize(
    ("most", "outcome", "verdict"), [(1200, "held", "passed"), (1000, "unproven", "unproven"), (900, "missed", "failed")]
)
def test_an_amount_has_a_highest_mean(most: float, outcome: str, verdict: str) -> None:
    metric = metric_of(scores("latency_ms", [1000 + 20 * (i % 5 - 2) for i in range(40)], max=most))
    assert (metric["limit_side"], metric["limit_outcome"], metric["verdict"]) == ("max", outcome, verdict)
    assert (metric["direction"], metric["unit"]) == ("lower", "ms")


def test_a_miss_fails_without_a_base_whether_it_blocks_or_not() -> None:
    found = [metric_of(scores("answer_f1", WAVE, threshold=0.7, blocking=blocking)) for blocking in (True, False)]
    assert [(metric["blocking"], metric["verdict"]) for metric in found] == [(True, "failed"), (False, "failed")]


@pytest.mark.parametrize("values", [[], [None, None]])
def test_what_was_measured_on_nothing_has_not_passed(values: Values) -> None:
    for declared in ({}, {"threshold": 0.0}, {"case_threshold": 0.0}):
        run = run_of(scores("abstention", values, **declared))
        (metric,) = run["metrics"]
        assert (metric["verdict"], metric["head"], metric["n"], metric["clusters"]) == ("unproven", None, 0, 0)
        assert metric["note"] == "it applies to no case"
        assert (run["evidence"], run["reasons"]) == ("unproven", ["abstention applies to no case"])


def test_a_note_of_the_metric_says_why_nothing_was_measured() -> None:
    assert metric_of(scores("judge_preference", [None], note="there was no base"))["note"] == "there was no base"
    assert metric_of(scores("answer_f1", WAVE, note="as it was"))["note"] == "as it was"


# --- Beside a base


@pytest.mark.parametrize(("by", "verdict"), [(0.2, "improved"), (-0.2, "regressed"), (0.0, "no worse"), (-0.02, "no worse")], ids=str)
def test_a_comparison_says_what_it_shows(by: float, verdict: str) -> None:
    run = run_of(scores("answer_f1", moved(by)), scores("answer_f1", WAVE))
    (metric,) = run["metrics"]
    assert (metric["verdict"], run["verdict"]) == (verdict, verdict)
    assert metric["difference"]["value"] == pytest.approx(by, abs=1e-9)
    assert metric["difference"]["low"] < by < metric["difference"]["high"]
    assert metric["needed"] is None
    assert run["reasons"] == ([f"answer_f1 {verdict} by 0.2"] if abs(by) == 0.2 else [])


def test_what_cannot_be_told_apart_is_unproven_and_says_how_many_cases_would_settle_it() -> None:
    spread = [0.9 if i % 3 else 0.1 for i in range(12)]
    metric = metric_of(scores("answer_f1", list(reversed(spread))), scores("answer_f1", spread))
    assert (metric["verdict"], metric["n"]) == ("unproven", 12)
    assert metric["needed"] > 12
    assert metric["minimum_effect"] > metric["margin"] == 0.05
    assert (metric["better"], metric["worse"], metric["same"]) == (4, 4, 4)


def test_differences_are_head_less_base_case_by_case() -> None:
    head, base = [1.0, 0.5, 0.0, 0.5], [0.5, 0.5, 0.5, 0.0]
    metric = metric_of(scores("answer_f1", head), scores("answer_f1", base))
    assert metric["difference"]["value"] == pytest.approx(0.125)
    assert (metric["better"], metric["worse"], metric["same"]) == (2, 1, 1)
    assert (metric["head"]["value"], metric["base"]["value"]) == (0.5, 0.375)


def test_only_cases_with_a_score_on_both_sides_are_compared() -> None:
    metric = metric_of(scores("answer_f1", [1.0, None, 0.5, 0.0]), scores("answer_f1", [0.5, 0.5, None, 0.0]))
    assert metric["better"] + metric["worse"] + metric["same"] == 2
    assert metric["n"] == 3


def test_nothing_to_compare_is_unproven() -> None:
    metric = metric_of(scores("answer_f1", [1.0, None]), scores("answer_f1", [None, 1.0]))
    assert (metric["verdict"], metric["difference"], metric["needed"]) == ("unproven", None, None)
    assert metric_of(scores("abstention", []), scores("abstention", []))["verdict"] == "unproven"


@pytest.mark.parametrize(("blocking", "verdict"), [(True, "failed"), (False, "no worse")])
def test_beside_a_base_only_a_blocking_limit_fails(blocking: bool, verdict: str) -> None:
    run = run_of(scores("answer_f1", moved(0.0), threshold=0.8, blocking=blocking), scores("answer_f1", WAVE))
    (metric,) = run["metrics"]
    assert (metric["limit_outcome"], metric["verdict"], run["verdict"]) == ("missed", verdict, verdict)
    assert run["reasons"] == ["answer_f1 misses its limit 0.8"]
    assert run["evidence"] == "fail"  # the limit is missed for certain, whatever the base was like


def test_a_blocking_limit_that_is_only_unproven_does_not_fail() -> None:
    metric = metric_of(scores("answer_f1", moved(0.0), threshold=0.5, blocking=True), scores("answer_f1", WAVE))
    assert (metric["limit_outcome"], metric["verdict"]) == ("unproven", "no worse")


def test_clusters_count_as_one_observation() -> None:
    together = tuple(CaseScore(Case(n, f"q{n}", cluster=f"c{n % 2}"), 0.5, (0.5,)) for n in range(10))
    metric = metric_of(MetricScores({"name": "answer_f1", "margin": 0.05, "blocking": False}, together))
    assert (metric["n"], metric["clusters"]) == (10, 2)


# --- Amounts


def test_latency_that_grows_is_worse_and_its_difference_is_in_milliseconds() -> None:
    base = [1000.0 + 10 * (i % 5) for i in range(40)]
    metric = metric_of(scores("latency_ms", [v + 300 + i % 2 for i, v in enumerate(base)]), scores("latency_ms", base))
    assert metric["verdict"] == "regressed"
    assert metric["difference"]["value"] == pytest.approx(300.5)
    assert 299 < metric["difference"]["low"] < 300.5 < metric["difference"]["high"] < 302
    assert (metric["better"], metric["worse"], metric["same"]) == (0, 40, 0)
    assert metric["margin"] == pytest.approx(102.0)  # a tenth of the base's mean


def test_latency_that_shrinks_is_better() -> None:
    base = [1000.0 + 10 * (i % 5) for i in range(40)]
    metric = metric_of(scores("latency_ms", [v - 300 - i % 2 for i, v in enumerate(base)]), scores("latency_ms", base))
    assert (metric["verdict"], metric["better"], metric["worse"]) == ("improved", 40, 0)
    assert metric["difference"]["value"] == pytest.approx(-300.5)
    assert metric["difference"]["low"] < -300.5 < metric["difference"]["high"] < 0


@pytest.mark.parametrize(("margin", "verdict"), [(0.1, "no worse"), (0.05, "regressed")])
def test_the_margin_of_an_amount_is_a_share_of_the_bases_mean(margin: float, verdict: str) -> None:
    base = [900.0 + 50 * (i % 5) for i in range(40)]
    head = [v + 80 + i % 2 for i, v in enumerate(base)]
    metric = metric_of(scores("latency_ms", head, margin=margin), scores("latency_ms", base, margin=margin))
    assert (metric["margin"], metric["verdict"]) == (pytest.approx(1000 * margin), verdict)


def test_an_amount_of_nothing_is_compared_all_the_same() -> None:
    metric = metric_of(scores("output_tokens", [0.0] * 8), scores("output_tokens", [0.0] * 8))
    assert (metric["margin"], metric["difference"]["value"], metric["same"]) == (0.0, 0.0, 8)
    assert metric["verdict"] in ("no worse", "unproven")


def test_json_has_no_infinity() -> None:
    metric = metric_of(scores("latency_ms", [120.0], max=1000), scores("latency_ms", [100.0]))
    assert metric["head"] == {"value": 120.0, "low": None, "high": None}
    assert (metric["difference"]["low"], metric["difference"]["high"], metric["minimum_effect"]) == (None, None, None)
    assert (metric["limit_outcome"], metric["verdict"]) == ("unproven", "unproven")
    json.dumps(metric, allow_nan=False)


# --- Several metrics: Holm


def test_the_metrics_of_one_application_are_one_family_over_all_its_runs() -> None:
    pairs = [(scores(name, moved(by)), scores(name, WAVE)) for name, by in (("answer_f1", -0.01), ("answer_exact", -0.004))]
    third = (scores("answered", moved(-0.006)), scores("answered", WAVE))
    runs = judge_runs(
        [
            measured([head for head, _ in pairs], [base for _, base in pairs]),
            measured([third[0]], [third[1]]),
            measured([pairs[0][0]], [pairs[0][1]], application="other"),
        ]
    )
    found = [metric["difference"] for run in runs for metric in run["metrics"]]
    assert [each["p_adjusted"] for each in found[:3]] == pytest.approx(holm([each["p"] for each in found[:3]]))
    assert found[0]["p_adjusted"] > found[0]["p"] == found[3]["p"] == found[3]["p_adjusted"]


def test_a_loss_that_is_significant_alone_may_not_be_among_many() -> None:
    base, head = [0.5] * 30, [0.5 - (0.3 if i < 12 else -0.3 if i > 25 else 0.0) for i in range(30)]
    (alone,) = judge_runs([measured([scores("answer_f1", head)], [scores("answer_f1", base)])])
    names = ("answer_f1", "answer_exact", "answered", "groundedness", "answer_similarity")
    others = [scores(name, [0.5 + 0.4 * (i % 2) for i in range(30)]) for name in names[1:]]
    mirrored = [scores(name, [0.9 - 0.4 * (i % 2) for i in range(30)]) for name in names[1:]]
    (among,) = judge_runs([measured([scores("answer_f1", head), *others], [scores("answer_f1", base), *mirrored])])
    p = alone["metrics"][0]["difference"]["p"]
    assert 0.01 < p <= 0.05
    assert alone["metrics"][0]["verdict"] == "regressed"
    assert among["metrics"][0]["difference"]["p"] == p
    assert among["metrics"][0]["difference"]["p_adjusted"] == pytest.approx(min(1, 5 * p))
    assert among["metrics"][0]["verdict"] == "unproven"


def test_metrics_that_compare_nothing_do_not_thin_out_the_others() -> None:
    (run,) = judge_runs(
        [measured([scores("answer_f1", moved(-0.01)), scores("abstention", [])], [scores("answer_f1", WAVE), scores("abstention", [])])]
    )
    assert run["metrics"][0]["difference"]["p_adjusted"] == run["metrics"][0]["difference"]["p"]
