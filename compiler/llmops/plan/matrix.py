"""What differs between the environments, for the resources that the affected applications use.

Input: the new side's graphs. Output: one row a field.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from llmops.plan.fields import Row, equal, leaves, shown
from llmops.resources import Graph

_ABSENT = object()


def matrix(graphs: Mapping[str, Graph], applications: Iterable[str]) -> list[Row]:
    """Every field of `spec` with several values, or without a value somewhere. `graphs` are the environments', by name."""
    names = [name for name in applications if any(name in graph.resources for graph in graphs.values())]
    reached = {id_ for name in names for graph in graphs.values() if name in graph.resources for id_ in graph.reach(name)}
    return [row for id_ in sorted(reached) for row in _rows(id_, graphs)]


def _rows(id_: str, graphs: Mapping[str, Graph]) -> Iterable[Row]:
    specs = {name: dict(leaves(graph[id_].spec, ("spec",))) for name, graph in graphs.items() if id_ in graph.resources}
    for path in sorted(set().union(*specs.values())):
        values = [spec.get(path, _ABSENT) for spec in specs.values()]
        if not all(_same(values[0], value) for value in values[1:]):
            yield {"resource": id_, "path": path, "values": {name: shown(spec[path]) for name, spec in specs.items() if path in spec}}


def _same(left: Any, right: Any) -> bool:
    return left is right or (left is not _ABSENT and right is not _ABSENT and equal(left, right))
