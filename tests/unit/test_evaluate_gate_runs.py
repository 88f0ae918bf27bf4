"""The gate: rules about single cases, judges, runs that stopped early, evidence, and the verdict over all."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmops.evaluate.cases import Case
from llmops.evaluate.gate import FAILING, GRAVITY, Measured, judge_runs, overall
from llmops.evaluate.questions import Chosen
from llmops.evaluate.scoring import CaseScore, MetricScores
from llmops.evaluate.statistics import estimate
from tests.unit.gate_samples import AMOUNTS, JUDGE, WAVE, Row, Values, cases, measured, metric_of, moved, repeated, run_of, scores

# --- Rules about single cases


def test_one_repeat_that_breaks_the_rule_fails_the_case() -> None:
    run = run_of(repeated((1, 1, 1), (1, 0.25, 1), (0, 0, 0), case_threshold=0.5))  # the mean of the second is 0.75
    (metric,) = run["metrics"]
    assert (metric["case_threshold"], metric["case_failures"]) == (0.5, [2, 3])
    assert (metric["verdict"], run["verdict"], run["evidence"]) == ("failed", "failed", "fail")
    assert run["reasons"] == ["2 cases are below answer_excludes 0.5"]


def test_a_rule_about_single_cases_holds_however_good_the_mean_is() -> None:
    head = repeated(*[(1.0,)] * 60, (0.5,), case_threshold=0.75, threshold=0.5)
    run = run_of(head, repeated(*[(0.0,)] * 61))
    (metric,) = run["metrics"]
    assert (metric["limit_outcome"], metric["case_failures"], metric["verdict"]) == ("held", [61], "failed")
    assert (run["reasons"], run["evidence"]) == (["1 case is below answer_excludes 0.75"], "fail")


def test_a_case_at_the_threshold_holds_it() -> None:
    run = run_of(repeated((0.75,), (1.0,), case_threshold=0.75))
    assert (run["metrics"][0]["case_failures"], run["verdict"], run["evidence"]) == ([], "passed", "pass")


def test_without_a_rule_no_single_case_fails() -> None:
    assert metric_of(repeated((0,), (1,)))["case_failures"] == []


def test_the_bases_single_cases_are_not_held_against_head() -> None:
    metric = metric_of(repeated((1,), (1,), case_threshold=1), repeated((0,), (0,), case_threshold=1))
    assert metric["case_failures"] == []


# --- Judges


@pytest.mark.parametrize(
    ("unreadable", "outcome", "verdict"), [(0.1, "held", "passed"), (0.11, "unproven", "unproven"), (1.0, "unproven", "unproven")]
)
def test_a_judge_that_rambles_too_often_decides_nothing(unreadable: float, outcome: str, verdict: str) -> None:
    values: Values = [None] * 40 if unreadable == 1.0 else WAVE
    run = run_of(scores("judge_rubric", values, unreadable=unreadable, threshold=0.3))
    assert (run["metrics"][0]["limit_outcome"], run["verdict"]) == (outcome, verdict)
    assert run["evidence"] == ("pass" if outcome == "held" else "unproven")


def test_a_judge_that_rambles_fails_nothing_either() -> None:
    run = run_of(scores("judge_rubric", WAVE, unreadable=0.5, threshold=0.9, blocking=True))
    assert (run["verdict"], run["evidence"]) == ("unproven", "unproven")
    assert run_of(scores("judge_rubric", WAVE, unreadable=0.5))["verdict"] == "unproven"


@pytest.mark.parametrize(("head", "base"), [(0.5, 0.0), (0.0, 0.5)])
def test_neither_side_may_be_unreadable_in_a_comparison(head: float, base: float) -> None:
    for by in (-0.2, 0.0, 0.2):
        metric = metric_of(scores("judge_rubric", moved(by), unreadable=head), scores("judge_rubric", WAVE, unreadable=base))
        assert metric["verdict"] == "unproven"


@pytest.mark.parametrize("judge", [None, {**JUDGE, "kappa": None, "low": None, "high": None, "n": None}])
def test_a_judge_that_nobody_held_against_people_decides_nothing(judge: Row | None) -> None:
    held = run_of(scores("judge_rubric", WAVE, threshold=0.1, case_threshold=0.9), judge=judge)
    assert (held["metrics"][0]["limit_outcome"], held["metrics"][0]["case_failures"]) == ("unproven", [])
    assert (held["verdict"], held["evidence"]) == ("unproven", "unproven")
    worse = run_of(scores("judge_rubric", moved(-0.2), threshold=0.9, blocking=True), scores("judge_rubric", WAVE), judge=judge)
    assert (worse["verdict"], worse["evidence"]) == ("unproven", "unproven")
    assert run_of(scores("answer_f1", moved(-0.2)), scores("answer_f1", WAVE), judge=judge)["verdict"] == "regressed"


def test_a_grade_that_cannot_be_read_is_no_proof_that_every_case_holds_its_rule() -> None:
    graded = [(1.0,)] * 19
    read = MetricScores({**repeated().declared, "name": "judge_rubric", "case_threshold": 0.5}, repeated(*graded).cases)
    gap = MetricScores(read.declared, repeated(*graded, (None,)).cases, "", {"unreadable": 0.05})
    assert (run_of(read)["evidence"], run_of(gap)["evidence"]) == ("pass", "unproven")


@pytest.mark.parametrize(
    ("values", "verdict", "counts"),
    [
        ([1.0] * 28 + [0.5] * 6 + [0.0] * 6, "improved", (28, 6, 6)),
        ([0.0] * 28 + [0.5] * 6 + [1.0] * 6, "regressed", (6, 6, 28)),
        ([0.5] * 400, "no worse", (0, 400, 0)),
        ([1.0, 0.5, 0.0, None], "unproven", (1, 1, 1)),
    ],
)
def test_a_preference_is_compared_with_a_tie(values: Values, verdict: str, counts: tuple[int, int, int]) -> None:
    metric = metric_of(scores("judge_preference", values, unreadable=0.0), scores("judge_preference", []))
    found = metric["preference"]
    known = [value for value in values if value is not None]
    assert (found["wins"], found["ties"], found["losses"]) == counts
    assert metric["difference"]["value"] == pytest.approx(sum(known) / len(known) - 0.5)
    assert found["low"] <= found["strength"] <= found["high"]
    assert (found["strength"] > 0) is (metric["difference"]["value"] > 0)
    assert (metric["verdict"], metric["base"]) == (verdict, None)


def test_only_a_preference_has_strengths() -> None:
    assert metric_of(scores("answer_f1", WAVE))["preference"] is None
    assert metric_of(scores("judge_preference", [None]))["preference"] is None


# --- Runs that stopped early


def test_a_run_that_stopped_early_is_decided_by_the_sequential_test_alone() -> None:
    head = [scores("answer_f1", moved(-0.2), threshold=0.1), scores("latency_ms", [100.0] * 40), scores("answered", moved(0.2))]
    base = [scores("answer_f1", WAVE), scores("latency_ms", [100.0] * 40), scores("answered", WAVE)]
    (run,) = judge_runs([measured(head, base, decisions={"answer_f1": "regressed", "answered": None})])
    assert [metric["verdict"] for metric in run["metrics"]] == ["regressed", "unproven", "unproven"]
    assert (run["stopped_early"], run["verdict"]) == (True, "regressed")
    assert run["evidence"] is None


def test_a_run_that_stopped_early_still_fails_by_single_cases() -> None:
    (run,) = judge_runs(
        [measured([repeated((0,), (1,), case_threshold=1)], [repeated((1,), (1,))], decisions={"answer_excludes": "no worse"})]
    )
    assert (run["verdict"], run["evidence"]) == ("failed", None)


# --- Evidence, runs, and all together


def test_evidence_needs_every_limit_and_is_lost_by_one() -> None:
    held, missed, open_ = (scores("answer_f1", WAVE, threshold=limit) for limit in (0.4, 0.6, 0.5))
    free = scores("latency_ms", [100.0] * 40)
    nothing = scores("abstention", [], threshold=0.0)
    together = {
        name: judge_runs([measured(given)])[0]["evidence"]
        for name, given in {
            "held": [held, free],
            "free": [free],
            "missed": [held, missed, open_],
            "open": [held, open_],
            "nothing": [held, nothing],
        }.items()
    }
    assert together == {"held": "pass", "free": "unproven", "missed": "fail", "open": "unproven", "nothing": "unproven"}


def test_a_regression_within_its_limit_is_evidence_all_the_same() -> None:
    """The limit is what the lock speaks of; that it was better before is the gate's business."""
    run = run_of(scores("answer_f1", moved(-0.2), threshold=0.2), scores("answer_f1", WAVE))
    assert (run["verdict"], run["evidence"]) == ("regressed", "pass")


@pytest.mark.parametrize(
    ("verdicts", "word"),
    [
        ([], "unchanged"),
        (["no worse"], "no worse"),
        (["improved", "no worse"], "improved"),
        (["no worse", "improved", "passed", "unchanged"], "improved"),
        (["improved", "unproven"], "unproven"),
        (["improved", "regressed"], "regressed"),
        (["unproven", "regressed", "no worse"], "regressed"),
        (["failed", "regressed", "improved"], "failed"),
        (["passed", "unproven"], "unproven"),
        (["passed", "passed"], "passed"),
        (["passed", "unchanged"], "passed"),
        (["no worse", "passed"], "no worse"),
    ],
)
def test_one_verdict_for_several(verdicts: list[str], word: str) -> None:
    assert overall(verdicts) == overall(reversed(verdicts)) == word


def test_every_verdict_has_its_gravity_and_only_two_fail() -> None:
    assert len(set(GRAVITY)) == len(GRAVITY) == 7
    assert {"failed", "regressed"} == FAILING


def test_a_run_repeats_what_it_is_about_and_counts_its_cases() -> None:
    retrieved, asked = (Case(1, "a"), Case(2, "b", cluster="x"), Case(3, "c", cluster="x")), (Case(3, "c", cluster="x"), Case(4, "a"))
    answers = ({"line": 3}, {"line": 1})
    given = Measured(
        {"application": "helper", "seconds": 1.5},
        {"metrics": [], "repeats": 3},
        Chosen(retrieved, asked, 5),
        [scores("answer_f1", WAVE)],
        answers=answers,
    )
    (run,) = judge_runs([given])
    assert (run["application"], run["seconds"]) == ("helper", 1.5)
    assert (run["cases"], run["clusters"], run["repeats"], run["tuning"]) == (4, 2, 3, 5)
    assert (run["stopped_early"], run["answers"]) == (False, list(answers))


def test_runs_and_metrics_keep_their_order() -> None:
    given = [
        measured([scores(name, WAVE) for name in names], application=names[0]) for names in (("answered", "answer_f1"), ("abstention",))
    ]
    assert [[metric["name"] for metric in run["metrics"]] for run in judge_runs(given)] == [["answered", "answer_f1"], ["abstention"]]
    assert judge_runs([]) == []


def test_the_interval_is_that_of_the_statistics() -> None:
    found = estimate(WAVE, [case.key for case in cases(40)])
    assert metric_of(scores("answer_f1", WAVE))["head"] == {"value": found.value, "low": found.low, "high": found.high}


# --- Whatever is measured, the document can be written and read

SHARE = st.none() | st.floats(0, 1)
AMOUNT = st.none() | st.floats(0, 1e7)
ALONE, BESIDE = {"passed", "unproven", "failed"}, {"regressed", "improved", "no worse", "unproven", "failed"}


@st.composite
def pairs(draw: st.DrawFn) -> tuple[MetricScores, MetricScores]:
    name = draw(st.sampled_from(["answer_f1", "answer_exact", "judge_rubric", "judge_preference", "latency_ms", "cost_usd"]))
    value, limit = (AMOUNT, "max") if name in AMOUNTS else (SHARE, "threshold")
    declared = {limit: draw(st.none() | st.floats(0, 1)), "margin": draw(st.floats(0, 1)), "blocking": draw(st.booleans())}
    if name not in AMOUNTS:
        declared["case_threshold"] = draw(st.none() | st.sampled_from([0.0, 0.5, 1.0]))
    clusters = draw(st.lists(st.sampled_from(["", "a", "b"]), max_size=8))

    def side(**known: float) -> MetricScores:
        rows = []
        for n, cluster in enumerate(clusters, 1):
            repeats = tuple(draw(st.lists(value, min_size=1, max_size=2)))
            known_ = [each for each in repeats if each is not None]
            mean = min(max(sum(known_) / len(known_), min(known_)), max(known_)) if known_ else None
            rows.append(CaseScore(Case(n, f"q{n}", cluster=cluster), mean, repeats))
        return MetricScores({"name": name, **declared}, tuple(rows), "", known)

    base = MetricScores({"name": name, **declared}, ()) if name == "judge_preference" else side()
    return side(unreadable=draw(st.sampled_from([0.0, 0.1, 0.2]))), base


@given(
    given=st.lists(st.tuples(st.sampled_from(["one", "other"]), st.lists(pairs(), min_size=1, max_size=3)), max_size=3),
    beside=st.booleans(),
)
def test_whatever_is_measured_can_be_written_and_speaks_the_vocabulary(
    given: list[tuple[str, list[tuple[MetricScores, MetricScores]]]], beside: bool
) -> None:
    runs = judge_runs([measured([h for h, _ in found], [b for _, b in found] if beside else None, name) for name, found in given])
    assert json.loads(json.dumps(runs, allow_nan=False)) == runs
    for run in runs:
        assert run["verdict"] == overall(metric["verdict"] for metric in run["metrics"])
        assert run["evidence"] in ("pass", "unproven", "fail")
        for metric in run["metrics"]:
            assert_sound(metric, beside=beside)
    assert overall(run["verdict"] for run in runs) in GRAVITY


def assert_sound(metric: Mapping[str, Any], *, beside: bool) -> None:
    assert metric["verdict"] in (BESIDE if beside else ALONE)
    assert metric["limit_outcome"] in ((None,) if metric["limit"] is None else ("held", "missed", "unproven"))
    assert (metric["head"] is None) is (metric["n"] == 0) is (metric["clusters"] == 0)
    assert metric["clusters"] <= metric["n"]
    difference = metric["difference"]
    if metric["needed"] is not None:
        assert metric["verdict"] == "unproven" and metric["needed"] > metric["better"] + metric["worse"] + metric["same"]
    if difference is None:
        assert metric["better"] == metric["worse"] == metric["same"] == 0
        assert metric["verdict"] in ("unproven", "failed") or not beside
    else:
        assert 0 <= difference["p"] <= difference["p_adjusted"] <= 1
        assert difference["low"] is None or difference["low"] <= difference["value"] <= difference["high"]
    if metric["head"] is None:
        assert metric["verdict"] == "unproven" and metric["note"]
