"""Many edits at once: grouped by file, told apart from contradictions, independent of their order."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from llmops.diagnostics import Edit
from llmops.edit import EditRefused, FileChange, FileChanges, apply_edits

FILES = {
    "a.yaml": "spec: # s\n  rules:\n    - id: x # first\n      n: 1\n    - id: y\n      n: 2\n  flag: true\n---\nspec: {n: 1}\n",
    "b.yaml": "n: 1 # b\n",
}


def read(file: str) -> str:
    if file not in FILES:
        raise EditRefused("The file cannot be read", "Look for it.")
    return FILES[file]


def edit(path: tuple[str | int, ...], value: Any, file: str = "a.yaml", index: int = 0) -> Edit:
    return Edit(file, index, path, value)


def applied(*edits: Edit) -> FileChanges:
    return apply_edits(edits, read)


def after(*edits: Edit) -> str:
    changes = applied(*edits)
    assert not changes.refused
    (change,) = changes.files
    return change.after


def test_files_come_in_order_with_both_texts() -> None:
    changes = applied(edit(("n",), 2, "b.yaml"), edit(("spec", "flag"), False))
    assert [change.file for change in changes.files] == ["a.yaml", "b.yaml"]
    assert changes.files[1] == FileChange("b.yaml", "n: 1 # b\n", "n: 2 # b\n")
    assert changes.refused == ()


def test_no_edits_change_nothing() -> None:
    assert applied() == FileChanges((), ())


def test_a_value_that_is_there_already_is_no_change() -> None:
    assert applied(edit(("n",), 1, "b.yaml")) == FileChanges((), ())


def test_equal_edits_are_one() -> None:
    assert after(edit(("n",), 2, "b.yaml"), edit(("n",), 2, "b.yaml")) == "n: 2 # b\n"


def test_documents_are_told_apart() -> None:
    text = after(edit(("spec", "n"), 5, index=1), edit(("spec", "flag"), False))
    assert "flag: false" in text
    assert text.endswith("---\nspec: {n: 5}\n")


@pytest.mark.parametrize(("one", "other"), [(2, 3), (True, 1), (1.0, 2), (None, 2), ([1], [2]), ("2", 2)])
def test_two_values_for_one_place_are_both_refused_by_name(one: Any, other: Any) -> None:
    changes = applied(edit(("n",), one, "b.yaml"), edit(("n",), other, "b.yaml"), edit(("spec", "flag"), False))
    assert [refusal.edit.value for refusal in changes.refused] == [one, other]
    assert all(refusal.message.startswith("n is to be ") and refusal.hint for refusal in changes.refused)
    assert [change.file for change in changes.files] == ["a.yaml"]


def test_the_message_names_both_values() -> None:
    changes = applied(edit(("n",), 2, "b.yaml"), edit(("n",), None, "b.yaml"))
    assert changes.refused[0].message == "n is to be 2 by one finding and taken out by another"


def test_a_place_inside_another_is_refused_where_they_disagree() -> None:
    changes = applied(edit(("spec", "rules"), None), edit(("spec", "rules", 0, "n"), 5))
    assert [refusal.message for refusal in changes.refused] == [
        "spec.rules is to be taken out by one finding, and spec.rules[0].n 5 by another",
        "spec.rules[0].n is to be 5 by one finding, and spec.rules taken out by another",
    ]
    assert changes.files == ()


def test_a_place_inside_another_is_left_out_where_they_agree() -> None:
    text = after(edit(("m",), {"a": {"b": 1}}, "b.yaml"), edit(("m", "a", "b"), 1, "b.yaml"), edit(("m", "c"), None, "b.yaml"))
    assert text == "n: 1 # b\nm:\n  a:\n    b: 1\n"


MANY = (
    edit(("spec", "rules", 0), None),
    edit(("spec", "rules", 1, "n"), 9),
    edit(("spec", "rules", 2), {"id": "z"}),
    edit(("spec", "flag"), None),
    edit(("spec", "new", "deep"), 1),
)


@pytest.mark.parametrize("order", list(itertools.permutations(range(5)))[::7], ids=str)
def test_every_path_means_the_text_as_it_was(order: tuple[int, ...]) -> None:
    """A removal moves no item that another edit names, whatever the order they come in."""
    assert after(*(MANY[i] for i in order)) == (
        "spec: # s\n  rules:\n    - id: y\n      n: 9\n    - {id: z}\n  new: {deep: 1}\n---\nspec: {n: 1}\n"
    )


def test_several_items_are_taken_out_of_one_list() -> None:
    assert "rules: []" in after(edit(("spec", "rules", 0), None), edit(("spec", "rules", 1), None))


def test_an_edit_that_cannot_be_made_leaves_the_others() -> None:
    changes = applied(edit(("n", "deep"), 1, "b.yaml"), edit(("m",), 2, "b.yaml"))
    assert [refusal.message for refusal in changes.refused] == ["n.deep cannot be reached: n is a single value"]
    assert changes.files[0].after == "n: 1 # b\nm: 2\n"


def test_a_file_that_cannot_be_read_refuses_its_edits() -> None:
    changes = applied(edit(("n",), 1, "c.yaml"), edit(("m",), 1, "c.yaml"), edit(("n",), 2, "b.yaml"))
    assert [(r.edit.path, r.message, r.hint) for r in changes.refused] == [
        (("n",), "The file cannot be read", "Look for it."),
        (("m",), "The file cannot be read", "Look for it."),
    ]
    assert [change.file for change in changes.files] == ["b.yaml"]
