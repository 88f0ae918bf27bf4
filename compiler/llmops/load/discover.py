"""Stage `discover`: a workspace's folder → the texts of its spec files and patches.

Input: the folder. Output: `Source`s sorted by path. Nothing outside the folder is read, symlinks included.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from llmops.diagnostics import Diagnostic, Location
from llmops.load.source import Source
from llmops.load.yaml_core import MAX_BYTES

SETTINGS = "llmops.yaml"
SUFFIXES = (".yaml", ".yml")


def find_root(start: Path) -> Path | None:
    """The nearest folder at or above `start` with a `llmops.yaml`."""
    here = start.resolve()
    return next((folder for folder in (here, *here.parents) if (folder / SETTINGS).is_file()), None)


def read_settings(root: Path) -> tuple[Source | None, list[Diagnostic]]:
    """The text of `llmops.yaml`."""
    if not (root / SETTINGS).is_file():
        place = (Location(SETTINGS),)
        return None, [Diagnostic("LLM0101", "error", "This folder has no llmops.yaml", place, "", "Run `llmops init` to make a workspace here.")]
    return read_file(root, SETTINGS)


def read_folders(root: Path, folders: Iterable[str], *, required: bool = True) -> tuple[list[Source], list[Diagnostic]]:
    """Every YAML file under the folders, in order of path."""
    sources: list[Source] = []
    diagnostics: list[Diagnostic] = []
    for folder in folders:
        problem = _folder_problem(root, folder, required=required)
        if problem:
            diagnostics.append(problem)
            continue
        files, outside = _yaml_files(root, folder)
        diagnostics += outside
        for file in files:
            source, found = read_file(root, file)
            diagnostics += found
            if source:
                sources.append(source)
    return sources, diagnostics


def read_file(root: Path, file: str) -> tuple[Source | None, list[Diagnostic]]:
    """One file as text; unreadable, too big or not UTF-8 is a diagnostic."""
    place = (Location(file),)
    try:
        with open(os.path.join(root, file), "rb") as stream:
            content = stream.read(MAX_BYTES * 4 + 1)
        return Source(file, content.decode("utf-8")), []
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        return None, [Diagnostic("LLM0001", "error", "The file is not UTF-8 text", (Location(file, line),), "", "Save it as UTF-8.")]
    except OSError as error:
        return None, [Diagnostic("LLM0102", "error", f"The file cannot be read: {error.strerror}", place, "", "Check that it exists and that you may read it.")]


def _folder_problem(root: Path, folder: str, *, required: bool) -> Diagnostic | None:
    place = (Location(SETTINGS),)
    resolved = (root / folder).resolve()
    if not resolved.is_relative_to(root.resolve()):
        return Diagnostic("LLM0103", "error", f"The folder {folder} lies outside the workspace", place, "spec.specs", "Name a folder inside it.")
    if required and not resolved.is_dir():
        return Diagnostic("LLM0104", "error", f"The folder {folder} does not exist", place, "spec.specs", f"Make it, or change spec.specs: mkdir {folder}")
    return None


def _yaml_files(root: Path, folder: str) -> tuple[list[str], list[Diagnostic]]:
    """Paths relative to the workspace, sorted. A link that leads outside the workspace is a finding, not a file."""
    pending = [folder.strip("/") or "."]
    found: list[str] = []
    outside: list[Diagnostic] = []
    while pending:
        current = pending.pop()
        for entry in _entries(root / current):
            path = f"{current}/{entry.name}" if current != "." else entry.name
            if entry.is_dir(follow_symlinks=False):
                pending.append(path)
            elif entry.is_symlink() and not _leads_inside(root, entry):
                outside.append(_link_problem(path))
            elif entry.name.endswith(SUFFIXES):
                found.append(path)
    return sorted(found), outside


def _entries(folder: Path) -> Iterator[os.DirEntry[str]]:
    if not folder.is_dir():
        return iter(())
    return (entry for entry in os.scandir(folder) if not entry.name.startswith("."))


def _leads_inside(root: Path, entry: os.DirEntry[str]) -> bool:
    target = Path(entry.path).resolve()
    return target.is_file() and target.is_relative_to(root.resolve())


def _link_problem(path: str) -> Diagnostic:
    message = "The link leads to no file inside the workspace"
    return Diagnostic("LLM0103", "error", message, (Location(path),), "", "Put the file itself here; links to folders are not followed.")
