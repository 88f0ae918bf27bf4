"""The table of interactions in SQLite, which several processes may write at once."""

from __future__ import annotations

import fcntl
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import astuple, dataclass, fields
from datetime import datetime, timedelta
from pathlib import Path

from llmops.runtime.interactions.row import COLUMNS, Interaction, stamp

LOG_FILE = ".llmops/interactions.sqlite"
WAIT_SECONDS = 10.0
"""How long a writer waits for another one."""
PAUSE = timedelta(hours=1)
"""Shortest time between two deletions, so that an answer seldom waits for one."""

_TYPES = {
    "blocked": "INTEGER NOT NULL",
    "latency_ms": "REAL NOT NULL",
    "input_tokens": "INTEGER NOT NULL",
    "output_tokens": "INTEGER NOT NULL",
    "flagged": "INTEGER NOT NULL DEFAULT 0",
    "refused": "INTEGER NOT NULL DEFAULT 0",
    "cost_usd": "REAL",
    "first_token_ms": "REAL",
}
_TEXT = "TEXT NOT NULL DEFAULT ''"
_TRUTHS = frozenset({"blocked", "flagged", "refused"})
_NAMES = ", ".join(f'"{column}"' for column in COLUMNS.values())
_CREATE = f"""
CREATE TABLE IF NOT EXISTS interactions ({", ".join(f'"{c}" {_TYPES.get(f, _TEXT)}' for f, c in COLUMNS.items())},
  PRIMARY KEY ("{COLUMNS["id"]}"));
CREATE INDEX IF NOT EXISTS interactions_by_time ON interactions ("{COLUMNS["application"]}", "{COLUMNS["time"]}");
"""
_INSERT = f"INSERT INTO interactions ({_NAMES}) VALUES ({', '.join('?' * len(COLUMNS))})"  # noqa: S608 - our own column names


@dataclass(slots=True)
class Retention:
    """How many days one application's interactions are kept, and when the next deletion is due."""

    days: int
    next: datetime | None = None

    def is_due(self, now: datetime) -> bool:
        """Whether the last deletion is long enough ago."""
        return self.next is None or now >= self.next

    def due(self, now: datetime) -> datetime | None:
        """The moment before which interactions are deleted now, or nothing where the last deletion is too recent."""
        if not self.is_due(now):
            return None
        self.next = now + PAUSE
        return now - timedelta(days=self.days)


def record(root: Path, interaction: Interaction) -> None:
    """Appends one interaction to the log of the workspace at `root`."""
    with _log(root) as connection:
        connection.execute(_INSERT, astuple(interaction))


def rows_of(connection: sqlite3.Connection, application: str | None = None, since: datetime | None = None) -> list[Interaction]:
    """The rows, oldest first; all applications' where none is named."""
    where = "" if application is None else f'"{COLUMNS["application"]}" = ? AND '
    values = ([] if application is None else [application]) + [stamp(since) if since else ""]
    select = f'SELECT {_NAMES} FROM interactions WHERE {where}"{COLUMNS["time"]}" >= ? ORDER BY "{COLUMNS["time"]}", rowid'  # noqa: S608
    return [_interaction(row) for row in connection.execute(select, values)]


def rows_before(connection: sqlite3.Connection, time: str) -> list[Interaction]:
    """The rows that began before `time`, in the log's form."""
    select = f'SELECT {_NAMES} FROM interactions WHERE "{COLUMNS["time"]}" < ?'  # noqa: S608 - our own column names
    return [_interaction(row) for row in connection.execute(select, [time])]


def unrecord(connection: sqlite3.Connection, ids: Iterable[str]) -> None:
    """Takes rows out, all in one transaction. Their texts leave the file."""
    connection.execute("PRAGMA secure_delete = ON")
    with connection:
        connection.executemany(f'DELETE FROM interactions WHERE "{COLUMNS["id"]}" = ?', [(id_,) for id_ in ids])  # noqa: S608


def delete(root: Path, conditions: Mapping[str, tuple[str, str]]) -> int:
    """Deletes the rows for which each field compares so with its value; returns how many. Their texts leave the disk."""
    if not (root / LOG_FILE).is_file():
        return 0
    where = " AND ".join(f'"{COLUMNS[field]}" {comparison} ?' for field, (comparison, _) in conditions.items())
    connection = connect(root)
    try:
        connection.execute("PRAGMA secure_delete = ON")
        with connection:
            gone = connection.execute(f"DELETE FROM interactions WHERE {where}", [v for _, v in conditions.values()]).rowcount  # noqa: S608
        # What was deleted stands in the journal until it is folded into the file.
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        return int(gone)
    finally:
        connection.close()


def connect(root: Path, wait: float = WAIT_SECONDS) -> sqlite3.Connection:
    """The log of the workspace at `root`, created or brought up to date. A commit survives the end of the process, however sudden."""
    path = root / LOG_FILE
    path.parent.mkdir(parents=True, exist_ok=True)
    connection = sqlite3.connect(path, timeout=wait, check_same_thread=False)
    try:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.executescript(_CREATE)
        _add_columns(connection)
    except BaseException:
        connection.close()
        raise
    return connection


def insert(connection: sqlite3.Connection, interactions: Iterable[Interaction]) -> None:
    """All of them in one transaction, or none. Raises `sqlite3.Error`."""
    with connection:
        connection.executemany(_INSERT, map(astuple, interactions))


def _add_columns(connection: sqlite3.Connection) -> None:
    """A log that an earlier llmops made lacks the newer columns."""
    present = {row[1] for row in connection.execute("PRAGMA table_info(interactions)")}
    for field, column in COLUMNS.items():
        if column not in present:
            connection.execute(f'ALTER TABLE interactions ADD COLUMN "{column}" {_TYPES.get(field, _TEXT)}')


@contextmanager
def alone(root: Path) -> Iterator[None]:
    """Sealing and forgetting exclude each other, in all processes: what was forgotten must not come back from a file half made."""
    path = root / LOG_FILE
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.with_suffix(".lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@contextmanager
def _log(root: Path) -> Iterator[sqlite3.Connection]:
    connection = connect(root)
    try:
        with connection:
            yield connection
    finally:
        connection.close()


def _interaction(row: tuple[object, ...]) -> Interaction:
    values = dict(zip((f.name for f in fields(Interaction)), row, strict=True))
    return Interaction(**{**values, **{name: bool(values[name]) for name in _TRUTHS}})  # type: ignore[arg-type]
