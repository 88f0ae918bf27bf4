"""Reports: what is shown, what fails a check, the fixed form of JSON, and drawings of the graph."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from llmops.diagnostics import Edit, Location, in_order
from llmops.pipeline import check_workspace
from llmops.report import FORMATS
from llmops.report.findings import Findings, explanation_of, fails, name_of
from llmops.report.graph import GRAPHS
from llmops.report.json import json_report, report
from tests.architecture.sources import modules_in
from tests.unit.report_samples import REASON, diagnostic, findings, one_of_each, violation

NO_FORMS = {
    "matrix",
    "trials",
    "trials_junit",
    "block",
    "codeowners",
    "diff",
    "error_pages",
    "excerpt",
    "findings",
    "graph",
    "palette",
    "policies",
    "repairs",
    "rules",
    "snippet",
}
"""What the forms are made of, and reports of other things than findings."""
PLACE = Location("x.yaml", 1, 1, 1)
EDIT = Edit("x.yaml", 0, ("spec", "revision"), "v1")


def test_every_form_is_registered() -> None:
    assert {module.rpartition(".")[2] for module in FORMATS.values()} == modules_in("report") - NO_FORMS
    assert all(module == f"llmops.report.{name}" for name, module in FORMATS.items())


def test_json_has_a_fixed_form() -> None:
    found = diagnostic(Location("x.yaml", 2, 6, 2), Location("y.yaml", 1, 1, 1, "here"))
    assert json.loads(json_report([found])) == [
        {
            "code": "LLM0205",
            "policy": "",
            "severity": "error",
            "waived": "",
            "fixable": False,
            "message": "Wrong",
            "file": "x.yaml",
            "line": 2,
            "column": 6,
            "hint": "Mend it.",
            "path": "a",
            "related": [{"file": "y.yaml", "line": 1, "column": 1, "label": "here"}],
        }
    ]


def test_json_says_which_policy_fired_what_is_waived_and_what_can_be_mended() -> None:
    edits = (EDIT,)
    found = json.loads(report(findings(violation(PLACE, edits=edits), violation(PLACE, waived=REASON, edits=edits))))
    assert [(f["code"], f["policy"], f["waived"], f["fixable"]) for f in found] == [
        ("LLM0901", "pinned", "", True),
        ("LLM0901", "pinned", REASON, False),
    ]


@pytest.mark.parametrize(("least", "shown"), [("error", 2), ("warning", 3), ("note", 4)])
def test_the_least_severity_hides_what_is_below_it_and_never_what_is_waived(least: str, shown: int) -> None:
    found = findings(*one_of_each(), least=least)
    assert len(found.shown) == shown and any(d.waived for d in found.shown)
    assert len(json.loads(report(found))) == shown


def test_the_gravest_come_first_and_the_waived_last() -> None:
    order = findings(*one_of_each()).gravest_first
    assert [(d.severity, bool(d.waived)) for d in order] == [("error", False), ("warning", False), ("note", False), ("error", True)]


@pytest.mark.parametrize(
    ("severity", "waived", "least", "failed"),
    [
        ("error", "", "error", True),
        ("warning", "", "error", False),
        ("warning", "", "warning", True),
        ("note", "", "note", False),
        ("error", REASON, "note", False),
    ],
)
def test_what_fails_a_check(severity: str, waived: str, least: str, failed: bool) -> None:
    assert fails([violation(PLACE, severity, waived)], least) is failed  # type: ignore[arg-type]


def test_a_broken_policy_goes_by_its_code_and_a_violated_one_by_its_name() -> None:
    violated, broken = violation(PLACE), replace(violation(PLACE), code="LLM0902")
    assert (name_of(violated), explanation_of(violated)) == ("pinned", "llmops policy explain pinned")
    assert (name_of(broken), explanation_of(broken)) == ("LLM0902", "llmops explain LLM0902")


@pytest.mark.parametrize(("folder", "named"), [("", "x.yaml"), ("teams/ai", "teams/ai/x.yaml")])
def test_files_are_named_from_the_repository(folder: str, named: str) -> None:
    assert Findings((), lambda _: None, folder=folder).in_repository("x.yaml") == named


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
