"""The script that the action `plan` runs, in real repositories with real branches."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.github.repositories import (
    ACTIONS,
    DEV,
    PROMPT,
    Result,
    branch,
    change,
    clone,
    commit,
    git,
    replace_in,
    replaced,
    run_script,
)

BROKEN = ("top_k: 3", "top_k: many")


def plan_of(result: Result) -> dict[str, object]:
    plan: dict[str, object] = json.loads((result.artifacts / "plan.json").read_text("utf-8"))
    return plan


def changed(result: Result) -> list[str]:
    return [row["resource"] for row in plan_of(result)["changes"]]  # type: ignore[index,attr-defined]


def test_a_change_is_planned_and_passes(checkout: Path, tmp_path: Path) -> None:
    change(checkout)
    result = run_script(checkout, tmp_path / "run")
    assert result.code == 0, result.log
    assert result.outputs == {"class": "behaviour", "changes": "1", "findings": "0", "environments": "dev staging prod"}
    assert changed(result) == ["RetrievalSource/handbook"]
    assert sorted(path.name for path in result.artifacts.iterdir()) == [
        "check-dev.sarif",
        "check-prod.sarif",
        "check-staging.sarif",
        "plan.json",
    ]
    assert not [line for line in result.annotations if line.startswith("::error")]
    assert "RetrievalSource/handbook" in result.summary
    assert "The evaluation gate is switched off" in result.log


def test_the_plan_is_against_the_last_common_commit(checkout: Path, origin: Path, tmp_path: Path) -> None:
    """What happened on main since is none of the pull request's changes."""
    common = git(checkout, "rev-parse", "main")
    replace_in(checkout / "specs" / "quality.yaml", "schedule:", "schedule: ")
    replace_in(checkout / PROMPT, "requests_per_day: 5000", "requests_per_day: 6000")
    ahead = commit(checkout)
    git(checkout, "update-ref", "refs/remotes/origin/main", ahead)
    git(checkout, "switch", "--quiet", "--detach", common)
    change(checkout)
    result = run_script(checkout, tmp_path / "run", **DEV)
    assert plan_of(result)["base"]["commit"] == common  # type: ignore[index]
    assert changed(result) == ["RetrievalSource/handbook"]


def test_a_branch_without_changes(checkout: Path, tmp_path: Path) -> None:
    branch(checkout)
    (checkout / "other.txt").write_text("something else\n", "utf-8")
    commit(checkout)
    result = run_script(checkout, tmp_path / "run", **DEV)
    assert result.code == 0, result.log
    assert result.outputs == {"class": "none", "changes": "0", "findings": "0", "environments": "dev"}
    assert changed(result) == []


def test_a_broken_spec_fails_and_says_where(checkout: Path, tmp_path: Path) -> None:
    change(checkout, *BROKEN)
    result = run_script(checkout, tmp_path / "run", **DEV)
    assert result.code == 1
    assert any(line.startswith(f"::error file={PROMPT},line=") and "Expected a whole number" in line for line in result.annotations)
    sarif = json.loads((result.artifacts / "check-dev.sarif").read_text("utf-8"))
    assert sarif["runs"][0]["results"]
    assert result.annotations[-1].startswith("::error title=llmops::Failed: ")
    assert "check in dev" in result.annotations[-1]


def test_a_broken_workspace_makes_no_plan_and_is_still_checked(checkout: Path, tmp_path: Path) -> None:
    change(checkout, "default_environment: dev", "default_environment: nowhere", "llmops.yaml")
    result = run_script(checkout, tmp_path / "run")
    assert result.code == 1
    assert any(line.startswith("::error file=llmops.yaml,line=") and "nowhere" in line for line in result.annotations)
    assert "plan" in result.annotations[-1]
    assert not (result.artifacts / "plan.json").exists()
    assert result.outputs == {}


def test_a_published_version_that_changes_fails_the_lock(checkout: Path, tmp_path: Path) -> None:
    change(checkout, "in a few words", "in one sentence")
    result = run_script(checkout, tmp_path / "run", **DEV)
    assert result.code == 1
    assert "lock" in result.annotations[-1]
    assert any("llmops lock" in line for line in result.annotations)
    assert changed(result) == ["Prompt/handbook-answer@1.0.0"]
    assert result.outputs["changes"] == "1"


def test_a_finding_of_several_environments_is_one_annotation(checkout: Path, tmp_path: Path) -> None:
    change(checkout, *BROKEN)
    result = run_script(checkout, tmp_path / "run", LLMOPS_ENVIRONMENTS="staging prod")
    assert len(result.annotations) == len(set(result.annotations))
    assert len([line for line in result.annotations if "Expected a whole number" in line]) == 1
    assert {path.name for path in result.artifacts.glob("*.sarif")} == {"check-staging.sarif", "check-prod.sarif"}


def test_only_what_is_asked_for_fails_the_run(checkout: Path, tmp_path: Path) -> None:
    """A prompt that nothing uses is a warning; it is shown at either level."""
    branch(checkout)
    text = (checkout / PROMPT).read_text("utf-8").partition("---\n")[0]
    (checkout / "specs" / "unused.yaml").write_text(text.replace("name: handbook-answer", "name: left-over"), "utf-8")
    commit(checkout)
    results = {level: run_script(checkout, tmp_path / level, LLMOPS_FAIL_ON=level, **DEV) for level in ("warning", "error")}
    for result in results.values():
        assert any(line.startswith("::warning file=specs/unused.yaml") for line in result.annotations), result.log
    assert "check in dev" in results["warning"].annotations[-1]
    assert "check in dev" not in results["error"].annotations[-1]


def test_a_workspace_in_a_subfolder_with_a_hostile_name(nested_origin: Path, tmp_path: Path) -> None:
    checkout = clone(nested_origin, tmp_path / "checkout")
    workspace = "teams/help desk; $(exit 7)"
    change(checkout, *BROKEN, file=f"{workspace}/{PROMPT}")
    result = run_script(checkout, tmp_path / "run", LLMOPS_WORKSPACE=workspace, **DEV)
    assert result.code == 1
    assert any(line.startswith(f"::error file={workspace}/{PROMPT},line=") for line in result.annotations), result.log


def test_files_with_names_that_mean_something_to_a_shell(checkout: Path, tmp_path: Path) -> None:
    branch(checkout)
    names = ["docs/$(touch pwned).md", "docs/a b;c`d`.md", "docs/-rf.md", "docs/::error::x.md"]
    for name in names:
        (checkout / name).write_text("# A page\n\nWith words.\n", "utf-8")
    commit(checkout)
    result = run_script(checkout, tmp_path / "run", **DEV)
    files = [row["path"] for row in plan_of(result)["changes"][0]["files"]]  # type: ignore[index]
    assert sorted(files) == sorted(names)
    assert not (checkout / "pwned").exists()
    assert not [line for line in result.annotations if line.startswith("::error::x")]


def test_what_a_spec_says_is_no_command(checkout: Path, tmp_path: Path) -> None:
    """The text of a finding quotes the line: a runner must not take it for a command."""
    branch(checkout)
    (checkout / "specs" / "evil.yaml").write_text("::add-mask::everything\n\n::error::forged\n##[error]forged\n", "utf-8")
    commit(checkout)
    result = run_script(checkout, tmp_path / "run", **DEV)
    assert result.code == 1
    assert "add-mask" in result.log
    assert not [line for line in result.obeyed if line.startswith(("::add-mask::", "::error::", "##["))]


def test_what_llmops_prints_is_no_command(checkout: Path, tmp_path: Path) -> None:
    """Also where it breaks off in the middle of a line."""
    change(checkout)
    loud = replaced(tmp_path, "lock", "printf '::error::forged\\n::add-mask::x'; false")
    result = run_script(checkout, tmp_path / "run", **DEV, **loud)
    assert result.code == 1
    assert "::error::forged" in result.log
    assert not [line for line in result.obeyed if "forged" in line or "add-mask" in line]
    assert result.annotations[-1] == "::error title=llmops::Failed: lock."


def test_a_shallow_clone_gets_its_base(origin: Path, tmp_path: Path) -> None:
    source = clone(origin, tmp_path / "source")
    change(source)
    git(source, "branch", "--force", "main", "origin/main")
    checkout = clone(source, tmp_path / "checkout", "--depth=1", "--branch=feature")
    assert "origin/main" not in git(checkout, "branch", "--remotes").split()
    result = run_script(checkout, tmp_path / "run", **DEV)
    assert result.code == 0, result.log
    assert changed(result) == ["RetrievalSource/handbook"]


def test_a_shallow_clone_whose_base_cannot_be_fetched(origin: Path, tmp_path: Path) -> None:
    checkout = clone(origin, tmp_path / "checkout", "--depth=1")
    change(checkout)
    git(checkout, "update-ref", "-d", "refs/remotes/origin/main")
    git(checkout, "branch", "--delete", "--force", "main")
    git(checkout, "remote", "set-url", "origin", (tmp_path / "gone").as_uri())
    result = run_script(checkout, tmp_path / "run", **DEV)
    assert result.code == 2
    assert any("cannot be fetched" in line and "fetch-depth: 0" in line for line in result.annotations), result.log


def test_a_fork_is_planned_against_the_upstream_it_wants_to_merge_into(origin: Path, tmp_path: Path) -> None:
    """As GitHub gives it to a run: the merge of the fork's commit into main, detached."""
    fork = clone(origin, tmp_path / "fork")
    head = change(fork)
    checkout = clone(origin, tmp_path / "checkout")
    git(checkout, "fetch", "--quiet", fork.as_uri(), head)
    git(checkout, "switch", "--quiet", "--detach", "origin/main")
    git(checkout, "merge", "--quiet", "--no-ff", "--no-edit", head)
    git(checkout, "branch", "--delete", "--force", "main")
    result = run_script(checkout, tmp_path / "run", **DEV)
    assert result.code == 0, result.log
    assert changed(result) == ["RetrievalSource/handbook"]


@pytest.mark.parametrize(
    "base", ["--upload-pack=touch pwned", "-h", "no-such-branch", "main:refs/heads/other", "$(touch pwned)", "a\n::error::b"]
)
def test_a_base_that_is_no_branch_is_refused(checkout: Path, tmp_path: Path, base: str) -> None:
    change(checkout)
    result = run_script(checkout, tmp_path / "run", LLMOPS_BASE=base, **DEV)
    assert result.code == 2
    assert len(result.annotations) == 1
    assert result.annotations[0].startswith("::error title=llmops::")
    assert not (checkout / "pwned").exists()
    assert git(checkout, "branch", "--list", "other") == ""


def test_a_base_may_be_a_commit(checkout: Path, tmp_path: Path) -> None:
    change(checkout)
    result = run_script(checkout, tmp_path / "run", LLMOPS_BASE="HEAD~1", **DEV)
    assert changed(result) == ["RetrievalSource/handbook"]


def test_a_branch_is_taken_before_a_tag_of_its_name(checkout: Path, tmp_path: Path) -> None:
    change(checkout)
    git(checkout, "tag", "main", "HEAD")
    result = run_script(checkout, tmp_path / "run", **DEV)
    assert changed(result) == ["RetrievalSource/handbook"]


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({"GITHUB_BASE_REF": ""}, "There is no base"),
        ({"LLMOPS_FAIL_ON": "sometimes"}, "fail-on is error, warning or note"),
        ({"LLMOPS_ENVIRONMENTS": "dev --fix"}, "--fix is no name of an environment"),
        ({"LLMOPS_WORKSPACE": "docs"}, "docs has no llmops.yaml"),
        ({"LLMOPS_EVALUATE": "yes"}, "evaluate is true or false"),
        ({"LLMOPS_EVALUATION_ENVIRONMENT": "--fix"}, "--fix is no name of an environment"),
    ],
)
def test_wrong_inputs_are_refused(checkout: Path, tmp_path: Path, variables: dict[str, str], said: str) -> None:
    result = run_script(checkout, tmp_path / "run", **variables)
    assert result.code == 2
    assert [line for line in result.annotations if said in line] == result.annotations != []


def test_a_plan_of_an_earlier_run_does_not_stay(checkout: Path, tmp_path: Path) -> None:
    change(checkout, "default_environment: dev", "default_environment: nowhere", "llmops.yaml")
    stale = tmp_path / "run" / "llmops-plan"
    stale.mkdir(parents=True)
    (stale / "plan.json").write_text("{}", "utf-8")
    result = run_script(checkout, tmp_path / "run")
    assert not (result.artifacts / "plan.json").exists()


@pytest.mark.parametrize(
    "script", ["exit 2", "exit 1", 'for file; do :; done; echo "{}" >"$file"; exit 3'], ids=["usage", "refused", "a bug"]
)
def test_a_plan_that_could_not_be_made_is_no_plan_of_nothing(checkout: Path, tmp_path: Path, script: str) -> None:
    change(checkout)
    result = run_script(checkout, tmp_path / "run", **DEV, **replaced(tmp_path, "plan", script))
    assert result.code == 1
    assert result.annotations[-1] == "::error title=llmops::Failed: plan."
    assert result.outputs == {}


def test_a_check_that_crashes_is_no_pass(checkout: Path, tmp_path: Path) -> None:
    """Also where only errors fail the run: no finding is not the same as no answer."""
    change(checkout)
    broken = replaced(tmp_path, "check", 'case "$*" in *"--severity error"*) exit 0;; esac; exit 3')
    result = run_script(checkout, tmp_path / "run", LLMOPS_FAIL_ON="error", **DEV, **broken)
    assert result.code == 1
    assert result.annotations[-1] == "::error title=llmops::Failed: check in dev."


def test_the_script_is_where_the_action_looks() -> None:
    text = (ACTIONS / "plan" / "action.yml").read_text("utf-8")
    assert 'bash "$GITHUB_ACTION_PATH/plan.sh"' in text
    assert 'bash "$GITHUB_ACTION_PATH/../install.sh"' in text
    assert (ACTIONS / "plan" / "plan.sh").is_file()
    assert (ACTIONS / "install.sh").is_file()
