"""Ten thousand logged interactions with known rates, measured by the real Dagster asset: the figures are the known ones."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from llmops.runtime.dagster.instance import RunOutcome, ensure_home, materialize
from llmops.runtime.interactions import Interaction, stamp
from llmops.runtime.interactions.table import connect, insert
from tests.dagster_graph import Workspace, write_workspace

MONITOR = "monitors/support-bot/quality"
N = 10_000
OLD, NEW = "sha256:" + "a" * 64, "sha256:" + "b" * 64
REDACTED = '[{"stage": "output", "hits": [{"action": "redact", "mode": "enforce"}]}]'
SOURCES = '[{"path": "docs/a.md", "score": 1.0, "content": "The kettle holds water"}]'
SIGNALS = [
    {"name": "interactions", "min": 1},
    {"name": "latency_p95_ms", "max": 9499},
    {"name": "error_rate", "max": 0.05},
    {"name": "blocked_rate", "max": 0.2},
    {"name": "redacted_rate", "max": 1},
    {"name": "flagged_rate", "max": 1},
    {"name": "refusal_rate", "max": 1},
    {"name": "input_tokens_mean", "max": 1000},
    {"name": "cost_usd_per_day", "max": 1000},
    {"name": "groundedness_mean", "min": 0.9},
]


def logged(number: int, now: datetime) -> Interaction:
    """2 % failed; 10 % blocked; 5 % redacted; 4 % flagged; 25 % refused; every fourth by the new release, whose half is blocked."""
    new, failed = number % 4 == 0, number % 50 == 1
    blocked = number % 8 == 0 if new else False
    values: dict[str, Any] = dict.fromkeys(Interaction.__dataclass_fields__, "")
    values |= {
        "id": f"i-{number:05}",
        "time": stamp(now - timedelta(seconds=8 * number)),
        "environment": "dev",
        "application": "support-bot",
        "release": NEW if new else OLD,
        "prompt": "Prompt/answer@2.0.0" if new else "Prompt/answer@1.0.0",
        "answer": "The kettle holds sand" if number % 2 else "The kettle holds water",
        "sources_json": SOURCES,
        "verdicts_json": REDACTED if number % 20 == 3 else "[]",
        "blocked": blocked,
        "error_type": "ModelFailed" if failed else "",
        "latency_ms": float(number),
        "input_tokens": 100 if new else 200,
        "output_tokens": 10,
        "flagged": number % 25 == 2,
        "refused": number % 4 == 1,
        "cost_usd": 0.001,
        "first_token_ms": None,
        "finish": "stop",
    }
    return Interaction(**values)


def watched(root: Path) -> tuple[Workspace, RunOutcome]:
    """A workspace with the interactions in its log, and what the monitor made of them."""
    workspace = write_workspace(root, window_hours=48, by=["release"], signals=SIGNALS)
    now = datetime.now(UTC)
    with closing(connect(workspace.root)) as connection:
        insert(connection, [logged(number, now) for number in range(N)])
    return workspace, materialize(workspace.bundle, workspace.root, MONITOR, lambda _: None)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> tuple[Workspace, RunOutcome]:
    return watched(tmp_path_factory.mktemp("watched"))


@pytest.fixture
def metadata(run: tuple[Workspace, RunOutcome]) -> Iterator[dict[str, Any]]:
    instance = dg.DagsterInstance.from_config(str(ensure_home(run[0].root)))
    event = instance.get_latest_materialization_event(dg.AssetKey(MONITOR.split("/")))
    assert event and event.asset_materialization
    yield {name: value.value for name, value in event.asset_materialization.metadata.items()}
    instance.dispose()


KNOWN = {
    "observed": N,
    "interactions": N,
    "latency_p95_ms": 9499.0,
    "error_rate": 0.02,
    "blocked_rate": 0.125,
    "redacted_rate": 0.05,
    "flagged_rate": 0.04,
    "refusal_rate": 0.25,
    "cost_usd_per_day": pytest.approx(5.0),
}


def test_the_figures_are_the_known_ones(metadata: dict[str, Any]) -> None:
    assert {name: metadata[name] for name in KNOWN} == KNOWN
    answered = [n for n in range(N) if n % 50 != 1]
    assert metadata["input_tokens_mean"] == pytest.approx(sum(100 if n % 4 == 0 else 200 for n in answered) / len(answered))
    grounded = [n for n in answered if n % 8 != 0]
    assert metadata["groundedness_mean"] == pytest.approx(sum(0.75 if n % 2 else 1.0 for n in grounded) / len(grounded))


def test_a_group_that_misses_a_limit_fails_the_check_though_the_whole_holds(run: tuple[Workspace, RunOutcome]) -> None:
    checks = {check.name: check for check in run[1].checks}
    assert {name for name, check in checks.items() if not check.passed} == {"blocked_rate", "groundedness_mean"}
    blocked = checks["blocked_rate"]
    assert (blocked.value, blocked.passed) == (0.125, False)
    assert blocked.description == f"Missed by {NEW[:19]}: 0.5 over 2500"


def test_the_table_shows_each_release(metadata: dict[str, Any]) -> None:
    rows = [record.data for record in metadata["readings"].records]
    of_blocked = [(row["group"], row["value"], row["n"], row["holds"]) for row in rows if row["signal"] == "blocked_rate"]
    assert of_blocked == [("all", "0.125", N, "yes"), (OLD[:19], "0", 7500, "yes"), (NEW[:19], "0.5", 2500, "NO")]
    assert "hours a bar" in metadata["by hour"]


def test_the_log_is_left_as_it_was(run: tuple[Workspace, RunOutcome]) -> None:
    with closing(sqlite3.connect(run[0].root / ".llmops/interactions.sqlite")) as connection:
        assert connection.execute("SELECT count(*) FROM interactions").fetchone() == (N,)
