"""Task `monitor`: signals over one application's logged interactions, by group, and whether they hold their limits."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import groupby
from typing import Any

import dagster as dg

from llmops.monitor.groundedness import groundedness
from llmops.monitor.signals import ALL, Outcome, Reading, Window, read_signals
from llmops.runtime.dagster.tables import table
from llmops.runtime.dagster.translator import Node
from llmops.runtime.dagster.workbench import Workbench
from llmops.runtime.interactions import Interaction, read

COLUMNS = ("signal", "group", "value", "interval", "n", "limits", "holds")
BARS = "▁▂▃▄▅▆▇█"


def watch(bench: Workbench, node: Node, key: dg.AssetKey) -> dg.MaterializeResult[None]:
    spec = bench.bundle.resource(node["resource"]).spec
    hours, now = spec["window_hours"], datetime.now(UTC)
    logged = read(bench.place.root, node["task"]["application"], now - timedelta(hours=hours))
    mine = [row for row in logged if row.environment == bench.bundle.environment]
    with_passages = any(signal["name"] == "groundedness_mean" for signal in spec["signals"])
    outcomes = [outcome(row, spec["by"], with_groundedness=with_passages) for row in mine]
    readings = read_signals(spec["signals"], Window(outcomes, hours / 24), spec["min_n"])
    metadata: dict[str, Any] = {
        "observed": len(mine),
        **_values(readings),
        "readings": table([_row(reading) for reading in readings], COLUMNS),
        "by hour": dg.MetadataValue.md(history([row.time for row in mine], now, hours)),
    }
    checks = {check["name"] for check in node["checks"]}
    results = [_result(list(group), key, hours) for signal, group in groupby(readings, lambda r: r.signal) if signal in checks]
    return dg.MaterializeResult(asset_key=key, metadata=metadata, check_results=results)


def outcome(interaction: Interaction, by: Sequence[str] = (), *, with_groundedness: bool = False) -> Outcome:
    """What a monitor reads of a row of the log."""
    hits = [hit for verdict in json.loads(interaction.verdicts_json) for hit in verdict["hits"]]
    answered = not interaction.blocked and not interaction.error_type and bool(interaction.answer)
    return Outcome(
        latency_ms=interaction.latency_ms,
        failed=bool(interaction.error_type),
        blocked=interaction.blocked,
        redacted=any(hit["action"] == "redact" and hit["mode"] == "enforce" for hit in hits),
        flagged=interaction.flagged,
        refused=interaction.refused,
        first_token_ms=interaction.first_token_ms,
        input_tokens=interaction.input_tokens,
        output_tokens=interaction.output_tokens,
        cost_usd=interaction.cost_usd,
        groundedness=_groundedness(interaction) if with_groundedness and answered else None,
        group=" ".join(_short(getattr(interaction, name)) for name in by),
    )


def history(times: Sequence[str], now: datetime, hours: int) -> str:
    """Interactions over the window as a line of bars, oldest first, each a share of the window."""
    bars = min(hours, 48)
    counts = [0] * bars
    for time in times:
        age = (now - datetime.fromisoformat(time)) / timedelta(hours=hours)
        counts[min(bars - 1, max(0, int((1 - age) * bars)))] += 1
    most = max(counts) or 1
    line = "".join(BARS[round(count / most * (len(BARS) - 1))] for count in counts)
    return f"`{line}`\n\n{hours / bars:g} hours a bar, at most {max(counts)} interactions in one"


def _groundedness(interaction: Interaction) -> float | None:
    return groundedness(interaction.answer, [source["content"] for source in json.loads(interaction.sources_json)])


def _short(value: str) -> str:
    """A release by its first digits; no label as a word of its own, since the empty group is everything."""
    return value[:19] if value.startswith("sha256:") else value or "(none)"


def _values(readings: Sequence[Reading]) -> dict[str, float]:
    """Dagster plots numbers; a signal without a value leaves a gap."""
    return {reading.signal: reading.value for reading in readings if reading.value is not None and reading.group == ALL}


def _row(reading: Reading) -> dict[str, str | float | int | bool]:
    interval = "{:.3f} to {:.3f}".format(*reading.interval) if reading.interval else ""
    return {
        "signal": reading.signal,
        "group": reading.group or "all",
        "value": "nothing to measure" if reading.value is None else f"{reading.value:.6g}",
        "interval": interval,
        "n": reading.n,
        "limits": _limits(reading),
        "holds": "too few" if not reading.decides else "yes" if reading.passed else "NO",
    }


def _limits(reading: Reading) -> str:
    return " ".join(f"{name} {value:g}" for name, value in (("min", reading.low), ("max", reading.high)) if value is not None)


def _result(readings: Sequence[Reading], key: dg.AssetKey, hours: int) -> dg.AssetCheckResult:
    """One check a signal: it fails where the limit is missed by all interactions together or by a group that decides."""
    whole, missed = readings[0], [reading for reading in readings if not reading.passed]
    return dg.AssetCheckResult(
        asset_key=key,
        check_name=whole.signal,
        passed=not missed,
        severity=dg.AssetCheckSeverity.WARN,
        metadata=_measured(whole),
        description=_description(whole, missed, hours),
    )


def _measured(reading: Reading) -> Mapping[str, float | int]:
    given = {"value": reading.value, "min": reading.low, "max": reading.high}
    return {**{name: value for name, value in given.items() if value is not None}, "n": reading.n}


def _description(whole: Reading, missed: Sequence[Reading], hours: int) -> str | None:
    if whole.value is None:
        return f"No interaction in the last {hours} hours: nothing to measure."
    said = [f"{reading.group or 'all'}: {reading.value:.4g} over {reading.n}" for reading in missed if reading.value is not None]
    return f"Missed by {'; '.join(said)}" if said else None
