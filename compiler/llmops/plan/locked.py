"""What `llmops.lock` of both sides says: versions published, rewritten or taken out, and the evidence of the new releases."""

from __future__ import annotations

from collections.abc import Iterable

from llmops.load.tree import Tree
from llmops.lock.entries import Lock
from llmops.lock.source import read_lock
from llmops.lock.text import parse_lock
from llmops.plan.fields import Row


def lock_row(before: Tree, after: Tree) -> Row:
    """A published version never changes and never goes: whatever is not new here is worth a question."""
    old, new = _lock(before).published, _lock(after).published
    return {
        "published": sorted(new.keys() - old.keys()),
        "rewritten": sorted(id_ for id_ in old.keys() & new.keys() if old[id_] != new[id_]),
        "removed": sorted(old.keys() - new.keys()),
    }


def evidence_rows(tree: Tree, applications: Iterable[Row]) -> list[Row]:
    """One row for each new release, with what the lock holds for it."""
    evidence = _lock(tree).evidence
    rows = []
    for row in applications:
        for environment, both in row["environments"].items():
            if both["after"] and both["after"] != both["before"]:
                found = [e for e in evidence if e.release == both["after"]]
                entries = [{"evaluation": entry.evaluation, **dict(entry.named)} for entry in found]
                rows.append({"application": row["application"], "release": both["after"], "environment": environment, "entries": entries})
    return rows


def _lock(tree: Tree) -> Lock:
    """An empty lock where there is none; what is wrong with one is a finding of `llmops check`."""
    source, _ = read_lock(tree)
    return parse_lock(source)[0] if source and source.text is not None else Lock()
