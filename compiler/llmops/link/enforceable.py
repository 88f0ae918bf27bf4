"""Cross-check: every safety rule is enforced, at every stage it names, by every engine that is to enforce it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from llmops.enforcement import enforce_rule, engines_of
from llmops.link.findings import Finding
from llmops.resources import Graph, Path, Resource


def check_enforcement(graph: Graph) -> Iterator[Finding]:
    for policy in graph.of_kind("SafetyPolicy"):
        for index, rule in enumerate(policy.spec["rules"]):
            path: Path = ("spec", "rules", index)
            yield from _check_engines(policy, rule, path)
            yield from _check_stages(policy, rule, path)


def _check_engines(policy: Resource, rule: Mapping[str, Any], path: Path) -> Iterator[Finding]:
    rendered = policy.spec["engines"]
    for position, engine in enumerate(rule.get("engines", ())):
        if engine not in rendered:
            message = f"The policy does not render for {engine}"
            yield Finding(policy.id, (*path, "engines", position), "LLM0702", message, f"Add {engine} to spec.engines, or remove it here.")
    if rendered[0] not in engines_of(policy.spec, rule):
        message = f"{rendered[0]} serves, and would not enforce {rule['id']!r}"
        yield Finding(policy.id, (*path, "engines"), "LLM0703", message, "Put an engine first that enforces every rule.")


def _check_stages(policy: Resource, rule: Mapping[str, Any], path: Path) -> Iterator[Finding]:
    for position, stage in enumerate(rule["stage"]):
        for engine in engines_of(policy.spec, rule):
            support = enforce_rule(engine, rule, stage)
            if not support.possible:
                message = f"{engine} cannot enforce {rule['id']!r} on {stage}: {support.reason}"
                yield Finding(policy.id, (*path, "stage", position), "LLM0701", message, support.remedy)
