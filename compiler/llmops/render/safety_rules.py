"""What both guardrail targets share: the policies of an engine, and `rules.json`, which the runtime holds the engine to.

Input: the linked graph. Output: artifacts. An engine loads a broken configuration without a word; this file says what it must hold.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from llmops.enforcement import Rule, enforce_rule, engines_of, rules_at
from llmops.errors import LlmopsError
from llmops.holdback import holdback
from llmops.render.base import Artifact, json_file
from llmops.resources import Graph, Resource

STAGES = ("input", "retrieval", "output")
"""Where an engine runs, in the order of a request."""
CARRIED = ("action", "mode", "on_error", "severity", "category", "message", "source")


def policies_for(graph: Graph, engine: str) -> Iterator[Resource]:
    """The safety policies that list `engine`."""
    return (_resolved(graph, p) for p in graph.of_kind("SafetyPolicy") if engine in p.spec["engines"])


def _resolved(graph: Graph, policy: Resource) -> Resource:
    """The policy with what its detectors need at run time: the model's address in place of its name, the budget, where a rule stands."""
    places = graph.rules.get(policy.id) or [f"{policy.source.file}:{policy.source.line}"] * len(policy.spec["rules"])
    rules = [_complete(graph, policy, index, rule, places[index]) for index, rule in enumerate(policy.spec["rules"])]
    return replace(policy, spec={**policy.spec, "rules": rules})


def _complete(graph: Graph, policy: Resource, index: int, rule: Rule, place: str) -> Rule:
    detector = dict(rule["detector"])
    if "model" in detector:
        detector["endpoint"] = _endpoint(graph.targets_of(policy, "spec", "rules", index, "detector", "model")[0])
    if rule.get("budget_ms"):
        detector["budget_ms"] = rule["budget_ms"]
    return {**rule, "detector": detector, "source": place}


def _endpoint(model: Resource) -> dict[str, Any]:
    endpoint = model.spec["endpoint"]
    return {
        "url": endpoint["url"],
        "api_key": endpoint["api_key"]["env"] if endpoint.get("api_key") else None,
        "timeout_seconds": endpoint["timeout_seconds"],
        "model": model.spec["model"],
        "parameters": {name: value for name, value in model.spec["parameters"].items() if value is not None},
    }


def stages_of(policy: Resource, engine: str) -> dict[str, list[Rule]]:
    """Stage -> its rules in the order they run; only stages with rules.

    Raises LlmopsError for a rule the engine cannot enforce: `link` should have refused it, and a gap is never rendered.
    """
    stages = {stage: rules_at(policy.spec, engine, stage) for stage in STAGES}
    for stage, rules in stages.items():
        for rule in rules:
            _require_support(policy, engine, rule, stage)
    return {stage: rules for stage, rules in stages.items() if rules}


def rules_file(folder: str, policy: Resource, engine: str, stages: Mapping[str, Any]) -> Artifact:
    """`rules.json`: the rules in the order of the policy, and for each stage what the engine's file must hold."""
    return json_file(
        f"{folder}/rules.json",
        {
            "policy": policy.name,
            "source": f"{policy.source.file}:{policy.source.line}",
            "engine": engine,
            "engines": list(policy.spec["engines"]),
            "rules": [_carried(r) for r in policy.spec["rules"] if engine in engines_of(policy.spec, r)],
            "stages": {
                stage: {**announced, "holdback": holdback(rules_at(policy.spec, engine, stage))} for stage, announced in stages.items()
            },
        },
    )


def settings_of(rule: Rule) -> dict[str, Any]:
    """The detector's settings without its kind."""
    return {key: value for key, value in rule["detector"].items() if key != "kind"}


def _carried(rule: Rule) -> dict[str, Any]:
    return {"id": rule["id"], **{key: rule[key] for key in CARRIED}}


def _require_support(policy: Resource, engine: str, rule: Rule, stage: str) -> None:
    support = enforce_rule(engine, rule, stage)
    if not support.possible:
        raise LlmopsError(f"{policy.id}: {engine} cannot enforce rule {rule['id']} at stage {stage}. {support.reason}", support.remedy)
