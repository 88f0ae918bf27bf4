"""Promotion: what an environment would be with another one's values, as the same plan that a change of YAML gets.

Input: a workspace and two environments. Output: the plan's document; `promotion` says what moves and what stays.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import date
from typing import Any

from llmops.check import Moment, check, plain
from llmops.diagnostics import in_order
from llmops.errors import UsageError
from llmops.fingerprint import fingerprint
from llmops.kinds.fields import Pattern
from llmops.link import Linked
from llmops.load.files import Files
from llmops.load.tree import Tree
from llmops.pipeline import Front, draft, evidence_of, resolve
from llmops.plan.document import Plan, Point, document
from llmops.plan.fields import Difference, Row, differences, dotted, field_rows, shown
from llmops.plan.sides import WITHOUT_BASE, Comparison, Side, Sides, View, chosen_environments, gates_of, read_side
from llmops.resources import Graph, Path, Reference, Resource

BOUND: dict[str, tuple[Pattern, ...]] = {
    "Model": (
        *(("provider",), ("endpoint",), ("weights",), ("chat_template",)),
        *(("price",), ("tokens_per_second",), ("data_residency",), ("served",)),
    ),
    "RetrievalSource": (("store",), ("refresh",)),
    "Application": (("traffic",), ("limits", "cost_per_day"), ("logging",)),
    "Evaluation": (("schedule",),),
    "Monitor": (("schedule",),),
    "Deployment": (("replicas",), ("resources",), ("rollout",)),
}
"""Fields of a kind's `spec` that belong to where it runs: addresses, stores, load, prices. A promotion leaves them."""


def promote(tree: Tree, source: str, target: str, today: date) -> Plan:
    """The plan of giving `target` what `source` has."""
    side = read_side(tree, {})
    if source == target:
        raise UsageError("--from and --to name the same environment", "Name two of them.")
    for name in (source, target):
        chosen_environments(side, [name])
    fronts = [_front(side, name) for name in (source, target)]
    before = _view(fronts[1], tree, fronts[1].linked.graph, Moment(today))
    promoted, moves, stays = _promoted(fronts[0].linked.graph, before.graph)
    base = {id_: plain(resource) for id_, resource in before.graph.resources.items()}
    after = _view(fronts[1], tree, promoted, Moment(today, base))
    sides = Sides(side, side, (Comparison(target, before, after),), ())
    plan = document(sides, Point(target, None, target), Point(source, None, source))
    return {**plan, "promotion": {"moves": moves, "stays": stays}}


def _front(side: Side, environment: str) -> Front:
    assert side.authored is not None  # its environments were asked for
    drafted = draft(side.authored, environment)
    return resolve(drafted, drafted.drafts)


def _view(front: Front, tree: Tree, graph: Graph, moment: Moment) -> View:
    linked, hashed = Linked(graph, front.linked.locator, front.linked.complete), fingerprint(graph)
    moment = replace(moment, evidence=evidence_of(front.lock, hashed, moment.today))
    findings = in_order([*front.diagnostics, *check(linked, front.packs, moment, front.places)])
    kept = tuple(found for found in findings if found.code != WITHOUT_BASE)
    return View(hashed, linked.locator, front.places, kept, Files(tree), gates_of(front.packs))


def _promoted(source: Graph, target: Graph) -> tuple[Graph, list[Row], list[Row]]:
    """The target's graph with the source's values, and the fields that move and stay."""
    resources: dict[str, Resource] = {}
    moves: list[Row] = []
    stays: list[Row] = []
    for id_ in sorted(source.resources.keys() | target.resources.keys()):
        new, old = source.resources.get(id_), target.resources.get(id_)
        if new is None or old is None:
            resources[id_] = new or target[id_]
            continue
        bound = [found for found in differences(old.spec, new.spec) if _is_bound(old.kind, found.path)]
        resources[id_] = _with_values(old, new, bound)
        stays += [_stay(old, found) for found in bound]
        moves += [{"resource": id_, **row} for row in field_rows(old, resources[id_])]
    return replace(target, resources=resources), moves, stays


def _is_bound(kind: str, path: Path) -> bool:
    return any(path[: len(pattern)] == pattern for pattern in BOUND.get(kind, ()))


def _with_values(old: Resource, new: Resource, bound: list[Difference]) -> Resource:
    """The source's resource with the values that belong to the target's environment."""
    roots = {next(pattern for pattern in BOUND[old.kind] if found.path[: len(pattern)] == pattern) for found in bound}
    spec: Any = new.spec
    for root in roots:
        spec = _set(spec, root, old.spec)
    references = [*_kept(new.references, roots, inside=False), *_kept(old.references, roots, inside=True)]
    return replace(new, spec=spec, references=tuple(references), source=old.source)


def _set(spec: Mapping[str, Any], root: Pattern, other: Mapping[str, Any]) -> dict[str, Any]:
    """`spec` with what `other` has at `root`, or without it where `other` has nothing there."""
    step, rest = root[0], root[1:]
    if step not in other:
        return {key: value for key, value in spec.items() if key != step}
    value = _set(spec.get(step, {}), rest, other[step]) if rest else other[step]
    return {**spec, step: value}


def _kept(references: tuple[Reference, ...], roots: set[Pattern], *, inside: bool) -> Iterator[Reference]:
    """The references below the roots, or all others."""
    for reference in references:
        below = any(reference.path[1 : 1 + len(root)] == root for root in roots)
        if below is inside:
            yield reference


def _stay(resource: Resource, found: Difference) -> Row:
    return {
        "resource": resource.id,
        "path": dotted(("spec", *found.path)),
        "operation": found.operation,
        "old": shown(found.old),
        "new": shown(found.new),
    }
