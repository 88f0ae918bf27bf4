"""Finds where a release came from: the newest commit at which an application had it.

Input: a workspace and a release hash, or how one begins. Output: the commit, the environment and the application.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from llmops.errors import UsageError
from llmops.fingerprint import fingerprint
from llmops.load.git_tree import WorkingTree, run_git, tree_at
from llmops.load.source import Memory
from llmops.load.tree import Tree
from llmops.pipeline import Authored, author, draft, resolve
from llmops.plan.scope import Key, Reader, index, used_by
from llmops.project import open_project
from llmops.resources import Graph

RELEASE = re.compile(r"(?:sha256:)?([0-9a-f]{8,64})")


@dataclass(frozen=True, slots=True)
class Origin:
    """Where an application had a release."""

    commit: str
    environment: str
    application: str
    release: str


def wanted_release(text: str) -> str:
    """A release as the user wrote it, with its `sha256:`. Raises `UsageError` for anything else."""
    found = RELEASE.fullmatch(text.strip().lower())
    if found is None:
        raise UsageError(f"{text!r} is no release", "Give its first 8 hexadecimal digits or more, as `llmops graph` and the log show them.")
    return f"sha256:{found[1]}"


def find_release(root: Path, release: str, environments: Sequence[str] | None, application: str | None) -> Origin:
    """The newest commit at which an application had the release. `release` is as `wanted_release` gives it.

    Raises `UsageError` where no commit has it, and where two releases begin so.
    """
    memory: Memory = {}
    twin = WorkingTree(root)
    commits = run_git(root, "log", "--format=%H", "--", ".").decode().split()
    for commit in commits:
        with tree_at(root, commit, twin) as tree:
            found = list(_matching(tree, release, environments, application, memory))
        if len({(origin.application, origin.release) for origin in found}) > 1:
            listed = ", ".join(f"{origin.release[:23]} ({origin.application})" for origin in found)
            raise UsageError(f"Several releases begin with {release}", f"Give more digits: {listed}.")
        if found:
            return Origin(commit, found[0].environment, found[0].application, found[0].release)
    raise UsageError(
        f"No commit of this branch has the release {release}", f"{len(commits)} commits were looked through; is the history complete?"
    )


def _matching(tree: Tree, release: str, environments: Sequence[str] | None, application: str | None, memory: Memory) -> Iterator[Origin]:
    project, _ = open_project(tree)
    if project is None:
        return
    authored = author(project, memory)
    for name in project.environments:
        if environments is None or name in environments:
            for id_, hash_ in graph_of(authored, name, application).releases.items():
                if hash_.startswith(release):
                    yield Origin("", name, id_, hash_)


def graph_of(authored: Authored, environment: str, application: str | None = None) -> Graph:
    """An environment's graph with its hashes; with an application, only what that one uses."""
    drafted = draft(authored, environment)
    if application is None:
        return fingerprint(resolve(drafted, drafted.drafts).linked.graph)
    found = index(drafted.drafts, Reader(frozenset()))
    key: Key = ("Application", application.removeprefix("Application/"))
    chosen = found.chosen(used_by(key, found.uses)) if key in found.drafts else ()
    return fingerprint(resolve(drafted, chosen).linked.graph) if chosen else Graph("", environment, {})
