"""Stage `fingerprint`: a graph → the same graph with hashes.

SHA-256 over RFC 8785 canonical JSON. A resource has a behaviour hash (its spec and files), a metadata hash (owner, labels,
description), and both again over what it refers to; an application's release is the hash over the behaviour of all it reaches.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import rfc8785

from llmops.kinds.fields import Pattern
from llmops.resources import Graph, Parents, Resource

FORMAT = 1
"""Raised when rendering changes what the same spec does, so that releases then differ."""

WITHOUT_BEHAVIOUR: dict[str, tuple[Pattern, ...]] = {
    "Model": (("licence",), ("served",), ("price",), ("data_residency",), ("tokens_per_second",)),
    "Prompt": (("changelog",), ("variables", "*", "description"), ("messages", "*", "content_file")),
    "Dataset": (("licence",),),
    "RetrievalSource": (("documents", "licence"), ("refresh",)),
    "SafetyPolicy": (("rules", "*", "tests"), ("rules", "*", "category")),
    "Evaluation": (("schedule",), ("judge",)),
    "Monitor": (("schedule",),),
    "Application": (
        *((name,) for name in ("traffic", "monitors", "audience", "output", "risk", "disclosure", "oversight", "red_team", "logging")),
        ("limits", "cost_per_day"),
        ("variants", "*", "label"),
    ),
}
"""Fields of a kind's `spec` that change no answer: what people read, when things run, what is watched."""

OUTSIDE_RELEASE = frozenset({"Monitor"})
"""Kinds that look at an application and decide nothing about it."""


def fingerprint(graph: Graph) -> Graph:
    """Fills in `behaviour`, `metadata_hash`, `parents` and `releases`."""
    behaviour = {id_: behaviour_of(resource) for id_, resource in graph.resources.items()}
    metadata = {id_: digest(dict(resource.metadata)) for id_, resource in graph.resources.items()}
    hashed = replace(graph, behaviour=behaviour, metadata_hash=metadata)
    hashed = replace(hashed, parents=dict(_parents_of_all(hashed)))
    releases = {app.id: release(hashed, app.id) for app in graph.of_kind("Application")}
    return replace(hashed, releases=releases)


def behaviour_of(resource: Resource) -> str:
    """Hexadecimal SHA-256 over what the resource itself does: its kind, its spec without what changes no answer, its files."""
    return digest(_behaviour(resource))


def _parents_of_all(graph: Graph) -> Iterator[tuple[str, Parents]]:
    """Each hash covers what a resource names and, through that one's own hash of the same sort, all that it reaches."""
    known: dict[str, Parents] = {}

    def parents_of(id_: str) -> Parents:
        if id_ not in known:
            named = sorted({reference.target for reference in graph[id_].references})
            judging = {reference.target for reference in graph[id_].references if reference.judges}
            deciding = [t for t in named if graph[t].kind not in OUTSIDE_RELEASE and t not in judging]
            behaviour = {t: [graph.behaviour[t], parents_of(t).behaviour] for t in deciding}
            aside = {t: graph.behaviour[t] for t in named if t not in deciding}
            metadata = {t: [graph.metadata_hash[t], parents_of(t).metadata] for t in named}
            known[id_] = Parents(digest(behaviour), digest({"metadata": metadata, "behaviour": aside}))
        return known[id_]

    for id_ in graph.resources:
        yield id_, parents_of(id_)


def release(graph: Graph, id_: str) -> str:
    """`sha256:…` over the behaviour of everything that `id_` reaches."""
    reached = {reached: graph.behaviour[reached] for reached in graph.reach(id_) if graph[reached].kind not in OUTSIDE_RELEASE}
    return "sha256:" + digest({"format": FORMAT, "reaches": reached})


JUDGE_FORMAT = 1
"""Raised when the prompts that judges get change, so that they count as other judges."""
JUDGE_DIGITS = 16


def judge_identity(graph: Graph, evaluation: Resource) -> str | None:
    """Hexadecimal digits over all that decides a judge's opinion: its model, the rubrics, the form of its prompts. None without one."""
    judge = graph.target_of(evaluation, "spec", "judge")
    if judge is None:
        return None
    rubrics = {metric["name"]: metric["rubric"] for metric in evaluation.spec["metrics"] if "rubric" in metric}
    model = graph.behaviour.get(judge.id) or behaviour_of(judge)
    return digest({"format": JUDGE_FORMAT, "model": model, "rubrics": rubrics})[:JUDGE_DIGITS]


def digest(value: Any) -> str:
    """Hexadecimal SHA-256 of a JSON value's canonical form."""
    return hashlib.sha256(rfc8785.dumps(value)).hexdigest()


def index_identity(source: Resource, model: Resource) -> dict[str, Any]:
    """All that decides which vectors a source's index holds for a document. Another identity is another index."""
    aside = {"endpoint", *(pattern[0] for pattern in WITHOUT_BEHAVIOUR["Model"])}
    return {
        "chunking": source.spec["chunking"],
        "embedder": {field: value for field, value in model.spec.items() if field not in aside},
        "dimension": source.spec["store"].get("dimension"),
    }


def _behaviour(resource: Resource) -> dict[str, Any]:
    spec: Any = resource.spec
    for pattern in WITHOUT_BEHAVIOUR.get(resource.kind, ()):
        spec = _without(spec, pattern)
    return {"kind": resource.kind, "spec": spec, "files": {file.path: file.sha256 for file in resource.files}}


def _without(value: Any, pattern: Pattern) -> Any:
    """A copy of `value` without what the pattern reaches; what it shares with the original is not changed."""
    step, rest = pattern[0], pattern[1:]
    if isinstance(value, list):
        return [_without(item, rest) for item in value]
    if step == "*":
        return {key: _without(item, rest) for key, item in value.items()}
    if not rest or step not in value:
        return {key: item for key, item in value.items() if key != step}
    return {**value, step: _without(value[step], rest)}
