"""Word diffs of prompts: they lose nothing, and show phrases, not letters."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmops.plan.words import CONTEXT, LONGEST, word_diff

TEXT = st.text(st.sampled_from("ab {}.,\n\t·é"), max_size=200)


def joined(segments: list[list[str]], *operations: str) -> str:
    return "".join(text for operation, text in segments if operation in operations)


@given(TEXT, TEXT)
def test_old_and_new_text_can_be_read_from_it(old: str, new: str) -> None:
    segments = word_diff(old, new)
    if not any(operation == "gap" for operation, _ in segments):
        assert joined(segments, "same", "removed") == old
        assert joined(segments, "same", "added") == new
    assert all(text or operation == "gap" for operation, text in segments)


@given(TEXT, TEXT)
def test_no_two_neighbours_are_of_one_sort(old: str, new: str) -> None:
    operations = [operation for operation, _ in word_diff(old, new)]
    assert all(left != right for left, right in pairwise(operations))


@given(TEXT)
def test_equal_texts_have_no_change(text: str) -> None:
    assert {operation for operation, _ in word_diff(text, text)} <= {"same", "gap"}


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (
            "Answer in a few words.",
            "Answer in one sentence.",
            [["same", "Answer in "], ["removed", "a few words"], ["added", "one sentence"], ["same", "."]],
        ),
        ("Be kind.", "Be very kind.", [["same", "Be"], ["added", " very"], ["same", " kind."]]),
        ("one\ntwo", "one\nthree", [["same", "one\n"], ["removed", "two"], ["added", "three"]]),
        ("", "new", [["added", "new"]]),
        ("{{ question }}", "{{ query }}", [["same", "{{ "], ["removed", "question"], ["added", "query"], ["same", " }}"]]),
    ],
)
def test_it_shows_phrases(old: str, new: str, expected: list[list[str]]) -> None:
    assert word_diff(old, new) == expected


def test_a_long_text_keeps_what_stands_next_to_a_change() -> None:
    before, after = "alpha " * 200, " omega" * 200
    segments = word_diff(f"{before}old{after}", f"{before}new{after}")
    assert [operation for operation, _ in segments] == ["gap", "same", "removed", "added", "same", "gap"]
    assert joined(segments, "removed", "added") == "oldnew"
    assert all(len(text) <= CONTEXT for operation, text in segments if operation == "same")


def test_very_long_texts_are_compared_by_lines() -> None:
    lines = [f"line {number} of a very long prompt\n" for number in range(LONGEST // 20)]
    changed = [*lines[:5], "another line\n", *lines[6:]]
    segments = word_diff("".join(lines), "".join(changed))
    assert joined(segments, "removed") == lines[5]
    assert joined(segments, "added") == "another line\n"
