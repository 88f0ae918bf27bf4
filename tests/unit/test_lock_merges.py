"""Two branches that change `llmops.lock`, merged by real git: both ways, with and without `merge=union`."""

from __future__ import annotations

import random
import subprocess
from collections.abc import Callable
from itertools import count
from pathlib import Path

import pytest

from llmops.lock.entries import Calibration, Entry, Evidence, Lock, Published, Snapshot, lock_of
from llmops.lock.lines import in_order, line_of
from llmops.lock.record import calibration_of, latest, record
from llmops.lock.text import HEAD, render_lock
from tests.unit.lock_samples import commit, digest, git, lock, lock_in, start_repository, write_prompt

Change = Callable[[Path], None]
UNION = "llmops.lock merge=union\n"


def publish(name: str, version: str = "1.0.0", text: str = "Answer.") -> Change:
    return lambda root: write_prompt(root, name, version, text)


def document(name: str, text: str) -> Change:
    return lambda root: (root / "docs" / f"{name}.md").write_text(text) and None


def remove(name: str) -> Change:
    return lambda root: (root / "docs" / f"{name}.md").unlink()


def repository(root: Path, *, attribute: bool) -> Path:
    """The branch main with three prompts and nine documents, locked."""
    for name in ("brief", "formal", "plain"):
        write_prompt(root, name)
    for name in "abcdefgh":
        (root / "docs" / f"{name}.md").write_text(f"Page {name}.")
    if attribute:
        (root / ".gitattributes").write_text(UNION)
    start_repository(root)
    lock(root)
    commit(root, "The lock")
    return root


def branch(root: Path, name: str, change: Change) -> None:
    git(root, "switch", "-q", "main")
    git(root, "switch", "-qc", name)
    change(root)
    assert lock(root).code == 0
    commit(root, name)


def merge(root: Path, ours: str, theirs: str) -> subprocess.CompletedProcess[str]:
    git(root, "switch", "-q", "--detach", ours)
    return git(root, "merge", "-q", "--no-edit", theirs, check=False)


def merged_both_ways(root: Path, ours: Change, theirs: Change) -> bool:
    """Whether git merged without a conflict; where it did, the lock needs no rewriting."""
    branch(root, "ours", ours)
    branch(root, "theirs", theirs)
    clean = []
    for pair in (("ours", "theirs"), ("theirs", "ours")):
        clean.append(merge(root, *pair).returncode == 0)
        if clean[-1]:
            checked = lock(root, "--check", "--base", "main")
            assert (checked.code, checked.err) == (0, "")
        else:
            git(root, "merge", "--abort")
    assert clean[0] == clean[1]
    return clean[0]


APART = {
    "a version of one prompt, a version of another": (publish("brief", "1.1.0"), publish("formal", "1.1.0")),
    "a version of the first prompt, one of the last": (publish("brief", "2.0.0"), publish("plain", "1.0.1")),
    "a version, a new prompt elsewhere": (publish("brief", "1.1.0"), publish("zealous")),
    "two documents side by side": (document("c", "Ours."), document("d", "Theirs.")),
    "three documents in turn": (lambda root: [document(name, "Ours.")(root) for name in "bd"] and None, document("c", "Theirs.")),
    "a document, a new one after it": (document("c", "Ours."), document("c1", "Theirs.")),
    "a document, the next removed": (document("c", "Ours."), remove("d")),
    "a version, a document": (publish("plain", "1.1.0"), document("a", "Theirs.")),
}
TOUCHING = {
    "two new prompts side by side": (publish("candid"), publish("clear")),
    "two versions of one prompt": (publish("brief", "1.1.0"), publish("brief", "1.2.0", "Shorter.")),
    "two new documents side by side": (document("c1", "Ours."), document("c2", "Theirs.")),
    "a document, a new one before it": (document("d", "Ours."), document("c1", "Theirs.")),
    "two prompts at the end": (publish("zealous"), publish("zippy")),
}


@pytest.mark.parametrize(("ours", "theirs"), APART.values(), ids=APART)
def test_changes_apart_need_no_attribute(base: Path, ours: Change, theirs: Change) -> None:
    assert merged_both_ways(repository(base, attribute=False), ours, theirs)


@pytest.mark.parametrize(("ours", "theirs"), [*APART.values(), *TOUCHING.values()], ids=[*APART, *TOUCHING])
def test_with_the_attribute_all_merge(base: Path, ours: Change, theirs: Change) -> None:
    assert merged_both_ways(repository(base, attribute=True), ours, theirs)


@pytest.mark.parametrize(("ours", "theirs"), TOUCHING.values(), ids=TOUCHING)
def test_without_it_one_command_resolves_the_conflict(base: Path, ours: Change, theirs: Change) -> None:
    """What is expected to conflict does, in the lock alone, and `llmops lock` gives what the attribute would."""
    root = repository(base, attribute=False)
    branch(root, "ours", ours)
    branch(root, "theirs", theirs)
    assert merge(root, "ours", "theirs").returncode == 1
    assert git(root, "diff", "--name-only", "--diff-filter=U").stdout == "llmops.lock\n"
    stopped = lock(root, "--check")
    assert stopped.code == 1 and "error[LLM1006]: A merge has left a conflict here" in stopped.err
    assert lock(root).code == 0
    assert lock(root, "--check").code == 0
    git(root, "add", "llmops.lock")
    commit(root, "Resolved")
    both = {**published_on(root, "ours"), **published_on(root, "theirs")}
    assert lock_in(root).published == both


def published_on(root: Path, name: str) -> dict[str, str]:
    text = git(root, "show", f"{name}:llmops.lock").stdout
    return dict(line.split()[1:] for line in text.splitlines() if line.startswith("published"))


@pytest.mark.parametrize("attribute", [True, False], ids=["union", "no attribute"])
def test_one_version_with_two_contents_is_refused(base: Path, *, attribute: bool) -> None:
    """The specs say it too: the second file declares the version a second time."""
    root = repository(base, attribute=attribute)
    branch(root, "ours", publish("brief", "1.1.0", "Ours."))
    branch(root, "theirs", publish("brief", "1.1.0", "Theirs."))
    assert merge(root, "ours", "theirs").returncode == 1
    git(root, "checkout", "--ours", "specs/brief-1.1.0.yaml")
    done = lock(root)
    assert done.code == 1 and "error[LLM1005]: Prompt/brief@1.1.0 is published with two contents" in done.err
    assert done.err.endswith("llmops.lock was not written.\n")
    text = (root / "llmops.lock").read_text()
    kept = published_on(root, "theirs")["Prompt/brief@1.1.0"]
    (root / "llmops.lock").write_text(text.replace(f"published Prompt/brief@1.1.0 {kept}\n", ""))
    assert lock(root, "--base", "main").code == 0
    assert lock_in(root).published["Prompt/brief@1.1.0"] == published_on(root, "ours")["Prompt/brief@1.1.0"]


def test_the_same_publication_on_both_branches(base: Path) -> None:
    """A commit that was picked onto both."""
    assert merged_both_ways(repository(base, attribute=False), publish("brief", "1.1.0"), publish("brief", "1.1.0"))


def test_both_branches_begin_a_lock(base: Path) -> None:
    start_repository(base)
    (base / ".gitattributes").write_text(UNION)
    commit(base)
    assert merged_both_ways(base, publish("candid"), publish("clear"))


def measured(result: str, date: str, kappa: float) -> list[Evidence | Calibration]:
    """What one branch has recorded: a result of a release, and a calibration of the judge."""
    judge = "Model/judge@0123456789abcdef"
    named = in_order({"judge": judge, "n": "60", "result": result, "date": date})
    return [Evidence(digest("a"), "prod", "Evaluation/tone", named), Calibration(judge, "Evaluation/tone", kappa, 0.1, 0.9, 80, date)]


def recording(*results: Evidence | Calibration) -> Change:
    def change(root: Path) -> None:
        (root / "llmops.lock").write_text(render_lock(record(lock_in(root), results)), "utf-8")

    return change


@pytest.mark.parametrize("attribute", [True, False], ids=["union", "no attribute"])
def test_both_branches_measured_the_same_release(base: Path, *, attribute: bool) -> None:
    """Both results stay, of which the newer counts; whoever measures next replaces both."""
    root = repository(base, attribute=attribute)
    old, new = measured("pass", "2026-11-24", 0.6), measured("fail", "2026-11-25", 0.4)
    branch(root, "ours", recording(*new))
    branch(root, "theirs", recording(*old))
    assert (merge(root, "ours", "theirs").returncode == 0) is attribute
    assert lock(root).code == 0 and lock(root, "--check", "--base", "main").code == 0
    merged = lock_in(root)
    assert {*merged.evidence, *merged.calibrations} == {*old, *new}
    assert latest(merged.evidence, digest("a"), "Evaluation/tone") == new[0]
    assert calibration_of(merged.calibrations, "Model/judge@0123456789abcdef", "Evaluation/tone") == new[1]
    again = measured("pass", "2026-11-26", 0.5)
    recording(*again)(root)
    assert {*lock_in(root).evidence, *lock_in(root).calibrations} == {*again}


def test_a_removed_document_beside_a_removed_one_needs_the_command(base: Path) -> None:
    """A union keeps the lines that either side has; nothing tells it that both were to go."""
    root = repository(base, attribute=True)
    branch(root, "ours", remove("c"))
    branch(root, "theirs", remove("d"))
    assert merge(root, "ours", "theirs").returncode == 0
    checked = lock(root, "--check", "--base", "main")
    assert checked.code == 1 and "RetrievalSource/handbook no longer uses docs/" in checked.err
    assert lock(root).code == 0 and lock(root, "--check").code == 0


def test_many_branches_one_after_another(base: Path) -> None:
    root = repository(base, attribute=True)
    names = ["candid", "clear", "curt", "dry", "droll"]
    for name in names:
        branch(root, name, publish(name))
    git(root, "switch", "-q", "main")
    for name in names:
        assert git(root, "merge", "-q", "--no-edit", name, check=False).returncode == 0
    assert lock(root, "--check", "--base", "HEAD").code == 0
    assert {f"Prompt/{name}@1.0.0" for name in names} < lock_in(root).published.keys()
    assert lock(root).code == 0 and lock(root, "--check").code == 0


# The layout, measured: `git merge-file` on random pairs of changes to locks, without the attribute.


def plain_layout(lock: Lock) -> str:
    """The obvious one, to compare with: no empty lines."""
    return "\n".join([HEAD.rstrip("\n"), *map(line_of, lock.entries)]) + "\n"


def random_lock(source: random.Random, versions: int = 20, files: int = 30) -> list[Entry]:
    names = ["".join(source.sample("abcdefghijklmnopqrstuvwxyz", 6)) for _ in range(files)]
    documents = [Snapshot("RetrievalSource/handbook", f"docs/{name}.md", digest("a")) for name in names]
    return [*(Published(f"Prompt/{name}@1.{minor}.0", digest("b")) for name in names[: versions // 2] for minor in (0, 1)), *documents]


def conflicts(folder: Path, render: Callable[[Lock], str], pairs: list[tuple[list[Entry], list[Entry], list[Entry]]]) -> int:
    number = 0
    for versions in pairs:
        paths = [folder / name for name in ("ours", "base", "theirs")]
        for path, entries in zip(paths, versions, strict=True):
            path.write_text(render(lock_of(entries)))
        number += subprocess.run(["git", "merge-file", "-p", "-q", *map(str, paths)], capture_output=True, check=False).returncode != 0
    return number


def edited(entries: list[Entry], index: int, letter: str) -> list[Entry]:
    old = entries[index]
    assert isinstance(old, Snapshot)
    return [*entries[:index], Snapshot(old.id, old.path, digest(letter)), *entries[index + 1 :]]


def test_edits_of_neighbouring_documents_never_conflict(tmp_path: Path) -> None:
    """All 29 pairs of neighbours; without the empty lines every one of them does."""
    base = [Snapshot("RetrievalSource/handbook", f"docs/{number:02}.md", digest("a")) for number in range(30)]
    pairs = [(edited(base, i, "b"), base, edited(base, i + 1, "c")) for i in range(29)]
    assert conflicts(tmp_path, render_lock, pairs) == 0
    assert conflicts(tmp_path, plain_layout, pairs) == 29


def test_new_versions_of_two_prompts_never_conflict(tmp_path: Path) -> None:
    source = random.Random(4)
    pairs = []
    for _ in range(40):
        base = random_lock(source)
        names = sorted({entry.id.partition("@")[0] for entry in base if isinstance(entry, Published)})
        one, other = source.sample(names, 2)
        pairs.append(([*base, Published(f"{one}@1.2.0", digest("c"))], base, [*base, Published(f"{other}@1.2.0", digest("d"))]))
    assert conflicts(tmp_path, render_lock, pairs) == 0


def test_what_is_left_are_additions_into_one_gap(tmp_path: Path) -> None:
    """Two new documents conflict where none stands between them, and only there."""
    source, numbers = random.Random(5), count()
    pairs, neighbours = [], 0
    for _ in range(60):
        base = random_lock(source)
        new = [
            Snapshot("RetrievalSource/handbook", f"docs/{source.choice('abcdefghijklmnop')}x{next(numbers)}.md", digest("c")) for _ in "12"
        ]
        lines = [line_of(entry) for entry in lock_of([*base, *new]).entries]
        first, second = sorted(lines.index(line_of(entry)) for entry in new)
        neighbours += second - first == 1
        pairs.append(([*base, new[0]], base, [*base, new[1]]))
    assert 0 < neighbours < 20
    assert conflicts(tmp_path, render_lock, pairs) == neighbours
