"""`llmops policy`, and policies of changes, run as a user runs them."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from llmops.errors import UsageError
from llmops.load.git_tree import tree_at
from llmops.pipeline import check_workspace
from tests.conftest import Run
from tests.policy_texts import CASES, policy, put

SHRINKS = [
    {"name": "same", "expect": "pass", "resource": {"spec": {"context_window": 200}}, "old": {"spec": {"context_window": 200}}},
    {"name": "less", "expect": "fail", "resource": {"spec": {"context_window": 100}}, "old": {"spec": {"context_window": 200}}},
    {"name": "new", "expect": "no match", "resource": {"spec": {"context_window": 100}}},
]
STABLE = policy(
    "stable-window",
    match={"kinds": ["Model"], "on": ["update"]},
    when="has(r.spec.context_window)",
    at="spec.context_window",
    message="{{name}} shrinks",
    tests=SHRINKS,
    **{"assert": "r.spec.context_window >= old.spec.context_window"},
)


def git(folder: Path, *arguments: str) -> None:
    identity = ("-c", "user.name=Ada", "-c", "user.email=ada@example.org", "-c", "init.defaultBranch=main")
    subprocess.run(["git", "-C", str(folder), *identity, *arguments], check=True, capture_output=True)


def committed(folder: Path) -> Path:
    git(folder, "init", "-q")
    git(folder, "add", "-A")
    git(folder, "commit", "-qm", "base")
    return folder


def shrink(folder: Path) -> None:
    file = folder / "specs/model.yaml"
    text = file.read_text()
    start = text.index("context_window: ")
    file.write_text(text[:start] + "context_window: 1024" + text[text.index("\n", start) :])


class TestTest:
    def test_all_as_expected(self, base: Path, llmops: Run) -> None:
        done = llmops("policy", "test", cwd=put(base, a=policy()))
        assert done.returncode == 0
        assert "ok    pinned-revision  2 of 2 cases" in done.stdout
        assert "1 policies, 2 cases: all as expected." in done.stdout

    def test_a_failing_case_is_quoted(self, base: Path, llmops: Run) -> None:
        wrong = {"name": "upside down", "expect": "pass", "resource": {"spec": {"revision": "latest"}}}
        done = llmops("policy", "test", cwd=put(base, a=policy(tests=[*CASES, wrong])))
        assert done.returncode == 1
        assert "FAIL  pinned-revision  2 of 3 cases" in done.stdout
        assert "upside down: Expected pass, found fail" in done.stdout
        assert "policies/a.yaml:" in done.stdout

    def test_a_rule_that_does_not_compile_fails_once(self, base: Path, llmops: Run) -> None:
        done = llmops("policy", "test", cwd=put(base, a=policy(**{"assert": "r.spec.revison == ''"})))
        assert done.returncode == 1
        assert "There is no field 'revison'" in done.stdout
        assert "Did you mean revision?" in done.stdout

    def test_coverage_names_what_is_looked_at(self, base: Path, llmops: Run) -> None:
        match = {"kinds": ["Deployment"]}
        idle = policy("idle", match=match, at="spec.application", **{"assert": "r.spec.application != 'x'"})
        done = llmops("policy", "test", cwd=put(base, a=policy(), b=idle))
        rows = {line.split()[0]: line.split()[1:] for line in done.stdout.splitlines() if len(line.split()) == 4}
        assert rows["Model"] == ["2", "2", "1"]
        assert rows["Prompt"] == ["1", "0", "0"]
        assert "look at nothing here: idle" in done.stdout

    def test_one_of_several(self, base: Path, llmops: Run) -> None:
        put(base, a=policy(), b=policy("other", **{"assert": "r.spec.revison == ''"}))
        assert llmops("policy", "test", "pinned-revision", cwd=base).returncode == 0
        assert llmops("policy", "test", "other", cwd=base).returncode == 1

    def test_a_pack_needs_no_workspace(self, tmp_path: Path, llmops: Run) -> None:
        (tmp_path / "a.yaml").write_text(policy())
        done = llmops("policy", "test", "--pack", ".", cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        assert "2 cases" in done.stdout

    def test_an_empty_pack_is_refused(self, tmp_path: Path, llmops: Run) -> None:
        assert llmops("policy", "test", "--pack", ".", cwd=tmp_path).returncode == 2

    def test_a_policy_without_a_failing_case_fails(self, tmp_path: Path, llmops: Run) -> None:
        (tmp_path / "a.yaml").write_text(policy(tests=CASES[:1]))
        done = llmops("policy", "test", "--pack", ".", cwd=tmp_path)
        assert done.returncode == 1
        assert "LLM0905" in done.stdout


def test_list_says_what_each_does_here(base: Path, llmops: Run) -> None:
    put(base, a=policy(severity="high", enforcement={"dev": "audit"}))
    lines = llmops("policy", "list", cwd=base).stdout.splitlines()
    assert lines[0].split() == ["POLICY", "SEVERITY", "DEV", "KINDS", "TITLE"]
    assert lines[1].split()[:4] == ["pinned-revision", "high", "audit", "Model"]
    assert llmops("policy", "list", "--env", "prod", cwd=base).stdout.splitlines()[1].split()[2] == "block"


def test_explain_says_why_and_how_to_mend(base: Path, llmops: Run) -> None:
    remediation = {"text": "Name the revision.", "set": {"spec.revision": "v1"}}
    put(base, a=policy(frameworks={"owasp_llm": ["LLM03"]}, remediation=remediation))
    page = llmops("policy", "explain", "pinned-revision", cwd=base).stdout
    parts = (
        "A model that floats",
        "OWASP LLM Top 10 (2025)  LLM03",
        "sets spec.revision to 'v1'",
        "has(r.spec.revision)",
        "policies/a.yaml",
    )
    for part in parts:
        assert part in page


def test_an_unknown_name_is_a_usage_error(base: Path, llmops: Run) -> None:
    done = llmops("policy", "explain", "pined-revision", cwd=put(base, a=policy()))
    assert done.returncode == 2
    assert "Did you mean pinned-revision?" in done.stderr


class TestChanges:
    def test_without_a_base_they_are_left_out_and_said_to_be(self, base: Path) -> None:
        (note,) = check_workspace(put(base, a=STABLE)).diagnostics
        assert (note.code, note.severity, note.counts) == ("LLM0914", "note", False)

    def test_an_update_is_judged(self, base: Path) -> None:
        committed(put(base, a=STABLE))
        assert not check_workspace(base, base="HEAD").diagnostics
        shrink(base)
        assert [d.message for d in check_workspace(base, base="HEAD").diagnostics] == ["chatter shrinks"]

    def test_what_did_not_change_is_not_judged(self, base: Path) -> None:
        rule = policy(match={"kinds": ["Model"], "on": ["update"]}, tests=[{**case, "old": {"spec": {}}} for case in CASES])
        committed(put(base, a=rule))
        shrink(base)
        assert [d.message.partition(" ")[0] for d in check_workspace(base, base="main").diagnostics] == ["chatter"]

    def test_a_new_resource_is_a_create(self, base: Path) -> None:
        committed(put(base, a=policy(match={"kinds": ["Model"], "on": ["create"]})))
        assert not check_workspace(base, base="HEAD").diagnostics
        spec = (base / "specs/model.yaml").read_text().replace("name: chatter", "name: another")
        (base / "specs/another.yaml").write_text(spec)
        found = check_workspace(base, base="HEAD").diagnostics
        assert [d.message.partition(" ")[0] for d in found if d.code == "LLM0901"] == ["another"]

    def test_the_work_tree_is_not_touched(self, base: Path) -> None:
        committed(put(base, a=STABLE))
        shrink(base)
        before = {path: path.read_bytes() for path in base.rglob("*") if path.is_file() and ".git" not in path.parts}
        check_workspace(base, base="HEAD")
        assert before == {path: path.read_bytes() for path in base.rglob("*") if path.is_file() and ".git" not in path.parts}

    def test_a_workspace_in_a_folder_of_the_repository(self, tmp_path: Path, base: Path) -> None:
        put(base, a=STABLE)
        repository = tmp_path / "repository"
        repository.mkdir()
        inner = base.rename(repository / "inner")
        committed(repository)
        shrink(inner)
        assert [d.code for d in check_workspace(inner, base="HEAD").diagnostics] == ["LLM0901"]

    def test_a_base_before_the_workspace_makes_all_new(self, base: Path) -> None:
        git(base, "init", "-q")
        (base / "README").write_text("nothing yet\n")
        git(base, "add", "README")
        git(base, "commit", "-qm", "start")
        put(base, a=policy(match={"kinds": ["Model"], "on": ["create"]}))
        assert len(check_workspace(base, base="HEAD").diagnostics) == 2

    @pytest.mark.parametrize("ref", ["no-such-branch", "--output=x", "HEAD~99"])
    def test_a_ref_that_is_none_is_a_usage_error(self, base: Path, ref: str) -> None:
        committed(base)
        with pytest.raises(UsageError, match="no such base"):
            check_workspace(base, base=ref)

    def test_no_repository_is_a_usage_error(self, base: Path) -> None:
        with pytest.raises(UsageError), tree_at(base, "HEAD"):
            pass

    def test_links_that_lead_out_are_left_out(self, base: Path, tmp_path: Path) -> None:
        (base / "specs/link.yaml").symlink_to(tmp_path / "outside.yaml")
        committed(base)
        with tree_at(base, "HEAD") as tree:
            assert not tree.is_inside("specs/link.yaml") and not tree.is_file("specs/link.yaml")
            assert tree.is_file("specs/model.yaml")
