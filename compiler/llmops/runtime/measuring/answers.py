"""Answers that were given to evaluations, kept by (release, question, repeat), and what judges said of prompts.

A SQLite file of the workspace, which several processes may use at once. A row is on disk before the next question is asked, so a
run that was ended at any moment goes on where it was.
"""

from __future__ import annotations

import hashlib
import sqlite3
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime
from pathlib import Path

import orjson

from llmops.evaluate.observation import Passage, Reply, reply_from
from llmops.evaluate.questions import Question
from llmops.evaluate.scoring import Result

ANSWERS_FILE = ".llmops/evaluations/answers.sqlite"
WAIT_SECONDS = 30.0
FORMAT = 1
"""Raised when what is kept of an answer changes; what an earlier llmops kept is then asked again."""

_CREATE = """
CREATE TABLE IF NOT EXISTS answers (release TEXT, needs TEXT, question TEXT, repeat INTEGER, format INTEGER, day TEXT, body BLOB,
  PRIMARY KEY (release, needs, question, repeat, format)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS judgements (judge TEXT, prompt TEXT, said TEXT, PRIMARY KEY (judge, prompt)) WITHOUT ROWID;
"""
_FIND = "SELECT day, body FROM answers WHERE release = ? AND needs = ? AND question = ? AND repeat = ? AND format = ?"


@dataclass(frozen=True, slots=True)
class Kept:
    """A result and the day on which it was given (UTC)."""

    result: Result
    day: date


class Answers:
    """The file, opened with `Answers.open`. Safe to use from several threads."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._lock = threading.Lock()

    @classmethod
    @contextmanager
    def open(cls, root: Path) -> Iterator[Answers]:
        """Of the workspace at `root`; made where there is none. A commit survives the end of the process, however sudden."""
        path = root / ANSWERS_FILE
        path.parent.mkdir(parents=True, exist_ok=True)
        with closing(sqlite3.connect(path, timeout=WAIT_SECONDS, check_same_thread=False)) as connection:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = NORMAL")
            connection.executescript(_CREATE)
            yield cls(connection)

    def find(self, release: str, question: Question) -> Kept | None:
        with self._lock:
            row = self._connection.execute(_FIND, _key(release, question)).fetchone()
        return Kept(_read(question, row[1]), date.fromisoformat(row[0])) if row else None

    def known(self, release: str, questions: Iterable[Question]) -> dict[Question, Kept]:
        """What is kept of these."""
        found = ((question, self.find(release, question)) for question in questions)
        return {question: kept for question, kept in found if kept}

    def keep(self, release: str, question: Question, result: Result) -> None:
        """On disk when it returns. The first answer stays: two processes may have asked the same."""
        body = orjson.dumps(result.plain if isinstance(result, Reply) else [asdict(passage) for passage in result])
        release_, needs, text, repeat, format_ = _key(release, question)
        row = (release_, needs, text, repeat, format_, datetime.now(UTC).date().isoformat(), body)
        with self._lock, self._connection:
            self._connection.execute("INSERT OR IGNORE INTO answers VALUES (?, ?, ?, ?, ?, ?, ?)", row)

    def forget(self, release: str, questions: Iterable[Question]) -> None:
        """So that they are asked again."""
        where = "release = ? AND needs = ? AND question = ? AND repeat = ? AND format = ?"
        with self._lock, self._connection:
            self._connection.executemany(f"DELETE FROM answers WHERE {where}", [_key(release, q) for q in questions])  # noqa: S608

    def said(self, judge: str, prompts: Iterable[str]) -> Mapping[str, str]:
        """What the judge with this digest said of prompts before."""
        with self._lock:
            found = (
                (p, self._connection.execute("SELECT said FROM judgements WHERE judge = ? AND prompt = ?", (judge, _digest(p))))
                for p in prompts
            )
            return {prompt: row[0] for prompt, cursor in found if (row := cursor.fetchone())}

    def keep_said(self, judge: str, prompt: str, said: str) -> None:
        with self._lock, self._connection:
            self._connection.execute("INSERT OR IGNORE INTO judgements VALUES (?, ?, ?)", (judge, _digest(prompt), said))


def _key(release: str, question: Question) -> tuple[str, str, str, int, int]:
    return release, question.needs, _digest(question.text), question.repeat, FORMAT


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _read(question: Question, body: bytes) -> Result:
    plain = orjson.loads(body)
    return reply_from(plain) if question.needs == "reply" else tuple(Passage(**passage) for passage in plain)
