"""Task `safety_policy`: the policy's rules, really loaded by each of its guardrail engines."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import dagster as dg

from llmops.runtime.dagster.tables import table
from llmops.runtime.dagster.translator import Node
from llmops.runtime.dagster.workbench import Workbench

RULE_COLUMNS = ("rule", "stage", "detector", "action", "mode", "on_error", "severity")
ENGINE_COLUMNS = ("engine", "stage", "rules", "validators")


def load_policy(bench: Workbench, node: Node, key: dg.AssetKey) -> dg.MaterializeResult[None]:
    policy = bench.bundle.resource(node["resource"])
    loaded = [row for engine in policy.spec["engines"] for row in _load(bench, policy.name, engine)]
    metadata: dict[str, Any] = {
        "rules": table([_rule(rule) for rule in policy.spec["rules"]], RULE_COLUMNS),
        "engines": table(loaded, ENGINE_COLUMNS),
        "rule_count": len(policy.spec["rules"]),
        "validator_count": sum(row["validators"] for row in loaded),
    }
    return dg.MaterializeResult(asset_key=key, metadata=metadata, data_version=dg.DataVersion(node["code_version"]))


def _load(bench: Workbench, policy: str, engine: str) -> Iterator[dict[str, Any]]:
    """A row for each stage. `load_rails` raises unless the engine holds exactly the announced validators."""
    from llmops.runtime.rails import load_rails
    from llmops.runtime.rails.rules import read_rules

    announced = read_rules(bench.bundle.directory, policy, engine)
    for stage in load_rails(bench.bundle.directory, policy, engine).stages:
        held = announced.stages[stage]
        yield {"engine": engine, "stage": stage, "rules": len(held.checks), "validators": len(held.parts)}


def _rule(rule: Mapping[str, Any]) -> dict[str, str]:
    plain = {name: rule[name] for name in ("action", "mode", "on_error", "severity")}
    return {"rule": rule["id"], "stage": ", ".join(rule["stage"]), "detector": rule["detector"]["kind"], **plain}
