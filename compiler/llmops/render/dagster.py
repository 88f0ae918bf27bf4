"""Target `dagster`: the graph as data that `llmops.runtime.dagster` turns into assets, checks, schedules and jobs.

Input: `Graph` with its hashes. Output: `dagster/manifest.json`, and two thin files that load it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from llmops.render.base import Artifact, json_file
from llmops.resources import Graph, Resource

MANIFEST_VERSION = 1

Key = tuple[str, ...]

_EMAIL = re.compile(r"[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+\.[A-Z|a-z]{2,7}")  # what Dagster takes for an e-mail address
_NOT_IN_NAME = re.compile(r"[^A-Za-z0-9_]")
_NOT_IN_TAG = re.compile(r"[^A-Za-z0-9_.-]")
_TAG_LENGTH = 63

_DEFINITIONS = '''\
"""Dagster definitions of environment {environment!r}, rendered by llmops. Everything is in manifest.json."""

from pathlib import Path

from llmops.runtime.dagster import build_defs_from_manifest

defs = build_defs_from_manifest(Path(__file__).with_name("manifest.json"))
'''

_COMPONENT = """\
# Rendered by llmops (environment {environment}). It loads this bundle in a Dagster project that you already have:
# 1. `dg scaffold defs llmops.runtime.dagster.LlmopsBundle llmops` in your project, or make the folder `defs/llmops` yourself;
# 2. copy this file over its defs.yaml, and let `manifest` name the bundle's dagster/manifest.json,
#    relative to defs.yaml or as "{{{{ context.project_root }}}}/...";
# 3. `dg check defs`, then `dg dev`.
type: llmops.runtime.dagster.LlmopsBundle
attributes:
  manifest: manifest.json
"""


@dataclass(frozen=True, slots=True)
class Check:
    """One asset check. `low` and `high` are the limits that the value must hold; None leaves that side open."""

    name: str
    metric: str
    low: float | None
    high: float | None = None
    blocking: bool = False
    evaluation: str | None = None
    schedule: str | None = None


@dataclass(frozen=True, slots=True)
class Part:
    """What differs from kind to kind in an asset."""

    key: Key
    kinds: tuple[str, ...]
    task: Mapping[str, Any] | None
    metadata: Mapping[str, Any]
    deps: tuple[Resource, ...] = ()
    schedule: str | None = None
    checks: tuple[Check, ...] = ()
    pool: str | None = None


@dataclass(frozen=True, slots=True)
class _Scope:
    """The graph, and for each resource the names of the applications that reach it."""

    graph: Graph
    users: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


def render(graph: Graph) -> Iterator[Artifact]:
    """The three files under `dagster/`. An asset that depends on something outside the manifest is a bug and raises."""
    assets = list(_assets(_Scope(graph, _users(graph))))
    _refuse_stubs(assets)
    manifest = {
        "manifest_version": MANIFEST_VERSION,
        "workspace": graph.workspace,
        "environment": graph.environment,
        "git": asdict(graph.git) if graph.git else None,
        "assets": assets,
    }
    yield json_file("dagster/manifest.json", manifest)
    yield Artifact("dagster/definitions.py", _DEFINITIONS.format(environment=graph.environment).encode())
    yield Artifact("dagster/defs.yaml", _COMPONENT.format(environment=graph.environment).encode())


def asset_key(resource: Resource) -> Key:
    """Where a resource stands in Dagster's asset catalogue.

    >>> asset_key(graph["Prompt/handbook-answer@1.0.0"])  # doctest: +SKIP
    ('prompts', 'handbook-answer-1.0.0')
    """
    # Dagster's graph shows only the last part of a key: a version alone would say nothing.
    name = f"{resource.name}-{resource.version}" if resource.version else resource.name
    return (_FOLDERS[resource.kind], name)


def _assets(scope: _Scope) -> Iterator[dict[str, Any]]:
    for resource in scope.graph.resources.values():
        build = PARTS.get(resource.kind)
        if build:
            yield _asset(scope, resource, build(scope, resource))
        if resource.kind == "Application":
            yield from _monitors(scope, resource)


def _monitors(scope: _Scope, application: Resource) -> Iterator[dict[str, Any]]:
    """A monitor watches one application's interactions, so each application that lists it has its own asset."""
    for monitor in scope.graph.targets_of(application, "spec", "monitors"):
        asset = _asset(scope, monitor, _monitor(monitor, application))
        yield {**asset, "group": _identifier(application.name)}


def _asset(scope: _Scope, resource: Resource, part: Part) -> dict[str, Any]:
    graph = scope.graph
    return {
        "key": part.key,
        "resource": resource.id,
        "kind": resource.kind,
        "description": resource.description,
        "group": _group(scope, resource),
        "owners": [_owner(resource)],
        "kinds": part.kinds,
        "tags": _tags(resource),
        "code_version": graph.releases.get(resource.id) or graph.behaviour[resource.id],
        "source": {"file": resource.source.file, "line": resource.source.line},
        "deps": sorted({asset_key(d) for d in part.deps}),
        "metadata": {f"llmops/{name}": value for name, value in part.metadata.items()},
        "task": part.task,
        "schedule": part.schedule,
        "checks": [_check(c) for c in part.checks],
        "pool": part.pool,
    }


def _check(check: Check) -> dict[str, Any]:
    return {
        "name": check.name,
        "evaluation": check.evaluation,
        "metric": check.metric,
        "threshold": check.low if check.low is not None else check.high,
        "min": check.low,
        "max": check.high,
        "blocking": check.blocking,
        "severity": "ERROR" if check.blocking else "WARN",
        "schedule": check.schedule,
    }


def _model(scope: _Scope, model: Resource) -> Part:
    spec = model.spec
    fields = ("task", "provider", "model", "revision", "context_window", "dimension", "licence")
    shown = {name: spec[name] for name in fields if spec.get(name) is not None}
    return Part(asset_key(model), ("model", spec["task"]), None, shown)


def _dataset(scope: _Scope, dataset: Resource) -> Part:
    spec = dataset.spec
    shown = {"path": dataset.files[0].path, "format": spec["format"], "licence": spec["licence"], "purpose": spec["purpose"]}
    return Part(asset_key(dataset), ("dataset", spec["format"]), {"type": "dataset"}, shown)


def _retrieval_source(scope: _Scope, source: Resource) -> Part:
    spec = source.spec
    shown = {
        "licence": spec["documents"]["licence"],
        "chunking": dict(spec["chunking"]),
        "store": spec["store"]["kind"],
        "retrieve": dict(spec["retrieve"]),
        "files": len(source.files),
    }
    schedule = (spec.get("refresh") or {}).get("schedule")
    models = tuple(scope.graph.targets_of(source, "spec", "embedding"))
    # An application's pipeline says how to index; without one there is nothing to run.
    task = {"type": "index"} if scope.users.get(source.id) else None
    return Part(asset_key(source), ("index", "haystack", "postgres"), task, shown, models, schedule)


def _prompt(scope: _Scope, prompt: Resource) -> Part:
    shown = {
        "version": prompt.version,
        "changelog": prompt.spec.get("changelog", ""),
        "variables": {name: variable["type"] for name, variable in prompt.spec["variables"].items()},
    }
    return Part(asset_key(prompt), ("prompt", "yaml"), {"type": "prompt"}, shown)


def _safety_policy(scope: _Scope, policy: Resource) -> Part:
    engines = tuple(policy.spec["engines"])
    shown = {"engines": list(engines), "rules": len(policy.spec["rules"])}
    return Part(asset_key(policy), ("safety", *engines), {"type": "safety_policy"}, shown)


def _application(scope: _Scope, application: Resource) -> Part:
    graph = scope.graph
    evaluations = graph.targets_of(application, "spec", "evaluations")
    parts = [r for field_ in ("model", "prompt", "variants", "retrieval", "safety") for r in graph.targets_of(application, "spec", field_)]
    return Part(
        key=asset_key(application),
        kinds=("release", "llm"),
        task={"type": "release", "application": application.name},
        metadata={"parts": [part.id for part in parts], "evaluations": [e.id for e in evaluations]},
        deps=(*parts, *(d for e in evaluations for d in graph.targets_of(e, "spec", "dataset"))),
        checks=tuple(check for evaluation in evaluations for check in _metrics(evaluation)),
        pool="llm" if evaluations else None,
    )


def _metrics(evaluation: Resource) -> Iterator[Check]:
    """A preference compares two releases, and Dagster sees one: `llmops eval --base` has it."""
    for metric in evaluation.spec["metrics"]:
        if metric["name"] == "judge_preference":
            continue
        yield Check(
            name=f"{_identifier(evaluation.name)}__{metric['name']}",
            metric=metric["name"],
            low=metric.get("threshold"),
            high=metric.get("max"),
            blocking=metric["blocking"],
            evaluation=evaluation.id,
            schedule=evaluation.spec.get("schedule"),
        )


def _monitor(monitor: Resource, application: Resource) -> Part:
    spec = monitor.spec
    return Part(
        key=("monitors", application.name, monitor.name),
        kinds=("monitor",),
        task={"type": "monitor", "application": application.name},
        metadata={"window_hours": spec["window_hours"]},
        deps=(application,),
        schedule=spec.get("schedule"),
        checks=tuple(_signals(spec["signals"])),
    )


def _signals(signals: Iterable[Mapping[str, Any]]) -> Iterator[Check]:
    """A signal without a limit is only plotted."""
    for signal in signals:
        low, high = signal.get("min"), signal.get("max")
        if low is not None or high is not None:
            yield Check(signal["name"], signal["name"], low, high)


PARTS: Mapping[str, Callable[[_Scope, Resource], Part]] = {
    "Application": _application,
    "Dataset": _dataset,
    "Model": _model,
    "Prompt": _prompt,
    "RetrievalSource": _retrieval_source,
    "SafetyPolicy": _safety_policy,
}

_FOLDERS: Mapping[str, str] = {
    "Application": "releases",
    "Dataset": "datasets",
    "Model": "models",
    "Prompt": "prompts",
    "RetrievalSource": "indexes",
    "SafetyPolicy": "safety_policies",
}


def _users(graph: Graph) -> dict[str, tuple[str, ...]]:
    users: dict[str, list[str]] = {}
    for application in graph.of_kind("Application"):
        for id_ in graph.reach(application.id):
            users.setdefault(id_, []).append(application.name)
    return {id_: tuple(names) for id_, names in users.items()}


def _group(scope: _Scope, resource: Resource) -> str:
    """The application, where only one uses the resource; else the owner's team: Dagster's lineage collapses by group."""
    users = scope.users.get(resource.id, ())
    return _identifier(users[0] if len(users) == 1 else resource.owner.partition("@")[0])


def _owner(resource: Resource) -> str:
    return resource.owner if _EMAIL.fullmatch(resource.owner) else f"team:{resource.owner}"


def _tags(resource: Resource) -> dict[str, str]:
    labels = {f"llmops/{_NOT_IN_TAG.sub('_', name)[:_TAG_LENGTH]}": value for name, value in sorted(resource.labels.items())}
    return {**labels, "llmops/kind": resource.kind}


def _identifier(name: str) -> str:
    """A name that Dagster takes for groups, ops and checks."""
    return _NOT_IN_NAME.sub("_", name)


def _refuse_stubs(assets: Iterable[Mapping[str, Any]]) -> None:
    """Dagster turns an undefined dependency into an empty stub without a word."""
    known = {asset["key"] for asset in assets}
    for asset in assets:
        missing = [dep for dep in asset["deps"] if dep not in known]
        assert not missing, f"{asset['resource']} depends on {missing}, which the manifest does not define"
