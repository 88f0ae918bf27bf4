"""Judges: what they are asked, that only an answer in the asked form counts, and that both orders are heard."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmops.evaluate.calibration import GOOD_FROM, agreement_of, prompts_of, read_labels
from llmops.evaluate.cases import Case, CasesError
from llmops.evaluate.judging import grade_of, graded, preferred, rubric_prompt
from llmops.evaluate.observation import Observation, Reply, Scored, Tools

RUBRIC = {"rubric": "The answer is right."}


def tools(say: Callable[[str], str]) -> Tools:
    return Tools(lambda texts: [[0.0]] * len(texts), lambda prompts: [say(prompt) for prompt in prompts])


def observed(*answers: str, rival: str | None = None) -> list[Observation]:
    other = Reply(rival) if rival is not None else None
    return [Observation(Case(n, "How long?", "14 days"), reply=Reply(text), rival=other) for n, text in enumerate(answers, 1)]


@pytest.mark.parametrize(
    ("said", "grade"),
    [("1", 0.0), ("3", 0.5), ("5", 1.0), (" 4. ", 0.75), ("Grade: 2", 0.25), ("5/5", 1.0), ("**4**", 0.75)],
)
def test_a_grade_is_one_digit(said: str, grade: float) -> None:
    assert grade_of(said) == grade


@pytest.mark.parametrize(
    "said", ["", "good", "6", "0", "45", "4 or 5", "The answer deserves a very long explanation before 4", "3 because it is wrong", "1\n5"]
)
def test_anything_else_is_no_grade(said: str) -> None:
    assert grade_of(said) is None


@given(st.text(max_size=30))
def test_no_text_gives_a_grade_out_of_range(said: str) -> None:
    grade = grade_of(said)
    assert grade is None or 0 <= grade <= 1


def test_the_judge_reads_question_reference_answer_and_rubric_between_marks() -> None:
    asked: list[str] = []

    def say(prompt: str) -> str:
        asked.append(prompt)
        return "4"

    assert graded(observed("two weeks"), RUBRIC, tools(say)) == Scored((0.75,), "", {"unreadable": 0.0})
    (prompt,) = asked
    assert all(text in prompt for text in ("How long?", "14 days", "two weeks", "The answer is right."))
    mark = prompt.split("lines that read ")[1].split(" ")[0]
    assert prompt.count(f"\n{mark}\n") == 2


def test_the_mark_is_another_for_other_material_and_the_same_for_the_same() -> None:
    one, again, other = (rubric_prompt("r", "q", answer, "x") for answer in ("a", "a", "b"))
    assert one == again != other
    assert one.splitlines()[0] != other.splitlines()[0]


def test_material_with_braces_is_not_taken_for_a_template() -> None:
    assert "{0} {mark}" in rubric_prompt("r {rubric}", "q", "{0} {mark}", "x")


def test_a_judge_that_rambles_decides_nothing_and_is_counted() -> None:
    found = graded(observed("a", "b", "c"), RUBRIC, tools(lambda prompt: "well…" if "grade: b" in prompt else "5"))
    assert found.values == (1.0, None, 1.0)
    assert found.details == {"unreadable": pytest.approx(1 / 3)}
    assert found.note == "the judge gave no readable verdict on 1 of 3"


def by_length(prompt: str) -> str:
    one, other = (prompt.split(f"Answer {letter}: ")[1].split("\n", maxsplit=1)[0] for letter in "AB")
    return "A" if len(one) > len(other) else "B" if len(other) > len(one) else "tie"


def test_a_preference_is_asked_in_both_orders() -> None:
    found = preferred(observed("long answer", "s", "ok then", rival="ok then"), RUBRIC, tools(by_length))
    assert found.values == (1.0, 0.0, 0.5)
    assert found.note == ""


@pytest.mark.parametrize("place", ["A", "B"])
def test_a_judge_that_favours_a_place_prefers_nobody(place: str) -> None:
    found = preferred(observed("long answer", "s", rival="ok then"), RUBRIC, tools(lambda _prompt: place))
    assert found.values == (0.5, 0.5)
    assert found.note == "the order decided 2 of 2"


def test_an_unreadable_order_leaves_the_case_out() -> None:
    answers = iter(["A", "maybe"])
    found = preferred(observed("x", rival="y"), RUBRIC, tools(lambda _prompt: next(answers)))
    assert found.values == (None,)
    assert "no readable verdict on 1 of 1" in found.note


def test_without_a_base_nothing_is_preferred_and_nobody_is_asked() -> None:
    def refuse(prompts: Sequence[str]) -> Sequence[str]:
        raise AssertionError(prompts)

    found = preferred(observed("x", "y"), RUBRIC, Tools(lambda texts: [], refuse))
    assert found.values == (None, None)
    assert "base" in found.note


def labels_of(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "labels.jsonl"
    path.write_text(text, "utf-8")
    return path


GOOD = '{"question": "q", "answer": "right", "reference": "r", "label": 1}'
BAD = '{"question": "q", "answer": "wrong", "reference": "r", "label": 0}'


def test_agreement_counts_both_errors(tmp_path: Path) -> None:
    labels = read_labels(labels_of(tmp_path, "\n".join([GOOD, GOOD, BAD, BAD, "", BAD])))
    found = agreement_of(labels, ["5", "2", "1", "4", "hm"])
    assert (found.good, found.true_good, found.bad, found.true_bad, found.unreadable) == (2, 1, 3, 1, 1)
    assert found.kappa.n == 5
    assert found.kappa.value < 0.2
    assert agreement_of(labels, ["5", "4", "1", "2", "3"]).kappa.value == 1.0


def test_a_label_is_judged_by_the_very_prompt_of_the_metric(tmp_path: Path) -> None:
    labels = read_labels(labels_of(tmp_path, f"{GOOD}\n{BAD}\n"))
    assert prompts_of(labels, "the rubric") == [rubric_prompt("the rubric", "q", answer, "r") for answer in ("right", "wrong")]
    assert grade_of("4") == GOOD_FROM


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "labels.jsonl:1:2: not JSON"),
        ('{"question": "q", "answer": "a", "reference": "r", "label": 2}', "labels.jsonl:1: a label has"),
        ('{"question": "q", "answer": "", "reference": "r", "label": 1}', "labels.jsonl:1: a label has"),
        ("[1]", "labels.jsonl:1: a label has"),
        (GOOD, "labels.jsonl: labels of one kind only"),
        ("", "labels.jsonl: labels of one kind only"),
    ],
)
def test_bad_labels_are_named(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(CasesError) as caught:
        read_labels(labels_of(tmp_path, text))
    assert str(caught.value).removeprefix(f"{tmp_path}/").startswith(message)
