"""`llmops plan` as people and workflows call it: flags, forms, exit codes, folders."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tests.conftest import Run, copy_example
from tests.diff.repositories import commit_all, git

PROMPT = ("in a few words", "in one sentence")


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    root = copy_example(tmp_path / "repository")
    commit_all(root, "start")
    return root


def edit(root: Path, old: str = PROMPT[0], new: str = PROMPT[1], file: str = "specs/handbook-assistant.yaml") -> None:
    text = (root / file).read_text("utf-8")
    assert old in text
    (root / file).write_text(text.replace(old, new, 1), "utf-8")


def test_nothing_changes(workspace: Path, llmops: Run) -> None:
    done = llmops("plan", "--base", "HEAD", cwd=workspace)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.count("\n") == 1 and "HEAD" in done.stdout


def test_the_terminal_reads_the_consequences(workspace: Path, llmops: Run) -> None:
    edit(workspace)
    done = llmops("plan", "--base", "HEAD", cwd=workspace)
    assert (done.returncode, done.stderr) == (1, "")
    first = done.stdout.splitlines()[0]
    assert first == "behaviour: 1 change reaches 1 application in dev, staging, prod"
    for said in ("[-a few words-]{+one sentence+}", "Application/handbook-assistant", "Evaluation/handbook-retrieval", "docs-team"):
        assert said in done.stdout


def test_json_can_be_read_again_in_every_form(workspace: Path, llmops: Run, tmp_path: Path) -> None:
    edit(workspace)
    written = tmp_path / "plan.json"
    done = llmops("plan", "--base", "HEAD", "--format", "json", "--output", str(written), cwd=workspace)
    assert (done.returncode, done.stdout, done.stderr) == (1, "", "")
    plan = json.loads(written.read_text("utf-8"))
    assert plan["base"]["commit"] == git(workspace, "rev-parse", "HEAD").strip()
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    for form in ("text", "markdown", "json"):
        direct = llmops("plan", "--base", "HEAD", "--format", form, cwd=workspace)
        again = llmops("plan", "--read", str(written), "--format", form, cwd=elsewhere)
        assert (again.returncode, again.stdout) == (1, direct.stdout), again.stderr
        assert direct.stdout.strip()


def test_a_plan_is_the_same_every_time(workspace: Path, llmops: Run) -> None:
    edit(workspace)
    elsewhere = ({"PYTHONHASHSEED": "1", "TZ": "UTC"}, {"PYTHONHASHSEED": "2", "TZ": "Asia/Tokyo"})
    runs = [llmops("plan", "--base", "HEAD", "--format", "json", cwd=workspace, **variables) for variables in elsewhere]
    assert runs[0].stdout == runs[1].stdout != ""


def test_environments_are_chosen(workspace: Path, llmops: Run) -> None:
    edit(workspace)
    done = llmops("plan", "--base", "HEAD", "--env", "prod", "--env", "dev", "--format", "json", cwd=workspace)
    assert json.loads(done.stdout)["environments"] == ["dev", "prod"]


def test_branches_are_compared(workspace: Path, llmops: Run) -> None:
    git(workspace, "checkout", "-q", "-b", "feature")
    edit(workspace)
    commit_all(workspace, "a text")
    assert llmops("plan", "--base", "main", cwd=workspace).returncode == 1
    assert llmops("plan", "--base", "feature", cwd=workspace).returncode == 0


def test_a_workspace_in_a_folder_of_the_repository(tmp_path: Path, llmops: Run) -> None:
    repository = tmp_path / "repository"
    root = copy_example(repository / "teams/help desk")
    (repository / "specs").mkdir()
    (repository / "specs/other.yaml").write_text("not: ours\n", "utf-8")
    commit_all(repository, "start")
    (repository / "specs/other.yaml").write_text("not: [ours\n", "utf-8")
    assert llmops("plan", "--base", "HEAD", cwd=root).returncode == 0
    edit(root)
    done = llmops("plan", "--base", "HEAD", "--format", "json", cwd=root / "specs")
    (change,) = json.loads(done.stdout)["changes"]
    assert change["file"] == "specs/handbook-assistant.yaml"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "Name one thing to plan"),
        (("--base", "HEAD", "--read", "plan.json"), "Name one thing to plan"),
        (("--base", "HEAD", "--from", "dev", "--to", "prod"), "Name one thing to plan"),
        (("--from", "dev"), "A promotion has --from and --to"),
        (("--from", "dev", "--to", "prod", "--env", "prod"), "A promotion has --from and --to"),
        (("--from", "dev", "--to", "production"), "has no environment 'production'"),
        (("--base", "no-such-branch"), "git has no such base"),
        (("--base", "HEAD", "--env", "production"), "has no environment 'production'"),
        (("--read", "nowhere.json"), "nowhere.json cannot be read"),
    ],
)
def test_what_cannot_be_planned_is_a_usage_error(workspace: Path, llmops: Run, arguments: tuple[str, ...], said: str) -> None:
    done = llmops("plan", *arguments, cwd=workspace)
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr and "help: " in done.stderr


def test_a_file_that_is_no_plan_is_refused(workspace: Path, llmops: Run) -> None:
    for text in ("", "{}", "[]", '{"plan_version": 99}', "null"):
        (workspace / "plan.json").write_text(text, "utf-8")
        done = llmops("plan", "--read", "plan.json", cwd=workspace)
        assert done.returncode == 2 and "plan" in done.stderr.lower(), text


def test_no_repository_is_a_usage_error(tmp_path: Path, llmops: Run) -> None:
    done = llmops("plan", "--base", "HEAD", cwd=copy_example(tmp_path / "w"))
    assert done.returncode == 2 and "not a git repository" in done.stderr


def test_a_shallow_clone_says_what_is_missing(workspace: Path, llmops: Run, tmp_path: Path) -> None:
    edit(workspace)
    commit_all(workspace, "a text")
    clone = tmp_path / "shallow"
    git(tmp_path, "clone", "-q", "--depth", "1", f"file://{workspace}", str(clone))
    done = llmops("plan", "--base", "HEAD~1", cwd=clone)
    assert done.returncode == 2 and "git has no such base" in done.stderr


def test_promotion_is_shown(workspace: Path, llmops: Run) -> None:
    patch = "target: {kind: RetrievalSource, name: handbook}\npatch: {spec: {retrieve: {top_k: 5}}}\n"
    (workspace / "environments/staging/more.yaml").write_text(patch, "utf-8")
    done = llmops("plan", "--from", "staging", "--to", "prod", cwd=workspace)
    assert done.returncode == 1, done.stderr
    assert "spec.retrieve.top_k: 3 → 5" in done.stdout
    shutil.rmtree(workspace / "environments/staging")
    assert llmops("plan", "--from", "staging", "--to", "staging", cwd=workspace).returncode == 2


def test_broken_specs_are_said_and_not_planned(workspace: Path, llmops: Run) -> None:
    edit(workspace, "model: gemma-local", "model: gemma-lokal")
    done = llmops("plan", "--base", "HEAD", cwd=workspace)
    assert done.returncode == 1
    assert "LLM0401" in done.stdout and "gemma-lokal" in done.stdout
    assert "Releases" not in done.stdout
