"""The log that a server writes: one thread, many rows a transaction, and an answer waits until its row is on record.

Committed rows survive `kill -9`: the operating system holds them. What the last moments before a power loss brought may be lost.
"""

from __future__ import annotations

import asyncio
import queue
import sqlite3
import threading
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType

from llmops.errors import RuntimeUnavailable
from llmops.runtime.interactions.row import Interaction
from llmops.runtime.interactions.spans import spans_or_none
from llmops.runtime.interactions.table import LOG_FILE, connect, insert

BATCH = 512
"""Most rows of a transaction."""
WAITING = 4096
"""Rows that may wait for the writer."""
LOCK_SECONDS = 5.0
"""How long the writer waits for another process before it gives a batch up."""


class LogUnavailable(RuntimeUnavailable):
    """An interaction could not be recorded, so its answer must not be given."""


@dataclass(frozen=True, slots=True)
class _Entry:
    interaction: Interaction
    done: Future[None] = field(default_factory=Future)


class Log:
    """One for a process; threads and tasks share it. Close it, or use it in a `with` block."""

    def __init__(self, root: Path, *, waiting: int = WAITING, lock_seconds: float = LOCK_SECONDS) -> None:
        self._path = root / LOG_FILE
        self._entries: queue.Queue[_Entry | None] = queue.Queue(waiting)
        self._closed = False
        self._connection = self._opened(root, lock_seconds)
        self._spans = spans_or_none()
        self._thread = threading.Thread(target=self._write, name="llmops-log", daemon=True)
        self._thread.start()

    @classmethod
    def open(cls, root: Path) -> Log:
        """The log of the workspace at `root`. Raises `LogUnavailable` where it cannot be opened."""
        return cls(root)

    def __enter__(self) -> Log:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def append(self, interaction: Interaction) -> None:
        """Returns once the row is on record. Raises `LogUnavailable`; the row is then not in the log."""
        self._queued(interaction).result()

    async def append_async(self, interaction: Interaction) -> None:
        """As `append`, without holding up the event loop. If the caller is cancelled, the row is written all the same."""
        await asyncio.shield(asyncio.wrap_future(self._queued(interaction)))

    def close(self) -> None:
        """Writes what waits, then closes the file. May be called twice."""
        if not self._closed:
            self._closed = True
            self._entries.put(None)
            self._thread.join()

    def _queued(self, interaction: Interaction) -> Future[None]:
        if self._closed:
            raise LogUnavailable("The log is closed.")
        entry = _Entry(interaction)
        try:
            self._entries.put_nowait(entry)
        except queue.Full as error:
            raise LogUnavailable(f"{self._entries.maxsize} interactions wait to be logged already.", self._hint()) from error
        return entry.done

    def _write(self) -> None:
        closing = False
        while not closing:
            batch = self._batch()
            closing = None in batch
            self._store([entry for entry in batch if entry is not None])
        self._connection.close()
        if self._spans:
            self._spans.close()

    def _batch(self) -> list[_Entry | None]:
        """What waits; at least one."""
        batch = [self._entries.get()]
        while len(batch) < BATCH and batch[-1] is not None:
            try:
                batch.append(self._entries.get_nowait())
            except queue.Empty:
                break
        return batch

    def _store(self, entries: Sequence[_Entry]) -> None:
        try:
            insert(self._connection, [entry.interaction for entry in entries])
        except Exception as error:  # whatever it is, nobody must wait for ever
            if not isinstance(error, sqlite3.OperationalError) and len(entries) > 1:  # one bad row must not take the others along
                for entry in entries:
                    self._store([entry])
                return
            _fail(entries, LogUnavailable(f"The log {self._path} cannot be written: {error}.", self._hint()))
        else:
            for entry in entries:
                _resolve(entry.done)
                if self._spans:
                    self._spans.send(entry.interaction)

    def _opened(self, root: Path, lock_seconds: float) -> sqlite3.Connection:
        try:
            return connect(root, lock_seconds)
        except (sqlite3.Error, OSError) as error:
            raise LogUnavailable(f"The log {self._path} cannot be opened: {error}.", self._hint()) from error

    def _hint(self) -> str:
        return f"Look whether the disk is full and whether another process holds the file: df -h; fuser {self._path}"


def _fail(entries: Sequence[_Entry], error: LogUnavailable) -> None:
    for entry in entries:
        if entry.done.set_running_or_notify_cancel():
            entry.done.set_exception(error)


def _resolve(done: Future[None]) -> None:
    """Whoever waited may have gone; the row is on record all the same."""
    if done.set_running_or_notify_cancel():
        done.set_result(None)
