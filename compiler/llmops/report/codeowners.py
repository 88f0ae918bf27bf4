"""The owners of files as lines of GitHub's CODEOWNERS, where the last line that matches a file decides.

A folder stands for its files where most of them have the same owners and nobody else's file is in it; exceptions follow it.
"""

from __future__ import annotations

import posixpath
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from llmops.errors import UsageError

Handles = tuple[str, ...]
"""Sorted; empty for a file of nobody's."""
_SUFFIX = re.compile(r"\.[A-Za-z0-9]+\Z")
_UNSAYABLE = re.compile(r"[\[\]\x00-\x1f\x7f\ud800-\udfff]")
"""CODEOWNERS has no way to write these: `?` matches any one character instead."""
_SPECIAL = re.compile(r"([\\ #*?])")
_LINE = re.compile(r"[^\n]*\n|[^\n]+\Z")


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
    return list(_one_by_one(root, frozenset()))


def _one_by_one(folder: Folder, covered: frozenset[str]) -> Iterator[Line]:
    """`covered` are the endings of files for which a line above says the same."""
    for name, handles in folder.files.items():
        if handles and _suffix(name) not in covered:
            yield Line(_pattern(f"{folder.path}/{name}"), handles)
    for inner in folder.folders.values():
        yield from _together(inner, covered)


def _together(folder: Folder, covered: frozenset[str]) -> Iterator[Line]:
    if all(_suffix(path) in covered for path, handles in folder.below() if handles):
        return
    if folder.is_whole():
        yield from _whole(folder, None)
        return
    alike = {suffix: handles for suffix, handles in _alike(folder).items() if suffix not in covered}
    for suffix, handles in alike.items():
        deep = any("/" in path and _suffix(path) == suffix for path, _ in folder.below())
        yield Line(f"{_pattern(folder.path)}/{'**/' if deep else ''}*{suffix}", handles)
    yield from _one_by_one(folder, covered | alike.keys())


def _whole(folder: Folder, inherited: Handles | None) -> Iterator[Line]:
    """A folder without files of nobody's: its usual owners, then the exceptions. `inherited` is what the lines above say of it."""
    usual = folder.usual() or inherited
    if usual and usual != inherited:
        yield Line(f"{_pattern(folder.path)}/", usual)
    for name, handles in folder.files.items():
        if handles != usual:
            yield Line(_pattern(f"{folder.path}/{name}"), handles)
    for inner in folder.folders.values():
        yield from _whole(inner, usual)


def _alike(folder: Folder) -> dict[str, Handles]:
    """The endings that several files below share, all with the same owners."""
    found: dict[str, list[Handles]] = {}
    for path, handles in folder.below():
        found.setdefault(_suffix(path), []).append(handles)
    return {suffix: each[0] for suffix, each in sorted(found.items()) if suffix and each[0] and len(each) > 1 and len(set(each)) == 1}


def _suffix(path: str) -> str:
    match = _SUFFIX.search(posixpath.basename(path))
    return match[0] if match else ""


def _pattern(path: str) -> str:
    return _UNSAYABLE.sub("?", _SPECIAL.sub(r"\\\1", path))


def section(written: Sequence[Line], unmapped: Iterable[str], folder: str) -> list[str]:
    """What stands between the markers, and they. `unmapped` are the owners that have no handle."""
    notes = [f"# {owner} has no handle in spec.owners of llmops.yaml." for owner in sorted(unmapped)]
    begin, end = _markers(folder)
    return [begin, *notes, *map(str, written), end]


def _markers(folder: str) -> tuple[str, str]:
    """They name the workspace's folder: a repository may hold several workspaces."""
    name = _UNSAYABLE.sub("?", f"/{folder}")
    return f"# >>> {name} by `llmops codeowners`: what you write between these two lines is lost", f"# <<< {name} by `llmops codeowners`"


def with_section(text: str, new: Sequence[str]) -> str:
    """CODEOWNERS with the section in its place, or at the end; every other byte stays. Raises `UsageError` for broken markers."""
    old = _LINE.findall(text)
    ends = "\r\n" if text.partition("\n")[0].endswith("\r") else "\n"
    written = [line + ends for line in new]
    starts, stops = ([i for i, line in enumerate(old) if line.rstrip("\r\n") == mark] for mark in (new[0], new[-1]))
    if not starts and not stops:
        broken_off = text and not text.endswith("\n")
        return text + (ends if broken_off else "") + "".join(written)
    if len(starts) != 1 or len(stops) != 1 or stops < starts:
        raise UsageError(
            "The markers in CODEOWNERS don't stand one after the other, once each", "Remove both, and everything between them."
        )
    return "".join([*old[: starts[0]], *written, *old[stops[0] + 1 :]])
