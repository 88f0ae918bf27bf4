"""Every form of report, over every golden case: valid, without secrets, without characters that cannot be seen."""

from __future__ import annotations

import json
import re
from functools import cache
from importlib import import_module

import pytest
from lxml import etree

from llmops.report import FORMATS
from llmops.report.findings import Findings, is_fixable
from tests.test_golden import CASES, SECRETS, checked
from tests.unit.test_report_junit import SCHEMA
from tests.unit.test_report_sarif import VALIDATOR

POLICY = {
    "metadata": {"name": "any", "title": "Any"},
    "spec": {"why": "Why.", "severity": "low", "remediation": {"text": "Mend."}, "frameworks": {}},
}


class AnyPolicy(dict):  # type: ignore[type-arg]
    """Stands in for the packs, which the forms only quote."""

    def __missing__(self, name: str) -> object:
        return POLICY


@cache
def reports(case: str) -> dict[str, str]:
    found = checked(case)
    environment = found.graph.environment if found.graph else ""
    findings = Findings(found.diagnostics, found.places.text, environment, "note", policies=AnyPolicy)
    return {form: import_module(module).report(findings) for form, module in FORMATS.items()}


@pytest.mark.parametrize("case", CASES)
def test_every_form_holds_every_finding(case: str) -> None:
    count = len(checked(case).diagnostics)
    made = reports(case)
    sarif = json.loads(made["sarif"])
    VALIDATOR.validate(sarif)
    tests = etree.fromstring(made["junit"].encode())
    SCHEMA.assertValid(tests)
    assert len(json.loads(made["json"])) == count == len(sarif["runs"][0]["results"])
    assert made["github"].count("\n") == count == int(tests.get("tests"))
    assert len(re.findall(r"^(?:error|warning|note|waived)\[", made["text"], re.MULTILINE)) == count


@pytest.mark.parametrize("case", CASES)
def test_no_form_shows_a_secret_or_what_cannot_be_seen(case: str) -> None:
    for form, text in reports(case).items():
        assert not any(secret in text for secret in SECRETS), form
        assert all(char.isprintable() or char == "\n" for char in text), form


@pytest.mark.parametrize("case", [case for case in CASES if case.startswith(("policy-violated", "policy-each-item"))])
def test_what_a_policy_sets_is_offered_as_a_fix(case: str) -> None:
    mendable = [is_fixable(d) for d in checked(case).diagnostics]
    results = json.loads(reports(case)["sarif"])["runs"][0]["results"]
    assert ["fixes" in result for result in results] == mendable and any(mendable) == (not case.endswith("-audited"))
