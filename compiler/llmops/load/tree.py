"""What a workspace is read from: its folder on disk here, a git commit in `git_tree`, a tree with some files replaced in `Edited`.

All paths are relative to the workspace, with slashes. Reading raises `OSError`, as the system does.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol

if TYPE_CHECKING:
    from llmops.cache.witness import Witness

Sort = Literal["file", "folder", "link", "other"]
Entry = tuple[str, Sort]
"""A name in a folder and what it is; a link is not followed."""

_USUAL_BYTES = 16_384


class Tree(Protocol):
    """A workspace's files."""

    @property
    def witness(self) -> Witness | None:
        """Who is told of all that is read, for the cache of `llmops check`."""

    @property
    def holds_pointers(self) -> bool:
        """Whether contents are as git stores them, where a file of Git LFS is a pointer."""

    def entries(self, folder: str) -> list[Entry] | None:
        """What a folder holds, without hidden names and in no order; None where there is no such folder."""

    def files_below(self, folder: str) -> Iterator[str]:
        """Every file below a folder that is not hidden, links to files included; the path itself where it is a file."""

    def is_file(self, path: str) -> bool:
        """Whether a file is there, links followed."""

    def is_folder(self, path: str) -> bool:
        """Whether a folder is there, links followed."""

    def is_inside(self, path: str) -> bool:
        """Whether a path stays in the workspace, by its steps and by the links on its way."""

    def read(self, path: str, most: int) -> bytes:
        """A file's bytes; one more than `most` where it has more than that."""


class Disk:
    """The workspace's folder as it stands."""

    holds_pointers = False

    def __init__(self, root: Path, witness: Witness | None = None) -> None:
        self.root = root
        self._resolved = root.resolve()
        self.witness = witness

    def entries(self, folder: str) -> list[Entry] | None:
        here = f"{self.root}/{folder}"
        if not os.path.isdir(here):
            if self.witness:
                self.witness.absent(here)
            return None
        found = list(os.scandir(here))
        if self.witness:
            self.witness.scanned(here, found)
        return [(entry.name, _sort(entry)) for entry in found if not entry.name.startswith(".")]

    def files_below(self, folder: str) -> Iterator[str]:
        if (self._resolved / folder).is_file():
            yield folder
        for current, folders, names in os.walk(self._resolved / folder):
            if self.witness:
                self.witness.walked(current, folders, names)
            folders[:] = sorted(name for name in folders if not name.startswith("."))
            prefix = os.path.relpath(current, self._resolved).replace(os.sep, "/")
            yield from (f"{prefix}/{name}".removeprefix("./") for name in sorted(names) if not name.startswith("."))

    def is_file(self, path: str) -> bool:
        return os.path.isfile(f"{self.root}/{path}")

    def is_folder(self, path: str) -> bool:
        return os.path.isdir(f"{self.root}/{path}")

    def is_inside(self, path: str) -> bool:
        return (self._resolved / path).resolve().is_relative_to(self._resolved)

    def read(self, path: str, most: int) -> bytes:
        full = f"{self.root}/{path}"
        with open(full, "rb", buffering=0) as stream:
            status = os.fstat(stream.fileno())
            content = stream.read(_USUAL_BYTES)
            # Python sets aside as many bytes as it is asked for, which takes longer than reading a file of the usual size.
            while len(content) >= _USUAL_BYTES and len(content) <= most:
                more = stream.read(min(max(status.st_size, _USUAL_BYTES), most) + 1 - min(len(content), most))
                if not more:
                    break
                content += more
        if self.witness:
            self.witness.read(full, content, status)
        return content[: most + 1]


def _sort(entry: os.DirEntry[str]) -> Sort:
    if entry.is_dir(follow_symlinks=False):
        return "folder"
    if entry.is_symlink():
        return "link"
    return "file" if entry.is_file() else "other"


@dataclass(frozen=True, slots=True)
class Edited:
    """Another tree with some files replaced, added, or taken out where the content is None."""

    tree: Tree
    changes: Mapping[str, bytes | None]

    @property
    def witness(self) -> Witness | None:
        return self.tree.witness

    @property
    def holds_pointers(self) -> bool:
        return self.tree.holds_pointers

    def entries(self, folder: str) -> list[Entry] | None:
        found = self.tree.entries(folder)
        prefix = "" if folder in (".", "") else f"{folder}/"
        below = {path.removeprefix(prefix): content for path, content in self.changes.items() if path.startswith(prefix)}
        if found is None and not any(content is not None for content in below.values()):
            return None
        gone = {name for name, content in below.items() if content is None}
        kept: dict[str, Sort] = {name: sort for name, sort in found or () if name not in gone}
        added: dict[str, Sort] = {
            name.partition("/")[0]: "folder" if "/" in name else "file" for name, content in below.items() if content is not None
        }
        return list((kept | added).items())

    def files_below(self, folder: str) -> Iterator[str]:
        changed = {path for path in self.changes if folder in (".", "", path) or path.startswith(f"{folder}/")}
        kept = [path for path in self.tree.files_below(folder) if path not in changed]
        yield from sorted([*kept, *(path for path in changed if self.changes[path] is not None)])

    def is_file(self, path: str) -> bool:
        return self.changes[path] is not None if path in self.changes else self.tree.is_file(path)

    def is_folder(self, path: str) -> bool:
        return self.tree.is_folder(path) or any(
            name.startswith(f"{path}/") for name, content in self.changes.items() if content is not None
        )

    def is_inside(self, path: str) -> bool:
        return path in self.changes or self.tree.is_inside(path)

    def read(self, path: str, most: int) -> bytes:
        if path not in self.changes:
            return self.tree.read(path, most)
        content = self.changes[path]
        if content is None:
            raise FileNotFoundError(2, os.strerror(2), path)
        return content[: most + 1]


def names_below(paths: Iterable[str], folder: str) -> Iterator[str]:
    """Those of `paths` that lie below a folder, or are it, with no hidden step below it."""
    prefix = "" if folder in (".", "") else f"{folder}/"
    for path in paths:
        if path == folder or (path.startswith(prefix) and "/." not in f"/{path.removeprefix(prefix)}"):
            yield path
