"""Stage `discover`: a workspace's tree → the texts of its spec files and patches.

Input: the tree. Output: `Source`s sorted by path. Nothing outside the folder is read, symlinks included.
"""

from __future__ import annotations

import os
import posixpath
from collections.abc import Iterable
from dataclasses import dataclass, field

from llmops.diagnostics import Diagnostic, Location
from llmops.load.root import SETTINGS
from llmops.load.source import Source
from llmops.load.tree import Sort, Tree
from llmops.load.yaml_core import MAX_BYTES

PATCHES = "environments"
"""The folder of the environments' patches, which are no specs."""
SUFFIXES = (".yaml", ".yml")


def read_settings(tree: Tree) -> tuple[Source | None, list[Diagnostic]]:
    """The text of `llmops.yaml`; None where there is no such file."""
    if not tree.is_file(SETTINGS):
        place = (Location(SETTINGS),)
        return None, [
            Diagnostic("LLM0101", "error", "This folder has no llmops.yaml", place, "", "Run `llmops init` to make a workspace here.")
        ]
    return read_file(tree, SETTINGS)


def read_folders(tree: Tree, folders: Iterable[str]) -> tuple[list[Source], list[Diagnostic]]:
    """Every YAML file under the folders, once, in order of path; folders that don't exist have none."""
    files: set[str] = set()
    sources: list[Source] = []
    diagnostics: list[Diagnostic] = []
    for folder in dict.fromkeys(posixpath.normpath(folder) for folder in folders):
        found = _walk(tree, folder)
        files.update(found.files)
        diagnostics += found.problems
    sources += [Source(problem.location.file, None) for problem in diagnostics]
    for file in sorted(files):
        source, found_in_file = read_file(tree, file)
        sources.append(source)
        diagnostics += found_in_file
    return sources, diagnostics


def read_file(tree: Tree, file: str) -> tuple[Source, list[Diagnostic]]:
    """One file as text; unreadable, too big or not UTF-8 is a diagnostic and a source without text."""
    try:
        content = tree.read(file, MAX_BYTES)
    except OSError as error:
        return Source(file, None), [_unreadable(file, error)]
    if len(content) > MAX_BYTES:
        message = f"The file is larger than {MAX_BYTES:,} bytes, the most a spec file has"
        return Source(file, None), [Diagnostic("LLM0007", "error", message, (Location(file),), "", "Split the file.")]
    try:
        return Source(file, content.decode("utf-8").removeprefix("\ufeff")), []
    except UnicodeDecodeError as error:
        return Source(file, None), [_not_utf8(file, content, error.start)]


def _not_utf8(file: str, content: bytes, position: int) -> Diagnostic:
    before = content[:position].decode("utf-8")
    place = Location(file, before.count("\n") + 1, len(before) - before.rfind("\n"))
    return Diagnostic("LLM0001", "error", f"The byte 0x{content[position]:02x} here is not UTF-8", (place,), "", "Save the file as UTF-8.")


def _unreadable(path: str, error: OSError) -> Diagnostic:
    message = f"It cannot be read: {error.strerror}"
    return Diagnostic("LLM0102", "error", message, (Location(path),), "", "Check that it exists and that you may read it.")


@dataclass(slots=True)
class _Found:
    """What one folder of specs holds. Paths are relative to the workspace."""

    files: list[str] = field(default_factory=list)
    folders: list[str] = field(default_factory=list)
    problems: list[Diagnostic] = field(default_factory=list)


def _walk(tree: Tree, folder: str) -> _Found:
    """The YAML files below a folder. What cannot be read, or leads outside the workspace, is a problem, not a file."""
    if not tree.is_inside(folder):
        return _Found(problems=[_link_problem(folder)])
    found = _Found(folders=[folder])
    while found.folders:
        current = found.folders.pop()
        try:
            _look_into(tree, current, found)
        except OSError as error:
            found.problems.append(_unreadable(current, error))
    return found


def _look_into(tree: Tree, folder: str, found: _Found) -> None:
    for name, sort in tree.entries(folder) or ():
        path = posixpath.normpath(f"{folder}/{name}")
        if path in (SETTINGS, PATCHES):
            continue
        problem = _problem(tree, path, sort)
        if sort == "folder":
            found.folders.append(path)
        elif problem:
            found.problems.append(problem)
        elif path.endswith(SUFFIXES):
            found.files.append(path)


def _problem(tree: Tree, path: str, sort: Sort) -> Diagnostic | None:
    """Why an entry that may hold specs cannot be taken as a file."""
    if not (path.endswith(SUFFIXES) or sort == "folder" or (sort == "link" and tree.is_folder(path))):
        return None
    if not path.isprintable():
        shown = os.fsencode(path).decode("utf-8", "backslashreplace")
        return Diagnostic("LLM0102", "error", "The file's name is not printable text", (Location(ascii(shown)),), "", "Rename it.")
    if sort == "link" and not (tree.is_inside(path) and tree.is_file(path)):
        return _link_problem(path)
    if sort == "other":
        return Diagnostic("LLM0102", "error", "It is not a regular file", (Location(path),), "", "Put a file here, or rename it.")
    return None


def _link_problem(path: str) -> Diagnostic:
    message = "The link leads to no file inside the workspace"
    return Diagnostic("LLM0103", "error", message, (Location(path),), "", "Put the file itself here; links to folders are not followed.")
