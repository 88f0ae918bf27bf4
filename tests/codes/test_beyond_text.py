"""Codes that no text shows: a file's bytes, size or kind. Each is provoked here as its words say."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from llmops.codes import CODES
from llmops.load.yaml_core import MAX_BYTES, MAX_DEPTH
from llmops.pipeline import check_workspace
from tests.codes.workspaces import told
from tests.conftest import Run

LATIN_1 = "# Grüße\n".encode("latin-1")


def save_as_latin_1(root: Path) -> None:
    (root / "specs" / "greetings.yaml").write_bytes(LATIN_1)


def grow(root: Path) -> None:
    (root / "specs" / "large.yaml").write_text("#" * (MAX_BYTES + 1))


def nest(root: Path) -> None:
    (root / "specs" / "deep.yaml").write_text("[" * (MAX_DEPTH + 2) + "]" * (MAX_DEPTH + 2))


def take_the_settings_away(root: Path) -> None:
    (root / "llmops.yaml").unlink()


def put_a_pipe(root: Path) -> None:
    os.mkfifo(root / "specs" / "pipe.yaml")


def grow_the_dataset(root: Path) -> None:
    os.truncate(root / "evals" / "questions.jsonl", 64_000_001)


def save_the_prompt_as_latin_1(root: Path) -> None:
    (root / "specs" / "answer.txt").write_bytes(LATIN_1 + b"{{ documents }} {{ question }}")
    prompt = root / "specs" / "prompt.yaml"
    lines = prompt.read_text().splitlines()
    prompt.write_text("\n".join([*lines[:-1], "      content_file: answer.txt"]))


PROVOKED: dict[str, list[Callable[[Path], None]]] = {
    "LLM0001": [save_as_latin_1],
    "LLM0007": [grow, nest],
    "LLM0101": [take_the_settings_away],
    "LLM0102": [put_a_pipe],
    "LLM0805": [grow_the_dataset],
    "LLM0806": [save_the_prompt_as_latin_1],
}


POLICY = """\
apiVersion: llmops/v1
kind: Policy
metadata: {name: short-answers, owner: risk, title: Answers are short}
spec:
  why: Long answers cost more than they help.
  match: {kinds: [Model]}
  assert: ASSERT
  message: "{{name}} answers at length"
  remediation: {text: Shorten it.}
  tests:
    - {name: small, expect: pass, resource: {spec: {task: chat, max_output_tokens: 128}}}
    - {name: large, expect: fail, resource: {spec: {task: chat, max_output_tokens: 1024}}}
"""
OF_POLICIES = ("LLM0906", "LLM0914")
"""What only `llmops policy test` reports, and what only a missing base provokes."""
OF_LOCK = ("LLM1005", "LLM1008", "LLM1009", "LLM1010")
"""What `llmops lock` reports; tests/unit/test_lock_cli.py provokes them."""


def add_policy(root: Path, expression: str) -> None:
    (root / "policies").mkdir()
    (root / "policies" / "short-answers.yaml").write_text(POLICY.replace("ASSERT", expression))


def test_a_policys_own_case_fails(base: Path, llmops: Run) -> None:
    add_policy(base, '"!has(r.spec.max_output_tokens) || r.spec.max_output_tokens <= 100"')
    tested = llmops("policy", "test", cwd=base)
    assert tested.returncode == 1
    assert re.findall(r"\[(LLM\d{4})\b", tested.stdout) == ["LLM0906"], tested.stdout


def test_a_policy_of_changes_has_no_base(base: Path) -> None:
    add_policy(base, "has(r.spec.revision) == has(old.spec.revision)")
    found = check_workspace(base).diagnostics
    assert [(d.code, d.severity) for d in found] == [("LLM0914", "note")], told(found)


@pytest.mark.parametrize(("name", "provoke"), [(name, provoke) for name, ways in PROVOKED.items() for provoke in ways])
def test_it_gives_exactly_this_code(name: str, provoke: Callable[[Path], None], base: Path) -> None:
    assert not check_workspace(base).diagnostics
    provoke(base)
    found = check_workspace(base).diagnostics
    assert [d.code for d in found] == [name], told(found)


def test_only_these_have_words_in_place_of_an_example() -> None:
    provoked = {*PROVOKED, *OF_POLICIES, *OF_LOCK}
    assert {name for name, code in CODES.items() if not code.example} == provoked
    assert {name for name, code in CODES.items() if code.words} == provoked


@pytest.mark.parametrize(
    ("name", "figure"), [("LLM0007", f"{MAX_BYTES:,} bytes"), ("LLM0007", f"{MAX_DEPTH} levels"), ("LLM0805", "64 MB")]
)
def test_the_words_name_the_limit(name: str, figure: str) -> None:
    assert figure in CODES[name].words
