"""The log of interactions: what goes in comes out, in order, from several processes at once."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from llmops.runtime.interactions import COLUMNS, LOG_FILE, Interaction, read, record, stamp

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
    assert len(ours) == 9


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
