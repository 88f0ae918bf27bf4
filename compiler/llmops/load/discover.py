"""Stage `discover`: a workspace's folder → the texts of its spec files and patches.

Input: the folder. Output: `Source`s sorted by path. Nothing outside the folder is read, symlinks included.
"""

from __future__ import annotations

import os
import posixpath
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from llmops.diagnostics import Diagnostic, Location
from llmops.load.root import SETTINGS
from llmops.load.source import Source
from llmops.load.yaml_core import MAX_BYTES

if TYPE_CHECKING:
    from llmops.cache.witness import Witness

PATCHES = "environments"
"""The folder of the environments' patches, which are no specs."""
SUFFIXES = (".yaml", ".yml")
_USUAL_BYTES = 16_384


def read_settings(root: Path, witness: Witness | None = None) -> tuple[Source | None, list[Diagnostic]]:
    """The text of `llmops.yaml`; None where there is no such file."""
    if not (root / SETTINGS).is_file():
        place = (Location(SETTINGS),)
        return None, [
            Diagnostic("LLM0101", "error", "This folder has no llmops.yaml", place, "", "Run `llmops init` to make a workspace here.")
        ]
    return read_file(root, SETTINGS, witness)


def read_folders(root: Path, folders: Iterable[str], witness: Witness | None = None) -> tuple[list[Source], list[Diagnostic]]:
    """Every YAML file under the folders, once, in order of path; folders that don't exist have none. The witness is told of all."""
    files: set[str] = set()
    sources: list[Source] = []
    diagnostics: list[Diagnostic] = []
    for folder in dict.fromkeys(posixpath.normpath(folder) for folder in folders):
        found = _walk(root, folder, witness)
        files.update(found.files)
        diagnostics += found.problems
    sources += [Source(problem.location.file, None) for problem in diagnostics]
    for file in sorted(files):
        source, found_in_file = read_file(root, file, witness)
        sources.append(source)
        diagnostics += found_in_file
    return sources, diagnostics


def read_file(root: Path, file: str, witness: Witness | None = None) -> tuple[Source, list[Diagnostic]]:
    """One file as text; unreadable, too big or not UTF-8 is a diagnostic and a source without text."""
    try:
        content, status = _read(f"{root}/{file}")
    except OSError as error:
        return Source(file, None), [_unreadable(file, error)]
    if witness:
        witness.read(f"{root}/{file}", content, status)
    if len(content) > MAX_BYTES:
        message = f"The file is larger than {MAX_BYTES:,} bytes, the most a spec file has"
        return Source(file, None), [Diagnostic("LLM0007", "error", message, (Location(file),), "", "Split the file.")]
    try:
        return Source(file, content.decode("utf-8").removeprefix("\ufeff")), []
    except UnicodeDecodeError as error:
        return Source(file, None), [_not_utf8(file, content, error.start)]


def _read(path: str) -> tuple[bytes, os.stat_result]:
    """A file's bytes, up to one more than a spec file may have, and its status before they were read."""
    with open(path, "rb", buffering=0) as stream:
        status = os.fstat(stream.fileno())
        content = stream.read(_USUAL_BYTES)
        if len(content) < _USUAL_BYTES:
            return content, status
        # Python sets aside as many bytes as it is asked for, which takes longer than reading a file of the usual size.
        while len(content) <= MAX_BYTES and (more := stream.read(MAX_BYTES + 1 - len(content))):
            content += more
        return content, status


def outside(root: Path, folder: str) -> bool:
    """Whether a path of the workspace leads out of it, by `..` or by a link."""
    return not (root / folder).resolve().is_relative_to(root.resolve())


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
    witness: Witness | None = None


def _walk(root: Path, folder: str, witness: Witness | None = None) -> _Found:
    """The YAML files below a folder. What cannot be read, or leads outside the workspace, is a problem, not a file."""
    if outside(root, folder):
        return _Found(problems=[_link_problem(folder)])
    found = _Found(folders=[folder], witness=witness)
    while found.folders:
        current = found.folders.pop()
        try:
            _look_into(root, current, found)
        except OSError as error:
            found.problems.append(_unreadable(current, error))
    return found


def _look_into(root: Path, folder: str, found: _Found) -> None:
    here = f"{root}/{folder}"
    if not os.path.isdir(here):
        if found.witness:
            found.witness.absent(here)
        return
    entries = list(os.scandir(here))
    if found.witness:
        found.witness.scanned(here, entries)
    for entry in entries:
        path = posixpath.normpath(f"{folder}/{entry.name}")
        if entry.name.startswith(".") or path in (SETTINGS, PATCHES):
            continue
        problem = _problem(root, entry, path)
        if entry.is_dir(follow_symlinks=False):
            found.folders.append(path)
        elif problem:
            found.problems.append(problem)
        elif path.endswith(SUFFIXES):
            found.files.append(path)


def _problem(root: Path, entry: os.DirEntry[str], path: str) -> Diagnostic | None:
    """Why an entry that may hold specs cannot be taken as a file."""
    if not (path.endswith(SUFFIXES) or entry.is_dir()):
        return None
    if not path.isprintable():
        shown = os.fsencode(path).decode("utf-8", "backslashreplace")
        return Diagnostic("LLM0102", "error", "The file's name is not printable text", (Location(ascii(shown)),), "", "Rename it.")
    if entry.is_symlink() and (outside(root, path) or not entry.is_file()):
        return _link_problem(path)
    if not entry.is_file():
        return Diagnostic("LLM0102", "error", "It is not a regular file", (Location(path),), "", "Put a file here, or rename it.")
    return None


def _link_problem(path: str) -> Diagnostic:
    message = "The link leads to no file inside the workspace"
    return Diagnostic("LLM0103", "error", message, (Location(path),), "", "Put the file itself here; links to folders are not followed.")
