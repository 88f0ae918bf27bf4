"""Target `prometheus`: alerts from the limits of monitors, over what `llmops serve` says at `/metrics`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from llmops import metric_names as names
from llmops.render.base import Artifact, rendered_from, yaml_file
from llmops.render.promql import EXPRESSIONS, Scope, missing
from llmops.resources import Graph, Resource

HOLDS_FOR = "10m"
"""How long a limit must be missed before somebody is told."""


def render(graph: Graph) -> Iterator[Artifact]:
    """`prometheus/<application>.yaml`: a file of alerting rules for each application, to be listed under `rule_files`."""
    for application in graph.of_kind("Application"):
        monitors = graph.targets_of(application, "spec", "monitors")
        groups = [_own(application), *(_group(application, monitor) for monitor in monitors)]
        yield yaml_file(f"prometheus/{application.name}.yaml", {"groups": groups}, _comment(graph, application, monitors))


def _comment(graph: Graph, application: Resource, monitors: list[Resource]) -> str:
    lines = [rendered_from(graph, application.id)]
    for monitor in monitors:
        lines += [
            f"No alert for {signal} of {monitor.name}: it needs the texts of the log, and is checked in Dagster."
            for signal in missing([signal["name"] for signal in monitor.spec["signals"]])
        ]
    return "\n".join(lines)


def _own(application: Resource) -> dict[str, Any]:
    """What no application should need to declare."""
    name, matcher = application.name, f'{{application="{application.name}"}}'
    model = application.spec["model"].partition("@")[0]
    rules = [
        _alert(application, "NotAttested", f"{names.ATTESTED.name} == 0", "What is served is not what was rendered.", "critical"),
        _alert(application, "NotServed", f"absent({names.RELEASE_INFO.name}{matcher})", f"Nobody serves {name}.", "critical"),
        _alert(
            application,
            "ModelUnavailable",
            f'{names.CIRCUIT_OPEN.name}{{model="Model/{model}"}} == 1',
            "The model failed repeatedly; its requests are turned away.",
            "critical",
        ),
    ]
    return {"name": f"llmops {name}", "rules": rules}


def _group(application: Resource, monitor: Resource) -> dict[str, Any]:
    scope = Scope(application.name, monitor.spec["window_hours"], tuple(monitor.spec["by"]))
    rules = [
        _limit(application, monitor, signal["name"], EXPRESSIONS[signal["name"]](scope), (bound, sign, signal[bound]))
        for signal in monitor.spec["signals"]
        if signal["name"] in EXPRESSIONS
        for bound, sign in (("max", ">"), ("min", "<"))
        if bound in signal
    ]
    return {"name": f"llmops {application.name} {monitor.name}", "rules": rules}


def _limit(application: Resource, monitor: Resource, signal: str, measured: str, limit: tuple[str, str, float]) -> dict[str, Any]:
    alert = "".join(part.capitalize() for part in signal.split("_"))
    bound, sign, value = limit
    summary = f"{signal} of {application.name} is {{{{ $value }}}}, {bound} {value} ({monitor.source.file}:{monitor.source.line})"
    return _alert(application, alert, f"{measured} {sign} {value}", summary, "warning")


def _alert(application: Resource, alert: str, expression: str, summary: str, severity: str) -> dict[str, Any]:
    place = f"{application.source.file}:{application.source.line}"
    return {
        "alert": f"Llmops{alert}",
        "expr": expression,
        "for": HOLDS_FOR,
        "labels": {"severity": severity, "application": application.name, "owner": application.owner},
        "annotations": {"summary": summary, "source": place, "look": f"llmops log tail --app {application.name}"},
    }
