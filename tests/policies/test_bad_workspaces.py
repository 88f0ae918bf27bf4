"""One workspace for each rule with one mistake in it: the compiler reports exactly that rule, at exactly that line.

`bad/<rule>/` is laid over `base/`, which satisfies the whole pack in production. The guilty lines carry `# <- rule`.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from datetime import date
from pathlib import Path

import pytest

from llmops.diagnostics import Diagnostic
from llmops.pipeline import check_workspace
from tests.policies.evidence import record_evidence
from tests.policies.pack import PACK, rules

HERE = Path(__file__).parent
BAD = sorted(folder.name for folder in (HERE / "bad").iterdir())
MARK = re.compile(r"# <- ([a-z-]+)$")
TODAY = date(2026, 6, 1)
EVIDENCE: dict[str, dict[str, str] | None] = {
    "release-has-evidence": None,
    "evidence-fresh": {"date": "2026-05-01"},
    "evidence-judge-holds": {"judge": "Model/grader@0123456789abcdef"},
}
"""Rule → what is wrong with the evidence in its workspace; None where there is none. All others have evidence that passes."""
EFFECTS: dict[str, set[str]] = {"block": {"error"}, "warn": {"warning"}, "audit": {"note"}, "off": set()}
Finding = tuple[str, str, int]


@pytest.fixture(scope="module")
def committed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The clean workspace with the pack, committed."""
    root = Path(shutil.copytree(HERE / "base", tmp_path_factory.mktemp("clean") / "workspace"))
    shutil.copytree(PACK, root / "policies")
    for command in ("init -q", "add .", "-c user.name=t -c user.email=t@example.org commit -qm base"):
        subprocess.run(["git", *command.split()], cwd=root, check=True, capture_output=True)
    return root


@pytest.fixture
def base(committed: Path, tmp_path: Path) -> Path:
    """A copy that the test may change."""
    return Path(shutil.copytree(committed, tmp_path / "workspace"))


def found(root: Path, environment: str = "prod", *, base: bool = False) -> list[Diagnostic]:
    """Without a base, the rules of changes say once that they wait for one."""
    diagnostics = check_workspace(root, environment, base="HEAD" if base else None, today=TODAY).diagnostics
    assert base or [d.code for d in diagnostics].count("LLM0914") == 1
    return [d for d in diagnostics if d.code != "LLM0914"]


def lay(rule: str, base: Path) -> None:
    """The mistake over the clean workspace, and the evidence that the result has."""
    shutil.copytree(HERE / "bad" / rule, base, dirs_exist_ok=True)
    wrong = EVIDENCE.get(rule, {})
    if wrong is not None:
        record_evidence(base, **wrong)


def marked(rule: str) -> set[Finding]:
    """(rule, file, line) of every marker."""
    folder = HERE / "bad" / rule
    lines = [(path, n, line) for path in folder.rglob("*.yaml") for n, line in enumerate(path.read_text().splitlines(), start=1)]
    marks = [(MARK.search(line), path.relative_to(folder).as_posix(), n) for path, n, line in lines]
    return {(mark[1], file, n) for mark, file, n in marks if mark}


@pytest.mark.parametrize("environment", ["dev", "staging", "prod"])
def test_the_base_satisfies_every_rule(base: Path, environment: str) -> None:
    record_evidence(base)
    assert found(base, environment) == found(base, environment, base=True) == []


@pytest.mark.parametrize("rule", BAD)
def test_exactly_this_rule_is_reported_at_exactly_this_line(rule: str, base: Path) -> None:
    lay(rule, base)
    diagnostics = found(base, base=rules()[rule].compares)
    assert {(d.policy or d.code, d.location.file, d.location.line) for d in diagnostics} == marked(rule)
    assert {d.severity for d in diagnostics} == EFFECTS[rules()[rule].effect("prod")]


@pytest.mark.parametrize("rule", BAD)
def test_the_effect_elsewhere_is_what_the_rule_says(rule: str, base: Path) -> None:
    lay(rule, base)
    for environment in ("dev", "staging"):
        severities = {d.severity for d in found(base, environment, base=rules()[rule].compares)}
        assert severities == EFFECTS[rules()[rule].effect(environment)], environment


def test_every_rule_has_a_bad_workspace() -> None:
    assert set(BAD) == set(rules())
    assert all({rule for rule, _, _ in marked(name)} == {name} for name in BAD)


@pytest.mark.parametrize("rule", BAD)
def test_a_bad_workspace_is_a_small_change(rule: str) -> None:
    """Nothing but the mistake and its marker differs from the base."""
    for path in (HERE / "bad" / rule).rglob("*.yaml"):
        before = (HERE / "base" / path.relative_to(HERE / "bad" / rule)).read_text().splitlines()
        after = [MARK.sub("", line).rstrip() for line in path.read_text().splitlines()]
        assert len(set(after) - set(before)) + len(set(before) - set(after)) <= 8
