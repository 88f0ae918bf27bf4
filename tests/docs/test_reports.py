"""The reports that the handbook and the README quote are what the compiler prints for this repository's own workspace."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from llmops.pipeline import check_workspace, compile_workspace
from llmops.report.text import text_report
from tests.docs.handbook import ROOT, blocks

UNENFORCEABLE = """\
    - id: grounded
      stage: [output]
      detector: {kind: groundedness}
      action: flag
      severity: low
"""


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    """A copy of this repository's workspace."""
    shutil.copy(ROOT / "llmops.yaml", tmp_path)
    for folder in ("specs", "environments", "docs", "evals", "policies", "waivers"):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    return tmp_path


def misspell(root: Path) -> None:
    file = root / "specs" / "handbook-assistant.yaml"
    file.write_text(file.read_text().replace("prompt: handbook-answer\n", "prompt: handbook-anser\n"))


def ask_too_much(root: Path) -> None:
    file = root / "specs" / "safety.yaml"
    file.write_text(file.read_text() + UNENFORCEABLE)


@pytest.mark.parametrize(("page", "code", "spoil"), [("docs/diagnostics.md", "LLM0401", misspell), ("README.md", "LLM0701", ask_too_much)])
def test_the_quoted_finding_is_printed(page: str, code: str, spoil: Callable[[Path], None], workspace: Path) -> None:
    spoil(workspace)
    checked = check_workspace(workspace)
    (quoted,) = (block.text for block in blocks("text") if block.page == page and code in block.text)
    assert quoted.strip() in text_report(checked.diagnostics, checked.places.text, colour=False)


def test_the_readme_counts_resources_and_files(workspace: Path) -> None:
    compiled = compile_workspace(workspace)
    assert compiled.graph is not None
    line = f"{len(compiled.graph.resources)} resources → {len(compiled.artifacts)} files in build/dev"
    assert any(line in block.text for block in blocks("text") if block.page == "README.md")


def test_the_readme_shows_every_file_of_the_bundle(workspace: Path) -> None:
    (shown,) = (block.text for block in blocks("text") if block.text.startswith("build/dev/"))
    rendered = {artifact.path for artifact in compile_workspace(workspace).artifacts}
    named = {path for line in shown.splitlines() for path in expand(line.split()[0].removeprefix("build/dev/"))}
    assert named <= rendered
    assert rendered - named == {"guardrails/public-assistant/rules.json", "nemoguardrails/public-assistant/rules.json"}


def expand(path: str) -> list[str]:
    """`a/{b,c}` as a shell reads it."""
    match = re.search(r"\{([^}]*)\}", path)
    if not match:
        return [path]
    return [path[: match.start()] + option + path[match.end() :] for option in match[1].split(",")]


def test_the_readmes_application_is_the_workspaces_own(workspace: Path) -> None:
    (shown,) = (block.text for block in blocks("yaml") if block.page == "README.md")
    own = (workspace / "specs" / "handbook-assistant.yaml").read_text()
    spec = shown.partition("spec:\n")[2].strip()
    assert spec in own
