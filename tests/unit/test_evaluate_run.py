"""Running an evaluation: which cases are retrieved and asked, how results are summed up, and that nothing passes unmeasured."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from llmops.evaluate.cases import Case
from llmops.evaluate.run import CaseScore, MetricResult, Subject, run_evaluation, sample

CASES = (
    Case(1, "refunds", "within 14 days", ("docs/refunds.md",)),
    Case(2, "support", "from 9 to 17", ("docs/support.md",)),
    Case(3, "painter", answerable=False),
    Case(4, "billing", "write to billing", ("docs/refunds.md",)),
)


@dataclass(frozen=True)
class Passage:
    path: str


@dataclass(frozen=True)
class Said:
    text: str
    blocked: bool = False


@dataclass
class Scripted:
    """An assistant that answers from a table and remembers what it was asked."""

    answers: dict[str, str] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    retrieved: list[str] = field(default_factory=list)

    def ask(self, question: str) -> Said:
        self.asked.append(question)
        return Said(self.answers.get(question, "I don't know."))

    def retrieve(self, question: str) -> Sequence[Passage]:
        self.retrieved.append(question)
        return [Passage("docs/refunds.md")]


def no_embeddings(texts: list[str]) -> Sequence[Sequence[float]]:
    raise AssertionError(f"nothing should embed {texts}")


def run(assistant: Scripted, *metrics: str, **spec: Any) -> dict[str, MetricResult]:
    declared = [{"name": name, "threshold": 0.5} for name in metrics]
    return run_evaluation({"metrics": declared, **spec}, CASES, Subject(assistant, no_embeddings))


def test_retrieval_is_measured_without_the_model() -> None:
    assistant = Scripted()
    results = run(assistant, "retrieval_recall", "retrieval_mrr", sample=1)
    assert assistant.asked == []
    assert assistant.retrieved == ["refunds", "support", "billing"]
    assert {name: r.n for name, r in results.items()} == {"retrieval_recall": 3, "retrieval_mrr": 3}
    assert {name: r.mean for name, r in results.items()} == pytest.approx({"retrieval_recall": 2 / 3, "retrieval_mrr": 2 / 3})


def test_only_sampled_cases_are_answered() -> None:
    assistant = Scripted()
    run(assistant, "answer_f1", sample=2)
    assert assistant.asked == ["refunds"]  # the sample is refunds and painter, and f1 applies to the first
    assert assistant.retrieved == []


def test_without_a_sample_every_case_is_answered_that_a_metric_needs() -> None:
    assistant = Scripted()
    run(assistant, "answer_f1", "abstention")
    assert assistant.asked == ["refunds", "support", "painter", "billing"]
    again = Scripted()
    run(again, "abstention")
    assert again.asked == ["painter"]


def test_each_case_is_asked_once_for_all_metrics() -> None:
    assistant = Scripted()
    run_evaluation(
        {"metrics": [{"name": "answer_f1", "threshold": 0}, {"name": "answer_similarity", "threshold": 0}]},
        CASES,
        Subject(assistant, lambda texts: [[1.0]] * len(texts)),
    )
    assert assistant.asked == ["refunds", "support", "billing"]


def test_results_hold_what_was_answered() -> None:
    result = run(Scripted({"refunds": "within 14 days", "support": "never"}), "answer_f1")["answer_f1"]
    assert [(s.case.line, s.score, s.got) for s in result.scores] == [
        (1, 1.0, "within 14 days"),
        (2, 0.0, "never"),
        (4, 0.0, "I don't know."),
    ]
    assert result.mean == pytest.approx(1 / 3)
    assert not result.passed


def test_retrieval_results_name_each_document_once() -> None:
    assert run(Scripted(), "retrieval_recall")["retrieval_recall"].scores[0].got == "docs/refunds.md"


def test_abstention_passes_when_the_assistant_admits_it() -> None:
    result = run(Scripted(), "abstention")["abstention"]
    assert (result.n, result.mean, result.passed) == (1, 1.0, True)


def test_results_come_in_the_order_of_the_spec() -> None:
    assert list(run(Scripted(), "abstention", "answer_f1", "retrieval_mrr")) == ["abstention", "answer_f1", "retrieval_mrr"]


def test_a_metric_that_applies_to_nothing_does_not_pass() -> None:
    declared = {"metrics": [{"name": "abstention", "threshold": 0.0}]}
    result = run_evaluation(declared, CASES[:2], Subject(Scripted(), no_embeddings))["abstention"]
    assert (result.n, result.mean, result.passed) == (0, None, False)


def test_an_assistant_that_fails_stops_the_evaluation() -> None:
    class Broken(Scripted):
        def ask(self, question: str) -> Said:
            raise ConnectionError("the model does not answer")

    with pytest.raises(ConnectionError, match="does not answer"):
        run(Broken(), "answer_f1")


def test_progress_counts_the_answers() -> None:
    told: list[str] = []
    subject = Subject(Scripted(), no_embeddings, told.append)
    run_evaluation({"metrics": [{"name": "answer_f1", "threshold": 0.5}, {"name": "retrieval_mrr", "threshold": 0.5}]}, CASES, subject)
    assert told == ["retrieving for 3 cases", "answered case 1 of 3", "answered case 2 of 3", "answered case 3 of 3"]


@pytest.mark.parametrize(
    ("count", "lines"),
    [(None, [1, 2, 3, 4]), (1, [1]), (2, [1, 3]), (3, [1, 2, 3]), (4, [1, 2, 3, 4]), (9, [1, 2, 3, 4])],
)
def test_a_sample_is_spread_evenly(count: int | None, lines: list[int]) -> None:
    assert [case.line for case in sample(CASES, count)] == lines


def test_a_larger_sample_has_no_case_twice() -> None:
    many = [Case(n, "q", "x") for n in range(60)]
    for count in range(1, 61):
        chosen = [case.line for case in sample(many, count)]
        assert len(chosen) == count == len(set(chosen))
        assert chosen == sorted(chosen)


def scored(*values: float, threshold: float = 0.5) -> MetricResult:
    return MetricResult("answer_f1", threshold, tuple(CaseScore(Case(n, "q"), v, "") for n, v in enumerate(values, 1)))


@pytest.mark.parametrize(("values", "passed"), [((0.5,), True), ((0.4, 0.6), True), ((0.4, 0.5), False)])
def test_a_mean_at_the_threshold_passes(values: tuple[float, ...], passed: bool) -> None:
    assert scored(*values).passed is passed


def test_the_worst_come_first_and_equal_ones_in_order() -> None:
    assert [(s.case.line, s.score) for s in scored(0.9, 0.1, 0.5, 0.1).worst(3)] == [(2, 0.1), (4, 0.1), (3, 0.5)]
