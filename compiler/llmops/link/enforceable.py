"""Cross-check: every safety rule is enforced, at every stage it names, by every engine that is to enforce it."""

from __future__ import annotations

from collections.abc import Iterator

from llmops.enforcement import enforce, engines_of
from llmops.link.findings import Finding
from llmops.resources import Graph, Resource


def check_enforcement(graph: Graph) -> Iterator[Finding]:
    for policy in graph.of_kind("SafetyPolicy"):
        for index in range(len(policy.spec["rules"])):
            yield from _check_rule(policy, index)


def _check_rule(policy: Resource, index: int) -> Iterator[Finding]:
    rule = policy.spec["rules"][index]
    foreign = [engine for engine in rule.get("engines", ()) if engine not in policy.spec["engines"]]
    for engine in foreign:
        path = ("spec", "rules", index, "engines", rule["engines"].index(engine))
        yield Finding(policy.id, path, "LLM0702", f"The policy does not render for {engine}", f"Add {engine} to spec.engines, or remove it here.")
    if policy.spec["engines"][0] not in engines_of(policy.spec, rule):
        path = ("spec", "rules", index, "engines")
        yield Finding(policy.id, path, "LLM0703", f"{policy.spec['engines'][0]} serves, and would not enforce {rule['id']!r}", "Put an engine that enforces every rule first.")
    for position, stage in enumerate(rule["stage"]):
        for engine in engines_of(policy.spec, rule):
            support = enforce(engine, rule["detector"], stage, rule["action"])
            if support.level == "impossible":
                message = f"{engine} cannot enforce {rule['id']!r} on {stage}: {support.reason}"
                yield Finding(policy.id, ("spec", "rules", index, "stage", position), "LLM0701", message, "Change the rule, or name the engines that enforce it: `engines: [guardrails-ai]`.")
