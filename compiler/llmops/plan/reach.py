"""What the changes reach: resources that did not change themselves, and applications with their releases.

Input: a `Comparison` and its changes. Output: rows of the plan's document for one environment.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from llmops.plan.changes import Change
from llmops.plan.classes import gravest, indirect_class
from llmops.plan.fields import Row, shown
from llmops.plan.sides import Comparison
from llmops.resources import Graph, Resource


@dataclass(frozen=True, slots=True)
class Reached:
    """A resource that changes reach. `direct` is its own change, where it has one."""

    resource: Resource
    level: str
    through: tuple[str, ...]
    direct: Change | None

    @property
    def row(self) -> Row:
        return {"resource": self.resource.id, "class": self.level, "through": list(self.through), "owner": shown(self.resource.owner)}


def reached(comparison: Comparison, changed: Sequence[Change]) -> list[Reached]:
    """Every resource that a change touches, directly or through what it uses, in order of id."""
    before, after = comparison.before.graph, comparison.after.graph
    of = {id_: change for change in changed for id_ in change.ids}
    found = {}
    for graph in (before, after):  # the new side comes last, and stands for both
        for id_ in graph.resources:
            causes = _causes(id_, of, before, after)
            direct = of.get(id_)
            if direct is None and not causes:
                continue
            levels = [indirect_class(cause.resource, cause.level) for cause in causes]
            level = gravest([*levels, *([direct.level] if direct else [])])
            through = tuple(sorted(cause.resource.id for cause in causes))
            name = direct.resource.id if direct else id_
            found[name] = Reached(graph[id_], str(level), through, direct)
    return [found[id_] for id_ in sorted(found)]


def _causes(id_: str, of: Mapping[str, Change], *graphs: Graph) -> list[Change]:
    """The changes of what a resource uses, on either side."""
    direct = of.get(id_)
    names = direct.ids if direct else {id_}
    reach = {other for graph in graphs for name in names if name in graph.resources for other in graph.reach(name)}
    causes = {of[other].resource.id: of[other] for other in reach if other in of and other not in names}
    return [causes[name] for name in sorted(causes)]


def releases(comparison: Comparison, id_: str) -> dict[str, str | None]:
    """An application's release before and after; None where there is no such application."""
    before, after = comparison.before.graph, comparison.after.graph
    return {"before": before.releases.get(id_), "after": after.releases.get(id_)}
