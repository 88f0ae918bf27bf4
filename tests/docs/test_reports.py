"""The reports that the handbook and the README quote are what the compiler prints for this repository's own workspace."""

from __future__ import annotations

import argparse
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from llmops.cli import check
from llmops.pipeline import compile_workspace
from llmops.report import FORMATS as REPORTS
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


def write_too_much(root: Path) -> None:
    file = root / "specs" / "models.yaml"
    file.write_text(file.read_text().replace("max_output_tokens: 64\n", "max_output_tokens: 4096\n"))


def reported(root: Path, form: str, environment: str | None = None) -> str:
    """What `llmops check --format FORM` prints, for the reader who sees everything."""
    command = ["check", "--format", form, "--severity", "note", *(["--env", environment] if environment else [])]
    done = subprocess.run(
        [sys.executable, "-m", "llmops", *command],
        cwd=root,
        env={**os.environ, "PYTHONPATH": str(ROOT / "compiler"), "LLMOPS_NO_CACHE": "1"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 1 and not done.stderr, done.stderr
    return done.stdout


@pytest.mark.parametrize(("page", "code", "spoil"), [("docs/diagnostics.md", "LLM0401", misspell), ("README.md", "LLM0701", ask_too_much)])
def test_the_quoted_finding_is_printed(page: str, code: str, spoil: Callable[[Path], None], workspace: Path) -> None:
    spoil(workspace)
    (quoted,) = (block.text for block in blocks("text") if block.page == page and code in block.text.splitlines()[0])
    assert quoted.strip() in reported(workspace, "text")


FORMS = {
    "error[answer": "text",
    "waived[": "text",
    "::error": "github",
    "  {": "json",
    '          "fixes"': "sarif",
    "    <testcase": "junit",
}
"""How a block of the page on diagnostics begins → the form that it shows."""


@pytest.mark.parametrize(("start", "form"), FORMS.items())
def test_every_form_is_quoted_as_it_is_printed(start: str, form: str, workspace: Path) -> None:
    write_too_much(workspace)
    (quoted,) = (block.text for block in blocks() if block.page == "docs/diagnostics.md" and block.text.startswith(start))
    assert quoted.rstrip() in reported(workspace, form, "prod")


def test_every_report_on_the_page_is_quoted_from_somewhere() -> None:
    shown = [b.text for b in blocks() if b.page == "docs/diagnostics.md" and b.info in ("text", "json", "xml")]
    assert len(shown) == len(FORMS) + 1 and set(FORMS.values()) == set(REPORTS)


def test_commands_for_ci_exist() -> None:
    """`test_examples.py` reads the bash blocks; these stand in the YAML of CI systems."""
    texts = [block.text for block in blocks("yaml fragment") if block.page == "docs/diagnostics.md"]
    commands = [shlex.split(line) for text in texts for line in re.findall(r"(llmops check .+)$", text, re.MULTILINE)]
    assert len(texts) == 2 and len(commands) == 3
    for text in texts:
        assert yaml.safe_load(text)
    for command in commands:
        parser = argparse.ArgumentParser(exit_on_error=False)
        check.add_arguments(parser)
        assert parser.parse_args(command[2:]).format in ("github", "sarif", "junit")


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
