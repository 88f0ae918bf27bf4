"""GitHub's annotations: exact escaping, the gravest first, and a summary that no text can break."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from llmops.diagnostics import Diagnostic, Location
from llmops.report.github import LONGEST_TABLE, report, summary
from tests.unit.report_samples import REASON, diagnostic, findings, one_of_each, violation

COMMAND = re.compile(r"::(?P<level>error|warning|notice) (?P<properties>[^:]*)::(?P<data>[^\r\n]*)")
CODES = {"%0A": "\n", "%0D": "\r", "%3A": ":", "%2C": ",", "%25": "%"}


def read(line: str) -> dict[str, str]:
    """A command as GitHub's runner reads it: properties are split at commas and equals signs, then unescaped."""
    match = COMMAND.fullmatch(line)
    assert match, line
    properties = dict(part.split("=", 1) for part in match["properties"].split(","))
    texts = {**properties, "level": match["level"], "data": match["data"]}
    return {key: re.sub("%(0A|0D|3A|2C|25)", lambda code: CODES[code[0]], text) for key, text in texts.items()}


def commands(*found: Diagnostic, **known: object) -> list[dict[str, str]]:
    return [read(line) for line in report(findings(*found, **known)).splitlines()]


def test_a_command() -> None:
    assert report(findings(diagnostic(Location("x.yaml", 2, 6, 2)))) == (
        "::error file=x.yaml,line=2,endLine=2,col=6,endColumn=7,title=LLM0205::Wrong%0Ahelp: Mend it.\n"
    )


def test_no_findings_are_no_commands() -> None:
    assert report(findings()) == ""


def test_levels_and_order() -> None:
    assert [(c["level"], c["title"]) for c in commands(*one_of_each())] == [
        ("error", "LLM0205"),
        ("warning", "LLM0406"),
        ("notice", "pinned"),
        ("notice", "waived: pinned"),
    ]


def test_what_is_waived_says_why() -> None:
    (command,) = commands(violation(Location("x.yaml"), waived=REASON))
    assert command["data"] == f"chatter is not pinned\nwaived: {REASON}"


@pytest.mark.parametrize("text", ["100%", "a%0Ab", "a::b", "a,b=c", "file=x,line=3::", "::set-output name=x::y", "ü 漢 %25"])
def test_text_is_what_it_was(text: str) -> None:
    (command,) = commands(diagnostic(Location(f"{text}.yaml"), message=text, hint=text))
    assert command["data"] == f"{text}\nhelp: {text}"
    assert command["file"] == f"{text}.yaml"


@pytest.mark.parametrize("evil", ["\n::error::x", "\r", "\x1b[2J", "\u202e"])
def test_no_text_begins_a_command_of_its_own(evil: str) -> None:
    found = replace(diagnostic(Location(f"x{evil}.yaml"), message=f"m{evil}", hint=f"h{evil}"), waived=f"w{evil}")
    for text in (report(findings(found)), report(findings(replace(found, waived="")))):
        assert text.count("\n") == 1 and len(COMMAND.findall(text)) == 1 and evil not in text


def test_files_are_named_from_the_repository() -> None:
    (command,) = commands(diagnostic(Location("specs/x.yaml")), folder="teams/ai")
    assert command["file"] == "teams/ai/specs/x.yaml"
    assert "<code>teams/ai/specs/x.yaml:1</code>" in summary(findings(diagnostic(Location("specs/x.yaml")), folder="teams/ai"))


def test_the_summary() -> None:
    assert summary(findings(*one_of_each())).splitlines() == [
        "### llmops check (dev): 1 error, 1 warning, 1 note, 1 waived",
        "",
        "| | finding | where | what to do |",
        "|---|---|---|---|",
        "| error | **LLM0205** Wrong | <code>x.yaml:2</code> | Mend it. |",
        "| warning | **LLM0406** Wrong | <code>x.yaml:2</code> | Mend it. |",
        "| note | **pinned** chatter is not pinned | <code>x.yaml:1</code> | Name the revision. |",
        f"| waived | **pinned** chatter is not pinned | <code>x.yaml:1</code> | waived: {REASON.replace('_', '&#95;')} |",
    ]


def test_the_summary_of_nothing() -> None:
    assert summary(findings()) == "### llmops check (dev): no findings\n"


def test_a_long_table_ends_and_says_so() -> None:
    found = [diagnostic(Location("x.yaml", line)) for line in range(1, LONGEST_TABLE + 8)]
    text = summary(findings(*found))
    assert text.count("| error |") == LONGEST_TABLE and text.endswith("7 more are in the log.\n")


@pytest.mark.parametrize("evil", ["a | b", "<img src=x>", "[link](http://x)", "**bold**", "@team", "`code`", "a\nb", "\\|"])
def test_no_text_leaves_its_cell(evil: str) -> None:
    rows = summary(findings(diagnostic(Location("x.yaml"), message=evil, hint=evil))).splitlines()[4:]
    assert len(rows) == 1 and len(re.findall(r"(?<!\\)\|", rows[0])) == 5
    assert not re.search(r"<img|\[link\]|\*\*bold|@team", rows[0])
