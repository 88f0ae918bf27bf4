"""The files that specs name: prompt texts, datasets, documents. Read once, digested, never outside the workspace.

Called by the stage `link` through the paths of its specs; a problem is a value, `FileProblem`.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache

from llmops.load.tree import Tree
from llmops.resources import File

MAX_FILE_BYTES = 64_000_000
_POINTER = re.compile(rb"version https://git-lfs\.github\.com/spec/v1\noid sha256:([0-9a-f]{64})\nsize ([0-9]+)\n")


@dataclass(frozen=True, slots=True)
class FileProblem:
    code: str
    message: str
    hint: str


class Files:
    """The workspace's files. Paths given and returned are relative to it, with slashes."""

    def __init__(self, tree: Tree) -> None:
        self._tree = tree
        self._digests: dict[str, File] = {}
        self._walked: dict[str, list[str]] = {}
        self._matched: dict[str, list[str]] = {}
        self._inside: dict[str, bool] = {}

    def find(self, spec_file: str, path: str) -> str | FileProblem:
        """The file that a spec in `spec_file` calls `path`."""
        joined = os.path.normpath(os.path.join(os.path.dirname(spec_file), path))
        outside = self._outside(joined, path)
        if outside:
            return outside
        if not self._tree.is_file(joined):
            return FileProblem("LLM0802", f"The file {joined} does not exist", f"Paths are relative to {spec_file}.")
        return joined.replace(os.sep, "/")

    def glob(self, spec_file: str, patterns: Iterable[str], exclude: Iterable[str] = ()) -> list[str] | FileProblem:
        """Every file that the patterns match, sorted. `**` crosses folders, `*` and `?` don't; hidden files are left out."""
        folder = os.path.dirname(spec_file)
        left_out = [_matcher(os.path.normpath(os.path.join(folder, pattern))) for pattern in exclude]
        found: set[str] = set()
        for pattern in patterns:
            joined = os.path.normpath(os.path.join(folder, pattern))
            outside = self._outside(_fixed_part(joined), pattern)
            if outside:
                return outside
            found_here = self._matching(joined)
            if not found_here:
                return FileProblem("LLM0803", f"{pattern} matches no file", f"Paths are relative to {spec_file}; `**` crosses folders.")
            kept = [path for path in found_here if not any(skip(path) for skip in left_out)]
            if not kept:
                return FileProblem(
                    "LLM0803", f"{pattern} matches only files that `exclude` takes out", "Narrow `exclude`, or remove the pattern."
                )
            found.update(kept)
        return sorted(found)

    def digest(self, path: str) -> File | FileProblem:
        """Size and SHA-256 of a file."""
        if path not in self._digests:
            content = self.read(path)
            if isinstance(content, FileProblem):
                return content
            pointed = _pointed(path, content) if self._tree.holds_pointers else None
            self._digests[path] = pointed or File(path, hashlib.sha256(content).hexdigest(), len(content))
        return self._digests[path]

    def read(self, path: str) -> bytes | FileProblem:
        """A file's bytes; too big, unreadable or leading outside the workspace is a problem."""
        if not self._resolves_inside(path):
            return FileProblem("LLM0801", f"{path} leads outside the workspace through a link", "Copy the file into the workspace.")
        try:
            if not self._tree.is_file(path):
                return FileProblem("LLM0802", f"{path} is not a file", "Put a file there, or exclude it.")
            content = self._tree.read(path, MAX_FILE_BYTES)
        except OSError as error:
            return FileProblem("LLM0802", f"{path} cannot be read: {error.strerror}", "Check that it exists and that you may read it.")
        if len(content) > MAX_FILE_BYTES:
            return FileProblem("LLM0805", f"{path} is larger than {MAX_FILE_BYTES // 1_000_000} MB", "Split it.")
        return content

    def _outside(self, path: str, written: str) -> FileProblem | None:
        hint = "Paths never leave the workspace; copy the file into it."
        if path == ".." or path.startswith("../"):
            return FileProblem("LLM0801", f"{written} lies outside the workspace", hint)
        if not self._resolves_inside(path):
            return FileProblem("LLM0801", f"{written} leads outside the workspace through a link", hint)
        return None

    def _resolves_inside(self, path: str) -> bool:
        if path not in self._inside:
            self._inside[path] = self._tree.is_inside(path)
        return self._inside[path]

    def _matching(self, pattern: str) -> list[str]:
        if pattern not in self._matched:
            self._matched[pattern] = [path for path in self._walk(_fixed_part(pattern)) if matches(pattern, path)]
        return self._matched[pattern]

    def _walk(self, folder: str) -> list[str]:
        if folder not in self._walked:
            self._walked[folder] = list(self._tree.files_below(folder))
        return self._walked[folder]


def _pointed(path: str, content: bytes) -> File | None:
    """The file that a Git LFS pointer stands for; None for any other content."""
    found = _POINTER.fullmatch(content)
    return File(path, found[1].decode(), int(found[2])) if found else None


def _fixed_part(pattern: str) -> str:
    """The folder before the first wildcard; a pattern without one is a file or folder itself."""
    head = re.split(r"[*?\[]", pattern, maxsplit=1)[0]
    return head if head == pattern else os.path.dirname(head) or "."


def matches(pattern: str, path: str) -> bool:
    """Whether a path matches a pattern as `Files.glob` understands it; both are relative to the workspace."""
    return _matcher(pattern)(path)


@cache
def _matcher(pattern: str) -> _Match:
    escaped = re.escape(pattern.replace(os.sep, "/"))
    regex = escaped.replace(r"\*\*/", "(?:.*/)?").replace(r"\*\*", ".*").replace(r"\*", "[^/]*").replace(r"\?", "[^/]")
    return _Match(re.compile(regex))


@dataclass(frozen=True, slots=True)
class _Match:
    regex: re.Pattern[str]

    def __call__(self, path: str) -> bool:
        return self.regex.fullmatch(path) is not None
