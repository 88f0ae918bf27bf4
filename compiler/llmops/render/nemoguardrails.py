"""Target NeMo Guardrails: configurations without Colang for its IORails engine, and `rules.json`.

One folder each for the conversation and for retrieved passages, which are checked as input: NeMo merges the files of
nested folders. NeMo's own regex flow serves where it can; the other rules run in the rail that `llmops.runtime` adds.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from llmops.enforcement import Rule, effective_action, enforce_rule
from llmops.render.base import Artifact, rendered_from, yaml_file
from llmops.render.safety_rules import policies_for, rules_file, stages_of
from llmops.resources import Graph, Resource

ENGINE = "nemoguardrails"
PLACES = {"input": ("conversation", "input"), "output": ("conversation", "output"), "retrieval": ("retrieval", "input")}
"""Stage -> the folder of its configuration and the direction of its rails."""


def render(graph: Graph) -> Iterator[Artifact]:
    """`nemoguardrails/<policy>/{conversation,retrieval}/config.yml` and `nemoguardrails/<policy>/rules.json`."""
    for policy in policies_for(graph, ENGINE):
        yield from _render_policy(graph, policy)


def _render_policy(graph: Graph, policy: Resource) -> Iterator[Artifact]:
    folder = f"nemoguardrails/{policy.name}"
    stages = stages_of(policy, ENGINE)
    for place in ("conversation", "retrieval"):
        directions = {PLACES[stage][1]: rules for stage, rules in stages.items() if PLACES[stage][0] == place}
        if directions:
            yield yaml_file(f"{folder}/{place}/config.yml", _config(directions), rendered_from(graph, policy.id))
    yield rules_file(folder, policy, ENGINE, {stage: _announce(stage, rules) for stage, rules in stages.items()})


def _config(directions: Mapping[str, Sequence[Rule]]) -> dict[str, Any]:
    patterns = {direction: {"patterns": _patterns(direction, rules)} for direction, rules in directions.items()}
    patterns = {direction: value for direction, value in patterns.items() if value["patterns"]}
    rails: dict[str, Any] = {"config": {"regex_detection": patterns}} if patterns else {}
    rails |= {direction: {"flows": _flows(direction, rules)} for direction, rules in directions.items()}
    config: dict[str, Any] = {"colang_version": "1.0", "models": [], "rails": rails}
    ours = {r["id"]: _settings(r) for direction, rules in directions.items() for r in rules if not _is_native(direction, r)}
    return {**config, "custom_data": {"llmops": {"rules": ours}}} if ours else config


def _flows(direction: str, rules: Sequence[Rule]) -> list[str]:
    return list(dict.fromkeys(_flow(direction, rule) for rule in rules))


def _flow(direction: str, rule: Rule) -> str:
    if _is_native(direction, rule):
        return f"regex check {direction}"
    return f'llmops check {direction} $rule="{rule["id"]}"'


def _patterns(direction: str, rules: Sequence[Rule]) -> list[str]:
    return list(dict.fromkeys(p for rule in rules if _is_native(direction, rule) for p in rule["detector"]["patterns"]))


def _is_native(direction: str, rule: Rule) -> bool:
    return enforce_rule(ENGINE, rule, direction).level == "native"


def _settings(rule: Rule) -> dict[str, Any]:
    """A rule that only monitors must not stop the rails either when its detector fails: NeMo would skip those behind it."""
    on_error = "log" if rule["mode"] == "monitor" else rule["on_error"]
    return {"detector": dict(rule["detector"]), "action": effective_action(rule), "on_error": on_error}


def _announce(stage: str, rules: Sequence[Rule]) -> dict[str, Any]:
    place, direction = PLACES[stage]
    checks = [{"rule": rule["id"], "flow": _flow(direction, rule), "patterns": _patterns(direction, [rule])} for rule in rules]
    return {"config": f"{place}/config.yml", "direction": direction, "flows": _flows(direction, rules), "checks": checks}
