"""The form of the examples: one mark each, lines that fit a terminal, context that stands in the file; and how parts are shown."""

from __future__ import annotations

from pathlib import Path

import pytest

from llmops.codes import CODES, FAMILIES, Code, Part, Place, Side
from tests.codes.workspaces import CLOSE, OPEN, examples, lay_out

WIDEST = 76
"""Columns of an example, which `llmops explain` indents by four."""
SIDES: tuple[Side, Side] = ("wrong", "right")
PLACE = Place("specs/a.yaml", "kind: Model\nspec:")
PART = Part(PLACE, "  a: 1\n  b: [«two», 3]\n  c: 4", "  a: 1\n  b: [2, 3]\n  c: 4")


def test_the_wrong_text_is_without_its_mark() -> None:
    assert PART.text("wrong") == "  a: 1\n  b: [two, 3]\n  c: 4"
    assert PART.text("right") == PART.right


def test_carets_stand_under_what_was_marked() -> None:
    assert PART.shown("wrong") == ["kind: Model", "spec:", "  a: 1", "  b: [two, 3]", "      ^^^", "  c: 4"]


def test_the_right_side_has_no_carets() -> None:
    assert PART.shown("right") == ["kind: Model", "spec:", "  a: 1", "  b: [2, 3]", "  c: 4"]


def test_a_part_at_the_top_of_a_file_has_nothing_above() -> None:
    assert Part(Place("a.yaml"), "«a»: 1", "b: 1").shown("wrong") == ["a: 1", "^"]


def test_the_right_side_leaves_out_what_stays() -> None:
    same = Part(PLACE, "  d: «5»", "  d: 5")
    code = Code("T", "W.", "F.", (PART, same))
    assert code.parts("wrong") == [PART, same]
    assert code.parts("right") == [PART]
    assert (PART.marked, same.marked, Part(PLACE, "  e: 6", "  e: 7").marked) == (True, True, False)


def parts() -> list[tuple[str, Part]]:
    return [(name, part) for name in examples() for part in CODES[name].example]


@pytest.mark.parametrize("name", examples())
def test_an_example_has_one_mark(name: str) -> None:
    text = "".join(part.wrong for part in CODES[name].example)
    assert (text.count(OPEN), text.count(CLOSE)) == (1, 1)
    assert CODES[name].parts("right"), "the right side shows nothing"


@pytest.mark.parametrize(("name", "part"), parts(), ids=lambda value: value if isinstance(value, str) else "")
def test_a_part_reads_well(name: str, part: Part) -> None:
    for side in SIDES:
        lines = part.shown(side)
        assert all(0 < len(line) <= WIDEST and line == line.rstrip() for line in lines), f"{name}: {lines}"
    assert OPEN not in part.right and CLOSE not in part.right


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("name", examples())
def test_what_is_shown_above_a_part_stands_above_it(name: str, side: Side, tmp_path: Path) -> None:
    code = CODES[name]
    root = lay_out(code, side, tmp_path / "workspace")
    for part in code.example:
        before, found, _ = (root / part.place.file).read_text("utf-8").rpartition(part.text(side))
        assert found
        lines = iter(before.splitlines())
        assert all(wanted in lines for wanted in part.place.above.splitlines()), f"{name}: {part.place.above!r} is not above"


@pytest.mark.parametrize("name", examples())
def test_each_side_lays_out_the_same_files(name: str, tmp_path: Path) -> None:
    trees = [{path.relative_to(tmp_path / side) for path in lay_out(CODES[name], side, tmp_path / side).rglob("*")} for side in SIDES]
    assert trees[0] == trees[1]


@pytest.mark.parametrize("name", CODES)
def test_the_sentences_are_sentences(name: str) -> None:
    code = CODES[name]
    for text in (code.why, code.fix, code.words, code.given):
        assert not text or ((text[0].isupper() or text[0] == "`") and text.endswith(".") and "  " not in text), text
    assert code.why and code.fix
    assert bool(code.given) >= bool(code.beside), "the reader is told of files beside the example"


@pytest.mark.parametrize("prefix", FAMILIES)
def test_a_family_has_its_codes_in_order(prefix: str) -> None:
    names = list(FAMILIES[prefix].codes)
    first = int(names[0].removeprefix(prefix))
    assert names == [f"{prefix}{first + step:02}" for step in range(len(names))]


def test_families_share_no_code() -> None:
    assert sum(len(family.codes) for family in FAMILIES.values()) == len(CODES)
