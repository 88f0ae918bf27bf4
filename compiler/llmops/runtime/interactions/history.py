"""Reading and forgetting over both stores, the hot one and the sealed one."""

from __future__ import annotations

from contextlib import closing
from datetime import datetime
from pathlib import Path

from llmops.runtime.interactions.row import Interaction, stamp
from llmops.runtime.interactions.table import LOG_FILE, alone, connect, delete, rows_of


def read(root: Path, application: str, since: datetime | None = None) -> list[Interaction]:
    """The application's interactions that began at `since` (with a time zone) or later, oldest first."""
    if not (root / LOG_FILE).is_file():
        return []
    from llmops.runtime.interactions.sealed import read_sealed

    with closing(connect(root)) as connection:
        hot = rows_of(connection, application, since)
    sealed = read_sealed(root, application, since)
    if not sealed:
        return hot
    return sorted({row.id: row for row in (*sealed, *hot)}.values(), key=lambda row: row.time)


def forget(root: Path, application: str, environment: str, before: datetime) -> int:
    """Deletes the application's interactions in one environment that began earlier; returns how many. Their texts leave the disk."""
    conditions = {"application": ("=", application), "environment": ("=", environment), "time": ("<", stamp(before))}
    return _forget(root, conditions, application)


def forget_before(root: Path, application: str, before: datetime) -> int:
    """Deletes the application's interactions that began earlier, in every environment; returns how many."""
    return _forget(root, {"application": ("=", application), "time": ("<", stamp(before))}, application)


def forget_user(root: Path, digest: str) -> int:
    """Deletes everything that the user with this digest asked, of all applications; returns how many."""
    return _forget(root, {"user": ("=", digest)}, None)


def _forget(root: Path, conditions: dict[str, tuple[str, str]], application: str | None) -> int:
    from llmops.runtime.interactions.sealed import forget_sealed, sealed_files

    if not (root / LOG_FILE).is_file():
        return 0
    where = " AND ".join(f'"{field}" {comparison} ?' for field, (comparison, _) in conditions.items())
    with alone(root):
        gone = delete(root, conditions)
        if not sealed_files(root, application):
            return gone
        return gone + forget_sealed(root, where, [value for _, value in conditions.values()], application)
