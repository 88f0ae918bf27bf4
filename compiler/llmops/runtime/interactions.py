"""The log of interactions: one row a question and its answer, in a SQLite file that several processes may write.

Column names are OpenTelemetry's for generative AI where it has one, and `llmops.*` elsewhere; `COLUMNS` is the one place.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import astuple, dataclass, fields
from datetime import UTC, datetime, timedelta
from pathlib import Path

LOG_FILE = ".llmops/interactions.sqlite"
WAIT_SECONDS = 10.0
"""How long a writer waits for another one."""
PAUSE = timedelta(hours=1)
"""Shortest time between two deletions, so that an answer seldom waits for one."""


@dataclass(frozen=True, slots=True)
class Interaction:
    """One question and what came of it. Texts are as they stand after redaction; `*_json` hold JSON arrays."""

    id: str
    time: str
    """Start, UTC, ISO 8601 with microseconds: sorts as text."""
    workspace: str
    environment: str
    application: str
    release: str
    prompt: str
    model: str
    user: str
    """A digest; empty when nobody said who asks."""
    question: str
    answer: str
    sources_json: str
    verdicts_json: str
    blocked: bool
    error_type: str
    """Empty when an answer was given, or refused by a rule."""
    error: str
    latency_ms: float
    input_tokens: int
    output_tokens: int


COLUMNS = {
    "id": "gen_ai.response.id",
    "time": "llmops.time",
    "workspace": "llmops.workspace",
    "environment": "deployment.environment.name",
    "application": "gen_ai.agent.name",
    "release": "llmops.release",
    "prompt": "gen_ai.prompt.name",
    "model": "gen_ai.request.model",
    "user": "llmops.user.digest",
    "question": "gen_ai.input.messages",
    "answer": "gen_ai.output.messages",
    "sources_json": "gen_ai.retrieval.documents",
    "verdicts_json": "llmops.rails.verdicts",
    "blocked": "llmops.rails.blocked",
    "error_type": "error.type",
    "error": "error.message",
    "latency_ms": "llmops.latency_ms",
    "input_tokens": "gen_ai.usage.input_tokens",
    "output_tokens": "gen_ai.usage.output_tokens",
}
"""Column of each field of `Interaction`, in the order of the fields."""

_TYPES = {"blocked": "INTEGER", "latency_ms": "REAL", "input_tokens": "INTEGER", "output_tokens": "INTEGER"}
_NAMES = ", ".join(f'"{column}"' for column in COLUMNS.values())
_CREATE = f"""
CREATE TABLE IF NOT EXISTS interactions ({", ".join(f'"{c}" {_TYPES.get(f, "TEXT")} NOT NULL' for f, c in COLUMNS.items())},
  PRIMARY KEY ("{COLUMNS["id"]}"));
CREATE INDEX IF NOT EXISTS interactions_by_time ON interactions ("{COLUMNS["application"]}", "{COLUMNS["time"]}");
"""
_INSERT = f"INSERT INTO interactions ({_NAMES}) VALUES ({', '.join('?' * len(COLUMNS))})"  # noqa: S608 - our own column names
_SELECT = (
    f'SELECT {_NAMES} FROM interactions WHERE "{COLUMNS["application"]}" = ? AND "{COLUMNS["time"]}" >= ? '  # noqa: S608 - our own column names
    f'ORDER BY "{COLUMNS["time"]}", rowid'
)
_DELETE = (
    f'DELETE FROM interactions WHERE "{COLUMNS["application"]}" = ? '  # noqa: S608 - our own column names
    f'AND "{COLUMNS["environment"]}" = ? AND "{COLUMNS["time"]}" < ?'
)


@dataclass(slots=True)
class Retention:
    """How many days one application's interactions are kept, and when the next deletion is due."""

    days: int
    next: datetime | None = None

    def due(self, now: datetime) -> datetime | None:
        """The moment before which interactions are deleted now, or nothing where the last deletion is too recent."""
        if self.next and now < self.next:
            return None
        self.next = now + PAUSE
        return now - timedelta(days=self.days)


def record(root: Path, interaction: Interaction) -> None:
    """Appends one interaction to the log of the workspace at `root`."""
    with _log(root) as connection:
        connection.execute(_INSERT, astuple(interaction))


def read(root: Path, application: str, since: datetime | None = None) -> list[Interaction]:
    """The application's interactions that began at `since` (with a time zone) or later, oldest first."""
    if not (root / LOG_FILE).is_file():
        return []
    start = stamp(since) if since else ""
    with _log(root) as connection:
        return [_interaction(row) for row in connection.execute(_SELECT, (application, start))]


def forget(root: Path, application: str, environment: str, before: datetime) -> int:
    """Deletes the application's interactions in one environment that began earlier; returns how many. Their texts leave the disk."""
    if not (root / LOG_FILE).is_file():
        return 0
    with _log(root) as connection:
        connection.execute("PRAGMA secure_delete = ON")
        return connection.execute(_DELETE, (application, environment, stamp(before))).rowcount


def stamp(moment: datetime) -> str:
    """The log's form of a moment. `moment` must carry a time zone."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds")


@contextmanager
def _log(root: Path) -> Iterator[sqlite3.Connection]:
    path = root / LOG_FILE
    path.parent.mkdir(parents=True, exist_ok=True)
    connection = sqlite3.connect(path, timeout=WAIT_SECONDS)
    try:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.executescript(_CREATE)
        with connection:
            yield connection
    finally:
        connection.close()


def _interaction(row: tuple[object, ...]) -> Interaction:
    values = dict(zip((f.name for f in fields(Interaction)), row, strict=True))
    return Interaction(**{**values, "blocked": bool(values["blocked"])})  # type: ignore[arg-type]
