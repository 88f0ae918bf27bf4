"""Snapshots: every file that a retrieval source or a dataset uses, with its digest, in all environments together."""

from __future__ import annotations

from collections.abc import Iterable

from llmops.lock.entries import Snapshot
from llmops.resources import Graph

KINDS = ("Dataset", "RetrievalSource")


def snapshots_of(graphs: Iterable[Graph]) -> list[Snapshot]:
    """One a file, sorted. All graphs are of one workspace, so that a file has one digest."""
    found = {
        Snapshot(resource.id, file.path, f"sha256:{file.sha256}")
        for graph in graphs
        for kind in KINDS
        for resource in graph.of_kind(kind)
        for file in resource.files
    }
    return sorted(found)
