"""Small parts of the Dagster runtime: tables, markdown, descriptions, links, the settings of the home, outcomes of interactions."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
import yaml

from llmops.errors import RuntimeUnavailable
from llmops.runtime.bundle import BundledResource, SourceFile
from llmops.runtime.dagster.component import compile_workspace
from llmops.runtime.dagster.instance import _line, ensure_home
from llmops.runtime.dagster.ops import identifier
from llmops.runtime.dagster.tables import CELL, table
from llmops.runtime.dagster.tasks.dataset import dataset_cases
from llmops.runtime.dagster.tasks.monitor import outcome
from llmops.runtime.dagster.tasks.prompt import as_markdown
from llmops.runtime.dagster.translator import LlmopsTranslator, git_url
from llmops.runtime.interactions import Interaction

FIELDS = {"question": "question", "answer": "answer", "sources": "sources", "answerable": "answerable"}


def test_a_table_keeps_its_columns_in_order() -> None:
    made = table([{"b": 2, "a": "x", "unused": 1}], ("a", "b"))
    assert [column.name for column in made.schema.columns] == ["a", "b"]
    assert [record.data for record in made.records] == [{"a": "x", "b": 2}]


def test_a_table_may_be_empty() -> None:
    assert list(table([], ("a",)).records) == []


def test_a_long_cell_is_cut_visibly() -> None:
    (record,) = table([{"a": "x" * (CELL + 1), "b": "y" * CELL}], ("a", "b")).records
    assert record.data == {"a": "x" * (CELL - 1) + "…", "b": "y" * CELL}


def test_messages_stand_under_their_roles() -> None:
    assert as_markdown([{"role": "system", "content": "Be brief."}, {"role": "user", "content": "{{ question }}"}]) == (
        "**system**\n\n```\nBe brief.\n```\n\n**user**\n\n```\n{{ question }}\n```"
    )


def test_a_prompt_with_a_fence_does_not_break_out_of_its_own() -> None:
    lines = as_markdown([{"role": "user", "content": "````python\nx\n````\n<script>"}]).splitlines()
    assert (lines[2], lines[-1]) == ("`````", "`````")


@pytest.mark.parametrize(
    ("check", "text"),
    [
        ({"metric": "answer_f1", "min": 0.15, "max": None, "evaluation": "Evaluation/a"}, "answer_f1 ≥ 0.15 (Evaluation/a)"),
        ({"metric": "error_rate", "min": None, "max": 0.05, "evaluation": None}, "error_rate ≤ 0.05"),
        ({"metric": "interactions", "min": 1.0, "max": 500.0, "evaluation": None}, "interactions ≥ 1 and ≤ 500"),
    ],
)
def test_a_check_says_what_it_holds(check: dict[str, Any], text: str) -> None:
    spec = LlmopsTranslator().get_asset_check_spec(dg.AssetSpec("a"), {**check, "name": "c", "blocking": False})
    assert spec is not None
    assert spec.description == text


def test_an_asset_without_a_description_names_its_resource() -> None:
    node = {"description": "", "kind": "Prompt", "resource": "Prompt/answer@1.0.0"}
    assert LlmopsTranslator().get_description(node) == "Prompt `answer@1.0.0`"
    assert LlmopsTranslator().get_description({**node, "description": "Ours."}) == "Ours."


@pytest.mark.parametrize(
    ("url", "directory", "expected"),
    [
        ("https://git.example.org/a/b", "", "https://git.example.org/a/b/blob/main/specs/x.yaml#L3"),
        ("https://git.example.org/a/b", "/apps/one/", "https://git.example.org/a/b/blob/main/apps/one/specs/x.yaml#L3"),
        ("https://gitlab.example.org/a/b", "", "https://gitlab.example.org/a/b/-/blob/main/specs/x.yaml#L3"),
        ("https://git.example.org/gitlab/b", "", "https://git.example.org/gitlab/b/blob/main/specs/x.yaml#L3"),
    ],
)
def test_links_to_the_line(url: str, directory: str, expected: str) -> None:
    assert git_url({"url": url, "branch": "main", "directory": directory}, {"file": "specs/x.yaml", "line": 3}) == expected


def test_identifiers_hold_only_what_dagster_takes() -> None:
    assert identifier("prompts__handbook-answer-1.0.0") == "prompts__handbook_answer_1_0_0"


def interaction(**changes: Any) -> Interaction:
    values: dict[str, Any] = dict.fromkeys(Interaction.__dataclass_fields__, "")
    return Interaction(**{**values, "verdicts_json": "[]", "blocked": False, "latency_ms": 7.5, **changes})


def verdict(action: str, mode: str) -> str:
    return f'[{{"hits": [{{"action": "{action}", "mode": "{mode}"}}]}}]'


@pytest.mark.parametrize(
    ("changes", "failed", "blocked", "redacted"),
    [
        ({}, False, False, False),
        ({"error_type": "RuntimeUnavailable"}, True, False, False),
        ({"blocked": True, "verdicts_json": verdict("refuse", "enforce")}, False, True, False),
        ({"verdicts_json": verdict("redact", "enforce")}, False, False, True),
        ({"verdicts_json": verdict("redact", "monitor")}, False, False, False),
    ],
)
def test_what_a_monitor_reads_of_an_interaction(changes: dict[str, Any], failed: bool, blocked: bool, redacted: bool) -> None:
    read = outcome(interaction(**changes))
    assert (read.latency_ms, read.failed, read.blocked, read.redacted) == (7.5, failed, blocked, redacted)


def dataset(content: bytes, sha256: str) -> BundledResource:
    file = SourceFile("evals/q.jsonl", sha256, len(content))
    return BundledResource("Dataset/q", "Dataset", "q", None, {"fields": FIELDS, "format": "jsonl"}, (), (file,), "b")


def test_a_dataset_outside_the_workspace_says_how_to_find_it(tmp_path: Path) -> None:
    with pytest.raises(RuntimeUnavailable, match=r"evals/q\.jsonl is not in") as caught:
        dataset_cases(dataset(b"", ""), tmp_path)
    assert "LLMOPS_WORKSPACE" in caught.value.hint


def test_a_dataset_with_another_digest_is_refused(tmp_path: Path) -> None:
    (tmp_path / "evals").mkdir()
    (tmp_path / "evals/q.jsonl").write_bytes(b'{"question": "a", "answer": "b"}')
    with pytest.raises(RuntimeUnavailable, match="was changed") as caught:
        dataset_cases(dataset(b"", "0" * 64), tmp_path)
    assert caught.value.hint == "llmops compile"


def test_the_home_switches_telemetry_and_the_sign_up_window_off(tmp_path: Path) -> None:
    settings = yaml.safe_load((ensure_home(tmp_path) / "dagster.yaml").read_text("utf-8"))
    assert settings == {"telemetry": {"enabled": False}, "nux": {"enabled": False}}


@dataclass(frozen=True)
class Event:
    event_type_value: str
    step_key: str = "indexes__handbook"


@pytest.mark.parametrize(
    ("attributes", "line"),
    [
        ({"dagster_event": Event("STEP_START")}, "indexes__handbook"),
        ({"dagster_event": Event("STEP_SUCCESS")}, ""),
        ({"dagster_meta": {"orig_message": "store is ready"}}, "store is ready"),
        ({}, ""),
    ],
)
def test_progress_says_steps_and_messages_and_nothing_else(attributes: dict[str, Any], line: str) -> None:
    record = logging.makeLogRecord({"msg": "long text", **attributes})
    assert _line(record) == line


def test_a_workspace_that_does_not_compile_shows_the_findings(tmp_path: Path) -> None:
    (tmp_path / "llmops.yaml").write_text("kind: Workspase\n", "utf-8")
    with pytest.raises(RuntimeUnavailable, match=r"does not compile:(.|\n)*llmops\.yaml") as caught:
        compile_workspace(tmp_path, "dev")
    assert caught.value.hint == "llmops check --env dev"
