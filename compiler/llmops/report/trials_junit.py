"""Trials of safety rules as JUnit's XML: a test case for each text, engine and stage.

A text that a suite measures passes and says so; what fails the run fails, and an engine's disagreement is a test case of its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.etree import ElementTree
from xml.etree.ElementTree import Element, SubElement

from llmops.report.excerpt import plain
from llmops.report.trials import Summary, describe, quote

if TYPE_CHECKING:
    from llmops.runtime.rails.trials import Result

NAME = "llmops safety test"


def junit_report(summary: Summary) -> str:
    """One suite; names are unique by `file:line`, engine and stage."""
    failing = {id(result) for result in summary.errors}
    cases = [_case(result, fails=id(result) in failing) for result in summary.results]
    cases += [_disagreement(d.trial.source, d.trial.subject, d.what) for d in summary.disagreements]
    failures = str(len(summary.errors) + len(summary.disagreements))
    counts = {"tests": str(len(cases)), "failures": failures, "errors": "0"}
    suites = Element("testsuites", {"name": NAME, **counts})
    suite = SubElement(suites, "testsuite", {"name": NAME, **counts, "skipped": "0"})
    suite.extend(cases)
    ElementTree.indent(suites)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{ElementTree.tostring(suites, encoding="unicode")}\n'


def _case(result: Result, *, fails: bool) -> Element:
    trial = result.trial
    name = f"{trial.source} {trial.engine} {trial.stage} {trial.expect} {quote(trial.text)}"
    case = Element("testcase", {"classname": _shown(f"{trial.policy}.{trial.subject}"), "name": _shown(name)})
    if fails:
        SubElement(case, "failure", {"type": result.outcome, "message": _shown(f"{trial.source}: {describe(result)}")})
    elif result.problem:
        SubElement(case, "system-out").text = _shown(describe(result))
    return case


def _disagreement(source: str, subject: str, what: str) -> Element:
    case = Element("testcase", {"classname": "engines agree", "name": _shown(f"{source} {subject}")})
    SubElement(case, "failure", {"type": "disagreement", "message": _shown(what)})
    return case


def _shown(text: str) -> str:
    """Without secrets, control characters and the two that XML cannot hold beside them."""
    return plain(text).replace("\ufffe", "·").replace("\uffff", "·")
