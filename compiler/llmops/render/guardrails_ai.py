"""Target guardrails-ai: one guard a stage, in the form `Guard.from_dict` takes, and `rules.json`.

Every keyword of every validator is written out: guardrails-ai adds a second validator on each call where one is left to its default.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from llmops.enforcement import NATIVE, Rule, effective_action
from llmops.render.base import Artifact, json_file
from llmops.render.safety_rules import policies_for, rules_file, settings_of, stages_of
from llmops.resources import Graph, Resource

ENGINE = "guardrails-ai"


def render(graph: Graph) -> Iterator[Artifact]:
    """`guardrails/<policy>/<stage>.json` and `guardrails/<policy>/rules.json`."""
    for policy in policies_for(graph, ENGINE):
        yield from _render_policy(policy)


def _render_policy(policy: Resource) -> Iterator[Artifact]:
    folder = f"guardrails/{policy.name}"
    announced: dict[str, Any] = {}
    for stage, rules in stages_of(policy, ENGINE).items():
        validators, checks = _place(rules)
        yield json_file(f"{folder}/{stage}.json", _guard(policy, stage, validators))
        announced[stage] = {"validators": [v["id"] for v in validators], "checks": checks}
    yield rules_file(folder, policy, ENGINE, announced)


def _guard(policy: Resource, stage: str, validators: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    name = f"{policy.name}-{stage}"
    return {
        "id": name,
        "name": name,
        "description": policy.description,
        "output_schema": {"type": "string"},
        "validators": list(validators),
    }


def _place(rules: Sequence[Rule]) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """The validators of a guard, and which of them, by index, judges each rule.

    Two rules that come to the same validator share it: guardrails-ai would keep one of two equal validators.
    """
    validators: list[dict[str, Any]] = []
    checks: list[dict[str, Any]] = []
    for rule in rules:
        validator = _validator(rule)
        if validator not in validators:
            validators.append(validator)
        checks.append({"rule": rule["id"], "validator": validators.index(validator)})
    return validators, checks


def _validator(rule: Rule) -> dict[str, Any]:
    kind = rule["detector"]["kind"]
    on_fail = "fix" if effective_action(rule) == "redact" else "noop"
    native = None if rule.get("budget_ms") else NATIVE.get((ENGINE, kind))
    if native:
        return {"id": native, "on": "$", "onFail": on_fail, "kwargs": settings_of(rule)}
    return {"id": f"llmops/{kind}", "on": "$", "onFail": on_fail, "kwargs": {"rule": rule["id"], **settings_of(rule)}}
