"""The workspace as it stands at a git ref, written out from git's objects and compiled, so that it can be measured beside the present one.

It lies in `.llmops/evaluations/base/<commit>` and stays there, with its index, until another base is asked for.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from llmops.diagnostics import has_errors
from llmops.errors import LlmopsError, UsageError
from llmops.load.files import MAX_FILE_BYTES
from llmops.load.git_tree import GitTree, tree_at
from llmops.load.root import SETTINGS
from llmops.pipeline import compile_workspace
from llmops.runtime.bundle import Bundle
from llmops.runtime.local.store import is_store_open
from llmops.write import write

FOLDER = ".llmops/evaluations/base"
DIGITS = 12


@dataclass(frozen=True, slots=True)
class BaseWorkspace:
    """The ref as the user named it, its commit, the folder that holds its files, and its bundle."""

    name: str
    commit: str
    root: Path
    bundle: Bundle


def base_workspace(root: Path, ref: str, environment: str) -> BaseWorkspace:
    """Raises `UsageError` for a ref that is none or holds no workspace, and `LlmopsError` where the base does not compile."""
    with tree_at(root, ref) as tree:
        folder = root / FOLDER / tree.commit[:DIGITS]
        _prune(folder)
        if not folder.is_dir():
            _write_out(tree, folder, ref)
        commit = tree.commit
    compiled = compile_workspace(folder, environment, unmeasured=True)
    if compiled.graph is None or has_errors(compiled.diagnostics):
        first = next(d for d in compiled.diagnostics if d.severity == "error")
        place = f"{first.location.file}:{first.location.line}"
        raise LlmopsError(f"The base {ref} does not compile: {place}: {first.message}", "Name another base, or evaluate without one.")
    bundle = folder / "build" / environment
    write(compiled.artifacts, bundle)
    return BaseWorkspace(ref, commit, folder, Bundle.open(bundle))


def _prune(kept: Path) -> None:
    """Each base has an index and models of its own: those of earlier bases only take room, unless another run has them open."""
    for folder in kept.parent.iterdir() if kept.parent.is_dir() else ():
        if folder != kept and not is_store_open(folder):
            shutil.rmtree(folder, ignore_errors=True)


def _write_out(tree: GitTree, folder: Path, ref: str) -> None:
    """Whole or not at all: a run that is ended halfway leaves no folder that looks finished."""
    if not tree.is_file(SETTINGS):
        raise UsageError(f"{ref} has no {SETTINGS} in this folder", "Name a base that has the workspace, or evaluate without one.")
    folder.parent.mkdir(parents=True, exist_ok=True)
    staged = Path(tempfile.mkdtemp(prefix=".base-", dir=folder.parent))
    try:
        for path in tree.files_below("."):
            # A link that leads out of the workspace is not followed; whoever names it gets the finding that the base had.
            if tree.is_inside(path):
                target = staged / path
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(tree.read(path, MAX_FILE_BYTES))
        staged.chmod(0o755)
        os.replace(staged, folder)
    except OSError:
        if not folder.is_dir():  # else another run has written the same meanwhile
            raise
    finally:
        shutil.rmtree(staged, ignore_errors=True)
