"""The log of interactions: what goes in comes out, in order, from several processes at once."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from llmops.runtime.assistant import Assistant, QuestionRejected
from llmops.runtime.interactions import COLUMNS, LOG_FILE, Interaction, Retention, forget, read, record, stamp
from tests.bundles import open_bundle
from tests.graphs import application, graph

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
ONE = Interaction(
    id="1",
    time=stamp(NOON),
    workspace="w",
    environment="dev",
    application="assistant",
    release="sha256:aa",
    prompt="Prompt/answer@1.0.0",
    model="Model/gemma",
    user="",
    question="Où est l'index? 😀",
    answer="Ici.\nVoilà.",
    sources_json="[]",
    verdicts_json="[]",
    blocked=False,
    error_type="",
    error="",
    latency_ms=12.5,
    input_tokens=7,
    output_tokens=3,
)


def test_what_was_recorded_is_read_back(tmp_path: Path) -> None:
    record(tmp_path, ONE)
    blocked = replace(ONE, id="2", blocked=True, time=stamp(NOON + timedelta(microseconds=1)))
    record(tmp_path, blocked)
    assert read(tmp_path, "assistant") == [ONE, blocked]


def test_an_empty_workspace_has_no_interactions_and_gets_no_file(tmp_path: Path) -> None:
    assert read(tmp_path, "assistant") == []
    assert not (tmp_path / LOG_FILE).exists()


def test_applications_are_kept_apart(tmp_path: Path) -> None:
    record(tmp_path, ONE)
    record(tmp_path, replace(ONE, id="2", application="other"))
    assert [i.id for i in read(tmp_path, "other")] == ["2"]


@pytest.mark.parametrize(
    ("since", "ids"),
    [
        (None, ["a", "b", "c"]),
        (NOON, ["b", "c"]),
        (NOON + timedelta(seconds=1), ["c"]),
        (NOON + timedelta(days=1), []),
        (datetime(2026, 3, 1, 13, tzinfo=timezone(timedelta(hours=1))), ["b", "c"]),
    ],
)
def test_since_is_inclusive_and_knows_time_zones(tmp_path: Path, since: datetime | None, ids: list[str]) -> None:
    for id_, seconds in (("c", 60), ("a", -60), ("b", 0)):
        record(tmp_path, replace(ONE, id=id_, time=stamp(NOON + timedelta(seconds=seconds))))
    assert [i.id for i in read(tmp_path, "assistant", since)] == ids


def test_stamps_sort_as_text() -> None:
    moments = [NOON + timedelta(microseconds=n) for n in (0, 1, 999_999, 1_000_000, 86_400_000_000)]
    assert [stamp(m) for m in moments] == sorted(stamp(m) for m in moments)
    assert stamp(NOON) == "2026-03-01T12:00:00.000000+00:00"


def test_the_same_id_twice_is_an_error(tmp_path: Path) -> None:
    record(tmp_path, ONE)
    with pytest.raises(sqlite3.IntegrityError):
        record(tmp_path, ONE)


def test_every_field_has_one_column() -> None:
    assert list(COLUMNS) == [f.name for f in fields(Interaction)]
    assert len(set(COLUMNS.values())) == len(COLUMNS)


def test_names_are_those_of_opentelemetry() -> None:
    from opentelemetry.semconv._incubating.attributes import gen_ai_attributes

    known = {value for name, value in vars(gen_ai_attributes).items() if name.startswith("GEN_AI") and isinstance(value, str)}
    ours = {column for column in COLUMNS.values() if column.startswith("gen_ai.")}
    assert ours <= known
    assert len(ours) == 10


def test_the_log_is_write_ahead(tmp_path: Path) -> None:
    record(tmp_path, ONE)
    with sqlite3.connect(tmp_path / LOG_FILE) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)


_WRITER = """
import sys
from dataclasses import replace
from pathlib import Path
from llmops.runtime.interactions import record
from tests.unit.test_interactions import ONE
for n in range(50):
    record(Path(sys.argv[1]), replace(ONE, id=f"{sys.argv[2]}-{n}"))
"""


def test_processes_write_at_once_and_lose_nothing(tmp_path: Path) -> None:
    root = Path(__file__).parents[2]
    environment = {"PYTHONPATH": f"{root / 'compiler'}:{root}"}
    writers = [subprocess.Popen([sys.executable, "-c", _WRITER, str(tmp_path), name], env=environment) for name in "ab"]
    assert [w.wait() for w in writers] == [0, 0]
    assert {i.id for i in read(tmp_path, "assistant")} == {f"{name}-{n}" for name in "ab" for n in range(50)}


def ids(root: Path) -> set[str]:
    return {i.id for application in ("assistant", "other") for i in read(root, application)}


def test_only_older_interactions_of_this_application_and_environment_are_deleted(tmp_path: Path) -> None:
    rows = [
        ONE,
        replace(ONE, id="a moment earlier", time=stamp(NOON - timedelta(microseconds=1))),
        replace(ONE, id="years ago", time=stamp(NOON - timedelta(days=900))),
        replace(ONE, id="in production", time=stamp(NOON - timedelta(days=900)), environment="prod"),
        replace(ONE, id="of another", time=stamp(NOON - timedelta(days=900)), application="other"),
    ]
    for row in rows:
        record(tmp_path, row)
    assert forget(tmp_path, "assistant", "dev", NOON) == 2
    assert ids(tmp_path) == {"1", "in production", "of another"}
    assert forget(tmp_path, "assistant", "dev", NOON) == 0
    assert forget(tmp_path, "assistant", "prod", datetime(2026, 3, 1, 14, tzinfo=timezone(timedelta(hours=1)))) == 1
    assert ids(tmp_path) == {"1", "of another"}


def test_the_texts_of_a_deleted_interaction_leave_the_disk(tmp_path: Path) -> None:
    words = "a sentence that nobody may read again"
    for n in range(40):
        record(tmp_path, replace(ONE, id=f"old-{n}", question=f"{words} {n}", answer=words * 40))
    record(tmp_path, replace(ONE, id="new", time=stamp(NOON + timedelta(days=1))))

    def held() -> bool:
        return any(words.encode() in file.read_bytes() for file in (tmp_path / LOG_FILE).parent.iterdir())

    assert held()
    assert forget(tmp_path, "assistant", "dev", NOON + timedelta(seconds=1)) == 40
    assert not held()
    assert ids(tmp_path) == {"new"}


def test_a_log_that_is_not_there_is_not_made_to_be_emptied(tmp_path: Path) -> None:
    assert forget(tmp_path, "assistant", "dev", NOON) == 0
    assert not (tmp_path / LOG_FILE).exists()


def test_a_deletion_is_due_at_once_and_then_once_an_hour() -> None:
    retention = Retention(30)
    assert retention.due(NOON) == NOON - timedelta(days=30)
    assert retention.due(NOON + timedelta(minutes=59)) is None
    later = NOON + timedelta(hours=1)
    assert retention.due(later) == later - timedelta(days=30)
    assert retention.due(later + timedelta(minutes=1)) is None


@pytest.fixture(autouse=True)
def local_key(monkeypatch: pytest.MonkeyPatch) -> None:
    """What `services` sets for the server that it starts."""
    monkeypatch.setenv("LLMOPS_LOCAL_API_KEY", "unused")


def opened(root: Path, **changes: Any) -> Assistant:
    """An application that needs no server as long as it is not asked anything that can be answered."""
    return Assistant.open(open_bundle(graph(application(sources=(), **changes)), root / "build"), "assistant", root)


def old_and_new(root: Path) -> None:
    now = datetime.now(UTC)
    for id_, days in (("40 days", 40), ("20 days", 20)):
        record(root, replace(ONE, id=id_, time=stamp(now - timedelta(days=days))))


def test_opening_an_application_deletes_what_it_no_longer_keeps(tmp_path: Path) -> None:
    old_and_new(tmp_path)
    opened(tmp_path, logging={"retention_days": 30})
    assert ids(tmp_path) == {"20 days"}
    opened(tmp_path, logging={"retention_days": 10})
    assert ids(tmp_path) == set()


def test_without_a_retention_nothing_is_deleted(tmp_path: Path) -> None:
    old_and_new(tmp_path)
    opened(tmp_path)
    assert ids(tmp_path) == {"40 days", "20 days"}


def test_a_long_running_application_deletes_after_it_has_written(tmp_path: Path) -> None:
    assistant = opened(tmp_path, logging={"retention_days": 30})
    old_and_new(tmp_path)
    with pytest.raises(QuestionRejected):
        assistant.ask("")
    assert {"40 days", "20 days"} < ids(tmp_path), "the last deletion is less than an hour ago"
    assert assistant.retention is not None
    assistant.retention.next = datetime.now(UTC)
    with pytest.raises(QuestionRejected):
        assistant.ask("")
    assert "40 days" not in ids(tmp_path) and "20 days" in ids(tmp_path)
    assert len(ids(tmp_path)) == 3
