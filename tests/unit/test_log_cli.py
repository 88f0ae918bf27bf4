"""`llmops log` as people use it: what it shows, writes and deletes, and how it says that it cannot."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from llmops.pipeline import compile_workspace
from llmops.runtime.assistant.records import digest_of
from llmops.runtime.interactions import Log, read, stamp
from llmops.write import write
from tests.conftest import Run
from tests.unit.test_log_history import ROW

HIT = {"rule": "mail", "engine": "guardrails-ai", "action": "redact", "mode": "enforce"}
HIT |= {"reason": "EMAIL_ADDRESS", "source": "specs/s.yaml:9"}
VERDICTS = [{"stage": "output", "allowed": True, "message": "", "hits": [HIT]}]
SOURCES = [{"path": "docs/kettle.md", "score": 0.93, "content": "The kettle holds two litres."}]


@pytest.fixture
def root(base: Path) -> Path:
    """A compiled workspace and four interactions, the first by the release that is compiled."""
    compiled = compile_workspace(base)
    assert compiled.graph
    write(compiled.artifacts, base / "build/dev")
    ((id_, release),) = compiled.graph.releases.items()
    mine = {"application": id_.partition("/")[2], "release": release, "user": digest_of("ada")}
    with Log.open(base) as log:
        log.append(at(1, id="aaaa1111", verdicts_json=json.dumps(VERDICTS), sources_json=json.dumps(SOURCES), flagged=True, **mine))
        log.append(at(2, id="bbbb2222", application="other", question="Clear\x1b[2Jthe screen\u202e?", answer="", finish="cancelled"))
        log.append(at(3, id="bbbb3333", application="other", error_type="ModelFailed", error="rubbish", answer=""))
        log.append(at(4, id="cccc4444", application="other", label="canary", answer="word " * 100))
    return base


def at(minute: int, **changes: object) -> object:
    return replace(ROW, time=stamp(datetime(2026, 11, 24, 12, minute, tzinfo=UTC)), **changes)


def test_tail_shows_the_newest_in_order_and_no_control_characters(llmops: Run, root: Path) -> None:
    told = llmops("log", "tail", "-n", "3", cwd=root)
    assert told.returncode == 0, told.stderr
    lines = told.stdout.splitlines()
    assert [line.split()[1] for line in lines[::3]] == ["bbbb2222", "bbbb3333", "cccc4444"]
    assert lines[1] == "  Clear�[2Jthe screen�?"
    assert lines[2] == "  → (cancelled)"
    assert lines[5] == "  → ! ModelFailed: rubbish"
    assert "canary" in lines[6] and lines[8].endswith("…") and len(lines[8]) < 170
    assert "\x1b" not in told.stdout


def test_tail_of_one_application(llmops: Run, root: Path) -> None:
    told = llmops("log", "tail", "--app", "other", cwd=root)
    assert "aaaa1111" not in told.stdout and "cccc4444" in told.stdout


def test_show_leads_to_the_lines_of_yaml(llmops: Run, root: Path) -> None:
    told = llmops("log", "show", "aaaa", cwd=root)
    assert told.returncode == 0, told.stderr
    assert "  docs/kettle.md  0.93  The kettle holds two litres." in told.stdout
    assert "  output: mail (guardrails-ai, redact, enforce): EMAIL_ADDRESS  specs/s.yaml:9" in told.stdout
    assert "specs/application.yaml:1  Application/" in told.stdout
    assert "specs/prompt.yaml:1  Prompt/" in told.stdout


def test_show_of_another_release_says_how_to_find_it(llmops: Run, root: Path) -> None:
    told = llmops("log", "show", "cccc", cwd=root)
    assert "another release than build/dev has: llmops rollback --to sha256:0 finds its commit" in told.stdout


@pytest.mark.parametrize(("id_", "found"), [("bbbb", 2), ("nothing", 0)])
def test_show_wants_one(llmops: Run, root: Path, id_: str, found: int) -> None:
    told = llmops("log", "show", id_, cwd=root)
    assert told.returncode == 2
    assert f"{found} interactions have an id that begins with {id_!r}" in told.stderr


def test_query_prints_a_table(llmops: Run, root: Path) -> None:
    told = llmops(
        "log", "query", "SELECT application, count(*) AS n, avg(latency_ms) AS ms FROM interactions GROUP BY 1 ORDER BY n", cwd=root
    )
    assert [line.split() for line in told.stdout.splitlines()][0::2] == [["application", "n", "ms"], ["other", "3", "12.5"]]


@pytest.mark.parametrize(
    ("arguments", "fault"),
    [
        (("query",), "log query needs a SELECT"),
        (("query", "DROP VIEW interactions"), "not one SELECT"),
        (("show",), "log show needs an id"),
        (("export", "--format", "parquet"), "Parquet cannot go to the terminal"),
        (("forget",), "needs either --user or --before"),
        (("forget", "--user", "a", "--before", "2026-01-01"), "needs either --user or --before"),
        (("forget", "--before", "2026-01-01"), "--before needs --app"),
        (("forget", "--app", "other", "--before", "yesterday"), "'yesterday' is no date"),
    ],
)
def test_what_cannot_be_done_is_said(llmops: Run, root: Path, arguments: tuple[str, ...], fault: str) -> None:
    told = llmops("log", *arguments, cwd=root)
    assert told.returncode == 2
    assert fault in told.stderr


def test_export_in_each_form(llmops: Run, root: Path) -> None:
    lines = llmops("log", "export", cwd=root)
    assert [json.loads(line)["id"] for line in lines.stdout.splitlines()] == ["aaaa1111", "bbbb2222", "bbbb3333", "cccc4444"]
    assert lines.stderr.strip().endswith("4 interactions")
    table = llmops("log", "export", "--format", "csv", "--app", "other", cwd=root)
    assert next(csv.DictReader(io.StringIO(table.stdout)))["question"] == "Clear\x1b[2Jthe screen\u202e?"
    assert llmops("log", "export", "--format", "parquet", "--output", "log.parquet", cwd=root).returncode == 0
    assert (root / "log.parquet").read_bytes()[:4] == b"PAR1"


def test_forget_deletes_a_persons_rows_by_the_name_that_the_application_gave(llmops: Run, root: Path) -> None:
    assert llmops("log", "seal", cwd=root).stdout.startswith(("0 ", "4 "))
    assert llmops("log", "forget", "--user", "ada", cwd=root).stdout == "1 interactions deleted\n"
    assert llmops("log", "forget", "--app", "other", "--before", "2026-11-25", cwd=root).stdout == "3 interactions deleted\n"
    assert read(root, "other") == []


def test_an_empty_log_says_so(llmops: Run, base: Path) -> None:
    told = llmops("log", "tail", cwd=base)
    assert (told.returncode, told.stdout) == (0, "")
    assert "Nothing is logged yet." in told.stderr
