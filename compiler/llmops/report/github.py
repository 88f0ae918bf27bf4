"""Findings as GitHub's workflow commands, which become annotations of a pull request, and as a table for the run's summary.

GitHub shows ten annotations of a level for each step and drops the rest: the gravest are written first.
"""

from __future__ import annotations

from collections.abc import Iterable

from llmops.diagnostics import Diagnostic
from llmops.report.excerpt import plain, visible
from llmops.report.findings import Findings, counted, name_of, tally

_LEVELS = {"error": "error", "warning": "warning", "note": "notice"}
LONGEST_TABLE = 100
"""Rows of the summary; GitHub takes one megabyte, and nobody reads more."""


def report(findings: Findings) -> str:
    """One command a line; empty where there are no findings."""
    return "".join(f"{_command(d, findings)}\n" for d in findings.gravest_first)


def summary(findings: Findings) -> str:
    """Markdown for the page of the run: how many findings there are, and a table of them."""
    found = findings.gravest_first
    total = ", ".join(counted(count, word) for word, count in tally(found).items()) or "no findings"
    lines = [f"### llmops check{f' ({findings.environment})' if findings.environment else ''}: {total}", ""]
    if found:
        lines += ["| | finding | where | what to do |", "|---|---|---|---|", *(_row(d, findings) for d in found[:LONGEST_TABLE]), ""]
    if len(found) > LONGEST_TABLE:
        lines += [f"{len(found) - LONGEST_TABLE} more are in the log.", ""]
    return "\n".join(lines)


def _command(diagnostic: Diagnostic, findings: Findings) -> str:
    level = "notice" if diagnostic.waived else _LEVELS[diagnostic.severity]
    place = diagnostic.location
    name = name_of(diagnostic)
    properties: dict[str, str | int] = {
        "file": visible(findings.in_repository(place.file)),
        "line": place.line,
        "endLine": place.line,
        "col": place.column,
        "endColumn": place.column + place.width - 1,
        "title": f"waived: {name}" if diagnostic.waived else name,
    }
    text = ",".join(f"{key}={_property(str(value))}" for key, value in properties.items())
    return f"::{level} {text}::{_data(_joined(_sentences(diagnostic)))}"


def _sentences(diagnostic: Diagnostic) -> Iterable[str]:
    yield diagnostic.message
    if diagnostic.waived:
        yield f"waived: {diagnostic.waived}"
    elif diagnostic.hint:
        yield f"help: {diagnostic.hint}"


def _joined(sentences: Iterable[str]) -> str:
    return "\n".join(plain(sentence) for sentence in sentences)


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


def _row(diagnostic: Diagnostic, findings: Findings) -> str:
    place = diagnostic.location
    where = f"<code>{_cell(visible(findings.in_repository(place.file)))}:{place.line}</code>"
    advice = f"waived: {diagnostic.waived}" if diagnostic.waived else diagnostic.hint
    severity = "waived" if diagnostic.waived else diagnostic.severity
    return f"| {severity} | **{_cell(name_of(diagnostic))}** {_cell(plain(diagnostic.message))} | {where} | {_cell(plain(advice))} |"


def _cell(text: str) -> str:
    """What Markdown and HTML would read as theirs stays text."""
    for sign, escaped in (("&", "&amp;"), ("<", "&lt;"), ("\\", "&#92;"), ("|", "&#124;"), ("*", "&#42;"), ("_", "&#95;"), ("[", "&#91;")):
        text = text.replace(sign, escaped)
    return text.replace("@", "&#64;").replace("\n", " ")
