"""Safety policies for the tests, as a linked graph: defaults filled in, without the stages before."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from llmops.diagnostics import Location
from llmops.kinds.safety_policy import SafetyPolicy
from llmops.render import guardrails_ai, nemoguardrails
from llmops.resources import Graph, Resource

ENGINES = ("guardrails-ai", "nemoguardrails")
EXAMPLE = Path(__file__).parents[1] / "specs" / "safety.yaml"


def policy_of(rules: Iterable[Mapping[str, Any]], engines: Sequence[str] = ENGINES) -> Graph:
    """A graph with the one policy `p`."""
    return _graph(
        {"name": "p", "owner": "team", "description": "A policy."}, {"engines": list(engines), "rules": list(rules)}, "specs/p.yaml"
    )


def example() -> Graph:
    """The policy of the example workspace."""
    document = yaml.safe_load(EXAMPLE.read_text())
    return _graph(document["metadata"], document["spec"], "specs/safety.yaml")


def rule(id_: str, detector: Mapping[str, Any], **fields: Any) -> dict[str, Any]:
    """A rule on the output that blocks, unless `fields` say otherwise."""
    return {"id": id_, "stage": ["output"], "action": "block", "detector": dict(detector), **fields}


def rules_of(graph: Graph) -> list[Mapping[str, Any]]:
    return [r for policy in graph.of_kind("SafetyPolicy") for r in policy.spec["rules"]]


def write_bundle(graph: Graph, folder: Path) -> Path:
    """Both targets' files below `folder`."""
    for artifact in [*guardrails_ai.render(graph), *nemoguardrails.render(graph)]:
        path = folder / artifact.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(artifact.content)
    return folder


def _graph(metadata: Mapping[str, Any], spec: Mapping[str, Any], file: str) -> Graph:
    document = {"apiVersion": "llmops/v1", "kind": "SafetyPolicy", "metadata": metadata, "spec": spec}
    filled = SafetyPolicy.model_validate(document).model_dump(by_alias=True, exclude_none=True)
    policy = Resource("SafetyPolicy", metadata["name"], None, filled["metadata"], filled["spec"], Location(file, 2))
    return Graph("test", "dev", {policy.id: policy}, targets=("guardrails", "nemoguardrails"))
