"""The text report: the caret stands under what it means, long lines fit the terminal, and nothing steers it."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmops.diagnostics import Diagnostic, Edit, Location
from llmops.report.excerpt import cells, crop, plain, quote
from llmops.report.palette import Palette
from llmops.report.text import text_report
from tests.unit.report_samples import POLICY, REASON, TEXT, diagnostic, one_of_each, violation

ANSI = re.compile(r"\033\[[0-9;]*m")


def report(*found: Diagnostic, text: str = TEXT, colour: bool = False, width: int | None = None, least: str = "note") -> str:
    return text_report(found, lambda _: text, colour=colour, width=width, least=least)  # type: ignore[arg-type]


def closing(*found: Diagnostic, least: str = "note") -> str:
    return report(*found, least=least).rstrip().split("\n")[-1]


def test_one_finding() -> None:
    assert report(diagnostic(Location("x.yaml", 2, 6, 2))) == (
        "error[LLM0205]: Wrong\n"
        " --> x.yaml:2:6\n"
        "  |\n"
        "2 | bcd: 22\n"
        "  |      ^^\n"
        "  = help: Mend it.\n"
        "\n"
        "1 error. `llmops explain LLM0205` says more.\n"
    )


def test_a_violated_policy_is_called_by_its_name() -> None:
    edit = Edit("x.yaml", 0, ("spec", "items", 0, "revision"), "v1")
    assert report(violation(Location("x.yaml", 2, 6, 2), edits=(edit,))) == (
        "error[pinned]: chatter is not pinned\n"
        " --> x.yaml:2:6\n"
        "  |\n"
        "2 | bcd: 22\n"
        "  |      ^^\n"
        " ::: policies/pinned.yaml:3:17 the policy pinned is here\n"
        "  = help: Name the revision.\n"
        '  = fix: `llmops check --fix` sets spec.items[0].revision to "v1"\n'
        "  = why: `llmops policy explain pinned` (LLM0901)\n"
        "\n"
        "1 error. `llmops check --fix` can mend 1.\n"
    )


def test_a_note_offers_no_fix() -> None:
    edit = Edit("x.yaml", 0, ("spec", "revision"), "v1")
    assert "--fix" not in report(violation(Location("x.yaml", 1), "note", edits=(edit,)))


def test_an_edit_elsewhere_names_its_file_and_a_long_value_is_cropped() -> None:
    edit = Edit("other.yaml", 0, ("spec", "list"), list(range(99)))
    found = report(violation(Location("x.yaml", 1), edits=(edit,)))
    assert re.search(r"sets spec\.list to \[0, 1, 2.{48,60}… in other\.yaml\n", found)


def test_what_is_waived_is_short_and_says_why() -> None:
    assert report(violation(Location("x.yaml", 2, 6, 2), waived=REASON)) == (
        f"waived[pinned]: chatter is not pinned\n --> x.yaml:2:6\n  = waived: {REASON}\n\n1 waived.\n"
    )


def test_two_places_on_one_line_share_it() -> None:
    assert "2 | bcd: 22\n  |      ^^\n  | --- first\n  = help" in report(
        diagnostic(Location("x.yaml", 2, 6, 2), Location("x.yaml", 2, 1, 3, "first"))
    )


@pytest.mark.parametrize(
    ("lines", "shown"),
    [
        ((1, 2), "1 | l1\n  | - first\n2 | l2\n  | ^\n"),
        ((1, 4), "1 | l1\n  | - first\n2 | l2\n3 | l3\n4 | l4\n  | ^\n"),
        ((1, 5), "1 | l1\n  | - first\n...\n5 | l5\n  | ^\n"),
    ],
)
def test_places_of_one_file_are_one_excerpt(lines: tuple[int, int], shown: str) -> None:
    first, second = lines
    text = "".join(f"l{number}\n" for number in range(1, 9))
    found = report(diagnostic(Location("x.yaml", second), Location("x.yaml", first, 1, 1, "first")), text=text)
    assert shown in found and found.startswith(f"error[LLM0205]: Wrong\n --> x.yaml:{second}:1\n  |\n")
    assert ":::" not in found


def test_related_places_have_labels_and_a_common_margin() -> None:
    found = report(diagnostic(Location("x.yaml", 2, 1, 3), Location("y.yaml", 12, 1, 1, "the base is here")), text="bcd: 22\n" * 12)
    assert "  ::: y.yaml:12:1\n" in found and "12 | bcd: 22\n   | - the base is here\n" in found and " 2 | bcd: 22\n" in found


@pytest.mark.parametrize(
    ("severities", "end"),
    [
        (["error"], "1 error"),
        (["warning"], "1 warning"),
        (["error", "error"], "2 errors"),
        (["error", "warning", "warning"], "1 error and 2 warnings"),
        (["note", "warning", "error"], "1 error, 1 warning and 1 note"),
    ],
)
def test_the_closing_line(severities: list[str], end: str) -> None:
    found = [diagnostic(Location("x.yaml", i + 1), severity=s) for i, s in enumerate(severities)]
    assert closing(*found) == f"{end}. `llmops explain LLM0205` says more."


@pytest.mark.parametrize(
    ("least", "end"),
    [
        ("note", "1 error, 1 warning, 1 note and 1 waived. `llmops explain LLM0406` says more."),
        ("warning", "1 error, 1 warning and 1 waived. Not shown: 1 note (`--severity note`). `llmops explain LLM0406` says more."),
        ("error", "1 error and 1 waived. Not shown: 1 warning and 1 note (`--severity note`). `llmops explain LLM0205` says more."),
    ],
)
def test_what_is_not_shown_is_counted(least: str, end: str) -> None:
    assert closing(*one_of_each(), least=least) == end
    assert ("note[pinned]" in report(*one_of_each(), least=least)) == (least == "note")


def test_only_hidden_findings_are_a_line() -> None:
    assert report(violation(Location("x.yaml"), "note"), least="warning") == "Not shown: 1 note (`--severity note`).\n"


def test_the_waived_come_last() -> None:
    heads = re.findall(r"^(\w+)\[", report(*one_of_each()), re.MULTILINE)
    assert heads == ["note", "warning", "error", "waived"]


def test_no_findings_are_no_text() -> None:
    assert report() == ""


@pytest.mark.parametrize("place", [Location("x.yaml", 99), Location("x.yaml", 1, 99), Location("x.yaml", 1, 1, 999)])
def test_places_beyond_the_text_do_no_harm(place: Location) -> None:
    assert f"x.yaml:{place.line}:{place.column}" in report(diagnostic(place))
    assert "x.yaml:1:1\n" in report(diagnostic(Location("x.yaml", 1), place))


def test_a_file_that_is_not_known_is_not_quoted() -> None:
    found = text_report([diagnostic(Location("x.csv", 3), Location("x.csv", 1, 1, 1, "first"))], lambda _: None, colour=False)
    assert "|" not in found and " --> x.csv:3:1\n ::: x.csv:1:1 first\n" in found


def everything(text: str) -> tuple[Diagnostic, ...]:
    """Findings with every part that a report has, at the first words of a text."""
    place = Location("x.yaml", 1, 4, 12, "here, " * 9)
    long = "word " * 40
    edit = Edit("x.yaml", 0, ("spec", "revision"), text)
    coded = Diagnostic("LLM0205", "error", long, (place, replace(place, line=2)), "a", long)
    return (coded, replace(violation(place, edits=(edit,)), message=long), violation(place, waived=long), violation(place, "note"))


def test_colour_adds_only_colour() -> None:
    found = everything("v1")
    text = f"k: {'value ' * 30}\n" * 2
    for width in (None, 80, 132):
        coloured = report(*found, text=text, colour=True, width=width)
        assert "\033[1;38;5;196m" in coloured
        assert ANSI.sub("", coloured) == report(*found, text=text, width=width)


def test_every_colour_ends() -> None:
    for line in report(*everything("v1"), colour=True, width=80).splitlines():
        codes = ANSI.findall(line)
        assert codes[1::2] == ["\033[0m"] * (len(codes) // 2) and len(codes) % 2 == 0


def test_nothing_is_painted_without_text() -> None:
    assert Palette(colour=True).paint("bold", "") == ""


@pytest.mark.parametrize("width", [80, 81, 100, 120, 200])
def test_everything_fits_the_terminal(width: int) -> None:
    wide = f"k: {'漢字 value ' * 30}\n" * 2
    for text in ("k: " + "value " * 60 + "\n", wide, "x" * 500):
        lines = report(*everything("v1"), text=text, width=width).splitlines()
        assert max(map(cells, lines)) <= width
        assert max(map(cells, lines)) > 70, "the width is used"


def test_a_narrow_terminal_counts_as_80_columns() -> None:
    assert report(*everything("v1"), width=20) == report(*everything("v1"), width=80)


def test_prose_stays_readable_on_a_very_wide_terminal() -> None:
    lines = report(diagnostic(Location("x.csv"), message="word " * 80), width=300).splitlines()
    assert max(map(len, lines)) <= 120


def test_wrapped_sentences_are_indented_and_whole() -> None:
    words = " ".join(f"word{n}" for n in range(40))
    found = report(diagnostic(Location("x.yaml", 2, 6, 2), message=words, hint=words), width=80)
    head, help_ = found.split(" --> ")[0].splitlines(), found.split("= help: ")[1].split("\n\n")[0].splitlines()
    assert " ".join(line.strip() for line in head) == f"error[LLM0205]: {words}"
    assert all(line.startswith("    word") for line in head[1:]) and len(head) > 2
    assert " ".join(line.strip() for line in help_) == words
    assert all(line.startswith(" " * 10 + "word") for line in help_[1:])


def test_a_command_stays_on_one_line() -> None:
    for filling in range(40, 80):
        found = report(diagnostic(Location("x.csv"), hint=f"{'x' * filling} `llmops check --fix` and more"), width=80)
        assert "`llmops check --fix`" in found


def test_a_long_name_is_never_broken() -> None:
    name = "n" * 150
    assert name in report(diagnostic(Location("x.csv"), message=f"No Prompt is called '{name}'"), width=80)


@pytest.mark.parametrize(
    "evil", ["\x1b[2J", "\x07", "\r", "\x00", "\x9b31m", "\u202e", "\u2066", "\ufeff", "\u200b", "\U000e0041", "\udc80"]
)
def test_nothing_steers_the_terminal(evil: str) -> None:
    place = Location(f"x{evil}.yaml", 1, 4, 1, f"label {evil}")
    edit = Edit(f"y{evil}.yaml", 0, (f"k{evil}",), evil)
    found = replace(violation(place, edits=(edit,)), message=f"Bad {evil}", hint=f"Not {evil}", policy=f"p{evil}")
    text = report(found, replace(found, waived=f"because {evil}"), text=f"a: {evil}b", width=80)
    assert evil not in text and "·" in text
    assert all(char.isprintable() or char == "\n" for char in text)


@given(st.text(max_size=300), st.integers(1, 320), st.integers(1, 50), st.integers(20, 200))
def test_the_caret_stands_under_its_character(line: str, column: int, width: int, room: int) -> None:
    line = re.sub(r"[\n\r\x85\u2028\u2029]", "", line)
    quoted = quote(line, 1, None)
    shown = crop(quoted, column, width, room)
    assert cells(shown.line) <= room
    if column <= len(quoted):
        assert shown.line[column - 1 - shown.start] == quoted[column - 1]
        assert shown.cell(column) == cells(shown.line[: column - 1 - shown.start]) < room


def test_wide_characters_take_two_cells_and_accents_none() -> None:
    found = report(diagnostic(Location("x.yaml", 1, 5, 1)), text="漢字e\u0301x")
    assert "1 | 漢字e\u0301x\n  |      ^\n" in found
    assert "  | ^^^^\n" in report(diagnostic(Location("x.yaml", 1, 1, 2)), text="漢字x")


def test_a_span_far_to_the_right_is_in_sight() -> None:
    line = "x: " + "a" * 200 + " HERE " + "b" * 200
    found = report(diagnostic(Location("x.yaml", 1, 205, 4)), text=line, width=80)
    quoted, marks = found.splitlines()[3:5]
    assert quoted[marks.index("^") : marks.rindex("^") + 1] == "HERE" and quoted.startswith("1 | …") and quoted.endswith("…")


def test_a_label_that_does_not_fit_stands_below() -> None:
    label = "the base of this value is here, in words " * 1
    found = report(diagnostic(Location("x.yaml", 1, 60, 10, label.strip())), text="x" * 75, width=80)
    rows = [line[4:] for line in found.splitlines()[4:6]]
    assert rows[0].strip() == "^" * 10 and rows[1].strip() == label.strip() and len(rows[1]) <= 76


def test_tabs_take_one_column() -> None:
    assert "1 |  a: 1\n  |  ^\n" in report(diagnostic(Location("x.yaml", 1, 2, 1)), text="\ta: 1")


def test_lines_are_counted_as_yaml_does() -> None:
    assert "2 | b\n" in report(diagnostic(Location("x.yaml", 2)), text="a\r\nb\r\n")
    assert "2 | b\n" in report(diagnostic(Location("x.yaml", 2)), text="a\u2028b")


def test_the_policy_of_a_violation_is_named_and_not_quoted() -> None:
    found = report(violation(Location("x.yaml", 1)), text="l1\nl2\nl3\n")
    assert f"::: {POLICY.file}:3:17 {POLICY.label}\n" in found and "l3" not in found


def test_plain_keeps_the_length_of_a_secret() -> None:
    secret = "sk-" + "a" * 24
    assert plain(f"x {secret} y") == f"x {'•' * len(secret)} y"
