"""`llmops check`, as a user runs it: exit codes, formats, colours."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import Run


@pytest.fixture
def broken(base: Path) -> Path:
    source = base / "specs" / "source.yaml"
    source.write_text(source.read_text().replace("top_k", "topk"))
    return base


@pytest.fixture
def warned(base: Path) -> Path:
    (base / "specs" / "spare.yaml").write_text((base / "specs" / "embedder.yaml").read_text().replace("name: embedder", "name: spare"))
    return base


def test_clean(base: Path, llmops: Run) -> None:
    done = llmops("check", cwd=base)
    assert (done.returncode, done.stdout, done.stderr) == (0, "9 resources in dev: no findings.\n", "")


def test_from_a_folder_below_and_from_elsewhere(base: Path, llmops: Run, tmp_path: Path) -> None:
    assert llmops("check", "--env", "prod", cwd=base / "specs").stdout == "9 resources in prod: no findings.\n"
    assert llmops("check", "--workspace", str(base), cwd=tmp_path).returncode == 0


def test_findings(broken: Path, llmops: Run) -> None:
    done = llmops("check", cwd=broken)
    assert done.returncode == 1 and done.stderr == ""
    assert "error[LLM0204]: Unknown field 'topk'" in done.stdout and "Did you mean top_k?" in done.stdout


def test_findings_as_json(broken: Path, llmops: Run) -> None:
    done = llmops("check", "--format", "json", cwd=broken)
    (found,) = json.loads(done.stdout)
    assert done.returncode == 1
    assert (found["code"], found["severity"], found["file"], found["line"], found["column"]) == (
        "LLM0204",
        "error",
        "specs/source.yaml",
        9,
        14,
    )
    assert found["hint"] == "Did you mean top_k?" and found["path"] == "spec.retrieve.topk"


def test_nothing_found_is_an_empty_list_in_json(base: Path, llmops: Run) -> None:
    assert json.loads(llmops("check", "--format", "json", cwd=base).stdout) == []


def test_warnings_count_unless_errors_are_asked_for(warned: Path, llmops: Run) -> None:
    done = llmops("check", cwd=warned)
    assert done.returncode == 1 and "warning[LLM0406]" in done.stdout
    done = llmops("check", "--severity", "error", cwd=warned)
    assert (done.returncode, done.stdout) == (0, "Not shown: 1 warning (`--severity warning`).\n10 resources in dev: no errors.\n")


@pytest.mark.parametrize(
    ("variables", "coloured"),
    [
        ({}, False),
        ({"FORCE_COLOR": "1"}, True),
        ({"FORCE_COLOR": "1", "NO_COLOR": "1"}, False),
        ({"FORCE_COLOR": "1", "TERM": "dumb"}, False),
    ],
)
def test_colours(broken: Path, llmops: Run, variables: dict[str, str], coloured: bool) -> None:
    assert ("\033[" in llmops("check", cwd=broken, **({"TERM": "xterm"} | variables)).stdout) == coloured


def test_outside_a_workspace(tmp_path: Path, llmops: Run) -> None:
    done = llmops("check", cwd=tmp_path)
    assert done.returncode == 2 and done.stdout == ""
    assert done.stderr.startswith("llmops: No llmops.yaml here or above") and "llmops init" in done.stderr


@pytest.mark.parametrize("args", [("--env", "staging"), ("--format", "xml"), ("--severity", "info"), ("--nope",), ("extra",)])
def test_usage(base: Path, llmops: Run, args: tuple[str, ...]) -> None:
    done = llmops("check", *args, cwd=base)
    assert done.returncode == 2 and done.stderr and "Traceback" not in done.stderr


def test_an_unknown_environment_is_named_with_the_known_ones(base: Path, llmops: Run) -> None:
    done = llmops("check", "--env", "production", cwd=base)
    assert done.stderr == "llmops: The workspace has no environment 'production'\nhelp: Did you mean prod?\n"


def test_broken_settings(base: Path, llmops: Run) -> None:
    (base / "llmops.yaml").write_text("kind: [")
    done = llmops("check", cwd=base)
    assert done.returncode == 1 and "error[LLM0002]" in done.stdout and "llmops.yaml:1:8" in done.stdout


def test_a_bug_is_reported_as_one(base: Path, llmops: Run) -> None:
    """A module that cannot work stands in for a bug."""
    shadow = base / "shadow"
    shadow.mkdir()
    (shadow / "jsonschema_rs.py").write_text("raise ZeroDivisionError('boom')\n")
    done = llmops("check", cwd=base, PYTHONPATH=f"{shadow}:{Path(__file__).parents[2] / 'compiler'}")
    assert done.returncode == 3 and "Traceback" in done.stderr and "this is a bug in llmops" in done.stderr


def test_help_shows_examples(llmops: Run, tmp_path: Path) -> None:
    for verb in ("check", "compile", "graph", "explain"):
        done = llmops(verb, "--help", cwd=tmp_path)
        assert done.returncode == 0 and f"\nexamples:\n  llmops {verb}" in done.stdout


def test_the_overview(llmops: Run, tmp_path: Path) -> None:
    done = llmops(cwd=tmp_path)
    assert done.returncode == 0 and "check" in done.stdout and "a first round:" in done.stdout
    assert llmops("--help", cwd=tmp_path).returncode == 0
    done = llmops("chekc", cwd=tmp_path)
    assert done.returncode == 2 and "chekc" in done.stderr


def test_a_closed_pipe_is_no_bug(broken: Path, llmops: Run) -> None:
    command = f"cd {broken} && PYTHONPATH={Path(__file__).parents[2] / 'compiler'} {sys.executable} -m llmops check | true"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=60, check=False)
    assert "Traceback" not in done.stderr and "bug" not in done.stderr
