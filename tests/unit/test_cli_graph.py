"""`llmops graph`: the same graph in four forms, or findings and nothing else."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.conftest import Run


@pytest.mark.parametrize(
    ("form", "start"), [("text", "Application/helper  sha256:"), ("mermaid", "flowchart LR"), ("dot", "digraph llmops {"), ("json", "{")]
)
def test_forms(base: Path, llmops: Run, form: str, start: str) -> None:
    done = llmops("graph", "--format", form, cwd=base)
    assert done.returncode == 0 and done.stdout.startswith(start) and done.stderr == ""


def test_releases_are_those_of_the_bundle(base: Path, llmops: Run) -> None:
    llmops("compile", cwd=base)
    manifest = json.loads((base / "build" / "dev" / "manifest.json").read_text())
    graph = json.loads(llmops("graph", "--format", "json", cwd=base).stdout)
    releases = {r["id"]: r["release"] for r in graph["resources"] if r["release"]}
    assert releases == {f"Application/{name}": app["release"] for name, app in manifest["applications"].items()}


def test_the_environment_decides(base: Path, llmops: Run) -> None:
    (base / "environments" / "prod").mkdir(parents=True)
    (base / "environments" / "prod" / "a.yaml").write_text("target: {name: helper}\npatch: {spec: {safety: null}}\n")
    assert "SafetyPolicy" in llmops("graph", cwd=base).stdout
    assert "SafetyPolicy" not in llmops("graph", "--env", "prod", cwd=base).stdout


def test_errors_go_to_standard_error(base: Path, llmops: Run) -> None:
    (base / "specs" / "model.yaml").write_text("a: [")
    done = llmops("graph", "--format", "json", cwd=base)
    assert done.returncode == 1 and done.stdout == "" and "LLM0002" in done.stderr


def test_usage(base: Path, llmops: Run) -> None:
    assert llmops("graph", "--format", "png", cwd=base).returncode == 2
