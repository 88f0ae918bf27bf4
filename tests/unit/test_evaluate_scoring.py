"""Scores of what was answered: averaged over repeats, each from its own answer, and None where nothing can be said."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from llmops.evaluate.cases import Case
from llmops.evaluate.observation import Passage, Reply, Tools
from llmops.evaluate.questions import Question, choose, questions
from llmops.evaluate.scoring import Material, MetricScores, Result, Sides, score
from llmops.evaluate.side_by_side import answer_rows

CASES = (
    Case(1, "refunds", "within 14 days", ("docs/refunds.md",)),
    Case(2, "support", "from 9 to 17", ("docs/support.md",)),
    Case(3, "painter", answerable=False),
)
Answer = Callable[[Question], Result]


def silent(given: Sequence[str]) -> Any:
    raise AssertionError(f"nothing should be asked or embedded: {given}")


QUIET = Tools(silent, silent)


def spec(*metrics: str | dict[str, Any], **known: Any) -> dict[str, Any]:
    return {"metrics": [{"name": metric} if isinstance(metric, str) else metric for metric in metrics], **known}


def sides(declared: dict[str, Any], head: Answer, base: Answer | None = None, cases: tuple[Case, ...] = CASES) -> Sides:
    chosen = choose(declared, cases)
    wanted = questions(declared, chosen)

    def material(answer: Answer) -> Material:
        return Material({question: answer(question) for question in wanted})

    return Sides(chosen, material(head), material(base) if base else None)


def says(**texts: str) -> Answer:
    """Answers from a table, `I don't know.` otherwise; finds the refunds for everything."""
    return lambda q: (Passage("docs/refunds.md", "…"),) if q.needs == "passages" else Reply(texts.get(q.text, "I don't know."))


def values(scores: MetricScores) -> list[tuple[int, float | None]]:
    return [(case.case.line, case.value) for case in scores.cases]


def test_scores_come_in_the_order_of_the_spec() -> None:
    declared = spec("abstention", "answer_f1", "retrieval_mrr")
    assert [found.name for found in score(declared, sides(declared, says()), QUIET)] == ["abstention", "answer_f1", "retrieval_mrr"]


def test_each_metric_scores_the_cases_that_it_applies_to() -> None:
    declared = spec("retrieval_recall", "answer_exact", "abstention", "attack_caught")
    given = says(refunds="within 14 days", support="never")
    recall, exact, abstention, caught = score(declared, sides(declared, given), QUIET)
    assert values(recall) == [(1, 1.0), (2, 0.0)]
    assert values(exact) == [(1, 1.0), (2, 0.0)]
    assert values(abstention) == [(3, 1.0)]
    assert (values(caught), caught.note) == ([], "")


def test_a_sample_limits_what_metrics_of_answers_score() -> None:
    declared = spec("retrieval_recall", "answer_exact", sample=1)
    recall, exact = score(declared, sides(declared, says()), QUIET)
    assert [line for line, _ in values(recall)] == [1, 2]
    assert [line for line, _ in values(exact)] == [1]


def test_a_case_is_the_mean_of_its_repeats_each_from_its_own_answer() -> None:
    texts = {("refunds", 0): "within 14 days", ("refunds", 1): "never", ("refunds", 2): "within 14 days"}
    declared = spec("answer_exact", "retrieval_recall", repeats=3)
    both = sides(
        declared, lambda q: (Passage("docs/refunds.md", ""),) if q.needs == "passages" else Reply(texts[q.text, q.repeat]), cases=CASES[:1]
    )
    exact, recall = score(declared, both, QUIET)
    assert (exact.cases[0].value, exact.cases[0].repeats) == (pytest.approx(2 / 3), (1.0, 0.0, 1.0))
    assert recall.cases[0].repeats == (1.0,)


def test_another_repeats_answer_never_takes_the_place_of_a_missing_one() -> None:
    declared = spec("answer_exact", repeats=2)
    whole = sides(declared, says(refunds="within 14 days"), cases=CASES[:1])
    results = {question: result for question, result in whole.head.results.items() if question.repeat == 0}
    with pytest.raises(KeyError):
        score(declared, Sides(whole.chosen, Material(results)), QUIET)


def test_the_mean_leaves_out_repeats_of_which_nothing_can_be_said() -> None:
    costs = {("refunds", 0): 0.25, ("refunds", 1): None, ("support", 0): None, ("support", 1): None}
    declared = spec("cost_usd", repeats=2)
    (cost,) = score(declared, sides(declared, lambda q: Reply("x", cost_usd=costs[q.text, q.repeat]), cases=CASES[:2]), QUIET)
    assert values(cost) == [(1, 0.25), (2, None)]
    assert [case.repeats for case in cost.cases] == [(0.25, None), (None, None)]


def test_a_preference_needs_a_base() -> None:
    declared = spec({"name": "judge_preference", "rubric": "right"})
    (alone,) = score(declared, sides(declared, says()), QUIET)
    assert values(alone) == [(1, None), (2, None)]
    assert alone.note == "it compares with a base, and there was none"


def test_a_preference_compares_the_same_repeat_of_both_sides() -> None:
    declared = spec({"name": "judge_preference", "rubric": "right"}, repeats=2)
    prompts: list[str] = []

    def ask(given: Sequence[str]) -> Sequence[str]:
        prompts.extend(given)
        return ["A" if "Answer A: head" in prompt else "B" for prompt in given]

    both = sides(declared, lambda q: Reply(f"head {q.repeat}"), lambda q: Reply(f"base {q.repeat}"), CASES[:1])
    (preferred,) = score(declared, both, Tools(silent, ask))
    assert values(preferred) == [(1, 1.0)]
    for repeat in (0, 1):
        assert sum(f"Answer A: head {repeat}\n\nAnswer B: base {repeat}\n" in prompt for prompt in prompts) == 1
        assert sum(f"Answer A: base {repeat}\n\nAnswer B: head {repeat}\n" in prompt for prompt in prompts) == 1
    assert len(prompts) == 4


def test_what_a_judge_could_not_grade_is_noted() -> None:
    declared = spec({"name": "judge_rubric", "rubric": "right"})
    tools = Tools(silent, lambda prompts: ["4" if "refunds" in prompt else "Well, …" for prompt in prompts])
    (graded,) = score(declared, sides(declared, says()), tools)
    assert values(graded) == [(1, 0.75), (2, None)]
    assert graded.note == "the judge gave no readable verdict on 1 of 2"
    assert graded.details == {"unreadable": 0.5}


def test_variants_are_compared_within_a_repeat() -> None:
    declared = spec({"name": "counterfactual_bias", "swaps": [["he", "she"]]}, repeats=2)
    texts = {("May he?", 0): "Yes.", ("May she?", 0): "No.", ("May he?", 1): "Of course.", ("May she?", 1): "Of course."}
    (fair,) = score(declared, sides(declared, lambda q: Reply(texts[q.text, q.repeat]), cases=(Case(1, "May he?", "yes"),)), QUIET)
    assert (fair.cases[0].value, fair.cases[0].repeats) == (0.5, (0.0, 1.0))


def test_cases_that_were_not_asked_yet_are_left_out() -> None:
    declared = spec("answer_exact", "latency_ms")
    whole = sides(declared, says(refunds="within 14 days"))
    part = {question: result for question, result in whole.head.results.items() if question.text == "refunds"}
    found = score(declared, Sides(whole.chosen, Material(part), None, lambda case: case.line == 1), QUIET)
    assert [values(each) for each in found] == [[(1, 1.0)], [(1, 0.0)]]


def test_answers_stand_beside_each_other_with_their_own_scores() -> None:
    declared = spec("answer_exact", "retrieval_recall", repeats=2, sample=1)
    texts = {0: "within 14 days", 1: "never"}
    passages = (Passage("docs/refunds.md", "one"), Passage("docs/b.md", "two"), Passage("docs/refunds.md", "three"))

    def head(q: Question) -> Result:
        return passages if q.needs == "passages" else Reply(texts[q.repeat], blocked=q.repeat == 1, passages=passages)

    both = sides(declared, head, says(refunds="within 14 days"))
    own = score(declared, both, QUIET)
    other = score(declared, Sides(both.chosen, both.base or both.head), QUIET)
    rows = list(answer_rows(declared, both, own, other))
    assert [(row["line"], row["repeat"]) for row in rows] == [(1, 0), (1, 1), (2, 0)]
    first, second, retrieved = rows
    assert {key: first[key] for key in ("case", "cluster", "question", "expected")} == {
        "case": CASES[0].key,
        "cluster": CASES[0].key,
        "question": "refunds",
        "expected": "within 14 days",
    }
    sources = ["docs/refunds.md", "docs/b.md"]
    assert first["head"] == {
        "text": "within 14 days",
        "blocked": False,
        "sources": sources,
        "scores": {"answer_exact": 1.0, "retrieval_recall": 1.0},
    }
    assert second["head"] == {"text": "never", "blocked": True, "sources": sources, "scores": {"answer_exact": 0.0}}
    assert second["base"]["scores"] == {"answer_exact": 1.0}
    assert retrieved["head"] == {"text": "", "blocked": False, "sources": sources, "scores": {"retrieval_recall": 0.0}}


def test_answers_without_a_base_have_none_beside_them() -> None:
    declared = spec("answer_exact")
    alone = sides(declared, says())
    assert [row["base"] for row in answer_rows(declared, alone, score(declared, alone, QUIET), None)] == [None, None]


def test_a_run_that_stopped_early_shows_what_it_measured_and_nothing_else() -> None:
    declared = spec("answer_exact", "abstention")
    whole = sides(declared, says(), says())
    early = Sides(whole.chosen, whole.head, whole.base, lambda case: case.line != 2)
    rows = answer_rows(declared, early, score(declared, early, QUIET), None)
    assert [row["line"] for row in rows] == [1, 3]
