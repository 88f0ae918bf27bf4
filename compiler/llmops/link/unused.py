"""Cross-check: resources that no application reaches. It makes sense only where every reference leads somewhere."""

from __future__ import annotations

from collections.abc import Iterator

from llmops.link.findings import Finding
from llmops.resources import Graph

ROOTS = ("Application", "Deployment")


def check_unused(graph: Graph) -> Iterator[Finding]:
    """An older prompt version may stand unused beside the one in use; a name that nobody uses is a finding."""
    used = {id_ for resource in graph.resources.values() if resource.kind in ROOTS for id_ in graph.reach(resource.id, judges=True)}
    used_names = {id_.partition("@")[0] for id_ in used}
    for resource in graph.resources.values():
        if resource.id.partition("@")[0] not in used_names:
            path = ("metadata", "name")
            yield Finding(
                resource.id, path, "LLM0406", f"No application uses {resource.kind} {resource.name!r}", "Use it, or remove it.", "warning"
            )
