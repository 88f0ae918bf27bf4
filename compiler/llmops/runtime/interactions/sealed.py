"""Older interactions as Parquet files, one an hour and application, and both stores behind one view for questions in SQL.

A row is in SQLite until its file is whole on disk, so that an interrupted sealing loses nothing; what is in both counts once.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import fields
from datetime import datetime
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from llmops.errors import LlmopsError, UsageError
from llmops.runtime.interactions.row import Interaction, stamp
from llmops.runtime.interactions.table import LOG_FILE, alone, connect, rows_before, rows_of, unrecord

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

FOLDER = ".llmops/interactions"
HOUR = len("2026-11-24T09")
MEMORY, THREADS = "1GB", 2
"""What a question may take."""
_SQL_TYPES = {"bool": "BOOLEAN", "int": "BIGINT", "float": "DOUBLE", "float | None": "DOUBLE"}
COLUMNS = {field.name: _SQL_TYPES.get(str(field.type), "VARCHAR") for field in fields(Interaction)}
"""Plain name of each field → its type in the view."""
NAMES = ", ".join(f'"{name}"' for name in COLUMNS)


def seal(root: Path, before: datetime) -> int:
    """Moves the rows of whole hours that began before `before` into Parquet; returns how many."""
    end = stamp(before)[:HOUR]
    with alone(root), closing(connect(root)) as connection:
        rows = rows_before(connection, end)
        for (application, hour), group in groupby(sorted(rows, key=_place), key=_place):
            members = list(group)
            _write(root / FOLDER / application / hour[:10], hour[-2:], members)
            unrecord(connection, [row.id for row in members])
    return len(rows)


def _place(row: Interaction) -> tuple[str, str]:
    return row.application, row.time[:HOUR]


def _write(folder: Path, hour: str, rows: Sequence[Interaction]) -> None:
    """A new file for rows that came late: names are never used twice."""
    folder.mkdir(parents=True, exist_ok=True)
    number = len(list(folder.glob(f"{hour}-*.parquet")))
    with _database() as database, _as_json(rows, folder) as path:
        _copy(database, f"SELECT * FROM {_json(path)} ORDER BY time", folder / f"{hour}-{number}.parquet")


def _copy(database: DuckDBPyConnection, select: str, target: Path) -> None:
    """Writes beside the target, and puts it there whole."""
    unfinished = target.with_suffix(".unfinished")
    database.execute(f"COPY ({select}) TO '{_quoted(unfinished)}' (FORMAT parquet, COMPRESSION zstd)")
    with unfinished.open("rb") as stream:
        os.fsync(stream.fileno())
    unfinished.replace(target)


def sealed_files(root: Path, application: str | None = None, since: datetime | None = None) -> list[Path]:
    """The files that may hold the application's rows from `since` on."""
    day = stamp(since)[:10] if since else ""
    found = sorted((root / FOLDER).glob(f"{application or '*'}/*/*.parquet"))
    return [path for path in found if path.parent.name >= day]


def read_sealed(root: Path, application: str, since: datetime | None) -> list[Interaction]:
    """The application's sealed rows that began at `since` or later."""
    files = sealed_files(root, application, since)
    if not files:
        return []
    with _database() as database:
        select = f"SELECT {NAMES} FROM {_parquet(files)} WHERE time >= ?"
        return [Interaction(*row) for row in database.execute(select, [stamp(since) if since else ""]).fetchall()]


def forget_sealed(root: Path, condition: str, values: Sequence[str], application: str | None = None) -> int:
    """Writes each file anew without the rows that meet the SQL `condition`; returns how many rows went."""
    gone = 0
    with _database() as database:
        for path in sealed_files(root, application):
            source = _parquet([path])
            number = _number(database, f"SELECT count(*) FROM {source} WHERE {condition}", values)
            if number:
                gone += number
                _rewrite(database, path, f"SELECT * FROM {source} WHERE NOT ({_filled(condition, values)})")
    return gone


def _rewrite(database: DuckDBPyConnection, path: Path, select: str) -> None:
    if _number(database, f"SELECT count(*) FROM ({select})", []):
        _copy(database, select, path)
    else:
        path.unlink()


def query(root: Path, sql: str) -> tuple[list[str], list[tuple[Any, ...]]]:
    """Column names and rows of one SELECT over the view `interactions`, whose columns are the fields of `Interaction`.

    It can read the log and nothing else, and write nothing. Raises `UsageError` for anything that is no SELECT or is wrong.
    """
    import duckdb

    (root / FOLDER).mkdir(parents=True, exist_ok=True)
    hot = _hot_rows(root)
    with _database() as database, _as_json(hot, root / FOLDER) as path:
        _require_one_select(sql)
        _make_view(database, root, path)
        try:
            found = database.execute(sql)
            return [column[0] for column in found.description], found.fetchall()
        except duckdb.Error as error:
            raise UsageError(f"The query failed: {error}", f"The view `interactions` has {', '.join(COLUMNS)}.") from error


def export_parquet(rows: Sequence[Interaction], target: Path) -> None:
    """Writes the rows into one file."""
    with _database() as database, _as_json(rows, target.parent) as path:
        _copy(database, f"SELECT * FROM {_json(path)}", target)


def _require_one_select(sql: str) -> None:
    import duckdb

    try:
        statements = duckdb.extract_statements(sql)
    except duckdb.Error as error:
        raise UsageError(f"The query cannot be read: {error}") from error
    if len(statements) != 1 or statements[0].type != duckdb.StatementType.SELECT:
        raise UsageError("The query is not one SELECT", 'llmops log query "SELECT prompt, count(*) FROM interactions GROUP BY prompt"')


def _make_view(database: DuckDBPyConnection, root: Path, hot: Path) -> None:
    parts = [_json(hot), *([_parquet(files)] if (files := sealed_files(root)) else [])]
    union = " UNION ALL BY NAME ".join(f"SELECT {NAMES} FROM {part}" for part in parts)
    database.execute(f"CREATE VIEW interactions AS SELECT DISTINCT ON (id) {NAMES} FROM ({union})")
    database.execute(f"SET allowed_directories = ['{_quoted(root / FOLDER)}']")
    database.execute("SET enable_external_access = false")
    database.execute("SET lock_configuration = true")


def _hot_rows(root: Path) -> list[Interaction]:
    if not (root / LOG_FILE).is_file():
        return []
    with closing(connect(root)) as connection:
        return rows_of(connection)


@contextmanager
def _database() -> Iterator[DuckDBPyConnection]:
    try:
        import duckdb
    except ImportError as error:
        raise LlmopsError("DuckDB is not installed.", 'pip install "llmops-compiler[run]"') from error
    # An extension is never fetched: what is needed comes with the package.
    settings: dict[str, Any] = {"memory_limit": MEMORY, "threads": str(THREADS), "autoinstall_known_extensions": "false"}
    with duckdb.connect(":memory:", config=settings) as database:
        yield database


@contextmanager
def _as_json(rows: Sequence[Interaction], folder: Path) -> Iterator[Path]:
    """Rows in a file that DuckDB reads at once: inserting one by one takes a thousand times as long."""
    with tempfile.NamedTemporaryFile(dir=folder, suffix=".jsonl") as stream:
        stream.writelines(orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE) for row in rows)
        stream.flush()
        yield Path(stream.name)


def _json(path: Path) -> str:
    types = ", ".join(f"'{name}': '{kind}'" for name, kind in COLUMNS.items())
    return f"read_json('{_quoted(path)}', format = 'newline_delimited', columns = {{{types}}}, maximum_object_size = 67108864)"


def _parquet(paths: Sequence[Path]) -> str:
    listed = ", ".join(f"'{_quoted(path)}'" for path in paths)
    return f"read_parquet([{listed}], union_by_name = true)"


def _quoted(path: Path) -> str:
    return str(path).replace("'", "''")


def _number(database: DuckDBPyConnection, select: str, values: Sequence[str]) -> int:
    found = database.execute(select, list(values)).fetchone()
    return int(found[0]) if found else 0


def _filled(condition: str, values: Sequence[str]) -> str:
    """`COPY` takes no parameters."""
    for value in values:
        quoted = value.replace("'", "''")
        condition = condition.replace("?", f"'{quoted}'", 1)
    return condition
