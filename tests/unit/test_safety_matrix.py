"""`llmops safety matrix`: every cell as the compiler holds it, readable, without an engine."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from llmops.enforcement import ENGINES, matrix
from llmops.report.matrix import Place, RuleLine, markdown_matrix, text_matrix
from tests.conftest import Run

SPEC = """\
apiVersion: llmops/v1
kind: SafetyPolicy
metadata: {name: other, owner: team}
spec:
  engines: [guardrails-ai, nemoguardrails]
  rules:
    - {id: grounded, stage: [output], detector: {kind: groundedness}, action: block}
    - {id: watch, stage: [input], detector: {kind: secrets}, action: log, mode: monitor, engines: [nemoguardrails]}
"""


@pytest.fixture
def two(example: Path) -> Path:
    """The example with a second policy, which NeMo Guardrails cannot enforce: a finding for `llmops check`."""
    (example / "specs" / "other.yaml").write_text(SPEC)
    return example


def rules_of(done: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    return {rule["rule"]: rule for rule in json.loads(done.stdout)}


def test_the_examples_matrix(example: Path, llmops: Run) -> None:
    done = llmops("safety", "matrix", cwd=example)
    assert done.returncode == 0, done.stderr
    lines = [" ".join(line.split()) for line in done.stdout.splitlines()]
    assert lines[:6] == [
        "SafetyPolicy/public-assistant",
        "RULE DETECTOR ACTION STAGE GUARDRAILS-AI NEMOGUARDRAILS",
        "injection-phrases regex refuse input adapted native",
        "retrieval adapted native",
        "question-length length block input native adapted",
        "pii-out pii redact output adapted adapted",
    ]
    assert "The engine's own 'regex check'." in done.stdout
    assert max(len(line) for line in done.stdout.splitlines()) <= 100


def test_an_impossible_cell_is_shown_with_its_way_out_and_fails(two: Path, llmops: Run) -> None:
    done = llmops("safety", "matrix", "--policy", "other", "--format", "json", cwd=two)
    assert done.returncode == 1
    found = rules_of(done)
    nemo = next(place for place in found["grounded"]["places"] if place["engine"] == "nemoguardrails")
    assert nemo["level"] == "impossible" and "passages" in nemo["reason"] and nemo["remedy"].startswith("Add engines")
    assert found["grounded"]["source"] == "specs/other.yaml:7"
    assert [(p["engine"], p["level"]) for p in found["watch"]["places"]] == [("guardrails-ai", ""), ("nemoguardrails", "adapted")]


def test_one_engine_alone(two: Path, llmops: Run) -> None:
    found = rules_of(llmops("safety", "matrix", "--engine", "guardrails-ai", "--format", "json", cwd=two))
    assert set(found) == {"injection-phrases", "question-length", "pii-out", "grounded", "watch"}
    assert {place["engine"] for rule in found.values() for place in rule["places"]} == {"guardrails-ai"}


def test_every_cell_there_is_needs_no_workspace(tmp_path: Path, llmops: Run) -> None:
    done = llmops("safety", "matrix", "--all", "--format", "json", cwd=tmp_path)
    assert done.returncode == 0
    found = {(c["engine"], c["kind"], c["stage"], c["action"]): c["level"] for c in json.loads(done.stdout)}
    assert found == {(c.engine, c.kind, c.stage, c.action): c.support.level for c in matrix()}


@pytest.mark.parametrize("engine", ENGINES)
def test_all_as_text_is_readable(engine: str, tmp_path: Path, llmops: Run) -> None:
    done = llmops("safety", "matrix", "--all", "--engine", engine, cwd=tmp_path)
    assert max(len(line) for line in done.stdout.splitlines()) <= 120
    assert f"regex on {engine}:" in done.stdout
    assert ("guardrails-ai" in done.stdout.split("\n\n")[0]) is (engine == "guardrails-ai")


def test_all_as_markdown_has_a_row_for_each_row_of_levels(tmp_path: Path, llmops: Run) -> None:
    rows = [line.split("|")[1:-1] for line in llmops("safety", "matrix", "--all", "--format", "markdown", cwd=tmp_path).stdout.splitlines()]
    assert {len(row) for row in rows} == {8}
    assert [
        " regex ",
        " nemoguardrails ",
        " input, retrieval, output ",
        " native ",
        " native ",
        " adapted ",
        " adapted ",
        " adapted ",
    ] in rows


def test_nothing_heavy_is_imported() -> None:
    program = (
        "import sys; from llmops.cli import safety; import llmops.report.matrix\n"
        "print([m for m in ('guardrails', 'nemoguardrails', 'haystack', 'dagster', 'pydantic', 'llmops.runtime') if m in sys.modules])"
    )
    root = Path(__file__).parents[2]
    done = subprocess.run([sys.executable, "-c", program], cwd=root / "compiler", capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["matrix", "--suite", "x"], "--suite and --format junit go with"),
        (["matrix", "--format", "junit"], "--suite and --format junit go with"),
        (["test", "--all"], "--all goes with"),
        (["matrix", "--all", "--policy", "p"], "--all goes with"),
        (["matrix", "--all", "--engine", "nemo"], "There is no engine 'nemo'"),
        (["matrix", "--policy", "public-asistant"], "public-assistant"),
        (["matrix", "--engine", "nemoguardrail"], "nemoguardrails"),
        (["test", "--suite", "missing.jsonl"], "missing.jsonl cannot be read"),
    ],
)
def test_what_cannot_be_asked(arguments: list[str], message: str, example: Path, llmops: Run) -> None:
    done = llmops("safety", *arguments, cwd=example)
    assert done.returncode == 2 and message in done.stderr


def test_a_workspace_without_a_safety_policy(base: Path, llmops: Run) -> None:
    for file in (base / "specs").rglob("*.yaml"):
        kept = [part for part in file.read_text().split("\n---\n") if "kind: SafetyPolicy" not in part]
        file.write_text("\n---\n".join(kept))
    done = llmops("safety", "matrix", cwd=base)
    assert done.returncode == 2 and "no safety policy" in done.stderr


def test_hostile_names_do_not_steer_the_terminal_or_the_table() -> None:
    line = RuleLine("p\x1b[2J", "r", "regex", "block", "enforce", "f:1", (Place("e", "input", "native", "a|b\x1b", ""),))
    assert "\x1b" not in text_matrix([line]) + markdown_matrix([line])
    assert "a\\|b" in markdown_matrix([line])
    assert "\x1b[" in text_matrix([line], colour=True)
