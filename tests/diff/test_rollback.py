"""Rolling back writes YAML that compiles to the earlier release, to the digit, and changes nothing that need not change."""

from __future__ import annotations

from pathlib import Path

import pytest

from llmops.errors import LlmopsError, UsageError
from llmops.load.git_tree import WorkingTree, tree_at
from llmops.pipeline import compile_workspace
from llmops.plan.history import find_release, wanted_release
from llmops.plan.rollback import Restoration, restore
from tests.conftest import Run, copy_example
from tests.diff.edits import EDITS
from tests.diff.repositories import commit_all, git
from tests.diff.test_edits import apply
from tests.diff.test_plan import GRADER

APPLICATION = "Application/handbook-assistant"
NOT_IN_RELEASE = [
    name for name, edit in EDITS.items() if edit.says.get(APPLICATION, edit.says.get(APPLICATION + "*")) in (None, "metadata")
]
DECIDING = [name for name in EDITS if name not in NOT_IN_RELEASE]


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    root = copy_example(tmp_path / "workspace")
    commit_all(root, "start")
    return root


def release_of(root: Path, environment: str) -> str:
    graph = compile_workspace(root, environment).graph
    assert graph is not None and graph.releases
    return graph.releases[APPLICATION]


def restoration_of(root: Path, release: str, environment: str) -> Restoration:
    origin = find_release(root, release, [environment], None)
    here = WorkingTree(root)
    with tree_at(root, origin.commit, here) as there:
        return restore(here, there, origin)


def write(root: Path, restoration: Restoration) -> None:
    for path, content in restoration.contents.items():
        if content is None:
            (root / path).unlink()
        else:
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_bytes(content)


@pytest.mark.parametrize("name", DECIDING)
def test_the_earlier_release_comes_back_exactly(workspace: Path, name: str) -> None:
    edit = EDITS[name]
    before = release_of(workspace, edit.environment)
    apply(workspace, edit)
    commit_all(workspace, "an edit")
    restoration = restoration_of(workspace, before, edit.environment)
    assert not restoration.whole_files
    assert set(restoration.contents) == {edit.file}
    write(workspace, restoration)
    assert release_of(workspace, edit.environment) == before


def test_what_came_later_and_decides_nothing_stays(workspace: Path) -> None:
    before = release_of(workspace, "dev")
    for name in ("prompt text", "traffic", "rule's threshold", "monitor's limit", "model's label"):
        apply(workspace, EDITS[name])
    models = (workspace / "specs/models.yaml").read_text("utf-8")
    (workspace / "specs/models.yaml").write_text(f"# reviewed in May\n{models}", "utf-8")
    commit_all(workspace, "many edits")
    write(workspace, restoration_of(workspace, before, "dev"))
    assert release_of(workspace, "dev") == before
    said = "".join((workspace / "specs" / file).read_text("utf-8") for file in ("handbook-assistant.yaml", "quality.yaml", "models.yaml"))
    assert all(kept in said for kept in ("requests_per_day: 6000", "max: 0.1}", 'tier: "1"', "# reviewed in May"))
    assert "in a few words" in said
    assert git(workspace, "diff", "--stat", "HEAD~1", "--", "specs/safety.yaml") == ""


def judged(root: Path) -> Path:
    """The file of a judge that scores the answers."""
    file, quality = root / "specs/grader.yaml", root / "specs/quality.yaml"
    file.write_text(GRADER.format(revision="one"), "utf-8")
    text = quality.read_text("utf-8")
    before, name, after = text.partition("name: handbook-answers")
    after = after.replace("  metrics:\n", "  judge: grader\n  metrics:\n    - {name: judge_rubric, rubric: It is right.}\n", 1)
    quality.write_text(before + name + after, "utf-8")
    return file


def test_a_judge_that_moved_stays_as_it_is(workspace: Path) -> None:
    """It is no part of the release."""
    grader = judged(workspace)
    commit_all(workspace, "a judge")
    before = release_of(workspace, "dev")
    apply(workspace, EDITS["prompt text"])
    grader.write_text(GRADER.format(revision="two"), "utf-8")
    commit_all(workspace, "two edits")
    restoration = restoration_of(workspace, before, "dev")
    assert list(restoration.contents) == [EDITS["prompt text"].file]
    write(workspace, restoration)
    assert release_of(workspace, "dev") == before


def test_a_judge_that_was_removed_is_declared_again(workspace: Path) -> None:
    """Without it the metric that it judged would be no metric."""
    grader = judged(workspace)
    commit_all(workspace, "a judge")
    before = release_of(workspace, "dev")
    grader.unlink()
    git(workspace, "checkout", "HEAD~1", "--", "specs/quality.yaml")
    commit_all(workspace, "no judge")
    assert release_of(workspace, "dev") != before
    restoration = restoration_of(workspace, before, "dev")
    assert "specs/grader.yaml" in restoration.contents
    write(workspace, restoration)
    assert release_of(workspace, "dev") == before


def test_a_removed_prompt_version_is_declared_again(workspace: Path) -> None:
    handbook = workspace / "specs/handbook-assistant.yaml"
    pinned = handbook.read_text("utf-8").replace("prompt: handbook-answer\n", "prompt: handbook-answer@1.0.0\n")
    handbook.write_text(pinned, "utf-8")
    commit_all(workspace, "pinned")
    before = release_of(workspace, "dev")
    for file in (handbook, *(workspace / "environments").rglob("application.yaml")):
        file.write_text(file.read_text("utf-8").replace("1.0.0", "2.0.0").replace("in a few words", "at length"), "utf-8")
    commit_all(workspace, "version 2")
    assert release_of(workspace, "dev") != before
    write(workspace, restoration_of(workspace, before, "dev"))
    assert release_of(workspace, "dev") == before


def test_a_prompt_in_a_file_of_its_own_comes_back(workspace: Path) -> None:
    handbook = workspace / "specs/handbook-assistant.yaml"
    text = handbook.read_text("utf-8")
    start, end = text.index("      content: |-\n        Answer"), text.index("    - role: user\n")
    handbook.write_text(text[:start] + "      content_file: ../prompts/system.txt\n" + text[end:], "utf-8")
    (workspace / "prompts").mkdir()
    (workspace / "prompts/system.txt").write_text("Answer shortly.", "utf-8")
    commit_all(workspace, "a file")
    before = release_of(workspace, "dev")
    (workspace / "prompts/system.txt").write_text("Answer at length.", "utf-8")
    commit_all(workspace, "longer")
    restoration = restoration_of(workspace, before, "dev")
    assert set(restoration.contents) == {"prompts/system.txt"}
    write(workspace, restoration)
    assert release_of(workspace, "dev") == before


def test_a_patch_that_came_later_is_undone_in_the_patch(workspace: Path) -> None:
    before = release_of(workspace, "staging")
    patch = "apiVersion: llmops/v1\nkind: Patch\ntarget: {kind: RetrievalSource, name: handbook}\npatch: {spec: {retrieve: {top_k: 9}}}\n"
    (workspace / "environments/staging/more.yaml").write_text(patch, "utf-8")
    commit_all(workspace, "more passages in staging")
    restoration = restoration_of(workspace, before, "staging")
    assert set(restoration.contents) == {"environments/staging/more.yaml"}
    write(workspace, restoration)
    assert release_of(workspace, "staging") == before
    assert "top_k: 3" in (workspace / "environments/staging/more.yaml").read_text("utf-8")


def test_the_newest_commit_with_the_release_is_taken(workspace: Path) -> None:
    release = release_of(workspace, "dev")
    apply(workspace, EDITS["traffic"])
    newest = commit_all(workspace, "more traffic")
    apply(workspace, EDITS["prompt text"])
    commit_all(workspace, "another text")
    origin = find_release(workspace, release[:20], None, "handbook-assistant")
    assert (origin.commit, origin.environment, origin.application, origin.release) == (newest, "dev", APPLICATION, release)


@pytest.mark.parametrize("text", ["", "main", "sha256:12", "deadbee", "sha256:" + "g" * 64, "a" * 65])
def test_what_is_no_release_is_said(text: str) -> None:
    with pytest.raises(UsageError, match="is no release"):
        wanted_release(text)


def test_an_unknown_release_is_said(workspace: Path) -> None:
    with pytest.raises(UsageError, match="No commit of this branch has the release sha256:00000000"):
        find_release(workspace, "sha256:00000000", None, None)


def test_a_release_that_cannot_be_restored_changes_nothing(workspace: Path) -> None:
    """Another resource of the same name and version stands in another file: the reference is ambiguous either way."""
    before = release_of(workspace, "dev")
    apply(workspace, EDITS["prompt version raised"])
    other = (workspace / "specs/handbook-assistant.yaml").read_text("utf-8").split("---")[0].replace("1.1.0", "1.2.0")
    (workspace / "specs/other.yaml").write_text(other, "utf-8")
    text = (workspace / "specs/handbook-assistant.yaml").read_text("utf-8")
    (workspace / "specs/handbook-assistant.yaml").write_text(text.replace("prompt: handbook-answer\n", "prompt: handbook-answer@1.2.0\n"))
    commit_all(workspace, "two versions")
    with pytest.raises(LlmopsError, match="cannot be restored"):
        restoration_of(workspace, before, "dev")
    assert git(workspace, "status", "--porcelain") == ""


class TestCommand:
    def test_it_shows_and_writes(self, workspace: Path, llmops: Run) -> None:
        before = release_of(workspace, "dev")
        apply(workspace, EDITS["prompt text"])
        commit_all(workspace, "an edit")
        done = llmops("rollback", "--to", before[:19], "--yes", cwd=workspace)
        assert done.returncode == 0, done.stderr
        assert "-        Answer the question from the context in one sentence." in done.stdout
        assert "+        Answer the question from the context in a few words." in done.stdout
        assert release_of(workspace, "dev") == before
        again = llmops("rollback", "--to", before, "--env", "dev", cwd=workspace)
        assert (again.returncode, again.stdout) == (0, "")
        assert "there is nothing to write" in again.stderr

    def test_without_a_terminal_nothing_is_written(self, workspace: Path, llmops: Run) -> None:
        before = release_of(workspace, "dev")
        apply(workspace, EDITS["top_k"])
        commit_all(workspace, "an edit")
        done = llmops("rollback", "--to", before, cwd=workspace)
        assert done.returncode == 1
        assert "--yes writes" in done.stderr
        assert git(workspace, "status", "--porcelain") == ""

    def test_uncommitted_work_is_not_overwritten(self, workspace: Path, llmops: Run) -> None:
        before = release_of(workspace, "dev")
        apply(workspace, EDITS["top_k"])
        done = llmops("rollback", "--to", before, "--yes", cwd=workspace)
        assert done.returncode == 2
        assert "specs/handbook-assistant.yaml has changes that are not committed" in done.stderr
        assert "top_k: 2" in (workspace / "specs/handbook-assistant.yaml").read_text("utf-8")

    def test_added_and_removed_documents_come_back(self, workspace: Path, llmops: Run) -> None:
        before = release_of(workspace, "dev")
        apply(workspace, EDITS["a new document"])
        apply(workspace, EDITS["a document removed"])
        commit_all(workspace, "documents")
        assert llmops("rollback", "--to", before, "--yes", cwd=workspace).returncode == 0
        assert git(workspace, "status", "--porcelain").split() == ["D", "docs/new-page.md", "??", "docs/editors.md"]
        assert release_of(workspace, "dev") == before

    def test_bytes_that_are_no_text_and_byte_order_marks_come_back(self, workspace: Path, llmops: Run) -> None:
        page, models = workspace / "docs/index.md", workspace / "specs/models.yaml"
        page.write_bytes(b"caf\xe9\n")
        models.write_bytes(b"\xef\xbb\xbf" + models.read_bytes())
        commit_all(workspace, "bytes")
        before, content = release_of(workspace, "dev"), models.read_bytes()
        page.write_bytes(b"coffee\n")
        apply(workspace, EDITS["temperature"])
        commit_all(workspace, "text")
        done = llmops("rollback", "--to", before, "--yes", cwd=workspace)
        assert done.returncode == 0, done.stderr
        assert page.read_bytes() == b"caf\xe9\n"
        assert models.read_bytes() == content
        assert release_of(workspace, "dev") == before

    def test_nothing_is_written_through_a_link_that_leads_out(self, workspace: Path, llmops: Run, tmp_path: Path) -> None:
        before = release_of(workspace, "dev")
        (workspace / "docs/editors.md").unlink()
        commit_all(workspace, "a page less")
        secret = tmp_path / "outside.md"
        secret.write_text("mine", "utf-8")
        (workspace / "docs/editors.md").symlink_to(secret)
        (workspace / "docs/.keep").write_text("", "utf-8")
        exclude = (workspace / "specs/handbook-assistant.yaml").read_text("utf-8")
        excluded = exclude.replace('paths: ["../docs/**/*.md"],', 'paths: ["../docs/**/*.md"], exclude: ["../docs/editors.md"],')
        (workspace / "specs/handbook-assistant.yaml").write_text(excluded, "utf-8")
        commit_all(workspace, "a link instead")
        done = llmops("rollback", "--to", before, "--yes", cwd=workspace)
        assert done.returncode == 2, done.stdout
        assert "docs/editors.md leads out of the workspace" in done.stderr
        assert secret.read_text("utf-8") == "mine"
