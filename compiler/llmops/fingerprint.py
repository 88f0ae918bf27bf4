"""Stage `fingerprint`: a graph → the same graph with hashes.

SHA-256 over RFC 8785 canonical JSON. A resource has a behaviour hash (its spec and files) and a metadata hash (owner,
labels, description); an application's release is the hash over the behaviour of all it reaches.
"""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import Any

import rfc8785

from llmops.resources import Graph, Resource

FORMAT = 1
"""Raised when rendering changes what the same spec does, so that releases then differ."""

WITHOUT_BEHAVIOUR = frozenset({"changelog", "schedule", "refresh", "tests", "traffic", "licence"})
"""Fields that change no answer: what people read, when things run, what is expected."""


def fingerprint(graph: Graph) -> Graph:
    """Fills in `behaviour`, `metadata_hash` and `releases`."""
    behaviour = {id_: digest(_behaviour(resource)) for id_, resource in graph.resources.items()}
    metadata = {id_: digest(dict(resource.metadata)) for id_, resource in graph.resources.items()}
    hashed = replace(graph, behaviour=behaviour, metadata_hash=metadata)
    releases = {app.id: release(hashed, app.id) for app in graph.of_kind("Application")}
    return replace(hashed, releases=releases)


def release(graph: Graph, id_: str) -> str:
    """`sha256:…` over the behaviour of everything that `id_` reaches."""
    reached = {reached: graph.behaviour[reached] for reached in graph.reach(id_)}
    return "sha256:" + digest({"format": FORMAT, "reaches": reached})


def digest(value: Any) -> str:
    """Hexadecimal SHA-256 of a JSON value's canonical form."""
    return hashlib.sha256(rfc8785.dumps(value)).hexdigest()


def _behaviour(resource: Resource) -> dict[str, Any]:
    files = {file.path: file.sha256 for file in resource.files}
    return {"kind": resource.kind, "spec": _deciding(resource.spec), "files": files}


def _deciding(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _deciding(item) for key, item in value.items() if key not in WITHOUT_BEHAVIOUR}
    return [_deciding(item) for item in value] if isinstance(value, list) else value
