"""SARIF: valid by its schema, rules for what was found, fingerprints that stay, what is waived suppressed, edits as fixes."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft4Validator, FormatChecker

from llmops.codes import CODES
from llmops.diagnostics import Diagnostic, Edit, Location
from llmops.report.sarif import report
from llmops.version import VERSION
from tests.unit.report_samples import PINNED, POLICY, REASON, diagnostic, findings, one_of_each, violation

VALIDATOR = Draft4Validator(
    json.loads((Path(__file__).parents[1] / "data" / "sarif-2.1.0.schema.json").read_text("utf-8")), format_checker=FormatChecker()
)
PLACE = Location("specs/x.yaml", 2, 6, 2)


def run_of(*found: Diagnostic, **known: Any) -> dict[str, Any]:
    log = json.loads(report(findings(*found, **known)))
    VALIDATOR.validate(log)
    (run,) = log["runs"]
    assert isinstance(run, dict)
    return run


def result_of(found: Diagnostic, **known: Any) -> dict[str, Any]:
    (result,) = run_of(found, **known)["results"]
    assert isinstance(result, dict)
    return result


def fingerprint(found: Diagnostic) -> str:
    return str(result_of(found)["partialFingerprints"]["llmops/v1"])


def test_the_schema_refuses_what_is_wrong() -> None:
    assert not VALIDATOR.is_valid({"version": "2.1.0", "runs": [{"results": []}]})


def test_nothing_found() -> None:
    run = run_of()
    assert run["results"] == [] and run["tool"]["driver"] == {"name": "llmops", "version": VERSION, "semanticVersion": VERSION, "rules": []}
    assert run["automationDetails"] == {"id": "llmops/dev/"}


def test_a_result() -> None:
    result = result_of(replace(diagnostic(PLACE), message="No [x] here"), folder="teams/a b")
    assert result["level"] == "error" and result["message"] == {"text": r"No \[x\] here. Mend it."}
    assert result["locations"] == [
        {
            "physicalLocation": {
                "artifactLocation": {"uri": "teams/a%20b/specs/x.yaml", "uriBaseId": "%SRCROOT%"},
                "region": {"startLine": 2, "startColumn": 6, "endColumn": 8},
            }
        }
    ]
    assert "suppressions" not in result and "relatedLocations" not in result and "fixes" not in result


def test_related_places_have_messages() -> None:
    related = result_of(violation(PLACE).related(Location("y.yaml", 1)))["relatedLocations"]
    assert [(place["id"], place["message"]["text"]) for place in related] == [(1, POLICY.label), (2, "related")]


def test_every_rule_stands_once_and_results_lead_to_it() -> None:
    run = run_of(*one_of_each(), *one_of_each("y.yaml"))
    rules = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
    assert rules == ["pinned", "LLM0406", "LLM0205"] and len(run["results"]) == 8
    assert all(rules[result["ruleIndex"]] == result["ruleId"] for result in run["results"])


@pytest.mark.parametrize("code", sorted(set(CODES) - {"LLM0901"}))
def test_every_code_is_a_rule(code: str) -> None:
    (rule,) = run_of(diagnostic(PLACE, code=code, severity="warning"))["tool"]["driver"]["rules"]
    assert rule["shortDescription"]["text"] == CODES[code].title and f"llmops explain {code}" in rule["help"]["text"]
    assert rule["defaultConfiguration"] == {"level": "warning"}
    assert "security-severity" not in rule["properties"]


def test_a_policy_is_a_rule_with_what_its_yaml_says() -> None:
    (rule,) = run_of(violation(PLACE))["tool"]["driver"]["rules"]
    assert rule["shortDescription"]["text"] == "Models are pinned"
    assert rule["fullDescription"]["text"] == "A model that floats changes its answers."
    assert rule["properties"] == {"tags": ["llmops", "policy", "security", "owasp-llm/LLM03"], "security-severity": "8.0"}
    assert "`llmops policy explain pinned`" in rule["help"]["markdown"]


@pytest.mark.parametrize(("severity", "score"), [("low", "2.0"), ("medium", "5.5"), ("high", "8.0"), ("critical", "9.5")])
def test_severities_are_githubs_scores(severity: str, score: str) -> None:
    policy = {**PINNED, "spec": {**PINNED["spec"], "severity": severity, "frameworks": {"iso_42001": [f"A.{n}" for n in range(30)]}}}
    (rule,) = run_of(violation(PLACE), policies=lambda: {"pinned": policy})["tool"]["driver"]["rules"]
    assert rule["properties"]["security-severity"] == score and len(rule["properties"]["tags"]) == 20


def test_what_is_waived_is_suppressed() -> None:
    result = result_of(violation(PLACE, waived=REASON, edits=(Edit("specs/x.yaml", 0, ("a",), 2),)))
    assert result["suppressions"] == [{"kind": "external", "status": "accepted", "justification": REASON}]
    assert "fixes" not in result


def test_a_fingerprint_is_the_same_after_a_move() -> None:
    found = replace(diagnostic(PLACE), path="spec.rules[2].id")
    assert fingerprint(found) == fingerprint(replace(found, locations=(replace(PLACE, line=1, column=1),), path="spec.rules[7].id"))


@pytest.mark.parametrize("change", [{"message": "Other"}, {"path": "b"}, {"code": "LLM0206"}, {"locations": (Location("z.yaml"),)}])
def test_a_fingerprint_differs_with_what_is_said(change: dict[str, Any]) -> None:
    assert fingerprint(diagnostic(PLACE)) != fingerprint(replace(diagnostic(PLACE), **change))


def test_equal_findings_have_different_fingerprints() -> None:
    found = [replace(diagnostic(replace(PLACE, line=line)), path=f"spec.rules[{line}]") for line in (1, 2, 3)]
    prints = [result["partialFingerprints"]["llmops/v1"] for result in run_of(*found)["results"]]
    assert len(set(prints)) == 3


def applied(text: str, fix: dict[str, Any]) -> str:
    """The text with a fix's replacement made, by lines and columns alone."""
    ((replacement,),) = [change["replacements"] for change in fix["artifactChanges"]]
    region = replacement["deletedRegion"]
    lines = text.split("\n")
    start = sum(len(line) + 1 for line in lines[: region["startLine"] - 1]) + region["startColumn"] - 1
    end = sum(len(line) + 1 for line in lines[: region["endLine"] - 1]) + region["endColumn"] - 1
    return text[:start] + str(replacement["insertedContent"]["text"]) + text[end:]


@pytest.mark.parametrize(
    ("edits", "mended"),
    [
        ([(("spec", "revision"), "v1")], "spec:\n  model: m\n  revision: v1\n  # end\n"),
        ([(("spec", "model"), "n")], "spec:\n  model: n\n  # end\n"),
        ([(("spec", "model"), "mm")], "spec:\n  model: mm\n  # end\n"),
        ([(("spec", "model"), "n"), (("spec", "revision"), "v1")], "spec:\n  model: n\n  revision: v1\n  # end\n"),
    ],
)
def test_edits_are_fixes(edits: list[tuple[tuple[str, ...], str]], mended: str) -> None:
    text = "spec:\n  model: m\n  # end\n"
    (fix,) = result_of(violation(PLACE, edits=tuple(Edit("specs/x.yaml", 0, path, value) for path, value in edits)), text=text)["fixes"]
    assert applied(text, fix) == mended
    assert fix["artifactChanges"][0]["artifactLocation"]["uri"] == "specs/x.yaml"


def test_an_edit_that_cannot_be_made_is_no_fix() -> None:
    edits = (Edit("specs/x.yaml", 0, ("a", "b"), 1), Edit("specs/x.yaml", 3, ("c",), 1))
    assert "fixes" not in result_of(violation(PLACE, edits=edits))


def test_a_fix_that_would_show_a_secret_is_left_out() -> None:
    text = "a: 1\nendpoint:\n  api_key: hunter2hunter2\nb: 1\n"
    edits = (Edit("specs/x.yaml", 0, ("a",), 2), Edit("specs/x.yaml", 0, ("b",), 2))
    assert "hunter2" not in report(findings(violation(PLACE, edits=edits), text=text))
    assert "fixes" in result_of(violation(PLACE, edits=edits[:1]), text=text)
