"""`manifest.json`: the linked graph, its hashes and sources, and the digest of every other file of the bundle."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Any

from llmops.fingerprint import judge_identity
from llmops.prices import price_table
from llmops.render.base import Artifact, json_file
from llmops.resources import Graph, Resource
from llmops.version import VERSION

MANIFEST_VERSION = 1


def render(graph: Graph, artifacts: Iterable[Artifact]) -> Artifact:
    git = graph.git
    value = {
        "manifest_version": MANIFEST_VERSION,
        "llmops_version": VERSION,
        "workspace": graph.workspace,
        "environment": graph.environment,
        "git": {"url": git.url, "branch": git.branch, "directory": git.directory} if git else None,
        "applications": {app.name: _application(graph, app) for app in graph.of_kind("Application")},
        "resources": {id_: _resource(graph, resource) for id_, resource in graph.resources.items()},
        "prices": price_table(graph),
        "rules": {id_: list(places) for id_, places in graph.rules.items()},
        "files": {a.path: hashlib.sha256(a.content).hexdigest() for a in artifacts},
    }
    return json_file("manifest.json", value)


def _application(graph: Graph, application: Resource) -> dict[str, Any]:
    def ids(field: str) -> list[str]:
        return [r.id for r in graph.targets_of(application, "spec", field)]

    variants = application.spec.get("variants", [])
    pinned = ids("variants")
    haystack = "haystack" in graph.targets
    return {
        "release": graph.releases[application.id],
        "model": ids("model")[0],
        "prompts": ids("prompt") or pinned,
        "variants": [{"prompt": id_, "weight": v["weight"], "label": v.get("label")} for id_, v in zip(pinned, variants, strict=True)],
        "retrieval": ids("retrieval"),
        "safety": next(iter(ids("safety")), None),
        "evaluations": ids("evaluations"),
        "monitors": ids("monitors"),
        "variables": application.spec["variables"],
        "query": f"haystack/{application.name}/query.yaml" if haystack else None,
        "indexing": f"haystack/{application.name}/indexing.yaml" if haystack and ids("retrieval") else None,
    }


def _resource(graph: Graph, resource: Resource) -> dict[str, Any]:
    return {
        "kind": resource.kind,
        "name": resource.name,
        "version": resource.version,
        "owner": resource.owner,
        "labels": dict(sorted(resource.labels.items())),
        "description": resource.description,
        "source": {"file": resource.source.file, "line": resource.source.line},
        "behaviour": graph.behaviour[resource.id],
        "metadata": graph.metadata_hash[resource.id],
        "parents": {"behaviour": graph.parents[resource.id].behaviour, "metadata": graph.parents[resource.id].metadata},
        "references": sorted({r.target for r in resource.references if not r.judges}),
        "judge": _judge(graph, resource),
        "files": [{"path": f.path, "sha256": f.sha256, "size": f.size} for f in resource.files],
        "spec": resource.spec,
    }


def _judge(graph: Graph, resource: Resource) -> dict[str, Any] | None:
    """Apart from `references`, which are what must run to answer."""
    judge = graph.target_of(resource, "spec", "judge")
    return {"model": judge.id, "digest": judge_identity(graph, resource)} if judge else None
