"""A workspace reads the same from its folder and from git's objects, and with some files replaced."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from llmops.errors import UsageError
from llmops.load.files import Files
from llmops.load.git_tree import WorkingTree, changed_between, changed_paths, tree_at
from llmops.load.tree import Disk, Edited, Tree
from llmops.pipeline import compile_workspace
from llmops.resources import File
from tests.conftest import copy_example
from tests.diff.repositories import commit_all, git

FILES = {
    "llmops.yaml": "a: 1\n",
    "specs/a.yaml": "a: 1\n",
    "specs/team one/b.yaml": "b: 1\n",
    "specs/.hidden.yaml": "h: 1\n",
    ".github/x.yaml": "x: 1\n",
    "docs/ü/c.md": "c\n",
    "docs/big.md": "x" * 70_000,
    "docs/empty.md": "",
}
LINKS = {
    "specs/link.yaml": "a.yaml",
    "specs/chain.yaml": "link.yaml",
    "specs/gone.yaml": "nothing.yaml",
    "specs/out.yaml": "../../outside.yaml",
    "specs/absolute.yaml": "/etc/hostname",
    "specs/round.yaml": "round.yaml",
    "linked": "docs",
    "away": "../elsewhere",
}
PATHS = [
    *FILES,
    *LINKS,
    "specs",
    "docs",
    "docs/ü",
    "linked/big.md",
    "linked/ü/c.md",
    "away/x",
    "nowhere",
    "specs/nowhere/x",
    "../outside.yaml",
    ".",
]


def fill(root: Path) -> Path:
    for path, text in FILES.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text, "utf-8")
    for path, target in LINKS.items():
        (root / path).symlink_to(target)
    return root


@pytest.fixture(params=["sha1", "sha256"])
def both(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Tree, Tree]]:
    """The same files on disk and in a commit, in a folder of a repository of either hash."""
    repository = tmp_path / "repository"
    root = fill(repository / "a space/workspace")
    (repository / "a space/outside.yaml").write_text("o: 1\n", "utf-8")
    git(tmp_path, "init", "-q", "-b", "main", f"--object-format={request.param}", str(repository))
    commit_all(repository, "start")
    with tree_at(root, "HEAD") as tree:
        yield Disk(root), tree


ANSWERS: dict[str, Callable[[Tree, str], object]] = {
    "is_file": lambda tree, path: tree.is_inside(path) and tree.is_file(path),
    "is_folder": lambda tree, path: tree.is_inside(path) and tree.is_folder(path),
    "is_inside": lambda tree, path: tree.is_inside(path),
}


@pytest.mark.parametrize("question", ANSWERS)
def test_folder_and_commit_agree_on_every_path(both: tuple[Tree, Tree], question: str) -> None:
    paths = [path for path in PATHS if path != "specs/round.yaml"]  # a link to itself is nowhere, and the system says so differently
    assert [ANSWERS[question](both[1], path) for path in paths] == [ANSWERS[question](both[0], path) for path in paths]


def test_they_hold_the_same_names(both: tuple[Tree, Tree]) -> None:
    disk, commit = both
    for folder in (".", "specs", "specs/team one", "docs", "docs/ü", "nowhere"):
        found = commit.entries(folder)
        expected = disk.entries(folder)
        assert (found is None) is (expected is None), folder
        assert sorted(found or ()) == sorted(expected or ()), folder


def test_they_hold_the_same_documents(both: tuple[Tree, Tree]) -> None:
    disk, commit = both
    assert list(commit.files_below("docs")) == sorted(disk.files_below("docs")) == ["docs/big.md", "docs/empty.md", "docs/ü/c.md"]
    assert Files(commit).glob("specs/a.yaml", ["../docs/**/*.md"]) == Files(disk).glob("specs/a.yaml", ["../docs/**/*.md"])


@pytest.mark.parametrize("path", [*FILES, "specs/link.yaml", "specs/chain.yaml", "linked/big.md"])
@pytest.mark.parametrize("most", [0, 3, 16_384, 1_000_000])
def test_they_read_the_same_bytes(both: tuple[Tree, Tree], path: str, most: int) -> None:
    content = both[0].read(path, most)
    assert both[1].read(path, most) == content
    assert len(content) <= most + 1


@pytest.mark.parametrize("path", ["nowhere", "specs/gone.yaml", "specs/out.yaml", "specs/absolute.yaml", "specs/round.yaml"])
def test_what_is_not_there_is_an_error_of_the_system(both: tuple[Tree, Tree], path: str) -> None:
    with pytest.raises(OSError):
        both[1].read(path, 10)


def test_a_file_that_both_have_is_read_once(tmp_path: Path) -> None:
    root = fill(tmp_path / "w")
    commit_all(root, "start")
    twin = WorkingTree(root)
    assert twin.read("specs/a.yaml", 100) == b"a: 1\n"
    (root / "specs/a.yaml").write_text("a: 2\n", "utf-8")
    with tree_at(root, "HEAD", twin) as tree:
        assert tree.read("specs/a.yaml", 100) == b"a: 1\n"
        assert tree._objects.process is None
        assert tree.read("docs/ü/c.md", 100) == b"c\n"
        assert tree._objects.process is not None


def test_a_file_that_differs_is_read_from_the_commit(tmp_path: Path) -> None:
    root = fill(tmp_path / "w")
    commit_all(root, "start")
    (root / "specs/a.yaml").write_text("a: 2\n", "utf-8")
    twin = WorkingTree(root)
    assert twin.read("specs/a.yaml", 100) == b"a: 2\n"
    with tree_at(root, "HEAD", twin) as tree:
        assert tree.read("specs/a.yaml", 100) == b"a: 1\n"


def test_changed_paths_are_those_of_the_workspace(tmp_path: Path) -> None:
    repository = tmp_path / "repository"
    root = fill(repository / "w")
    (repository / "beside.md").write_text("b", "utf-8")
    first = commit_all(repository, "start")
    assert changed_paths(root, first) == frozenset()
    (repository / "beside.md").write_text("c", "utf-8")
    (root / "docs/new file.md").write_text("n", "utf-8")
    (root / "docs/empty.md").unlink()
    (root / "specs/a.yaml").write_text("a: 2\n", "utf-8")
    (root / ".gitignore").write_text("*.log\n", "utf-8")
    (root / "docs/x.log").write_text("l", "utf-8")
    expected = {"docs/new file.md", "docs/empty.md", "specs/a.yaml", ".gitignore"}
    assert changed_paths(root, first) == expected
    second = commit_all(repository, "second")
    assert changed_paths(root, first) == expected
    with tree_at(root, first) as before, tree_at(root, second) as after:
        assert changed_between(before, after) == expected


@pytest.mark.parametrize("ref", ["nowhere", "HEAD~9", "--output=x", "-x", "HEAD:specs", ""])
def test_a_ref_that_is_no_commit_is_refused(tmp_path: Path, ref: str) -> None:
    root = fill(tmp_path / "w")
    commit_all(root, "start")
    with pytest.raises(UsageError, match="no such base"), tree_at(root, ref):
        pass
    assert not (root / "x").exists()


def test_a_folder_without_git_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="not a git repository"), tree_at(fill(tmp_path / "w"), "HEAD"):
        pass


def test_a_pointer_of_git_lfs_stands_for_its_file(tmp_path: Path) -> None:
    root = fill(tmp_path / "w")
    digest = "4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393"
    pointer = f"version https://git-lfs.github.com/spec/v1\noid sha256:{digest}\nsize 12345\n"
    (root / "docs/large.md").write_text(pointer, "utf-8")
    commit_all(root, "start")
    with tree_at(root, "HEAD") as tree:
        assert Files(tree).digest("docs/large.md") == File("docs/large.md", digest, 12345)
    here = Files(Disk(root)).digest("docs/large.md")
    assert isinstance(here, File) and here.size == len(pointer)


def test_the_example_compiles_the_same_from_git(tmp_path: Path) -> None:
    from llmops.fingerprint import fingerprint
    from llmops.pipeline import front_half
    from llmops.project import open_project

    root = copy_example(tmp_path / "example")
    commit_all(root, "start")
    with tree_at(root, "HEAD") as tree:
        project, _ = open_project(tree)
        assert project is not None
        graph = fingerprint(front_half(project, "prod").linked.graph)
    compiled = compile_workspace(root, "prod").graph
    assert compiled is not None and graph == replace(compiled, rules={})


class TestEdited:
    @pytest.fixture
    def tree(self, tmp_path: Path) -> Edited:
        changes = {"specs/a.yaml": b"a: 3\n", "docs/new/n.md": b"n\n", "docs/empty.md": None, "specs/team one/b.yaml": None}
        return Edited(Disk(fill(tmp_path / "w")), changes)

    def test_it_reads_the_changes_and_the_rest(self, tree: Edited) -> None:
        assert tree.read("specs/a.yaml", 100) == b"a: 3\n"
        assert tree.read("specs/a.yaml", 1) == b"a:"
        assert tree.read("docs/ü/c.md", 100) == b"c\n"
        with pytest.raises(FileNotFoundError):
            tree.read("docs/empty.md", 100)

    def test_it_lists_them(self, tree: Edited) -> None:
        assert list(tree.files_below("docs")) == ["docs/big.md", "docs/new/n.md", "docs/ü/c.md"]
        assert dict(tree.entries("docs") or ()) == {"big.md": "file", "ü": "folder", "new": "folder"}
        assert tree.entries("docs/new") == [("n.md", "file")]
        assert tree.entries("nowhere") is None

    def test_it_knows_what_is_there(self, tree: Edited) -> None:
        assert tree.is_file("docs/new/n.md") and not tree.is_file("docs/empty.md") and tree.is_file("docs/big.md")
        assert tree.is_folder("docs/new") and tree.is_folder("docs") and not tree.is_folder("docs/big.md")
        assert tree.is_inside("docs/new/n.md") and not tree.is_inside("specs/out.yaml")
        assert tree.witness is None and tree.holds_pointers is False
