"""The owners of files as lines of GitHub's CODEOWNERS, where the last line that matches a file decides.

A folder stands for its files where most of them have the same owners and nobody else's file is in it; exceptions follow it.
"""

from __future__ import annotations

import posixpath
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from llmops.errors import UsageError

Handles = tuple[str, ...]
"""Sorted; empty for a file of nobody's."""
_SUFFIX = re.compile(r"\.[A-Za-z0-9]+\Z")
_UNSAYABLE = re.compile(r"[\[\]\x00-\x1f\x7f]")
"""CODEOWNERS has no way to write these: `?` matches any one character instead."""
_SPECIAL = re.compile(r"([\\ #*?])")


@dataclass(frozen=True, slots=True)
class Line:
    pattern: str
    handles: Handles

    def __str__(self) -> str:
        return f"{self.pattern} {' '.join(self.handles)}"


@dataclass(slots=True)
class Folder:
    """`path` is anchored at the repository, as `/specs`; empty for the repository itself. Names of files and folders are keys."""

    path: str
    files: dict[str, Handles] = field(default_factory=dict)
    folders: dict[str, Folder] = field(default_factory=dict)

    def add(self, path: str, handles: Handles) -> None:
        """A file, by its path from here."""
        name, _, rest = path.partition("/")
        if not rest:
            self.files[name] = handles
            return
        self.folders.setdefault(name, Folder(f"{self.path}/{name}")).add(rest, handles)

    def below(self) -> Iterator[tuple[str, Handles]]:
        """Every file's path from here, with its owners."""
        yield from self.files.items()
        for name, folder in self.folders.items():
            yield from ((f"{name}/{path}", handles) for path, handles in folder.below())

    def is_whole(self) -> bool:
        """Whether every file below has an owner."""
        return all(handles for _, handles in self.below())

    def usual(self) -> Handles | None:
        """The owners that more than half of what is directly in here has; None where there are none such."""
        kept = [*self.files.values(), *(folder.usual() for folder in self.folders.values())]
        handles, count = Counter(kept).most_common(1)[0]
        return handles if count * 2 > len(kept) else None


def lines(files: Mapping[str, Handles], folder: str) -> list[Line]:
    """For all files of a workspace, owned or not, by their paths in it; `folder` is the workspace's own in the repository, or empty."""
    root = Folder(f"/{folder}" if folder else "")
    for path in sorted(files):
        root.add(path, files[path])
    return list(_mixed(root, {}, frozenset(_SUFFIX.findall(" ".join(files)))))


def _mixed(folder: Folder, covered: Mapping[str, Handles], kept: frozenset[str] = frozenset()) -> Iterator[Line]:
    """A folder with files of nobody's. `covered` are endings for which a line above already says this; `kept` get no such line."""
    alike = {suffix: handles for suffix, handles in _alike(folder).items() if suffix not in covered}
    raise NotImplementedError
