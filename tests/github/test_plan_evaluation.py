"""The evaluation gate in the action `plan`. A script stands for `llmops eval` only where the real one would need a model."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.github.repositories import DEV, change, environment, git, replaced, run_script

EVALUATE = {"LLMOPS_EVALUATE": "true"}


def test_a_change_that_makes_no_new_release_is_not_measured(checkout: Path, tmp_path: Path) -> None:
    """The real gate, which finds at once that there is nothing to ask."""
    change(checkout, "requests_per_day: 5000", "requests_per_day: 6000")
    result = run_script(checkout, tmp_path / "run", **DEV, **EVALUATE)
    assert result.code == 0, result.log
    assert result.outputs["verdict"] == "unchanged"
    assert {path.name for path in result.artifacts.glob("evaluation.*")} == {f"evaluation.{form}" for form in ("json", "html", "xml", "md")}
    assert "llmops eval: unchanged" in result.summary


MEASURED = """\
for file; do
  case "$file" in *.json) echo '{{"eval_version": 1, "verdict": "{verdict}"}}' >"$file";; *.md) echo 'the gate' >"$file";; esac
done
echo "gate $*"; exit {code}"""


@pytest.mark.parametrize(
    ("verdict", "code", "passes"), [("regressed", 1, False), ("failed", 1, False), ("unproven", 0, True), ("no worse", 0, True)]
)
def test_only_a_loss_fails_the_run(checkout: Path, tmp_path: Path, verdict: str, code: int, passes: bool) -> None:
    change(checkout)
    gate = replaced(tmp_path, "eval", MEASURED.format(verdict=verdict, code=code))
    result = run_script(checkout, tmp_path / "run", **DEV, **EVALUATE, LLMOPS_EVALUATION_ENVIRONMENT="staging", **gate)
    assert (result.code == 0) is passes, result.log
    said = [f"::error title=llmops::llmops eval: {verdict}. The page of the run shows what.", "::error title=llmops::Failed: evaluation."]
    assert result.annotations == ([] if passes else said)
    assert result.outputs["verdict"] == verdict
    assert "the gate" in result.summary
    assert "--if-installed --env staging --report" in result.log


@pytest.mark.parametrize("code", [1, 2, 3], ids=["findings", "usage", "a bug"])
def test_a_gate_that_could_not_measure_is_no_pass(checkout: Path, tmp_path: Path, code: int) -> None:
    change(checkout)
    result = run_script(
        checkout, tmp_path / "run", **DEV, **EVALUATE, **replaced(tmp_path, "eval", f"echo why it could not >&2; exit {code}")
    )
    assert result.code == 1
    assert result.annotations[-1] == "::error title=llmops::Failed: evaluation."
    said = f"llmops eval could not measure (exit code {code}): the log says why."
    assert said in result.annotations[-2]
    assert said in result.summary
    assert "why it could not" in result.log
    assert "verdict" not in result.outputs


@pytest.mark.parametrize("document", ["", "[]", '{"eval_version": 1, "verdict": "fine\\nclass=none"}'])
def test_a_document_that_is_none_is_no_pass(checkout: Path, tmp_path: Path, document: str) -> None:
    change(checkout)
    script = f"for file; do case \"$file\" in *.json) printf '%s' '{document}' >\"$file\";; esac; done; exit 0"
    result = run_script(checkout, tmp_path / "run", **DEV, **EVALUATE, **replaced(tmp_path, "eval", script))
    assert result.code == 1
    assert result.annotations[-1] == "::error title=llmops::Failed: evaluation."
    assert "verdict" not in result.outputs


@pytest.mark.parametrize("name", [".llmops/evaluations/answers.sqlite", ".llmops"], ids=["a file", "a link"])
def test_answers_that_a_change_brings_do_not_count(checkout: Path, tmp_path: Path, name: str) -> None:
    change(checkout)
    file = checkout / name
    file.parent.mkdir(exist_ok=True, parents=True)
    if name == ".llmops":
        file.symlink_to("docs")
    else:
        file.write_bytes(b"")
    git(checkout, "add", "--force", name)
    git(checkout, "commit", "--quiet", "--message", "answers")
    gate = replaced(tmp_path, "eval", MEASURED.format(verdict="improved", code=0))
    result = run_script(checkout, tmp_path / "run", **DEV, **EVALUATE, **gate)
    assert result.code == 1
    assert result.annotations[-1] == "::error title=llmops::Failed: evaluation."
    assert ".llmops is in the repository" in result.annotations[-2]
    assert "gate " not in result.log


def test_schemas_for_editors_may_be_committed(checkout: Path, tmp_path: Path) -> None:
    change(checkout, "requests_per_day: 5000", "requests_per_day: 6000")
    (checkout / ".llmops").mkdir(exist_ok=True)
    (checkout / ".llmops" / "llmops.schema.json").write_text("{}", "utf-8")
    git(checkout, "add", "--force", ".llmops/llmops.schema.json")
    git(checkout, "commit", "--quiet", "--message", "the schema")
    result = run_script(checkout, tmp_path / "run", **DEV, **EVALUATE)
    assert result.code == 0, result.log
    assert result.outputs["verdict"] == "unchanged"


def test_a_runner_that_cannot_run_a_bundle_says_so(checkout: Path, tmp_path: Path) -> None:
    """The real llmops, in whose Python one of the packages is missing; what an earlier run left is no report of this one."""
    change(checkout)
    stale = tmp_path / "run" / "llmops-plan" / "evaluation.json"
    stale.parent.mkdir(parents=True)
    stale.write_text('{"eval_version": 1, "verdict": "improved"}', "utf-8")
    without = tmp_path / "without"
    without.mkdir()
    (without / "sitecustomize.py").write_text("import sys\n\nsys.modules['dagster'] = None\n", "utf-8")
    missing = {"PYTHONPATH": f"{without}{os.pathsep}{environment()['PYTHONPATH']}"}
    result = run_script(checkout, tmp_path / "run", **DEV, **EVALUATE, **missing)
    assert result.code == 0, result.log
    assert "Nothing was measured: the packages that run a bundle are not installed." in result.log
    assert result.annotations[-1].startswith("::notice title=llmops::No evaluation was measured")
    assert "No evaluation was measured" in result.summary
    assert "verdict" not in result.outputs
    assert not list(result.artifacts.glob("evaluation.*"))


def test_a_gate_that_is_switched_off_says_so(checkout: Path, tmp_path: Path) -> None:
    change(checkout)
    gate = replaced(tmp_path, "eval", MEASURED.format(verdict="failed", code=1))
    result = run_script(checkout, tmp_path / "run", **DEV, LLMOPS_EVALUATE="false", **gate)
    assert result.code == 0, result.log
    assert "The evaluation gate is switched off (the input evaluate)." in result.log
    assert "gate " not in result.summary
    assert "verdict" not in result.outputs


def test_a_gate_is_on_by_default(checkout: Path, tmp_path: Path) -> None:
    change(checkout)
    gate = replaced(tmp_path, "eval", MEASURED.format(verdict="regressed", code=1))
    result = run_script(checkout, tmp_path / "run", **DEV, LLMOPS_EVALUATE="", **gate)
    assert result.code == 1
    assert result.outputs["verdict"] == "regressed"


def test_what_a_model_says_is_no_command(checkout: Path, tmp_path: Path) -> None:
    change(checkout)
    loud = replaced(tmp_path, "eval", "printf '::error::forged\\n::set-output name=verdict::improved'; exit 1")
    result = run_script(checkout, tmp_path / "run", **DEV, **EVALUATE, **loud)
    assert "::error::forged" in result.log
    assert not [line for line in result.obeyed if "forged" in line or "set-output" in line]
