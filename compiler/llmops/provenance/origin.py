"""What a bundle was made from: the files of the workspace that decided it, and the commit that they stood at.

Input: the compiled graph and the workspace's folder. Output: digests, and a `Commit` where git knows the folder.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path

from llmops.errors import LlmopsError, UsageError
from llmops.load.discover import PATCHES, read_folders
from llmops.load.git_tree import changed_paths, commit_of, run_git
from llmops.load.root import SETTINGS
from llmops.load.source import Places
from llmops.load.tree import Disk
from llmops.provenance.statement import Commit
from llmops.resources import File, Graph

_MOST_BYTES = 64_000_000


def sources_of(root: Path, graph: Graph, places: Places) -> tuple[File, ...]:
    """The specs, settings, patches and files of a bundle, sorted by path.

    Raises `LlmopsError` where one is not the text any more that was compiled.
    """
    tree = Disk(root)
    patches, _ = read_folders(tree, [f"{PATCHES}/{graph.environment}"])
    texts = {SETTINGS, *(resource.source.file for resource in graph.resources.values()), *(patch.file for patch in patches)}
    known = {path: _digested(tree, path, places) for path in texts}
    known |= {file.path: file for resource in graph.resources.values() for file in resource.files}
    return tuple(known[path] for path in sorted(known))


def _digested(tree: Disk, path: str, places: Places) -> File:
    content = tree.read(path, _MOST_BYTES)
    if content.decode("utf-8", "replace").removeprefix("\ufeff") != places.text(path):
        raise LlmopsError(f"{path} was changed while the bundle was packed.", "llmops bundle")
    return File(path, hashlib.sha256(content).hexdigest(), len(content))


def commit_at(root: Path, graph: Graph, sources: Iterable[File]) -> Commit | None:
    """The commit that the workspace stands at; None where it is in no git repository, or one without a commit.

    It is dirty where a file of the workspace that the commit holds differs, or where something was compiled that it does not hold.
    """
    try:
        commit = commit_of(root, "HEAD")
    except UsageError:
        return None
    held = set(run_git(root, "ls-tree", "-r", "-z", "--name-only", commit).decode("utf-8", "surrogateescape").split("\0"))
    dirty = not held.isdisjoint(changed_paths(root, commit)) or any(file.path not in held for file in sources)
    git = graph.git
    return Commit(commit, dirty, git.url if git else "", git.directory if git else "")
