"""The targets by name. A new target is one file here and one line in `TARGETS`."""

from __future__ import annotations

from llmops.render import dagster, grafana, guardrails_ai, haystack, manifest, nemoguardrails, prometheus
from llmops.render.base import Artifact, Target
from llmops.resources import Graph

TARGETS: dict[str, Target] = {
    "haystack": haystack.render,
    "guardrails": guardrails_ai.render,
    "nemoguardrails": nemoguardrails.render,
    "dagster": dagster.render,
    "prometheus": prometheus.render,
    "grafana": grafana.render,
}


def render(graph: Graph) -> list[Artifact]:
    """Every file of the bundle for one environment, sorted by path, with its manifest."""
    artifacts = sorted((a for name in graph.targets for a in TARGETS[name](graph)), key=lambda a: a.path)
    return [*artifacts, manifest.render(graph, artifacts)]
