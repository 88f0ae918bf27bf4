"""`llmops ask` on a real model: who is asked is told before the first answer, and old interactions go."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from llmops.runtime.interactions import read, record, stamp
from tests.conftest import Run
from tests.e2e.test_cli_runs import new_team
from tests.unit.test_interactions import ONE

DISCLOSURE = "You are talking to a machine. It can be wrong."
APPLICATION = "my-assistant"


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The smallest workspace, with a disclosure and a retention of 30 days, and an interaction of last year."""
    root = new_team(tmp_path_factory.mktemp("told") / "small", "minimal")
    file = root / "specs" / "assistant.yaml"
    file.write_text(file.read_text() + f'  disclosure: "{DISCLOSURE}"\n  logging: {{retention_days: 30}}\n')
    long_ago = stamp(datetime.now(UTC) - timedelta(days=365))
    record(root, replace(ONE, id="last year", application=APPLICATION, time=long_ago))
    return root


def test_the_disclosure_comes_once_and_before_the_first_answer(told: Path, llmops: Run) -> None:
    done = llmops("ask", "When is the office open?", cwd=told)
    assert done.returncode == 0, done.stderr
    lines = done.stderr.splitlines()
    assert lines.count(DISCLOSURE) == 1 and lines.index(DISCLOSURE) < lines.index("answering")
    assert DISCLOSURE not in done.stdout
    (kept,) = read(told, APPLICATION)
    assert kept.id != "last year" and kept.question == "When is the office open?"


def test_as_json_each_answer_carries_it(told: Path, llmops: Run) -> None:
    done = llmops("ask", "When is the office open?", "--json", cwd=told)
    answer = json.loads(done.stdout)
    assert answer["disclosure"] == DISCLOSURE and answer["text"] and answer["tokens"]["output"] > 0
    assert DISCLOSURE not in done.stderr
