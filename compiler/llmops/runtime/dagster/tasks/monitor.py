"""Task `monitor`: signals over one application's logged interactions, and whether they hold their limits."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import dagster as dg

from llmops.monitor.signals import Outcome, Reading, read_signals
from llmops.runtime.dagster.translator import Node
from llmops.runtime.dagster.workbench import Workbench
from llmops.runtime.interactions import Interaction, read


def watch(bench: Workbench, node: Node, key: dg.AssetKey) -> dg.MaterializeResult[None]:
    monitor = bench.bundle.resource(node["resource"])
    hours = monitor.spec["window_hours"]
    logged = read(bench.place.root, node["task"]["application"], datetime.now(UTC) - timedelta(hours=hours))
    mine = [outcome(i) for i in logged if i.environment == bench.bundle.environment]
    readings = read_signals(monitor.spec["signals"], mine)
    metadata = {"observed": len(mine), **_values(readings)}
    checks = {check["name"] for check in node["checks"]}
    results = [_result(reading, key, hours) for reading in readings if reading.signal in checks]
    return dg.MaterializeResult(asset_key=key, metadata=metadata, check_results=results)


def outcome(interaction: Interaction) -> Outcome:
    """What a monitor reads of a row of the log."""
    hits = [hit for verdict in json.loads(interaction.verdicts_json) for hit in verdict["hits"]]
    redacted = any(hit["action"] == "redact" and hit["mode"] == "enforce" for hit in hits)
    return Outcome(interaction.latency_ms, bool(interaction.error_type), interaction.blocked, redacted)


def _values(readings: Sequence[Reading]) -> dict[str, float]:
    """Dagster plots numbers; a signal without a value leaves a gap."""
    return {reading.signal: reading.value for reading in readings if reading.value is not None}


def _result(reading: Reading, key: dg.AssetKey, hours: int) -> dg.AssetCheckResult:
    limits = {name: value for name, value in (("min", reading.low), ("max", reading.high)) if value is not None}
    measured = {} if reading.value is None else {"value": reading.value}
    return dg.AssetCheckResult(
        asset_key=key,
        check_name=reading.signal,
        passed=reading.passed,
        severity=dg.AssetCheckSeverity.WARN,
        metadata={**measured, **limits, "n": reading.n},
        description=None if measured else f"No interaction in the last {hours} hours: nothing to measure.",
    )
