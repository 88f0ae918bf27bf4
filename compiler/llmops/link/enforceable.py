"""Cross-check: every safety rule is enforced, at every stage it names, by every engine that is to enforce it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from llmops.enforcement import enforce_rule, engines_of
from llmops.link.findings import Finding
from llmops.resources import Graph, Path, Resource


def check_enforcement(graph: Graph) -> Iterator[Finding]:
    for policy in graph.of_kind("SafetyPolicy"):
        for index in range(len(policy.spec["rules"])):
            path: Path = ("spec", "rules", index)
            yield from _check_engines(policy, path)
            yield from _check_rule(policy, path)


def _check_engines(policy: Resource, path: Path) -> Iterator[Finding]:
    rule = _rule(policy, path)
    engines = policy.spec["engines"]
    named = rule.get("engines", engines)
    for position, engine in enumerate(named):
        if engine not in engines:
            message = f"{rule['id']!r} names {engine}, which the policy does not list"
            yield Finding(policy.id, (*path, "engines", position), "LLM0702", message, f"Add {engine} to spec.engines, or remove it here.")
    if set(named) <= set(engines) and engines[0] not in named:
        message = f"{engines[0]} serves, and would not enforce {rule['id']!r}"
        hint = f"Add {engines[0]} here, or put an engine first in spec.engines that enforces every rule."
        yield Finding(policy.id, (*path, "engines"), "LLM0703", message, hint)


def _check_rule(policy: Resource, path: Path) -> Iterator[Finding]:
    rule = _rule(policy, path)
    for position, stage in enumerate(rule["stage"]):
        for (reason, remedy), engines in _obstacles(policy, rule, stage).items():
            message = f"{' and '.join(engines)} cannot enforce {rule['id']!r} on {stage}: {reason.rstrip('.')}"
            yield Finding(policy.id, (*path, "stage", position), "LLM0701", message, remedy)


def _obstacles(policy: Resource, rule: dict[str, Any], stage: str) -> dict[tuple[str, str], list[str]]:
    """(reason, remedy) → the engines that cannot enforce the rule at this stage."""
    obstacles: dict[tuple[str, str], list[str]] = {}
    for engine in engines_of(policy.spec, rule):
        support = enforce_rule(engine, rule, stage)
        if not support.possible:
            obstacles.setdefault((support.reason, support.remedy), []).append(engine)
    return obstacles


def _rule(policy: Resource, path: Path) -> dict[str, Any]:
    rule: dict[str, Any] = policy.spec["rules"][path[2]]
    return rule
