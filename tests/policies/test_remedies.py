"""What a rule would write mends what it found: on plain data, and as edits of a workspace's files."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from llmops.check.cases import run_cases
from llmops.check.rules import Rule, steps
from llmops.cli.fixes import fix
from llmops.diagnostics import Diagnostic
from llmops.pipeline import check_workspace
from tests.policies.evidence import record_evidence
from tests.policies.pack import PACK, rules

HERE = Path(__file__).parent
MENDING = [name for name, rule in rules().items() if "set" in rule.spec["remediation"]]
FAILING = [(name, case["name"]) for name in MENDING for case in rules()[name].spec["tests"] if case["expect"] == "fail"]


def mended(rule: Rule, case: Mapping[str, Any]) -> dict[str, Any]:
    """The case with the rule's values written into its resource, or into each item of the list; it must pass."""
    resource = deepcopy(case["resource"])
    targets = value(resource, rule.each) if rule.each else [resource]
    for target in targets:
        for field, new in rule.spec["remediation"]["set"].items():
            put(target, field, new)
    return {key: part for key, part in {**case, "resource": resource, "expect": "pass"}.items() if key != "at"}


def value(data: Any, path: tuple[str | int, ...]) -> Any:
    for step in path:
        data = data[step]
    return data


def put(data: Any, field: str, new: Any) -> None:
    *path, last = steps(field)
    for step in path:
        data = data.setdefault(step, {})
    data[last] = new


@pytest.mark.parametrize(("name", "case"), FAILING)
def test_what_is_written_mends_the_case(name: str, case: str) -> None:
    rule = rules()[name]
    (failing,) = (entry for entry in rule.spec["tests"] if entry["name"] == case)
    changed = replace(rule, spec={**rule.spec, "tests": [mended(rule, failing)]})
    (result,), _ = run_cases([changed])
    assert not result.problem


@pytest.mark.parametrize("name", MENDING)
def test_what_is_written_mends_the_file(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = workspace(tmp_path, name)
    outcome = fix(root, violations(root), yes=True)
    assert outcome.written and not outcome.refused
    assert violations(root) == []
    assert capsys.readouterr().out.count("\n@@ ") == 1, "one place is changed"


@pytest.mark.parametrize("name", MENDING)
def test_what_is_written_changes_nothing_else(name: str, tmp_path: Path) -> None:
    """No line is lost but the one that held the wrong value."""
    root = workspace(tmp_path, name)
    before = {path: path.read_text().splitlines() for path in (root / "specs").iterdir()}
    fix(root, violations(root), yes=True)
    lost = [line for path, lines in before.items() for line in lines if line not in path.read_text().splitlines()]
    assert len(lost) <= 1


def test_a_rule_without_a_value_to_write_offers_no_edit(tmp_path: Path) -> None:
    root = workspace(tmp_path, "model-revision-pinned")
    assert [d.edits for d in violations(root)] == [()]


def workspace(folder: Path, name: str) -> Path:
    root = Path(shutil.copytree(HERE / "base", folder / "workspace"))
    shutil.copytree(PACK, root / "policies")
    shutil.copytree(HERE / "bad" / name, root, dirs_exist_ok=True)
    return root


def violations(root: Path) -> list[Diagnostic]:
    record_evidence(root)  # what is mended is another release
    return [d for d in check_workspace(root, "prod", today=date(2026, 6, 1)).diagnostics if d.policy]
