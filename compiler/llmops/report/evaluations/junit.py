"""An evaluation as JUnit's XML, which GitLab, Jenkins and others show as tests.

A metric is a test case, named without its numbers, so that a CI system knows it again; so is each case that broke a rule.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from xml.etree import ElementTree
from xml.etree.ElementTree import Element, SubElement

from llmops.report.evaluations import phrases
from llmops.report.evaluations.cases import Case, cases
from llmops.report.plans.values import one_line

Row = Mapping[str, Any]

NAME = "llmops eval"
_QUOTED = 300


def report(document: Mapping[str, Any], *, colour: bool = False, width: int | None = None) -> str:
    """A test suite for each run, the same whatever the terminal is like."""
    suites = [_suite(run) for run in document["runs"]]
    suites += [_skipped(document["skipped"])] if document["skipped"] else []
    total = {name: str(sum(int(suite.attrib[name]) for suite in suites)) for name in ("tests", "failures", "errors")}
    root = Element("testsuites", {"name": NAME, **total})
    root.extend(suites)
    ElementTree.indent(root)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{ElementTree.tostring(root, encoding="unicode")}\n'


def _suite(run: Row) -> Element:
    group, found = _group(run), cases(run)
    made = [test for metric in run["metrics"] for test in (_metric(metric, group), *_failures(metric, group, found))]
    failures = sum(test.find("failure") is not None for test in made)
    counts = {"tests": str(len(made)), "failures": str(failures), "errors": "0", "skipped": "0"}
    suite = Element("testsuite", {"name": _shown(phrases.title(run)), **counts, "time": f"{run['seconds']:.3f}"})
    suite.extend(made)
    SubElement(suite, "system-out").text = _lines(phrases.place(run), phrases.facts(run), phrases.judge(run), phrases.evidence(run))
    return suite


def _group(row: Row) -> str:
    return _shown(f"{row['application']}.{row['evaluation']}")


def _metric(metric: Row, group: str) -> Element:
    test = Element("testcase", {"classname": group, "name": _shown(metric["name"])})
    text = _lines(phrases.values(metric), phrases.difference(metric), phrases.tally(metric), *phrases.notes(metric))
    if metric["verdict"] in phrases.FAILING:
        message = f"{metric['name']} {metric['verdict']}: {phrases.values(metric)}"
        SubElement(test, "failure", {"type": metric["verdict"], "message": _shown(message)}).text = text
    else:
        SubElement(test, "system-out").text = f"\n{metric['verdict']}{text}"
    return test


def _failures(metric: Row, group: str, found: Sequence[Case]) -> Iterator[Element]:
    """A test case for each case that broke the metric's rule, with the first answer that did."""
    broken = {case.row["line"]: case.row for case in reversed(found) if metric["name"] in case.failed}
    for line in metric["case_failures"]:
        test = Element("testcase", {"classname": group, "name": _shown(f"{metric['name']} line {line}")})
        message = f"line {line} of the dataset is below {metric['case_threshold']:g}"
        failure = SubElement(test, "failure", {"type": "case", "message": message})
        failure.text = _answer(broken[line]) if line in broken else ""
        yield test


def _answer(row: Row) -> str:
    sides = [f"{name}: {row[name]['text']}" for name in ("base", "head") if row[name]]
    return _lines(f"asked: {row['question']}", f"expected: {row['expected']}", *sides)


def _skipped(rows: list[Row]) -> Element:
    count = str(len(rows))
    suite = Element("testsuite", {"name": f"{NAME}: skipped", "tests": count, "failures": "0", "errors": "0", "skipped": count})
    for row in rows:
        test = SubElement(suite, "testcase", {"classname": _group(row), "name": "evaluation"})
        SubElement(test, "skipped", {"type": "skipped", "message": _shown(row["why"])})
    return suite


def _lines(*texts: str) -> str:
    return "".join(f"\n{_shown(text)}" for text in texts if text) + "\n"


def _shown(text: str) -> str:
    """On one line, without secrets, control characters and the two that XML cannot hold beside them."""
    return one_line(text, _QUOTED).replace("\ufffe", "·").replace("\uffff", "·")
