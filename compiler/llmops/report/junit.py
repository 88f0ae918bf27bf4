"""Findings as JUnit's XML, which GitLab, Jenkins and others show as tests.

A finding is a test case, named by its file and its rule but not by its line, so that a CI system knows it again; a file without
findings is a test case that passes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from xml.etree import ElementTree
from xml.etree.ElementTree import Element, SubElement

from llmops.diagnostics import Diagnostic
from llmops.report.block import Painter
from llmops.report.excerpt import plain, secret_places, visible
from llmops.report.findings import Findings, name_of
from llmops.report.palette import Palette

_NOT_XML = re.compile("[^\\x09\\x0a\\x0d\\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
CLEAN = "no findings"


def report(findings: Findings) -> str:
    """One test suite: what counts fails, what is waived is skipped, and a note is printed by a test that passes."""
    shown = findings.shown
    painter = Painter(findings.text_of, secret_places(shown), Palette(colour=False))
    cases = [*(_case(d, name, painter) for d, name in _named(shown)), *(_passing(file) for file in _clean_files(findings))]
    cases.sort(key=lambda case: (case.attrib["classname"], case.attrib["name"]))
    counts = _counts(cases)
    suites = Element("testsuites", {"name": "llmops check", "tests": counts["tests"], "failures": counts["failures"], "errors": "0"})
    suite = SubElement(suites, "testsuite", {"name": f"llmops check {findings.environment}".strip(), **counts})
    suite.extend(cases)
    ElementTree.indent(suites)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{ElementTree.tostring(suites, encoding="unicode")}\n'


def _counts(cases: list[Element]) -> dict[str, str]:
    count = {name: sum(case.find(name) is not None for case in cases) for name in ("failure", "skipped")}
    return {"tests": str(len(cases)), "failures": str(count["failure"]), "errors": "0", "skipped": str(count["skipped"])}


def _named(shown: Iterable[Diagnostic]) -> Iterable[tuple[Diagnostic, str]]:
    """Each finding with a name that no other of its file has: the rule and the field, and a number for the second and later ones."""
    seen: dict[tuple[str, str], int] = {}
    for diagnostic in shown:
        name = f"{name_of(diagnostic)} {diagnostic.path}".strip()
        key = (diagnostic.location.file, name)
        seen[key] = seen.get(key, 0) + 1
        yield diagnostic, name if seen[key] == 1 else f"{name} ({seen[key]})"


def _clean_files(findings: Findings) -> list[str]:
    return sorted(set(findings.files) - {d.location.file for d in findings.shown})


def _passing(file: str) -> Element:
    return Element("testcase", {"classname": _text(file), "name": CLEAN})


def _case(diagnostic: Diagnostic, name: str, painter: Painter) -> Element:
    case = Element("testcase", {"classname": _text(diagnostic.location.file), "name": _text(plain(name))})
    block = _text(painter.block(diagnostic), lines=True)
    if diagnostic.waived:
        SubElement(case, "skipped", {"type": "waived", "message": _text(plain(diagnostic.waived))})
    elif diagnostic.counts:
        failure = SubElement(case, "failure", {"type": diagnostic.severity, "message": _text(plain(diagnostic.message))})
        failure.text = f"\n{block}\n"
    else:
        SubElement(case, "system-out").text = f"\n{block}\n"
    return case


def _text(text: str, *, lines: bool = False) -> str:
    """Without the characters that XML cannot hold; `lines` keeps line breaks."""
    shown = "\n".join(visible(line) for line in text.split("\n")) if lines else visible(text)
    return _NOT_XML.sub("·", shown)
