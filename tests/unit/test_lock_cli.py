"""`llmops lock` in real repositories: what it writes, what it never rewrites, what `--check` says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from llmops.errors import UsageError
from tests.conftest import ROOT, Run
from tests.unit.lock_samples import (
    ANSWER,
    Done,
    commit,
    digest,
    git,
    lock,
    lock_in,
    lock_text,
    patch,
    reword,
    start_repository,
    write_prompt,
)

ENTRY = f"published Prompt/answer@1.0.0 sha256:{ANSWER}"
FORGED = ENTRY.replace(ANSWER, "c" * 64)


@pytest.fixture
def workspace(base: Path) -> Path:
    """A repository whose branch main has published Prompt/answer@1.0.0, which is pinned; the branch topic is checked out."""
    pin(base)
    start_repository(base)
    lock(base)
    commit(base, "The lock")
    git(base, "switch", "-qc", "topic")
    return base


def pin(root: Path, version: str = "1.0.0") -> None:
    """The application names a version, so that there may be several."""
    file = root / "specs" / "application.yaml"
    file.write_text(re.sub(r"prompt: answer.*", f"prompt: answer@{version}", file.read_text()))


def edit_lock(root: Path, old: str, new: str) -> None:
    text = (root / "llmops.lock").read_text()
    assert old in text
    (root / "llmops.lock").write_text(text.replace(old, new))


def codes(done: Done) -> list[str]:
    return re.findall(r"^error\[(LLM\d+)\]", done.err, re.MULTILINE)


def test_as_a_user_runs_it(base: Path, llmops: Run) -> None:
    done = llmops("lock", cwd=base)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == (
        "wrote llmops.lock: 1 version, 2 files\n"
        "  published Prompt/answer@1.0.0\n"
        "  Dataset/questions: 1 file added\n"
        "  RetrievalSource/handbook: 1 file added\n"
    )
    again = llmops("lock", "--check", cwd=base / "specs")
    assert (again.returncode, again.stderr) == (0, "")
    assert again.stdout == "llmops.lock is up to date: 1 version, 2 files; there was no base that could disagree (--base REF).\n"


def test_what_it_writes(base: Path) -> None:
    lock(base)
    assert (base / "llmops.lock").read_text() == (
        "lock 1\n"
        "# Written by `llmops lock`; commit it. A published version never changes again.\n"
        "# The empty lines let git merge changes of neighbouring entries.\n"
        "\n"
        f"{ENTRY}\n"
        "\n"
        "snapshot Dataset/questions evals/questions.jsonl sha256:ab0f8760c1a4f51139850dc984a462f139d74aabf80adf7055b588b0f1a548aa\n"
        "\n"
        "snapshot RetrievalSource/handbook docs/releases.md sha256:847573d55590f8375a5c9608a0a94fddeedab9f8a29153fb28329e124450a52c\n"
    )
    assert [path.name for path in base.iterdir() if "lock" in path.name] == ["llmops.lock"]


def test_the_handbook_shows_what_it_writes(base: Path) -> None:
    lock(base)
    page = (ROOT / "docs" / "lock.md").read_text("utf-8")
    assert f"```text\n{(base / 'llmops.lock').read_text()}```\n" in page


def test_the_digest_of_a_file_is_that_of_its_bytes(base: Path) -> None:
    from hashlib import sha256

    lock(base)
    for (_, path), recorded in lock_in(base).snapshots.items():
        assert recorded == f"sha256:{sha256((base / path).read_bytes()).hexdigest()}"


def test_again_it_writes_nothing(workspace: Path) -> None:
    before = (workspace / "llmops.lock").stat()
    assert lock(workspace).out == "llmops.lock is up to date: 1 version, 2 files.\n"
    assert (workspace / "llmops.lock").stat().st_ino == before.st_ino


def test_this_repository_can_be_locked(example: Path) -> None:
    done = lock(example)
    assert done.code == 0 and "  published Prompt/handbook-answer@1.0.0\n" in done.out
    files = len(list((ROOT / "docs").rglob("*.md")))
    assert f"  RetrievalSource/handbook: {files} files added\n" in done.out
    assert lock(example, "--check").code == 0


def test_documents_that_came_changed_and_went(workspace: Path) -> None:
    (workspace / "docs" / "a b.md").write_text("New.")
    (workspace / "docs" / "releases.md").write_text("Other.")
    assert lock(workspace).out.splitlines()[1:] == ["  RetrievalSource/handbook: 1 file added, 1 file changed"]
    assert "RetrievalSource/handbook docs/a%20b.md sha256:" in (workspace / "llmops.lock").read_text()
    (workspace / "docs" / "releases.md").unlink()
    assert lock(workspace).out.splitlines()[1:] == ["  RetrievalSource/handbook: 1 file removed"]


def test_files_of_all_environments_are_recorded(base: Path) -> None:
    (base / "notes").mkdir()
    (base / "notes" / "internal.md").write_text("Internal.")
    folder = base / "environments" / "prod"
    folder.mkdir(parents=True)
    (folder / "source.yaml").write_text(
        "target: {kind: RetrievalSource, name: handbook}\npatch: {spec: {documents: {paths: ['../notes/*.md']}}}\n"
    )
    lock(base)
    assert {path for id_, path in lock_in(base).snapshots if id_ == "RetrievalSource/handbook"} == {"docs/releases.md", "notes/internal.md"}


def test_versions_of_all_environments_are_published(base: Path) -> None:
    patch(base, "prod", '{version: 2.0.0, messages: [{role: user, content: "{{ documents }} {{ question }}"}]}')
    lock(base)
    assert list(lock_in(base).published) == ["Prompt/answer@1.0.0", "Prompt/answer@2.0.0"]


def test_environments_that_disagree_on_a_version(base: Path) -> None:
    patch(base, "prod", '{messages: [{role: user, content: "{{ documents }} {{ question }}"}]}')
    done = lock(base)
    assert done.code == 1 and not (base / "llmops.lock").exists()
    assert (
        "error[LLM1008]: Prompt/answer@1.0.0 says something else in prod than in dev\n --> environments/prod/answer.yaml:2:26" in done.err
    )
    assert "specs/prompt.yaml:5:12" in done.err and "the version is declared here" in done.err
    assert "move the patch into the spec, or let it set spec.version" in done.err
    assert done.err.endswith("llmops.lock was not written.\n")
    assert codes(lock(base, "--check")) == ["LLM1008", "LLM1009"]


def test_the_patch_of_the_first_environment_is_shown_too(base: Path) -> None:
    patch(base, "dev", '{messages: [{role: user, content: "{{ documents }} {{ question }}"}]}')
    assert " --> environments/dev/answer.yaml:2:26" in lock(base).err


def test_mistakes_in_specs_stop_it(base: Path) -> None:
    (base / "specs" / "source.yaml").write_text((base / "specs" / "source.yaml").read_text().replace("top_k", "topk"))
    done = lock(base)
    assert done.code == 1 and done.out == "" and not (base / "llmops.lock").exists()
    assert codes(done) == ["LLM0204"] and " --> specs/source.yaml:9:14" in done.err
    assert done.err.endswith("llmops.lock was not written.\n")


def test_a_mistake_of_one_environment_stops_it(base: Path) -> None:
    patch(base, "prod", "{messages: []}")
    done = lock(base)
    assert done.code == 1 and " --> environments/prod/answer.yaml:2:" in done.err and done.err.endswith("llmops.lock was not written.\n")


def test_mistakes_in_the_settings_stop_it(base: Path) -> None:
    (base / "llmops.yaml").write_text((base / "llmops.yaml").read_text().replace("environments", "environment"))
    done = lock(base)
    assert done.code == 1 and codes(done) == ["LLM0204"] and "5 |   environment: {dev: , prod: }" in done.err


def test_a_secret_stops_it(base: Path) -> None:
    file = base / "specs" / "model.yaml"
    file.write_text(
        file.read_text().replace("max_output_tokens: 128", "max_output_tokens: 128 # x").replace("{env: LLM_API_KEY}", f"sk-{'a1B2' * 10}")
    )
    done = lock(base)
    assert done.code == 1 and "LLM0210" in codes(done) and not (base / "llmops.lock").exists()


def test_check_and_fix_as_a_user_runs_them(workspace: Path, llmops: Run) -> None:
    write_prompt(workspace, "spare")
    lock(workspace)
    (workspace / "specs" / "application.yaml").write_text((workspace / "specs" / "application.yaml").read_text().replace("@1.0.0", ""))
    reword(workspace)
    done = llmops("check", "--severity", "error", cwd=workspace)
    assert done.returncode == 1 and "error[LLM1007]: Prompt/answer@1.0.0 is published, and its content has changed" in done.stdout
    assert f"5 | {ENTRY}\n" in done.stdout
    fixed = llmops("check", "--severity", "error", "--fix", "--yes", cwd=workspace)
    assert fixed.returncode == 0 and "+  version: 1.0.1\n" in fixed.stdout
    assert "  published Prompt/answer@1.0.1\n" in lock(workspace).out
    assert lock(workspace, "--check").code == 0


# What is published stays.


def test_a_published_version_is_never_rewritten(workspace: Path) -> None:
    reword(workspace)
    before = (workspace / "llmops.lock").read_text()
    done = lock(workspace)
    assert done.code == 1 and (workspace / "llmops.lock").read_text() == before
    assert codes(done) == ["LLM1007"]
    assert " ::: main:llmops.lock:5:1 published here\n" in done.err
    assert " = help: Set spec.version to 1.0.1, or to 1.1.0 if its variables changed.\n" in done.err


def test_a_draft_is_recorded_as_often_as_it_changes(workspace: Path) -> None:
    write_prompt(workspace, "answer", "1.1.0")
    assert "  published Prompt/answer@1.1.0\n" in lock(workspace).out
    commit(workspace)
    write_prompt(workspace, "answer", "1.1.0", "Otherwise.")
    assert lock(workspace).out.splitlines()[1:] == ["  recorded Prompt/answer@1.1.0 anew"]
    assert lock(workspace, "--check").code == 0
    assert lock_in(workspace).published["Prompt/answer@1.0.0"] == f"sha256:{ANSWER}"


def test_a_merged_draft_is_published(workspace: Path) -> None:
    write_prompt(workspace, "answer", "1.1.0")
    lock(workspace)
    commit(workspace)
    git(workspace, "switch", "-q", "main")
    git(workspace, "merge", "-q", "topic")
    git(workspace, "switch", "-qc", "next")
    write_prompt(workspace, "answer", "1.1.0", "Otherwise.")
    done = lock(workspace)
    assert codes(done) == ["LLM1007"] and "Set spec.version to 1.1.1, or to 1.2.0" in done.err


def test_without_a_repository_all_is_published(base: Path) -> None:
    lock(base)
    reword(base)
    done = lock(base)
    assert codes(done) == ["LLM1007"]
    assert f"5 | {ENTRY}\n  | {'-' * len(ENTRY)} published here\n" in done.err


def test_without_the_branch_all_is_published(workspace: Path) -> None:
    git(workspace, "branch", "-qm", "main", "trunk")
    write_prompt(workspace, "answer", "1.1.0")
    lock(workspace)
    write_prompt(workspace, "answer", "1.1.0", "Otherwise.")
    assert codes(lock(workspace)) == ["LLM1007"]
    assert lock(workspace, "--base", "trunk").code == 0


def test_the_settings_name_the_branch(workspace: Path) -> None:
    git(workspace, "branch", "-qm", "main", "develop")
    file = workspace / "llmops.yaml"
    file.write_text(f"{file.read_text()}  git: {{url: https://example.org/acme/bots, branch: develop}}\n")
    write_prompt(workspace, "answer", "1.1.0")
    lock(workspace)
    write_prompt(workspace, "answer", "1.1.0", "Otherwise.")
    assert lock(workspace).code == 0
    reword(workspace)
    assert " ::: develop:llmops.lock:5:1 published here" in lock(workspace).err


def test_the_branch_of_origin_comes_first(workspace: Path, tmp_path: Path) -> None:
    """The local branch main has a version that nobody else has seen."""
    git(tmp_path, "clone", "-q", "--bare", str(workspace), "origin.git")
    git(workspace, "remote", "add", "origin", str(tmp_path / "origin.git"))
    git(workspace, "fetch", "-q", "origin")
    git(workspace, "switch", "-q", "main")
    write_prompt(workspace, "answer", "1.1.0")
    lock(workspace)
    commit(workspace)
    write_prompt(workspace, "answer", "1.1.0", "Otherwise.")
    assert lock(workspace).code == 0
    git(workspace, "remote", "remove", "origin")
    assert codes(lock(workspace)) == ["LLM1007"]


def test_a_check_names_the_base_that_it_asked(workspace: Path) -> None:
    """A shallow clone has no base, and then nothing tells of tampering: that must be seen."""
    assert lock(workspace, "--check").out == "llmops.lock is up to date: 1 version, 2 files; main agrees.\n"
    assert lock(workspace, "--check", "--base", "HEAD").out.endswith("; HEAD agrees.\n")


def test_a_tag_named_as_the_branch_is_not_the_base(workspace: Path) -> None:
    first = git(workspace, "rev-list", "--max-parents=0", "HEAD").stdout.strip()
    git(workspace, "tag", "main", first)
    reword(workspace)
    assert codes(lock(workspace)) == ["LLM1007"]


def test_a_version_that_the_base_published_meanwhile(workspace: Path) -> None:
    git(workspace, "switch", "-q", "main")
    write_prompt(workspace, "answer", "1.1.0", "Theirs.")
    lock(workspace)
    commit(workspace)
    git(workspace, "switch", "-q", "topic")
    write_prompt(workspace, "answer", "1.1.0", "Ours.")
    done = lock(workspace)
    assert codes(done) == ["LLM1007"] and "main:llmops.lock:7:1 published here" in done.err
    assert "Set spec.version to 1.1.1, or to 1.2.0" in done.err


def test_a_branch_behind_its_base_lacks_nothing(workspace: Path) -> None:
    git(workspace, "switch", "-q", "main")
    write_prompt(workspace, "answer", "1.1.0")
    lock(workspace)
    commit(workspace)
    git(workspace, "switch", "-q", "topic")
    assert lock(workspace, "--check").code == 0
    assert lock(workspace).out == "llmops.lock is up to date: 1 version, 2 files.\n"


def test_a_version_that_is_no_longer_declared_is_kept(workspace: Path) -> None:
    write_prompt(workspace, "answer", "2.0.0")
    (workspace / "specs" / "prompt.yaml").unlink()
    pin(workspace, "2.0.0")
    assert lock(workspace).code == 0
    assert lock_in(workspace).published["Prompt/answer@1.0.0"] == f"sha256:{ANSWER}"
    assert lock(workspace, "--check").code == 0
    (workspace / "specs" / "answer-2.0.0.yaml").unlink()
    write_prompt(workspace, "answer", "1.0.0", "Used again.")
    pin(workspace)
    assert codes(lock(workspace)) == ["LLM1007"]


def test_a_draft_that_was_given_up_keeps_its_number(workspace: Path) -> None:
    write_prompt(workspace, "answer", "1.1.0")
    lock(workspace)
    (workspace / "specs" / "answer-1.1.0.yaml").unlink()
    assert lock(workspace).out.startswith("llmops.lock is up to date: 2 versions")
    assert lock(workspace, "--check").code == 0


def test_an_environment_that_departs_from_what_is_published_is_told_of_once(workspace: Path) -> None:
    patch(workspace, "prod", '{messages: [{role: user, content: "{{ documents }} {{ question }}"}]}')
    done = lock(workspace)
    assert codes(done) == ["LLM1007"] and "Prompt/answer@1.0.0 is published, and says something else in prod\n" in done.err


def test_evidence_is_kept(workspace: Path) -> None:
    line = f"evidence {digest('a')} dev Evaluation/answers judge=- n=60 result=pass date=2026-11-24 interval=0.1,0.2"
    edit_lock(workspace, ENTRY, f"{ENTRY}\n{line}")
    (workspace / "docs" / "new.md").write_text("New.")
    assert lock(workspace).out.startswith("wrote llmops.lock: 1 version, 3 files, 1 piece of evidence\n")
    assert line in (workspace / "llmops.lock").read_text().splitlines()


def test_a_workspace_in_a_folder_of_its_repository(tmp_path: Path, base: Path) -> None:
    root = tmp_path / "repository" / "bots"
    root.parent.mkdir()
    base.rename(root)
    start_repository(root.parent)
    lock(root)
    commit(root.parent)
    reword(root)
    assert " ::: main:llmops.lock:5:1 published here" in lock(root).err


def test_a_base_that_is_no_commit(workspace: Path) -> None:
    with pytest.raises(UsageError, match="no such base"):
        lock(workspace, "--base", "nowhere")
    with pytest.raises(UsageError, match="no such base"):
        lock(workspace, "--base=--output=stolen")
    assert not (workspace / "stolen").exists()


def test_a_base_whose_lock_cannot_be_read(workspace: Path) -> None:
    edit_lock(workspace, ENTRY, ENTRY[:-8])
    commit(workspace)
    with pytest.raises(UsageError, match=re.escape("HEAD:llmops.lock:5: The digest is not `sha256:` and 64 hexadecimal digits")):
        lock(workspace, "--base", "HEAD")


def test_a_repository_without_a_commit(base: Path) -> None:
    git(base, "init", "-q", "-b", "main")
    assert lock(base).code == 0 and lock(base, "--check").code == 0


# Tampering. Each kind says what happened, where, and what mends it.


def mended(root: Path) -> bool:
    """`llmops lock` restores what the base has published, and the check passes then."""
    return lock(root).code == 0 and lock(root, "--check").code == 0 and ENTRY in (root / "llmops.lock").read_text().splitlines()


def test_a_changed_digest(workspace: Path) -> None:
    edit_lock(workspace, ENTRY, FORGED)
    done = lock(workspace, "--check")
    assert done.code == 1
    assert done.err == (
        "error[LLM1010]: The entry of Prompt/answer@1.0.0, which main has published, was changed\n"
        " --> llmops.lock:5:1\n"
        "  |\n"
        f"5 | {FORGED}\n"
        f"  | {'^' * len(FORGED)}\n"
        " ::: main:llmops.lock:5:1 published on main\n"
        "  = help: Run `llmops lock`, which restores the entry. Other content is published as another version.\n"
        "\n"
        "1 error. `llmops explain LLM1010` says more.\n"
    )
    assert mended(workspace)


def test_a_changed_digest_of_a_version_that_is_no_longer_declared(workspace: Path) -> None:
    """Nothing in the specs would tell what the digest was."""
    write_prompt(workspace, "answer", "2.0.0")
    (workspace / "specs" / "prompt.yaml").unlink()
    pin(workspace, "2.0.0")
    lock(workspace)
    edit_lock(workspace, ENTRY, FORGED)
    assert codes(lock(workspace, "--check")) == ["LLM1010"]
    assert "  recorded Prompt/answer@1.0.0 anew\n" in lock(workspace).out
    assert mended(workspace)


def test_a_removed_entry(workspace: Path) -> None:
    edit_lock(workspace, f"{ENTRY}\n\n", "")
    done = lock(workspace, "--check")
    assert done.code == 1
    assert done.err == (
        "error[LLM1010]: The entry of Prompt/answer@1.0.0, which main has published, was removed\n"
        " --> llmops.lock:1:1\n"
        "  |\n"
        "1 | lock 1\n"
        "  | ^\n"
        " ::: main:llmops.lock:5:1 published on main\n"
        "  = help: Run `llmops lock`, which restores the entry. Other content is published as another version.\n"
        "\n"
        "1 error. `llmops explain LLM1010` says more.\n"
    )
    assert mended(workspace)


def test_a_changed_content_with_its_digest_changed_too(workspace: Path) -> None:
    """The whole attack: content and lock agree, and only the base tells."""
    reword(workspace)
    git(workspace, "branch", "-qm", "main", "hidden")
    (workspace / "llmops.lock").unlink()
    lock(workspace)
    git(workspace, "branch", "-qm", "hidden", "main")
    assert ENTRY not in (workspace / "llmops.lock").read_text()
    done = lock(workspace, "--check")
    assert done.code == 1 and codes(done) == ["LLM1010", "LLM1007"]
    assert "error[LLM1007]: Prompt/answer@1.0.0 is published, and its content has changed\n --> specs/prompt.yaml:5:12\n" in done.err
    assert codes(lock(workspace)) == ["LLM1007"]


def test_a_removed_lock(workspace: Path) -> None:
    (workspace / "llmops.lock").unlink()
    done = lock(workspace, "--check")
    assert done.code == 1
    assert done.err == (
        "error[LLM1009]: The workspace has no llmops.lock\n"
        " --> llmops.lock:1:1\n"
        "  = help: Run `llmops lock`, and commit llmops.lock.\n"
        "\n"
        "1 error. `llmops explain LLM1009` says more.\n"
    )
    reword(workspace)
    assert codes(lock(workspace)) == ["LLM1007"], "a new lock does not launder a changed version"


def test_an_emptied_lock(workspace: Path) -> None:
    (workspace / "llmops.lock").write_text("")
    done = lock(workspace, "--check")
    assert done.code == 1 and codes(done)[0] == "LLM1002"
    assert "error[LLM1002]: llmops.lock lacks the line 'lock 1'\n" in done.err
    assert codes(lock(workspace)) == ["LLM1002"]


def test_a_cut_digest(workspace: Path) -> None:
    edit_lock(workspace, ENTRY, ENTRY[:-8])
    done = lock(workspace, "--check")
    assert done.code == 1
    assert done.err.startswith(
        "error[LLM1004]: The digest is not `sha256:` and 64 hexadecimal digits\n"
        " --> llmops.lock:5:31\n"
        "  |\n"
        f"5 | {ENTRY[:-8]}\n"
        f"  | {' ' * 30}{'^' * 63}\n"
        "  = help: Take the line back from git, or remove it and run `llmops lock`.\n"
    )
    assert codes(lock(workspace)) == ["LLM1004"]


def test_a_second_digest_beside_the_first(workspace: Path) -> None:
    edit_lock(workspace, ENTRY, f"{ENTRY}\n{FORGED}")
    for done in (lock(workspace, "--check"), lock(workspace)):
        assert done.code == 1 and codes(done) == ["LLM1005"]
    assert done.err == (
        "error[LLM1005]: Prompt/answer@1.0.0 is published with two contents\n"
        " --> llmops.lock:6:1\n"
        "  |\n"
        f"5 | {ENTRY}\n"
        f"  | {'-' * len(ENTRY)} first published here\n"
        f"6 | {FORGED}\n"
        f"  | {'^' * len(ENTRY)}\n"
        "  = help: Keep the entry that was merged first, give the other content the next version, and run `llmops lock`.\n"
        "\n"
        "1 error. `llmops explain LLM1005` says more.\n"
        "llmops.lock was not written.\n"
    )


def test_another_form_of_the_file(workspace: Path) -> None:
    edit_lock(workspace, "lock 1\n", "lock 2\n")
    done = lock(workspace)
    assert done.code == 1 and codes(done) == ["LLM1002"]
    assert " --> llmops.lock:1:1\n" in done.err and "Use the llmops that wrote it, or a later one." in done.err


def test_a_link_that_leads_outside(workspace: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").write_text(lock_text("a secret of the machine"))
    (workspace / "llmops.lock").unlink()
    (workspace / "llmops.lock").symlink_to(tmp_path / "elsewhere")
    done = lock(workspace, "--check")
    assert done.code == 1 and codes(done) == ["LLM0103"] and "secret" not in done.err
    assert lock(workspace).code == 1 and (tmp_path / "elsewhere").read_text() == lock_text("a secret of the machine")


# Drift.


def test_a_changed_document(workspace: Path) -> None:
    (workspace / "docs" / "releases.md").write_text("Other.")
    before = (workspace / "llmops.lock").read_text()
    done = lock(workspace, "--check")
    assert done.code == 1 and codes(done) == ["LLM1009"]
    assert "docs/releases.md of RetrievalSource/handbook has other content than the lock says\n --> llmops.lock:9:1" in done.err
    assert "= help: Run `llmops lock`, and commit llmops.lock." in done.err
    assert (workspace / "llmops.lock").read_text() == before


def test_new_documents_are_one_finding_a_source(workspace: Path) -> None:
    for name in "abcde":
        (workspace / "docs" / f"{name}.md").write_text("New.")
    done = lock(workspace, "--check")
    assert codes(done) == ["LLM1009"]
    assert (
        "llmops.lock lacks docs/a.md, docs/b.md, docs/c.md and 2 more of RetrievalSource/handbook\n --> specs/source.yaml:5:22" in done.err
    )


def test_a_document_that_is_no_longer_used(workspace: Path) -> None:
    (workspace / "docs" / "new.md").write_text("New.")
    (workspace / "docs" / "releases.md").unlink()
    done = lock(workspace, "--check")
    assert "RetrievalSource/handbook no longer uses docs/releases.md\n --> llmops.lock:9:1" in done.err
    assert "llmops.lock lacks docs/new.md of RetrievalSource/handbook\n" in done.err


def test_a_version_that_is_not_recorded(workspace: Path) -> None:
    write_prompt(workspace, "answer", "1.1.0")
    done = lock(workspace, "--check")
    assert codes(done) == ["LLM1009"] and "llmops.lock lacks Prompt/answer@1.1.0\n --> specs/answer-1.1.0.yaml:5:12" in done.err


def test_a_draft_that_has_changed_since(workspace: Path) -> None:
    write_prompt(workspace, "answer", "1.1.0")
    lock(workspace)
    write_prompt(workspace, "answer", "1.1.0", "Otherwise.")
    done = lock(workspace, "--check")
    assert codes(done) == ["LLM1009"]
    assert "Prompt/answer@1.1.0 has other content than the lock says\n --> llmops.lock:7:1" in done.err
    assert "specs/answer-1.1.0.yaml" in done.err


def test_order_repetitions_and_comments_are_no_drift(workspace: Path) -> None:
    lines = (workspace / "llmops.lock").read_text().splitlines()
    text = "\n".join([*reversed(lines), *lines, "# said twice"])
    (workspace / "llmops.lock").write_text(text)
    assert lock(workspace, "--check").code == 0
    assert (workspace / "llmops.lock").read_text() == text
    assert lock(workspace).out.splitlines()[1:] == ["  the entries are in order again"]
    assert (workspace / "llmops.lock").read_text().splitlines() == lines


def test_an_old_digest_beside_the_right_one_is_no_drift(workspace: Path) -> None:
    line = next(line for line in (workspace / "llmops.lock").read_text().splitlines() if "releases.md" in line)
    old = re.sub("sha256:.*", digest("a"), line)
    for both in (f"{line}\n{old}", f"{old}\n{line}"):
        edit_lock(workspace, line, both)
        assert lock(workspace, "--check").code == 0
        assert lock(workspace).out.splitlines()[1:] == ["  RetrievalSource/handbook: 1 file changed"]
        assert old not in (workspace / "llmops.lock").read_text()


def test_an_old_digest_alone_is_drift(workspace: Path) -> None:
    line = next(line for line in (workspace / "llmops.lock").read_text().splitlines() if "releases.md" in line)
    edit_lock(workspace, line, "\n".join(re.sub("sha256:.*", digest(letter), line) for letter in "ab"))
    assert codes(lock(workspace, "--check")) == ["LLM1009"]
