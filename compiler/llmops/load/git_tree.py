"""A workspace as it stands at a git commit, read from git's objects: nothing is checked out, nothing of the user's files is touched.

Input: the workspace's folder and a ref. Output: a `Tree`, and which files differ between two of them.
"""

from __future__ import annotations

import hashlib
import posixpath
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, cast

from llmops.errors import UsageError
from llmops.load.tree import Disk, Entry, Sort, names_below

LINK, SUBMODULE = "120000", "160000"
_MAX_LINKS = 40
"""Links that lead to links, as Linux counts them."""
_KEPT_BYTES = 65_536


@dataclass(frozen=True, slots=True)
class Blob:
    """An entry of a git tree."""

    mode: str
    oid: str


class WorkingTree(Disk):
    """The folder on disk, which remembers what it read, so that a file that a commit holds too is read once."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self._contents: dict[str, bytes] = {}
        self._oids: dict[str, str] = {}

    def read(self, path: str, most: int) -> bytes:
        content = self._contents.get(path)
        if content is None:
            content = super().read(path, most)
            if len(content) <= _KEPT_BYTES:
                self._contents[path] = content
        return content

    def holds(self, path: str, blob: Blob, most: int) -> bytes | None:
        """The content at `path` if it is that of a blob and was read before."""
        content = self._contents.get(path)
        if content is None or blob.mode == LINK or not self._same(path, content, blob.oid):
            return None
        return content[: most + 1]

    def _same(self, path: str, content: bytes, oid: str) -> bool:
        if path not in self._oids:
            self._oids[path] = _oid(content, len(oid))
        return self._oids[path] == oid


def _oid(content: bytes, digits: int) -> str:
    """The name that git gives to a content, in repositories of either hash."""
    data = b"blob %d\x00" % len(content) + content
    return hashlib.sha256(data).hexdigest() if digits == 64 else hashlib.sha1(data).hexdigest()  # noqa: S324 - git's own


class GitTree:
    """The tracked files below a workspace's folder at a commit. Use it inside `tree_at`."""

    witness = None
    holds_pointers = True

    def __init__(self, commit: str, blobs: Mapping[str, Blob], objects: _Objects, twin: WorkingTree | None = None) -> None:
        self.commit = commit
        self.blobs = blobs
        self._objects = objects
        self._twin = twin
        self._folders = _folders_of(blobs)
        self._has_links = any(blob.mode == LINK for blob in blobs.values())

    def entries(self, folder: str) -> list[Entry] | None:
        names = self._folders.get(_normal(folder))
        if names is None:
            return None
        return [(name, sort) for name, sort in names.items() if not name.startswith(".")]

    def files_below(self, folder: str) -> Iterator[str]:
        yield from sorted(path for path in names_below(self.blobs, _normal(folder)) if self.is_file(path))

    def is_file(self, path: str) -> bool:
        blob = self.blobs.get(self._followed(path) or "")
        return blob is not None and blob.mode not in (LINK, SUBMODULE)

    def is_folder(self, path: str) -> bool:
        followed = self._followed(path)
        return followed is not None and followed in self._folders

    def is_inside(self, path: str) -> bool:
        return self._followed(path) is not None

    def read(self, path: str, most: int) -> bytes:
        followed = self._followed(path)
        blob = self.blobs.get(followed or "")
        if followed is None or blob is None or blob.mode == SUBMODULE:
            raise FileNotFoundError(2, "No such file at this commit", path)
        known = self._twin.holds(followed, blob, most) if self._twin else None
        return self._objects.read(blob.oid)[: most + 1] if known is None else known

    def _followed(self, path: str) -> str | None:
        """Where a path leads through links, whose steps are followed one by one; None outside the workspace."""
        path = _normal(path)
        for _ in range(_MAX_LINKS):
            if path == ".." or path.startswith(("../", "/")):
                return None
            link = self._first_link(path) if self._has_links else None
            if link is None:
                return path
            target = self._objects.read(self.blobs[link].oid).decode("utf-8", "surrogateescape")
            path = posixpath.normpath(posixpath.join(posixpath.dirname(link), target, path.removeprefix(link).lstrip("/")))
        return None

    def _first_link(self, path: str) -> str | None:
        return next((step for step in _steps(path) if step in self.blobs and self.blobs[step].mode == LINK), None)


def _normal(path: str) -> str:
    return posixpath.normpath(path) if path else "."


def _steps(path: str) -> Iterator[str]:
    """`a`, `a/b`, `a/b/c`."""
    end = -1
    while (end := path.find("/", end + 1)) >= 0:
        yield path[:end]
    yield path


def _folders_of(blobs: Mapping[str, Blob]) -> dict[str, dict[str, Sort]]:
    """What each folder holds."""
    folders: dict[str, dict[str, Sort]] = {".": {}}
    for path, blob in blobs.items():
        folder, _, name = path.rpartition("/")
        sort: Sort = "link" if blob.mode == LINK else "other" if blob.mode == SUBMODULE else "file"
        known = (folder or ".") in folders
        folders.setdefault(folder or ".", {})[name] = sort
        while folder and not known:
            above, _, name = folder.rpartition("/")
            known = (above or ".") in folders
            folders.setdefault(above or ".", {})[name] = "folder"
            folder = above
    return folders


@dataclass(slots=True)
class _Objects:
    """A `git cat-file` that answers as long as it is asked, started when the first object is wanted."""

    root: Path
    process: subprocess.Popen[bytes] | None = field(default=None)

    def read(self, oid: str) -> bytes:
        process = self.process or self._start()
        requests, answers = cast("IO[bytes]", process.stdin), cast("IO[bytes]", process.stdout)
        requests.write(f"{oid}\n".encode())
        requests.flush()
        head = answers.readline().split()
        if len(head) != 3:
            raise OSError(2, "git has lost this object; a partial or shallow clone may lack it", oid)
        content = answers.read(int(head[2]))
        answers.read(1)
        return content

    def _start(self) -> subprocess.Popen[bytes]:
        command = ["git", "-C", str(self.root), "cat-file", "--batch"]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        return self.process

    def close(self) -> None:
        if self.process:
            self.process.communicate()


@contextmanager
def tree_at(root: Path, ref: str, twin: WorkingTree | None = None) -> Iterator[GitTree]:
    """The workspace at a ref. `twin` is the folder as it stands, where it is read too.

    Raises `UsageError` where `root` is in no git repository, or where the ref names no commit.
    """
    commit = commit_of(root, ref)
    prefix = run_git(root, "rev-parse", "--show-prefix").decode("utf-8", "surrogateescape").rstrip("\n")
    listed = run_git(root, "ls-tree", "-r", "-z", "--full-tree", commit, *([prefix] if prefix else []))
    objects = _Objects(root)
    try:
        yield GitTree(commit, _blobs(listed, len(prefix)), objects, twin)
    finally:
        objects.close()


def _blobs(listed: bytes, skipped: int) -> dict[str, Blob]:
    """The lines of `git ls-tree`, by path below the workspace."""
    blobs = {}
    for line in listed.decode("utf-8", "surrogateescape").split("\0")[:-1]:
        head, _, path = line.partition("\t")
        mode, _, oid = head.split(" ")
        blobs[path[skipped:]] = Blob(mode, oid)
    return blobs


def commit_of(root: Path, ref: str) -> str:
    """The commit that a ref names. Raises `UsageError`."""
    try:
        return run_git(root, "rev-parse", "--verify", "--end-of-options", f"{ref}^{{commit}}").decode().strip()
    except UsageError as error:
        raise UsageError(f"git has no such base: {error}", "Name a branch, a tag or a commit: --base origin/main.") from error


def changed_paths(root: Path, commit: str) -> frozenset[str]:
    """Paths below the workspace whose content on disk is not that of a commit, as git sees it; ignored files never are."""
    differing = run_git(root, "diff", "--name-only", "--no-renames", "--no-ext-diff", "--relative", "-z", commit, "--", ".")
    untracked = run_git(root, "ls-files", "--others", "--exclude-standard", "-z")
    return frozenset((differing + untracked).decode("utf-8", "surrogateescape").split("\0")[:-1])


def changed_between(before: GitTree, after: GitTree) -> frozenset[str]:
    """Paths whose content or mode differs between two commits."""
    return frozenset(path for path in before.blobs.keys() | after.blobs.keys() if before.blobs.get(path) != after.blobs.get(path))


def run_git(root: Path, *arguments: str) -> bytes:
    """What git prints. Raises `UsageError` where it is not installed or refuses."""
    try:
        done = subprocess.run(["git", "-C", str(root), *arguments], capture_output=True, check=False)  # noqa: S607 - the git of the user's path
    except FileNotFoundError as error:
        raise UsageError("git is not installed, which reading another version of the workspace needs", "Install git.") from error
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip().removeprefix("fatal: ")
        raise UsageError(said or f"git {arguments[0]} failed", "Is this a git repository, with its whole history?")
    return done.stdout
