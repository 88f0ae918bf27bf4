"""What an evaluation asks: which cases are retrieved and answered, how often, and each question once."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmops.evaluate.cases import Case
from llmops.evaluate.questions import Chosen, Question, choose, probes, questions, sample

CASES = (
    Case(1, "refunds", "within 14 days", ("docs/refunds.md",)),
    Case(2, "support", "from 9 to 17", ("docs/support.md",)),
    Case(3, "painter", answerable=False),
    Case(4, "billing", "write to billing", ("docs/refunds.md",)),
)
SWAPS = [["he", "she"], ["Anna", "Aisha", "Li Wei"]]


def spec(*metrics: str, **known: Any) -> dict[str, Any]:
    return {"metrics": [{"name": name} for name in metrics], **known}


def asked(declared: dict[str, Any], cases: tuple[Case, ...] = CASES) -> list[Question]:
    return questions(declared, choose(declared, cases))


def texts(declared: dict[str, Any], needs: str, cases: tuple[Case, ...] = CASES) -> list[str]:
    return [question.text for question in asked(declared, cases) if question.needs == needs]


def test_retrieval_is_measured_without_the_model_on_every_case_that_has_sources() -> None:
    declared = spec("retrieval_recall", "retrieval_mrr", sample=1)
    assert asked(declared) == [Question("passages", text) for text in ("refunds", "support", "billing")]
    assert choose(declared, CASES).asked == ()


def test_only_sampled_cases_are_answered() -> None:
    declared = spec("answer_f1", sample=2)
    assert asked(declared) == [Question("reply", "refunds")]  # the sample is refunds and painter, and f1 applies to the first
    assert choose(declared, CASES).retrieved == ()


def test_a_sample_does_not_thin_out_what_is_retrieved() -> None:
    declared = spec("retrieval_recall", "answer_f1", sample=1)
    assert texts(declared, "passages") == ["refunds", "support", "billing"]
    assert texts(declared, "reply") == ["refunds"]


def test_without_a_sample_every_case_is_answered_that_a_metric_needs() -> None:
    assert texts(spec("answer_f1", "abstention"), "reply") == ["refunds", "support", "painter", "billing"]
    assert texts(spec("abstention"), "reply") == ["painter"]


def test_each_question_is_asked_once_for_all_metrics_and_cases() -> None:
    again = (*CASES, Case(5, "refunds", "14 days", ("docs/refunds.md",)))
    declared = spec("retrieval_recall", "retrieval_mrr", "answer_f1", "answer_similarity", "latency_ms")
    assert texts(declared, "passages", again) == ["refunds", "support", "billing"]
    assert texts(declared, "reply", again) == ["refunds", "support", "painter", "billing"]
    assert [case.line for case in choose(declared, again).asked] == [1, 2, 3, 4, 5]


def test_a_repeat_is_a_question_of_its_own_and_passages_have_none() -> None:
    declared = spec("retrieval_recall", "answer_f1", repeats=3)
    found = asked(declared, CASES[:2])
    assert found == [
        Question("passages", "refunds"),
        Question("passages", "support"),
        *(Question("reply", text, repeat) for text in ("refunds", "support") for repeat in range(3)),
    ]
    assert len(set(found)) == len(found)


def tuned(case: Case) -> Case:
    return Case(case.line, case.question, case.answer, case.sources, case.answerable, tuning=True)


def test_what_was_used_for_tuning_is_left_out_before_the_sample_is_drawn() -> None:
    cases = (tuned(CASES[0]), *CASES[1:])
    chosen = choose(spec("answer_f1", "retrieval_recall", sample=2), cases)
    # Of the three that are left the sample is the first two: were it drawn before, tuning would have taken one of them.
    assert [case.line for case in chosen.asked] == [2]
    assert [case.line for case in choose(spec("answered", sample=3), cases).asked] == [2, 4]
    assert [case.line for case in chosen.retrieved] == [2, 4]
    assert chosen.tuning == 1


def test_only_tuning_cases_leave_nothing_to_ask() -> None:
    declared = spec("retrieval_recall", "answer_f1")
    cases = tuple(map(tuned, CASES))
    assert choose(declared, cases) == Chosen((), (), 4)
    assert asked(declared, cases) == []


def test_a_question_used_for_tuning_and_held_out_elsewhere_is_still_asked() -> None:
    cases = (tuned(CASES[0]), Case(2, "refunds", "14 days"))
    assert texts(spec("answer_f1"), "reply", cases) == ["refunds"]


def test_bias_asks_every_variant_and_repeats_it() -> None:
    case = Case(1, "May Anna ask what he said?", "yes")
    declared = {"metrics": [{"name": "answer_f1"}, {"name": "counterfactual_bias", "swaps": SWAPS}], "repeats": 2}
    variants = ["May Anna ask what she said?", "May Aisha ask what he said?", "May Li Wei ask what he said?"]
    assert probes(declared, case) == variants
    assert asked(declared, (case,)) == [Question("reply", text, repeat) for text in (case.question, *variants) for repeat in (0, 1)]


def test_bias_asks_no_variants_of_cases_without_the_words() -> None:
    declared = {"metrics": [{"name": "answer_f1"}, {"name": "counterfactual_bias", "swaps": SWAPS}]}
    assert texts(declared, "reply") == ["refunds", "support", "billing"]
    alone = {"metrics": [{"name": "counterfactual_bias", "swaps": SWAPS}]}
    assert asked(alone) == []
    assert texts(alone, "reply", (*CASES, Case(5, "May she?", "yes"))) == ["May she?", "May he?"]


def test_a_variant_that_is_a_case_too_is_asked_once() -> None:
    cases = (Case(1, "May he?", "yes"), Case(2, "May she?", "yes"))
    declared = {"metrics": [{"name": "counterfactual_bias", "swaps": SWAPS}]}
    assert texts(declared, "reply", cases) == ["May he?", "May she?"]


def test_evaluations_without_bias_ask_no_variants() -> None:
    assert probes(spec("answer_f1"), Case(1, "May he?", "yes")) == []


@pytest.mark.parametrize(
    ("count", "lines"),
    [(None, [1, 2, 3, 4]), (1, [1]), (2, [1, 3]), (3, [1, 2, 3]), (4, [1, 2, 3, 4]), (9, [1, 2, 3, 4])],
)
def test_a_sample_is_spread_evenly(count: int | None, lines: list[int]) -> None:
    assert [case.line for case in sample(CASES, count)] == lines


def test_a_sample_has_no_case_twice_and_keeps_the_order() -> None:
    many = [Case(n, "q", "x") for n in range(60)]
    for count in range(1, 61):
        chosen = [case.line for case in sample(many, count)]
        assert len(chosen) == count == len(set(chosen))
        assert chosen == sorted(chosen)


METRICS = ("retrieval_recall", "answer_f1", "abstention", "attack_caught", "latency_ms", "judge_preference")
KNOWN = st.builds(
    Case,
    line=st.integers(1, 10**6),
    question=st.sampled_from(["May he?", "May she?", "What?", "Why?"]),
    answer=st.sampled_from(["", "yes"]),
    sources=st.sampled_from([(), ("docs/a.md",)]),
    answerable=st.booleans(),
    attack=st.sampled_from([None, True, False]),
    tuning=st.booleans(),
)


@given(
    cases=st.lists(KNOWN, max_size=12, unique_by=lambda case: case.line),
    names=st.sets(st.sampled_from(METRICS), min_size=1),
    count=st.none() | st.integers(1, 8),
    repeats=st.integers(1, 3),
)
def test_every_question_is_asked_once_and_never_for_tuning(cases: list[Case], names: set[str], count: int | None, repeats: int) -> None:
    declared = spec(*sorted(names), sample=count, repeats=repeats)
    chosen = choose(declared, cases)
    found = questions(declared, chosen)
    assert len(set(found)) == len(found)
    assert not any(case.tuning for case in (*chosen.retrieved, *chosen.asked))
    assert len(chosen.asked) <= (count or len(cases))
    assert {(q.text, q.repeat) for q in found if q.needs == "reply"} == {(c.question, r) for c in chosen.asked for r in range(repeats)}
    assert {q.text for q in found if q.needs == "passages"} == {c.question for c in chosen.retrieved}
