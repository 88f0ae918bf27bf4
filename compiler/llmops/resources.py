"""The linked graph: what every stage after `link` works on.

A `Resource` is a validated spec with its defaults filled in, its references resolved and its files digested.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from llmops.diagnostics import Location

Path = tuple[str | int, ...]


def holds(data: Any, path: Path) -> bool:
    """Whether plain data has an entry at `path`, be it empty."""
    for step in path:
        inside = step in data if isinstance(data, Mapping) else isinstance(data, list) and isinstance(step, int) and 0 <= step < len(data)
        if not inside:
            return False
        data = data[step]
    return True


def value_at(data: Any, path: Path) -> Any:
    """The value at `path` of plain data; None where there is no entry."""
    if not holds(data, path):
        return None
    for step in path:
        data = data[step]
    return data


@dataclass(frozen=True, slots=True)
class File:
    """A file of the workspace that a resource uses. `path` is relative to the workspace, with slashes."""

    path: str
    sha256: str
    size: int


@dataclass(frozen=True, slots=True)
class Reference:
    """An edge of the graph: the field `path` of a resource names `target`, a resource id."""

    path: Path
    target: str

    @property
    def judges(self) -> bool:
        """Whether the target only judges what others answer: it is no part of what the resource does."""
        return self.path[-1] == "judge"


@dataclass(frozen=True, slots=True)
class Resource:
    """`metadata` and `spec` are the effective values: overlays applied, defaults filled in, prompt files read into `content`."""

    kind: str
    name: str
    version: str | None
    metadata: Mapping[str, Any]
    spec: Mapping[str, Any]
    source: Location
    references: tuple[Reference, ...] = ()
    files: tuple[File, ...] = ()

    @property
    def id(self) -> str:
        """`Kind/name`, or `Kind/name@1.2.0` for a kind with versions."""
        return resource_id(self.kind, self.name, self.version)

    @property
    def owner(self) -> str:
        return str(self.metadata["owner"])

    @property
    def labels(self) -> Mapping[str, str]:
        labels: Mapping[str, str] = self.metadata.get("labels", {})
        return labels

    @property
    def description(self) -> str:
        return str(self.metadata.get("description", ""))


def resource_id(kind: str, name: str, version: str | None = None) -> str:
    return f"{kind}/{name}@{version}" if version else f"{kind}/{name}"


@dataclass(frozen=True, slots=True)
class Git:
    """Where the workspace's repository is read by people. `directory` is the workspace's folder inside it, or empty."""

    url: str
    branch: str
    directory: str


@dataclass(frozen=True, slots=True)
class Parents:
    """Hashes over what a resource refers to, directly and beyond. `metadata` also covers the Monitors, which decide nothing."""

    behaviour: str
    metadata: str


@dataclass(frozen=True, slots=True)
class Graph:
    """All resources of one environment, by id, sorted by id."""

    workspace: str
    environment: str
    resources: Mapping[str, Resource]
    git: Git | None = None
    targets: tuple[str, ...] = ()
    releases: Mapping[str, str] = field(default_factory=dict)
    """Release hash of each `Application/name`; filled by `fingerprint`."""
    behaviour: Mapping[str, str] = field(default_factory=dict)
    """Behaviour hash of each resource; filled by `fingerprint`."""
    metadata_hash: Mapping[str, str] = field(default_factory=dict)
    """Metadata hash of each resource; filled by `fingerprint`."""
    parents: Mapping[str, Parents] = field(default_factory=dict)
    """What each resource refers to, as hashes; filled by `fingerprint`."""
    rules: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """Where the rules of each `SafetyPolicy/name` were written, as `file:line` in their order; filled when a bundle is compiled."""

    def __getitem__(self, id_: str) -> Resource:
        return self.resources[id_]

    def of_kind(self, kind: str) -> Iterator[Resource]:
        return (r for r in self.resources.values() if r.kind == kind)

    def targets_of(self, resource: Resource, *path: str | int) -> list[Resource]:
        """The resources that the fields under `path` name, in the order of the file.

        >>> graph.targets_of(application, "spec", "retrieval")  # doctest: +SKIP
        """
        return [self.resources[r.target] for r in resource.references if r.path[: len(path)] == path]

    def target_of(self, resource: Resource, *path: str) -> Resource | None:
        """The one resource that `path` names, or None where the field is absent."""
        return next(iter(self.targets_of(resource, *path)), None)

    def reach(self, id_: str, *, judges: bool = False) -> list[str]:
        """`id_` and everything it depends on, sorted; with `judges` also the models that only judge its evaluations."""
        seen: set[str] = set()
        stack = [id_]
        while stack:
            current = stack.pop()
            if current not in seen:
                seen.add(current)
                stack.extend(r.target for r in self.resources[current].references if judges or not r.judges)
        return sorted(seen)
