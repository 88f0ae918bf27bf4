"""JUnit's XML as GitLab and Jenkins read it: valid by the schema of Jenkins, and names that stay from run to run."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from xml.etree.ElementTree import Element, fromstring

import pytest
from lxml import etree

from llmops.diagnostics import Diagnostic, Location
from llmops.report.junit import CLEAN, report
from tests.unit.report_samples import REASON, diagnostic, findings, one_of_each, violation

SCHEMA = etree.XMLSchema(etree.parse(Path(__file__).parents[1] / "data" / "junit-10.xsd"))


def suite(*found: Diagnostic, **known: object) -> Element:
    text = report(findings(*found, **known))
    SCHEMA.assertValid(etree.fromstring(text.encode()))
    (only,) = fromstring(text)
    return only


def names(of: Element) -> list[tuple[str, str]]:
    return [(case.attrib["classname"], case.attrib["name"]) for case in of]


def test_a_clean_run_passes_a_case_for_each_file() -> None:
    clean = suite(files=("specs/b.yaml", "specs/a.yaml"))
    assert clean.attrib == {"name": "llmops check dev", "tests": "2", "failures": "0", "errors": "0", "skipped": "0"}
    assert names(clean) == [("specs/a.yaml", CLEAN), ("specs/b.yaml", CLEAN)]
    assert all(len(case) == 0 for case in clean)


def test_what_counts_fails_with_its_excerpt() -> None:
    (case,) = suite(diagnostic(Location("x.yaml", 2, 6, 2)), files=("x.yaml",))
    (failure,) = case
    assert (case.attrib, failure.attrib) == ({"classname": "x.yaml", "name": "LLM0205 a"}, {"type": "error", "message": "Wrong"})
    assert failure.text == "\nerror[LLM0205]: Wrong\n --> x.yaml:2:6\n  |\n2 | bcd: 22\n  |      ^^\n  = help: Mend it.\n"


def test_each_kind_of_finding() -> None:
    found = suite(*one_of_each(), files=("x.yaml", "y.yaml"))
    assert (found.attrib["tests"], found.attrib["failures"], found.attrib["skipped"]) == ("5", "2", "1")
    outcomes = {case.attrib["name"]: [(part.tag, part.get("type")) for part in case] for case in found}
    assert outcomes == {
        "LLM0205 a": [("failure", "error")],
        "LLM0406 a": [("failure", "warning")],
        "pinned spec.revision": [("system-out", None)],
        "pinned spec.revision (2)": [("skipped", "waived")],
        CLEAN: [],
    }


def test_what_is_waived_says_why() -> None:
    (case,) = suite(violation(Location("x.yaml"), waived=REASON))
    assert case[0].attrib == {"type": "waived", "message": REASON}


def test_names_do_not_change_when_lines_are_added() -> None:
    before, after = (suite(diagnostic(Location("x.yaml", line))) for line in (1, 2))
    assert names(before) == names(after)


@pytest.mark.parametrize("evil", ["\x1b[2J", "\x00", "\ufffe", "\uffff", "\u202e", "]]>", "<&\"'", "\udc80"])
def test_any_text_is_xml(evil: str) -> None:
    found = replace(diagnostic(Location(f"x{evil}", 1, 1, 1, evil), message=evil, hint=evil), path=evil)
    cases = suite(found, replace(found, waived=evil), text=f"a{evil}")
    shown = "".join(cases.itertext())
    assert (evil in shown) == evil.isprintable() and not re.search("[\x00-\x08\x0e-\x1f\ufffe\uffff\u202e]", shown)
