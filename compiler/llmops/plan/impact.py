"""What a change makes necessary: indexes to fill, evaluations to run, and what a day costs before and after.

Input: a `Comparison` and what its changes reach. Output: rows of the plan's document for one environment.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from llmops.fingerprint import index_identity
from llmops.plan.cases import case_count, evaluation_dollars
from llmops.plan.changes import Change
from llmops.plan.classes import BREAKING
from llmops.plan.costs import DailyCost, daily_cost
from llmops.plan.fields import Row, differences, dotted
from llmops.plan.indexes import index_cost
from llmops.plan.reach import Reached, releases
from llmops.plan.sides import Comparison, View
from llmops.resources import File, Resource

_STORE = ("kind", "connection")
"""Where an index lies: another place holds nothing yet."""


def index_rows(comparison: Comparison, changed: Sequence[Change], found: Sequence[Reached]) -> Iterator[Row]:
    """One row for each index that must take in documents."""
    for each in found:
        source = comparison.after.get(each.resource.id)
        if source is None or source.kind != "RetrievalSource":
            continue
        old = comparison.before.get(source.id)
        full = old is None or _moves(comparison, old, source)
        files = source.files if full or old is None else _taken_in(old, source)
        if files:
            yield _index_row(comparison.after, source, files, full=full) | {"why": _why(comparison, changed, source, full=full)}


def _moves(comparison: Comparison, old: Resource, new: Resource) -> bool:
    """Whether the vectors that are there serve no longer."""
    if any(old.spec["store"].get(field) != new.spec["store"].get(field) for field in _STORE):
        return True
    return _identity(comparison.before, old) != _identity(comparison.after, new)


def _identity(view: View, source: Resource) -> dict[str, Any] | None:
    model = view.graph.target_of(source, "spec", "embedding")
    return index_identity(source, model) if model else None


def _taken_in(old: Resource, new: Resource) -> tuple[File, ...]:
    known = {(file.path, file.sha256) for file in old.files}
    return tuple(file for file in new.files if (file.path, file.sha256) not in known)


def _index_row(view: View, source: Resource, files: Sequence[File], *, full: bool) -> Row:
    cost = index_cost(view.graph, source, files, view.read)
    return {
        "source": source.id,
        "mode": "full" if full else "changed files",
        "documents": cost.documents,
        "chunks": cost.chunks,
        "tokens": cost.tokens,
        "seconds": cost.seconds,
        "dollars": cost.dollars,
        "basis": cost.basis,
    }


def _why(comparison: Comparison, changed: Sequence[Change], source: Resource, *, full: bool) -> str:
    """The fields that make the old index useless, or that files changed."""
    if comparison.before.get(source.id) is None:
        return "the index is new"
    if not full:
        return "documents changed"
    reach = comparison.after.graph.reach(source.id)
    causes = [change for change in changed if change.resource.id in reach and change.level == BREAKING]
    named = [f"{change.resource.id} {row['path']}" for change in causes for row in change.fields if row["class"] == BREAKING]
    return ", ".join(named) or _other_embedder(comparison, source)


def _other_embedder(comparison: Comparison, source: Resource) -> str:
    """The name of the embedder stayed and the model behind it is new: nothing changed a field in place."""
    old, new = (view.graph.target_of(resource, "spec", "embedding") for view, resource in _both(comparison, source))
    found = differences(old.spec if old else {}, new.spec if new else {}, ("spec",))
    return f"{new.id if new else source.id} {', '.join(dotted(difference.path) for difference in found)}"


def _both(comparison: Comparison, source: Resource) -> tuple[tuple[View, Resource], tuple[View, Resource]]:
    return (comparison.before, comparison.before.graph[source.id]), (comparison.after, source)


def evaluation_rows(comparison: Comparison, found: Sequence[Reached]) -> list[Row]:
    """The evaluations of every application whose release is new."""
    graph = comparison.after.graph
    users: dict[str, list[Resource]] = {}
    for each in found:
        application = comparison.after.get(each.resource.id)
        if application is None or application.kind != "Application":
            continue
        both = releases(comparison, application.id)
        for evaluation in graph.targets_of(application, "spec", "evaluations") if both["before"] != both["after"] else ():
            users.setdefault(evaluation.id, []).append(application)
    return [_evaluation_row(comparison.after, graph[id_], applications) for id_, applications in sorted(users.items())]


def _evaluation_row(view: View, evaluation: Resource, applications: Sequence[Resource]) -> Row:
    costs = [evaluation_dollars(evaluation, application, view.graph, view.read) for application in applications]
    known = [cost for cost in costs if cost is not None]
    return {
        "evaluation": evaluation.id,
        "applications": [application.id for application in applications],
        "cases": case_count(evaluation, view.graph, view.read),
        "repeats": evaluation.spec["repeats"],
        "blocking": any(metric["blocking"] for metric in evaluation.spec["metrics"]),
        "dollars": sum(known) if len(known) == len(costs) else None,
    }


def cost_rows(comparison: Comparison) -> Iterator[Row]:
    """Every application of the scope whose day costs something else than before."""
    before, after = comparison.before.graph, comparison.after.graph
    for id_ in sorted({app.id for graph in (before, after) for app in graph.of_kind("Application")}):
        old, new = (daily_cost(graph, graph[id_]) if id_ in graph.resources else None for graph in (before, after))
        if old != new:
            yield {"application": id_, "before": _cost(old), "after": _cost(new), "delta": _delta(old, new)}


def _cost(cost: DailyCost | None) -> Row | None:
    if cost is None:
        return None
    return {"requests": cost.requests, "input_tokens": cost.input_tokens, "output_tokens": cost.output_tokens, "dollars": cost.dollars}


def _delta(old: DailyCost | None, new: DailyCost | None) -> float | None:
    """None where either side's price is not known; no application costs nothing."""
    before, after = (0.0 if cost is None else cost.dollars for cost in (old, new))
    return None if before is None or after is None else round(after - before, 6)
