"""The stages in order: read this first.

    discover → load → overlay → validate → link → check → fingerprint → render → write

Each stage is a function from its input to (output, diagnostics). All mistakes of a run are reported together; rendering
starts only when there is no error.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from llmops.check import Moment, Records, check, plain
from llmops.check.packs import NO_PACKS, Packs, pack_alone, read_packs
from llmops.diagnostics import Diagnostic, has_errors, in_order
from llmops.errors import UsageError
from llmops.link import Inputs, Linked, Locator, link
from llmops.load.discover import read_folders, read_settings
from llmops.load.files import Files
from llmops.load.source import Document, Memory, Places, Source, load
from llmops.load.tree import Disk
from llmops.lock.source import read_lock
from llmops.overlay import Draft, overlay
from llmops.project import Project, open_project, read_overlay
from llmops.resources import Graph
from llmops.validate import validate
from llmops.validate.explain import nearest
from llmops.validate.secrets import check_secrets

if TYPE_CHECKING:
    from llmops.cache.witness import Witness
    from llmops.render.base import Artifact


@dataclass(frozen=True, slots=True)
class Checked:
    """The front half's result. `graph` is None where the workspace itself could not be read; `places` quotes the sources."""

    graph: Graph | None
    diagnostics: tuple[Diagnostic, ...]
    places: Places
    packs: Packs = NO_PACKS
    locator: Locator | None = None
    """Where values were written; None where there is no graph."""

    def rule_places(self) -> dict[str, list[str]]:
        """`file:line` of each safety rule, by policy."""
        policies = self.graph.of_kind("SafetyPolicy") if self.graph else ()
        return {policy.id: [self._rule_place(policy.id, index) for index in range(len(policy.spec["rules"]))] for policy in policies}

    def _rule_place(self, policy: str, index: int) -> str:
        assert self.locator
        place = self.locator.value(policy, ("spec", "rules", index, "id"))[0]
        return f"{place.file}:{place.line}"


@dataclass(frozen=True, slots=True)
class Front:
    """The stages before `check`: the linked graph, the policies that wait for it, what is wrong so far."""

    linked: Linked
    packs: Packs
    diagnostics: tuple[Diagnostic, ...]
    places: Places
    environments: tuple[str, ...] = ()
    lock: Source | None = None


@dataclass(frozen=True, slots=True)
class Compiled:
    """A bundle, not yet written. `artifacts` is empty where there are errors."""

    graph: Graph | None
    artifacts: Sequence[Artifact]
    diagnostics: tuple[Diagnostic, ...]
    places: Places


def check_workspace(
    root: Path, environment: str | None = None, *, base: str | None = None, today: date | None = None, witness: Witness | None = None
) -> Checked:
    """discover → load → overlay → validate → link → check, for one environment (the default one when None).

    `base` is a git ref that policies of changes compare with; `today` (the machine's day when None) is when waivers expire;
    `witness` notes what is read, for the cache. Raises `UsageError` for an environment or a ref that the workspace does not have.
    """
    front = _opened(Disk(root, witness), environment)
    if isinstance(front, Checked):
        return front
    graph, day = front.linked.graph, today or date.today()
    old = _base_resources(root, base, graph.environment) if base else None
    return _held(front, Moment(day, old, evidence_of(front.lock, graph, day)))


def _opened(tree: Disk, environment: str | None) -> Front | Checked:
    """The front half; where the workspace itself cannot be read, the end."""
    project, diagnostics = open_project(tree)
    if project is None:
        source, _ = read_settings(tree)
        return Checked(None, in_order(diagnostics), Places([source] if source else []))
    return front_half(project, _environment(project, environment))


def _held(front: Front, moment: Moment) -> Checked:
    """check."""
    found = check(front.linked, front.packs, moment, front.places)
    return Checked(front.linked.graph, in_order([*front.diagnostics, *found]), front.places, front.packs, front.linked.locator)


def compile_workspace(root: Path, environment: str | None = None, *, unmeasured: bool = False) -> Compiled:
    """The whole way but writing. `unmeasured` leaves out the policies that read evidence, for whoever is about to measure.

    What is `unmeasured` is never to be deployed.
    """
    if unmeasured:
        front = _opened(Disk(root), environment)
        checked = front if isinstance(front, Checked) else _held(front, Moment(date.today(), evidence=None))
    else:
        checked = check_workspace(root, environment)
    if checked.graph is None or has_errors(checked.diagnostics):
        return Compiled(checked.graph, (), checked.diagnostics, checked.places)
    from llmops.fingerprint import fingerprint  # `check` needs neither hashes nor renderers
    from llmops.render import render

    graph = replace(fingerprint(checked.graph), rules=checked.rule_places())
    return Compiled(graph, render(graph), checked.diagnostics, checked.places)


def _environment(project: Project, name: str | None) -> str:
    if name is None:
        return str(project.settings["default_environment"])
    if name not in project.environments:
        raise UsageError(f"The workspace has no environment {name!r}", nearest(name, project.environments))
    return name


def _base_resources(root: Path, ref: str, environment: str) -> Mapping[str, Mapping[str, Any]]:
    """The resources at a ref, by id, as policies see them. A base without this workspace or environment has none."""
    from llmops.load.git_tree import tree_at

    with tree_at(root, ref) as tree:
        project, _ = open_project(tree)
        if project is None or environment not in project.environments:
            return {}
        graph = front_half(project, environment).linked.graph
        return {id_: plain(resource) for id_, resource in graph.resources.items()}


def front_half(project: Project, environment: str) -> Front:
    """discover → load → overlay → validate → link, and the packs of policies."""
    drafted = draft(author(project), environment)
    secrets = check_secrets(drafted.documents, drafted.places)
    front = resolve(drafted, drafted.drafts)
    return replace(front, diagnostics=(*front.diagnostics, *secrets))


@dataclass(frozen=True, slots=True)
class Authored:
    """What the files of a workspace say, before an environment is chosen."""

    project: Project
    sources: tuple[Source, ...]
    documents: tuple[Document, ...]
    packs: Packs
    lock: Source | None
    diagnostics: tuple[Diagnostic, ...]


@dataclass(frozen=True, slots=True)
class Drafted:
    """The specs as one environment has them, not yet validated. `documents` are all that were read, patches and settings too."""

    authored: Authored
    environment: str
    drafts: tuple[Draft, ...]
    documents: tuple[Document, ...]
    places: Places
    diagnostics: tuple[Diagnostic, ...]


def author(project: Project, memory: Memory | None = None) -> Authored:
    """discover → load. `memory` is shared by two readings of one workspace, so that an unchanged file is parsed once."""
    sources, diagnostics = read_folders(project.tree, project.settings["specs"])
    documents, found = load(sources, memory)
    packs, wrong = read_packs(project)
    lock, unread = read_lock(project.tree)
    return Authored(project, tuple(sources), tuple(documents), packs, lock, (*diagnostics, *found, *wrong, *unread))


def draft(authored: Authored, environment: str) -> Drafted:
    """overlay."""
    project = authored.project
    patches, diagnostics = read_overlay(project, environment)
    beside = [authored.lock] if authored.lock else []
    places = Places([*authored.sources, *patches.sources, *authored.packs.sources, project.source, *beside])
    drafts, found = overlay(authored.documents, patches.patches, places)
    documents = (*authored.documents, *patches.documents, project.document)
    return Drafted(authored, environment, tuple(drafts), documents, places, (*authored.diagnostics, *diagnostics, *found))


def resolve(drafted: Drafted, drafts: Iterable[Draft]) -> Front:
    """validate → link, for all drafts of an environment or some that refer to no others."""
    project, places = drafted.authored.project, drafted.places
    validated, diagnostics = validate(drafts, places)
    linked, found = link(validated, Inputs(project.graph(drafted.environment), Files(project.tree), places))
    wrong = [*drafted.diagnostics, *diagnostics, *found]
    if drafted.authored.lock:
        from llmops.lock.published import check_lock  # hashes, which a check without a lock does not need

        wrong += check_lock(drafted.authored.lock, linked)
    return Front(linked, drafted.authored.packs, tuple(wrong), places, tuple(project.environments), drafted.authored.lock)


def evidence_of(source: Source | None, graph: Graph, today: date) -> Callable[[], Records]:
    """What the lock holds for the releases of a graph, worked out when a policy asks. Without evidence nothing is hashed."""

    def gather() -> Records:
        if source is None or "\nevidence " not in (source.text or ""):
            return {}
        from llmops.fingerprint import fingerprint
        from llmops.lock.standing import standing
        from llmops.lock.text import parse_lock

        lock, _ = parse_lock(source)  # what is wrong with it is a finding of its own
        return standing(lock, graph if graph.releases else fingerprint(graph), today)

    return gather


def open_policies(root: Path, environment: str | None = None) -> Front:
    """The policies of a workspace and the resources that they are about. Raises `UsageError` where `llmops.yaml` cannot be read."""
    project, diagnostics = open_project(Disk(root))
    if project is None:
        raise UsageError(f"{diagnostics[0].location.file}: {diagnostics[0].message}", "`llmops check` shows the line.")
    return front_half(project, _environment(project, environment))


def open_pack(folder: Path, environment: str | None = None) -> Front:
    """The policies of a folder with YAML files that is no workspace."""
    packs, diagnostics = read_packs(pack_alone(folder))
    places = Places(packs.sources)
    graph = Graph(folder.name, environment or "prod", {})
    return Front(Linked(graph, Locator({}, places), complete=True), packs, tuple(diagnostics), places)
