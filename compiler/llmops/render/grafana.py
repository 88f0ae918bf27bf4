"""Target `grafana`: a dashboard for each application, over what `llmops serve` says at `/metrics`, with the monitors' limits drawn in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from llmops.render.base import Artifact, json_file
from llmops.render.promql import EXPRESSIONS, Scope
from llmops.resources import Graph, Resource

SCHEMA = 39
"""Of Grafana 11; newer ones read it."""
WIDTH, HEIGHT = 8, 8
"""Of a panel, of 24 columns."""
SOURCE = {"type": "prometheus", "uid": "${datasource}"}
UNITS = (("_ms", "ms"), ("_rate", "percentunit"), ("_usd_per_day", "currencyUSD"))
BY = ("release", "prompt")


def render(graph: Graph) -> Iterator[Artifact]:
    """`grafana/<application>.json`, to be imported or provisioned; it asks for its Prometheus."""
    for application in graph.of_kind("Application"):
        monitors = graph.targets_of(application, "spec", "monitors")
        yield json_file(f"grafana/{application.name}.json", _dashboard(graph, application, _limits(monitors)))


def _limits(monitors: list[Resource]) -> dict[str, Mapping[str, Any]]:
    """The first monitor that watches a signal decides the lines drawn."""
    found: dict[str, Mapping[str, Any]] = {}
    for monitor in monitors:
        for signal in monitor.spec["signals"]:
            found.setdefault(signal["name"], signal)
    return found


def _dashboard(graph: Graph, application: Resource, limits: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    place = f"{application.source.file}:{application.source.line}"
    panels = [_panel(number, name, application.name, limits.get(name, {})) for number, name in enumerate(EXPRESSIONS)]
    return {
        "uid": None,
        "title": f"{application.name} ({graph.environment})",
        "description": f"Rendered by llmops from {place}. Edit that file, not this one.",
        "tags": ["llmops", graph.workspace, graph.environment],
        "schemaVersion": SCHEMA,
        "editable": False,
        "time": {"from": "now-24h", "to": "now"},
        "refresh": "1m",
        "templating": {"list": [{"name": "datasource", "label": "Prometheus", "type": "datasource", "query": "prometheus"}]},
        "panels": panels,
    }


def _panel(number: int, signal: str, application: str, limits: Mapping[str, Any]) -> dict[str, Any]:
    row, column = divmod(number, 24 // WIDTH)
    expression = EXPRESSIONS[signal](Scope(application, 1, BY))
    return {
        "id": number + 1,
        "type": "timeseries",
        "title": signal.replace("_", " "),
        "datasource": SOURCE,
        "gridPos": {"x": column * WIDTH, "y": row * HEIGHT, "w": WIDTH, "h": HEIGHT},
        "fieldConfig": {"defaults": {"unit": _unit(signal), "min": 0, **_thresholds(limits)}, "overrides": []},
        "targets": [
            {
                "refId": "A",
                "datasource": SOURCE,
                "expr": expression,
                "legendFormat": "{{prompt}} {{release}}",
            }
        ],
    }


def _unit(signal: str) -> str:
    return next((unit for ending, unit in UNITS if signal.endswith(ending)), "short")


def _thresholds(limits: Mapping[str, Any]) -> dict[str, Any]:
    """Red above `max` and below `min`, with a line at each."""
    if not limits:
        return {}
    low, high = limits.get("min"), limits.get("max")
    steps = [{"value": None, "color": "green" if low is None else "red"}]
    steps += [{"value": low, "color": "green"}] if low is not None else []
    steps += [{"value": high, "color": "red"}] if high is not None else []
    return {"thresholds": {"mode": "absolute", "steps": steps}, "custom": {"thresholdsStyle": {"mode": "line"}}}
