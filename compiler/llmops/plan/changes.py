"""Which resources changed themselves: created, removed, or different in a field or a file.

Input: a `Comparison`. Output: `Change`s, and the rows of the plan's document for them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from llmops.plan.classes import BEHAVIOUR, BREAKING, gravest
from llmops.plan.fields import Row, equal, field_rows, shown
from llmops.plan.sides import Comparison
from llmops.resources import Graph, Resource


@dataclass(frozen=True, slots=True)
class Change:
    """`old` or `new` is None for a resource that is created or removed. A raised version is one change of its name.

    `like` is the version before a new one that stands beside it; `fields` then compare the two.
    """

    old: Resource | None
    new: Resource | None
    fields: tuple[Row, ...] = ()
    files: tuple[Row, ...] = ()
    like: Resource | None = None

    @property
    def resource(self) -> Resource:
        resource = self.new or self.old
        assert resource is not None  # a change is of something
        return resource

    @property
    def operation(self) -> str:
        return "create" if self.old is None else "remove" if self.new is None else "update"

    @property
    def ids(self) -> frozenset[str]:
        return frozenset(resource.id for resource in (self.old, self.new) if resource)

    @property
    def level(self) -> str:
        """Its class. What is new breaks nothing; what is gone breaks whoever relied on it."""
        if self.old is None:
            return BEHAVIOUR
        if self.new is None:
            return BREAKING
        levels = [row["class"] for row in self.fields]
        return str(gravest([*levels, *([BEHAVIOUR] if self.files else [])]))

    @property
    def row(self) -> Row:
        resource, was = self.resource, self.old or self.like
        return {
            "resource": resource.id,
            "was": was.id if was and was.id != resource.id else None,
            "operation": self.operation,
            "class": self.level,
            "owner": shown(resource.owner),
            "file": resource.source.file,
            "line": resource.source.line,
            "fields": list(self.fields),
            "files": list(self.files),
        }


def changes(comparison: Comparison) -> list[Change]:
    """Every resource that says or holds something else than before, in order of id."""
    before, after = comparison.before.graph, comparison.after.graph
    pairs = dict(_pairs(before, after))
    created = [_created(resource, before) for id_, resource in after.resources.items() if id_ not in pairs]
    kept = {old.id for old in pairs.values()}
    removed = [Change(resource, None) for id_, resource in before.resources.items() if id_ not in kept]
    updated = [_updated(old, after[id_]) for id_, old in pairs.items() if _differ(old, after[id_])]
    return sorted([*created, *removed, *updated], key=lambda change: change.resource.id)


def _created(resource: Resource, before: Graph) -> Change:
    """A new version stands beside the last one before it."""
    others = [other for other in before.of_kind(resource.kind) if other.name == resource.name and resource.version]
    like = max(others, key=lambda other: _order(other.version), default=None)
    return Change(None, resource, tuple(field_rows(like, resource)) if like else (), like=like)


def _order(version: str | None) -> list[tuple[bool, int, str]]:
    return [(part.isdigit(), int(part) if part.isdigit() else 0, part) for part in (version or "").split(".")]


def _pairs(before: Graph, after: Graph) -> Iterator[tuple[str, Resource]]:
    """The id of each resource that was there before, with what it was: under the same id, or under its only other version."""
    for id_ in after.resources.keys() & before.resources.keys():
        yield id_, before[id_]
    gone, come = _by_name(before, after), _by_name(after, before)
    for name, new in come.items():
        old = gone.get(name, [])
        if len(new) == len(old) == 1:
            yield new[0].id, old[0]


def _by_name(graph: Graph, other: Graph) -> Mapping[tuple[str, str], list[Resource]]:
    """Resources that the other side does not have, by kind and name."""
    found: dict[tuple[str, str], list[Resource]] = {}
    for id_, resource in graph.resources.items():
        if id_ not in other.resources:
            found.setdefault((resource.kind, resource.name), []).append(resource)
    return found


def _differ(old: Resource, new: Resource) -> bool:
    return not (old.id == new.id and equal(old.spec, new.spec) and equal(old.metadata, new.metadata) and old.files == new.files)


def _updated(old: Resource, new: Resource) -> Change:
    return Change(old, new, tuple(field_rows(old, new)), tuple(_file_rows(old, new)))


def _file_rows(old: Resource, new: Resource) -> Iterator[dict[str, Any]]:
    left, right = ({file.path: file.sha256 for file in resource.files} for resource in (old, new))
    for path in sorted(left.keys() | right.keys()):
        if left.get(path) != right.get(path):
            yield {"path": path, "operation": "add" if path not in left else "remove" if path not in right else "change"}
