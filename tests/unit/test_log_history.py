"""The log's two stores: rows are sealed into Parquet and found again, forgotten in both, and never twice or lost in between."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from llmops.errors import UsageError
from llmops.runtime.interactions import LOG_FILE, Interaction, Log, LogUnavailable, forget, forget_user, read, record, sealed, stamp
from llmops.runtime.interactions.history import forget_before
from llmops.runtime.interactions.sealed import FOLDER, query, seal

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
ROW = Interaction(
    id="",
    time="",
    workspace="w",
    environment="dev",
    application="shop",
    release="sha256:0",
    prompt="Prompt/answer@1.0.0",
    model="Model/m",
    user="",
    question="How much is it?",
    answer="Two litres",
    sources_json="[]",
    verdicts_json="[]",
    blocked=False,
    error_type="",
    error="",
    latency_ms=12.5,
    input_tokens=3,
    output_tokens=4,
)


def row(number: int, **changes: object) -> Interaction:
    """One every ten minutes, backwards from noon."""
    return replace(ROW, id=f"i-{number:03}", time=stamp(NOON - timedelta(minutes=10 * number)), **changes)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    with Log.open(tmp_path) as log:
        for number in range(24):
            log.append(row(number, user="ada" if number % 3 == 0 else "bob", cost_usd=0.5, flagged=number == 7))
    return tmp_path


def everything(root: Path) -> list[Interaction]:
    return read(root, "shop")


def files(root: Path) -> list[str]:
    return [path.relative_to(root / FOLDER).as_posix() for path in sealed.sealed_files(root)]


def hot(root: Path) -> int:
    with closing(sqlite3.connect(root / LOG_FILE)) as connection:
        return int(connection.execute("SELECT count(*) FROM interactions").fetchone()[0])


def test_sealing_changes_nothing_of_what_is_read(root: Path) -> None:
    before = everything(root)
    assert len(before) == 24
    assert seal(root, NOON - timedelta(hours=1)) == 17
    assert everything(root) == before
    assert (hot(root), files(root)) == (7, [f"shop/2026-11-24/{hour:02}-0.parquet" for hour in (8, 9, 10)])


def test_a_late_row_gets_a_file_of_its_own(root: Path) -> None:
    seal(root, NOON - timedelta(hours=1))
    record(root, replace(row(20), id="late"))
    assert seal(root, NOON - timedelta(hours=1)) == 1
    assert "shop/2026-11-24/08-1.parquet" in files(root)
    assert len(everything(root)) == 25


@pytest.mark.parametrize("step", ["_copy", "unrecord"])
def test_a_sealing_that_is_cut_off_loses_and_doubles_nothing(root: Path, monkeypatch: pytest.MonkeyPatch, step: str) -> None:
    before = everything(root)
    real = getattr(sealed, step)
    calls = []

    def cut(*given: object) -> object:
        calls.append(given)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return real(*given)

    monkeypatch.setattr(sealed, step, cut)
    with pytest.raises(KeyboardInterrupt):
        seal(root, NOON - timedelta(hours=1))
    monkeypatch.undo()
    assert everything(root) == before
    assert query(root, "SELECT count(*) FROM interactions")[1] == [(24,)]
    seal(root, NOON - timedelta(hours=1))
    assert everything(root) == before
    assert query(root, "SELECT count(*), count(DISTINCT id) FROM interactions")[1] == [(24, 24)]


def test_what_a_person_asked_is_gone_from_both_stores_and_from_the_disk(root: Path) -> None:
    record(root, replace(row(30), id="mine", user="ada", question="my secret is rosebud", answer="rosebud it is"))
    record(root, replace(row(1), id="mine-too", user="ada", question="rosebud again"))
    seal(root, NOON - timedelta(hours=1))
    assert forget_user(root, "ada") == 8 + 2
    assert {r.user for r in everything(root)} == {"bob"}
    with closing(sqlite3.connect(root / LOG_FILE)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    held = b"".join(path.read_bytes() for path in (root / ".llmops").rglob("*") if path.is_file())
    assert b"rosebud" not in held
    assert forget_user(root, "ada") == 0


def test_old_rows_are_forgotten_by_application_and_environment(root: Path) -> None:
    seal(root, NOON - timedelta(hours=1))
    assert forget(root, "shop", "prod", NOON) == 0
    assert forget(root, "shop", "dev", NOON - timedelta(hours=3)) == 5
    assert forget_before(root, "shop", NOON - timedelta(hours=2)) == 6
    assert min(r.time for r in everything(root)) == stamp(NOON - timedelta(hours=2))


def test_a_file_of_which_nothing_is_left_goes(root: Path) -> None:
    seal(root, NOON - timedelta(hours=1))
    forget_before(root, "shop", NOON - timedelta(hours=3))
    assert files(root) == ["shop/2026-11-24/09-0.parquet", "shop/2026-11-24/10-0.parquet"]


def test_sql_over_both_stores(root: Path) -> None:
    seal(root, NOON - timedelta(hours=1))
    columns, rows = query(root, 'SELECT "user", count(*) AS n, sum(cost_usd) AS cost FROM interactions GROUP BY 1 ORDER BY 1')
    assert (columns, rows) == (["user", "n", "cost"], [("ada", 8, 4.0), ("bob", 16, 8.0)])
    assert query(root, "SELECT id FROM interactions WHERE flagged")[1] == [("i-007",)]


@pytest.mark.parametrize(
    ("sql", "fault"),
    [
        ("DELETE FROM interactions", "not one SELECT"),
        ("COPY interactions TO 'x.csv'", "not one SELECT"),
        ("SELECT 1; SELECT 2", "not one SELECT"),
        ("ATTACH 'x.db'", "not one SELECT"),
        ("SET enable_external_access = true", "not one SELECT"),
        ("SELECT * FROM read_text('/etc/hostname')", "Cannot access"),
        ("SELECT * FROM '/etc/hostname'", "Cannot access|does not exist|disabled"),
        ("SELECT nothing FROM interactions", "nothing"),
        ("SELEKT 1", "cannot be read|not one SELECT"),
    ],
)
def test_a_query_reads_the_log_and_nothing_else(root: Path, sql: str, fault: str) -> None:
    with pytest.raises(UsageError, match=fault):
        query(root, sql)
    assert len(everything(root)) == 24


def test_an_empty_workspace_has_an_empty_view(tmp_path: Path) -> None:
    assert query(tmp_path, "SELECT count(*) FROM interactions")[1] == [(0,)]


def test_a_log_of_an_earlier_version_gets_the_newer_columns(tmp_path: Path) -> None:
    record(tmp_path, row(1))
    with closing(sqlite3.connect(tmp_path / LOG_FILE, isolation_level=None)) as connection:
        for column in ("llmops.prompt.label", "llmops.rails.flagged", "llmops.cost_usd"):
            connection.execute(f'ALTER TABLE interactions DROP COLUMN "{column}"')
    record(tmp_path, row(2, label="canary", flagged=True))
    assert [(r.label, r.flagged, r.cost_usd) for r in everything(tmp_path)] == [("canary", True, None), ("", False, None)]


def test_a_row_that_is_there_already_takes_no_other_along(tmp_path: Path) -> None:
    with Log.open(tmp_path) as log:
        log.append(row(1))
        with pytest.raises(LogUnavailable, match="UNIQUE"):
            log.append(row(1))
        log.append(row(2))
    assert [r.id for r in everything(tmp_path)] == ["i-002", "i-001"]
    with pytest.raises(LogUnavailable, match="closed"):
        log.append(row(3))


def test_a_text_that_is_none_fails_alone_and_the_log_goes_on(tmp_path: Path) -> None:
    with Log.open(tmp_path) as log:
        queued = [log._queued(row(1)), log._queued(row(2, question="half a pair \ud800")), log._queued(row(3))]
        assert queued[0].result() is queued[2].result() is None
        with pytest.raises(LogUnavailable, match="surrogates"):
            queued[1].result()
    assert [r.id for r in everything(tmp_path)] == ["i-003", "i-001"]


def test_a_log_that_cannot_be_opened_says_why(tmp_path: Path) -> None:
    (tmp_path / ".llmops").write_text("a file in the folder's place")
    with pytest.raises(LogUnavailable, match="cannot be opened"):
        Log.open(tmp_path)


def test_more_rows_than_may_wait_are_refused(tmp_path: Path) -> None:
    log = Log(tmp_path, waiting=2, lock_seconds=1)
    holder = sqlite3.connect(tmp_path / LOG_FILE, isolation_level=None)
    holder.execute("BEGIN EXCLUSIVE")
    queued = []
    with pytest.raises(LogUnavailable, match="2 interactions wait"):
        for number in range(9):
            queued.append(log._queued(row(number)))
    holder.execute("COMMIT")
    holder.close()
    log.close()
    done = [future.exception() is None for future in queued]
    assert len(everything(tmp_path)) == sum(done)
