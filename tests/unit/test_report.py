"""Reports: the caret stands under what it means, nothing steers the terminal, and JSON has a fixed form."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmops.diagnostics import Diagnostic, Location, in_order
from llmops.pipeline import check_workspace
from llmops.report.excerpt import WIDTH, excerpt, plain
from llmops.report.graph import GRAPHS
from llmops.report.json import json_report
from llmops.report.text import text_report

TEXT = "a: 1\nbcd: 22\n"


def diagnostic(
    *places: Location, code: str = "LLM0205", severity: str = "error", message: str = "Wrong", hint: str = "Mend it."
) -> Diagnostic:
    return Diagnostic(code, severity, message, places, "a", hint)  # type: ignore[arg-type]


def report(*found: Diagnostic, text: str = TEXT, colour: bool = False) -> str:
    return text_report(found, lambda _: text, colour=colour)


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


def test_related_places_have_labels_and_a_common_margin() -> None:
    found = report(diagnostic(Location("x.yaml", 2, 1, 3), Location("y.yaml", 12, 1, 1, "the base is here")), text="bcd: 22\n" * 12)
    assert "  ::: y.yaml:12:1\n" in found and "12 | bcd: 22\n   | - the base is here\n" in found and " 2 | bcd: 22\n" in found


@pytest.mark.parametrize(
    ("severities", "closing"),
    [
        (["error"], "1 error"),
        (["warning"], "1 warning"),
        (["error", "error"], "2 errors"),
        (["error", "warning", "warning"], "1 error and 2 warnings"),
    ],
)
def test_the_closing_line(severities: list[str], closing: str) -> None:
    found = [diagnostic(Location("x.yaml", i + 1), severity=s) for i, s in enumerate(severities)]
    assert report(*found).rstrip().split("\n")[-1] == f"{closing}. `llmops explain LLM0205` says more."


def test_no_findings_are_no_text() -> None:
    assert report() == "" and json_report([]) == "[]\n"


@pytest.mark.parametrize("place", [Location("x.yaml", 99), Location("x.yaml", 1, 99), Location("x.yaml", 1, 1, 999)])
def test_places_beyond_the_text_do_no_harm(place: Location) -> None:
    assert f"x.yaml:{place.line}:{place.column}" in report(diagnostic(place))


def test_a_file_that_is_not_known_is_not_quoted() -> None:
    assert "|" not in text_report([diagnostic(Location("x.csv", 3))], lambda _: None, colour=False)


def test_colour_adds_only_colour() -> None:
    found = diagnostic(Location("x.yaml", 2, 6, 2), Location("x.yaml", 1, 1, 1, "here"))
    coloured = report(found, colour=True)
    assert "\033[1;31m" in coloured and coloured != report(found)
    assert re.sub(r"\033\[[0-9;]*m", "", coloured) == report(found)


@pytest.mark.parametrize("evil", ["\x1b[2J", "\x07", "\r", "\x00", "\x9b31m", "\u202e", "\u2066", "\ufeff"])
def test_nothing_steers_the_terminal(evil: str) -> None:
    found = diagnostic(Location("x.yaml", 1, 4, 1), message=f"Bad {evil}", hint=f"Not {evil}")
    text = report(found, text=f"a: {evil}b")
    assert evil not in text and text.isascii() is False
    assert all(char.isprintable() or char == "\n" for char in text)


@given(st.text(max_size=300), st.integers(1, 320), st.integers(1, 50))
def test_the_caret_stands_under_its_character(line: str, column: int, width: int) -> None:
    line = re.sub(r"[\n\r\x85\u2028\u2029]", "", line)
    shown = excerpt(line, Location("x.yaml", 1, column, width), None)
    assert shown is not None and len(shown.line) <= WIDTH + 2
    if column <= len(line) and plain(line)[column - 1] == line[column - 1]:
        assert shown.line[shown.column - 1] == line[column - 1]


def test_tabs_take_one_column() -> None:
    assert "1 |  a: 1\n  |  ^\n" in report(diagnostic(Location("x.yaml", 1, 2, 1)), text="\ta: 1")


def test_lines_are_counted_as_yaml_does() -> None:
    assert "2 | b\n" in report(diagnostic(Location("x.yaml", 2)), text="a\r\nb\r\n")
    assert "2 | b\n" in report(diagnostic(Location("x.yaml", 2)), text="a\u2028b")


def test_json_has_a_fixed_form() -> None:
    found = diagnostic(Location("x.yaml", 2, 6, 2), Location("y.yaml", 1, 1, 1, "here"))
    assert json.loads(json_report([found])) == [
        {
            "code": "LLM0205",
            "severity": "error",
            "message": "Wrong",
            "file": "x.yaml",
            "line": 2,
            "column": 6,
            "hint": "Mend it.",
            "path": "a",
            "related": [{"file": "y.yaml", "line": 1, "column": 1, "label": "here"}],
        }
    ]


def test_findings_are_sorted_and_not_repeated() -> None:
    one, two, three = diagnostic(Location("a.yaml", 9)), diagnostic(Location("b.yaml", 1)), diagnostic(Location("a.yaml", 10))
    assert in_order([three, two, one, two]) == (one, three, two)


@pytest.fixture
def graphs(base: Path) -> dict[str, str]:
    graph = check_workspace(base).graph
    assert graph is not None
    return {name: draw(graph) for name, draw in GRAPHS.items()}


def test_the_tree_reaches_everything(graphs: dict[str, str]) -> None:
    assert graphs["text"].startswith("Application/helper")
    assert "│  └─ Model/embedder  specs/embedder.yaml:1\n" in graphs["text"]
    assert graphs["text"].count("\n") == 9


def test_the_graph_in_json_names_both_ends(graphs: dict[str, str]) -> None:
    drawn = json.loads(graphs["json"])
    ids = {resource["id"] for resource in drawn["resources"]}
    assert len(ids) == 9 and len(drawn["edges"]) == 8
    assert all(edge["from"] in ids and edge["to"] in ids for edge in drawn["edges"])


def test_mermaid_and_dot_have_every_edge(graphs: dict[str, str]) -> None:
    assert graphs["mermaid"].startswith("flowchart LR\n") and graphs["mermaid"].count("-->") == 8
    assert graphs["dot"].startswith("digraph llmops {\n") and graphs["dot"].count("->") == 8 and graphs["dot"].endswith("}\n")
