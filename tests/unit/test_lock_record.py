"""Results in a lock: what a new one replaces, and which of several counts."""

from __future__ import annotations

from llmops.lock.entries import Calibration, Evidence, Lock, Published, lock_of
from llmops.lock.lines import in_order
from llmops.lock.record import calibration_of, latest, record
from llmops.lock.text import render_lock
from tests.unit.lock_samples import digest
from tests.unit.test_lock_text import parse

A, B = digest("a"), digest("b")
PUBLISHED = Published("Prompt/answer@1.0.0", A)


def evidence(
    result: str = "pass", *, date: str = "2026-11-24", release: str = A, environment: str = "prod", name: str = "answers"
) -> Evidence:
    return Evidence(release, environment, f"Evaluation/{name}", in_order({"judge": "-", "n": "60", "result": result, "date": date}))


def calibration(kappa: float = 0.5, *, judge: str = "Model/judge@12ab", date: str = "2026-11-24", name: str = "answers") -> Calibration:
    return Calibration(judge, f"Evaluation/{name}", kappa, round(kappa - 0.2, 3), round(kappa + 0.2, 3), 80, date)


def test_a_result_replaces_the_one_before_it_and_nothing_else() -> None:
    others = [PUBLISHED, evidence(release=B), evidence(environment="dev"), evidence(name="red-team"), calibration(name="red-team")]
    before = lock_of([*others, evidence("pass"), calibration(0.5)])
    after = record(before, [evidence("fail", date="2026-11-25"), calibration(0.3, judge="Model/judge@99ff")])
    assert after == lock_of([*others, evidence("fail", date="2026-11-25"), calibration(0.3, judge="Model/judge@99ff")])


def test_a_recorded_lock_can_be_read() -> None:
    lock = record(Lock(), [evidence(), calibration(-0.05)])
    assert parse(render_lock(lock)) == (lock, [])


def test_the_newest_evidence_counts_of_whatever_environment() -> None:
    old, new = evidence("pass", date="2026-11-01"), evidence("fail", date="2026-11-02", environment="dev")
    assert latest([new, old], A, "Evaluation/answers") == new
    assert latest([new, old], B, "Evaluation/answers") is None
    assert latest([new, old], A, "Evaluation/red-team") is None


def test_of_one_day_the_worst_counts() -> None:
    both = [evidence("unproven", environment="dev"), evidence("pass"), evidence("fail", environment="staging")]
    for order in (both, both[::-1]):
        found = latest(order, A, "Evaluation/answers")
        assert found is not None
        assert found["result"] == "fail"


def test_a_calibration_of_another_judge_says_nothing() -> None:
    entries = [calibration(0.6, date="2026-11-01"), calibration(0.4, date="2026-11-02"), calibration(0.9, judge="Model/judge@99ff")]
    found = calibration_of(entries, "Model/judge@12ab", "Evaluation/answers")
    assert found is not None
    assert found.kappa == 0.4
    assert calibration_of(entries, "Model/judge@0000", "Evaluation/answers") is None
