"""The two sides of a plan: a workspace read twice, and each environment of both linked and judged as far as the change matters.

Input: two trees and the paths that differ. Output: a `Comparison` of two `View`s for each environment.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from llmops.check import Moment, check, plain
from llmops.check.packs import NO_PACKS, Packs
from llmops.check.rules import Rule
from llmops.diagnostics import Diagnostic, in_order
from llmops.errors import UsageError
from llmops.fingerprint import fingerprint
from llmops.link import Locator
from llmops.load.files import Files
from llmops.load.source import Memory, Places
from llmops.load.tree import Tree
from llmops.pipeline import Authored, Drafted, author, draft, evidence_of, resolve
from llmops.plan.scope import Index, Key, Reader, everything, index, scope_of
from llmops.project import Project, open_project
from llmops.resources import Graph, Resource
from llmops.validate.explain import nearest

WITHOUT_BASE = "LLM0914"
UNUSED = "LLM0406"
_ASIDE = ("environments", "git", "owners", "policies")
"""Settings that say nothing about resources beyond what their drafts show."""


@dataclass(frozen=True, slots=True)
class Side:
    """One version of the workspace. `authored` is None where there is none, as at a base before its first commit."""

    tree: Tree
    authored: Authored | None
    diagnostics: tuple[Diagnostic, ...] = ()

    @property
    def project(self) -> Project | None:
        return self.authored.project if self.authored else None

    @property
    def packs(self) -> Packs:
        return self.authored.packs if self.authored else NO_PACKS


def read_side(tree: Tree, memory: Memory) -> Side:
    """Reads all specs and policies of a workspace."""
    project, diagnostics = open_project(tree)
    return Side(tree, author(project, memory) if project else None, tuple(diagnostics))


def _settings_alone(tree: Tree, _: Memory) -> Side:
    """Two trees without a difference need not be read to be the same."""
    project, diagnostics = open_project(tree)
    return Side(tree, Authored(project, (), (), NO_PACKS, None, ()) if project else None, tuple(diagnostics))


@dataclass(frozen=True, slots=True)
class View:
    """One environment of one side, as far as it is in the scope. `graph` has its hashes."""

    graph: Graph
    locator: Locator
    places: Places
    findings: tuple[Diagnostic, ...]
    files: Files
    gates: frozenset[str] = frozenset()
    """Names of the policies that read evidence: what they say is of one release."""

    def read(self, path: str) -> Any:
        """A file's bytes, or a `FileProblem`."""
        return self.files.read(path)

    def get(self, id_: str) -> Resource | None:
        return self.graph.resources.get(id_)


@dataclass(frozen=True, slots=True)
class Comparison:
    """One environment before and after."""

    environment: str
    before: View
    after: View


@dataclass(frozen=True, slots=True)
class Sides:
    """Both sides, and every planned environment of both. `policies` names the policies that changed themselves."""

    before: Side
    after: Side
    comparisons: tuple[Comparison, ...]
    policies: tuple[str, ...]


def compare(trees: tuple[Tree, Tree], changed: frozenset[str], environments: Sequence[str] | None, today: date) -> Sides:
    """Both versions of a workspace. `changed` are the paths that differ, `environments` those to compare, all when None.

    Raises `UsageError` where the version to be planned is no workspace, or has no such environment.
    """
    memory: Memory = {}
    read = read_side if changed else _settings_alone
    after, before = read(trees[1], memory), read(trees[0], memory)
    policies = changed_policies(before.packs, after.packs)
    whole = bool(policies) or _waivers(before) != _waivers(after) or _settings(before) != _settings(after)
    reader = Reader(changed)
    halves = [tuple(_half(side, name, reader) for side in (before, after)) for name in chosen_environments(after, environments)]
    # One scope for all environments, so that they can be set side by side.
    indexes = [(old.index, new.index) for old, new in halves]
    scope = frozenset[Key]().union(*(everything(*both) if whole else scope_of(*both, reader) for both in indexes))
    return Sides(before, after, tuple(_comparison(old, new, scope, today) for old, new in halves), policies)


def chosen_environments(side: Side, names: Sequence[str] | None) -> list[str]:
    """The environments to plan, in the workspace's order. Raises `UsageError` for one that it does not have."""
    project = side.project
    if project is None:
        first = side.diagnostics[0]
        raise UsageError(f"{first.location.file}:{first.location.line}: {first.message}", "`llmops check` shows the line.")
    for name in names or ():
        if name not in project.environments:
            raise UsageError(f"The workspace has no environment {name!r}", nearest(name, project.environments))
    return [name for name in project.environments if names is None or name in names]


def changed_policies(before: Packs, after: Packs) -> tuple[str, ...]:
    """Names of policies that were added, removed or changed in what they ask or do."""
    old, new = ({rule.name: _meaning(rule) for rule in packs.rules} for packs in (before, after))
    return tuple(sorted(name for name in old.keys() | new.keys() if old.get(name) != new.get(name)))


def _meaning(rule: Rule) -> tuple[Mapping[str, Any], Mapping[str, str]]:
    """All but the cases that show what it means."""
    return {key: value for key, value in rule.spec.items() if key != "tests"}, rule.enforcement


def _settings(side: Side) -> Mapping[str, Any] | None:
    project = side.project
    return {key: value for key, value in project.settings.items() if key not in _ASIDE} if project else None


def _waivers(side: Side) -> list[Mapping[str, Any]]:
    return [waiver.spec for waiver in side.packs.waivers]


@dataclass(frozen=True, slots=True)
class _Half:
    """One environment of one side, read and indexed. `drafted` is None where the side has no such environment."""

    side: Side
    environment: str
    drafted: Drafted | None
    index: Index


def _half(side: Side, environment: str, reader: Reader) -> _Half:
    known = side.authored if side.project and environment in side.project.environments else None
    drafted = draft(known, environment) if known else None
    return _Half(side, environment, drafted, index(drafted.drafts if drafted else (), reader))


def _comparison(before: _Half, after: _Half, scope: frozenset[Key], today: date) -> Comparison:
    old = _view(before, scope, Moment(today))
    base = {id_: plain(resource) for id_, resource in old.graph.resources.items()}
    return Comparison(after.environment, old, _view(after, scope, Moment(today, base)))


def _view(half: _Half, scope: frozenset[Key], moment: Moment) -> View:
    drafted, files = half.drafted, Files(half.side.tree)
    chosen = half.index.chosen(scope)
    if drafted is None or not chosen:
        places, found = (drafted.places, drafted.diagnostics) if drafted else (Places(()), half.side.diagnostics)
        return View(Graph("", half.environment, {}), Locator({}, places), places, found, files)
    front = resolve(drafted, chosen)
    packs = replace(front.packs, waivers=tuple(waiver for waiver in front.packs.waivers if _key(waiver.spec["target"]) in scope))
    graph = fingerprint(front.linked.graph)
    moment = replace(moment, evidence=evidence_of(front.lock, graph, moment.today))
    findings = in_order([*front.diagnostics, *check(front.linked, packs, moment, front.places)])
    used = half.index.reached_by_roots()
    kept = tuple(d for d in findings if d.code != WITHOUT_BASE and not (d.code == UNUSED and _key(d.resource) in used))
    return View(graph, front.linked.locator, front.places, kept, files, gates_of(packs))


def gates_of(packs: Packs) -> frozenset[str]:
    """Names of the policies that read evidence."""
    return frozenset(rule.name for rule in packs.rules if rule.reads_evidence)


def _key(id_: str) -> Key:
    kind, _, name = id_.partition("@")[0].partition("/")
    return kind, name
