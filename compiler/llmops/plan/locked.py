"""What `llmops.lock` of both sides says: versions published, rewritten or taken out, and the evidence of the new releases.

Input: trees and comparisons. Output: rows of the plan's document.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from llmops.fingerprint import judge_identity
from llmops.load.tree import Tree
from llmops.lock.entries import Evidence, Lock
from llmops.lock.record import latest
from llmops.lock.source import read_lock
from llmops.lock.text import parse_lock
from llmops.plan.fields import Row
from llmops.plan.sides import Comparison
from llmops.resources import Graph


def lock_row(before: Tree, after: Tree) -> Row:
    """A published version never changes and never goes: whatever is not new here is worth a question."""
    old, new = _lock(before).published, _lock(after).published
    return {
        "published": sorted(new.keys() - old.keys()),
        "rewritten": sorted(id_ for id_ in old.keys() & new.keys() if old[id_] != new[id_]),
        "removed": sorted(old.keys() - new.keys()),
    }


def evidence_rows(tree: Tree, comparisons: Iterable[Comparison]) -> list[Row]:
    """One row for each release that is new or whose judge has moved, with the state of every evaluation that it must pass."""
    evidence = _lock(tree).evidence
    rows = [row for comparison in comparisons for row in _of_environment(evidence, comparison)]
    return sorted(rows, key=lambda row: row["application"])


def _of_environment(evidence: Sequence[Evidence], comparison: Comparison) -> Iterator[Row]:
    before, after = comparison.before.graph, comparison.after.graph
    for application in after.of_kind("Application"):
        release = after.releases[application.id]
        evaluations = after.targets_of(application, "spec", "evaluations")
        if release == before.releases.get(application.id):
            evaluations = [each for each in evaluations if _judge(before, each.id) != _judge(after, each.id)]
            if not evaluations:
                continue
        entries = [_entry(latest(evidence, release, each.id), each.id, _judge(after, each.id)) for each in evaluations]
        row = {"application": application.id, "release": release, "environment": comparison.environment}
        yield {**row, "new": release != before.releases.get(application.id), "entries": entries}


def _judge(graph: Graph, id_: str) -> str:
    """The judge of an evaluation, as the lock writes it."""
    evaluation = graph.resources.get(id_)
    model = graph.target_of(evaluation, "spec", "judge") if evaluation else None
    return f"{model.id}@{judge_identity(graph, graph[id_])}" if model else "-"


def _entry(found: Evidence | None, evaluation: str, judge: str) -> Row:
    if found is None:
        return {"evaluation": evaluation, "result": "missing", "n": None, "date": None, "judge": judge, "judge_moved": False}
    said = {"result": found["result"], "n": int(found["n"]), "date": found["date"], "judge": found["judge"]}
    return {"evaluation": evaluation, **said, "judge_moved": found["judge"] != judge}


def _lock(tree: Tree) -> Lock:
    """An empty lock where there is none; what is wrong with one is a finding of `llmops check`."""
    source, _ = read_lock(tree)
    return parse_lock(source)[0] if source and source.text is not None else Lock()
