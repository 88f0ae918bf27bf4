"""Alerts and dashboards from monitors: every expression is PromQL, over metrics and labels that the server has."""

from __future__ import annotations

import re
from typing import Any

import orjson
import promql_parser
import pytest
import yaml

from llmops import metric_names as names
from llmops.fingerprint import fingerprint
from llmops.monitor.signals import SIGNALS
from llmops.render import grafana, prometheus
from llmops.render.promql import EXPRESSIONS, Scope, missing
from llmops.resources import Graph
from tests.dagster_graph import assistant
from tests.graphs import application, graph, make, source

METRICS = {metric.name: metric for metric in names.METRICS}
SUFFIXES = re.compile(r"_(?:bucket|sum|count)$")
LIMITS = [{"name": name, "max": 3, "min": 1} for name in SIGNALS]


def watched(**changes: Any) -> Graph:
    spec = {"window_hours": 48, "by": ["release", "label"], "min_n": 20, "signals": LIMITS, **changes}
    return fingerprint(graph(make("Monitor", "quality", spec), source(), assistant("shop", monitors=["quality"])))


def rules(built: Graph) -> list[dict[str, Any]]:
    (artifact,) = prometheus.render(built)
    assert artifact.path == "prometheus/shop.yaml"
    return [rule for group in yaml.safe_load(artifact.content)["groups"] for rule in group["rules"]]


def dashboard(built: Graph) -> dict[str, Any]:
    (artifact,) = grafana.render(built)
    assert artifact.path == "grafana/shop.json"
    parsed: dict[str, Any] = orjson.loads(artifact.content)
    return parsed


def selectors(node: Any) -> list[Any]:
    """Every selector of a parsed expression."""
    if isinstance(node, promql_parser.VectorSelector):
        return [node]
    parts = [getattr(node, name, None) for name in ("expr", "lhs", "rhs", "vector_selector", "param")]
    parts += list(getattr(node, "args", None) or [])
    return [found for part in parts if part is not None for found in selectors(part)]


def assert_asks_for_what_there_is(expression: str) -> None:
    found = selectors(promql_parser.parse(expression))
    assert found
    for selector in found:
        metric = METRICS[SUFFIXES.sub("", selector.name)]
        used = {matcher.name for matcher in selector.matchers.matchers}
        assert used <= set(metric.labels), expression


def test_every_signal_has_an_expression_or_needs_the_texts() -> None:
    assert missing(list(SIGNALS)) == ["groundedness_mean"]
    assert not set(EXPRESSIONS) - set(SIGNALS)


@pytest.mark.parametrize("signal", EXPRESSIONS)
@pytest.mark.parametrize("by", [(), ("release",), ("prompt", "label")])
def test_expressions_are_promql_over_the_servers_metrics(signal: str, by: tuple[str, ...]) -> None:
    assert_asks_for_what_there_is(EXPRESSIONS[signal](Scope("shop", 24, by)))


def test_a_limit_is_an_alert_that_names_its_line_and_owner() -> None:
    (latency,) = [rule for rule in rules(watched(by=[])) if rule["alert"] == "LlmopsLatencyP95Ms" and ">" in rule["expr"].split()[-2]]
    assert latency["expr"] == (
        '1000 * histogram_quantile(0.95, sum by (le) (increase(llmops_request_seconds_bucket{application="shop"}[48h]))) > 3'
    )
    assert latency["for"] == "10m"
    assert latency["labels"] == {"severity": "warning", "application": "shop", "owner": watched()["Application/shop"].owner}
    monitor = watched()["Monitor/quality"].source
    assert latency["annotations"]["summary"] == f"latency_p95_ms of shop is {{{{ $value }}}}, max 3 ({monitor.file}:{monitor.line})"


def test_every_alert_can_be_evaluated_and_all_limits_have_one() -> None:
    found = rules(watched())
    assert len(found) == 3 + 2 * len(EXPRESSIONS)
    for rule in found:
        assert_asks_for_what_there_is(rule["expr"])


def test_a_signal_without_a_metric_is_said_not_dropped() -> None:
    (artifact,) = prometheus.render(watched())
    assert b"# No alert for groundedness_mean of quality: it needs the texts of the log, and is checked in Dagster.\n" in artifact.content


def test_an_application_without_monitors_has_the_servers_own_alerts() -> None:
    built = fingerprint(graph(source(), application("shop")))
    assert [rule["alert"] for rule in rules(built)] == ["LlmopsNotAttested", "LlmopsNotServed", "LlmopsModelUnavailable"]


def test_a_dashboard_draws_each_signal_with_its_limits() -> None:
    drawn = dashboard(watched())
    assert [panel["title"] for panel in drawn["panels"]] == [name.replace("_", " ") for name in EXPRESSIONS]
    assert len({(p["gridPos"]["x"], p["gridPos"]["y"]) for p in drawn["panels"]}) == len(drawn["panels"])
    for panel in drawn["panels"]:
        assert_asks_for_what_there_is(panel["targets"][0]["expr"])
        steps = panel["fieldConfig"]["defaults"]["thresholds"]["steps"]
        assert steps == [{"value": None, "color": "red"}, {"value": 1, "color": "green"}, {"value": 3, "color": "red"}]
    units = {panel["title"]: panel["fieldConfig"]["defaults"]["unit"] for panel in drawn["panels"]}
    assert (units["latency p95 ms"], units["error rate"], units["cost usd per day"], units["interactions"]) == (
        "ms",
        "percentunit",
        "currencyUSD",
        "short",
    )
    assert drawn["templating"]["list"][0]["query"] == "prometheus"


def test_a_dashboard_without_limits_has_no_lines() -> None:
    drawn = dashboard(fingerprint(graph(source(), application("shop"))))
    assert all("thresholds" not in panel["fieldConfig"]["defaults"] for panel in drawn["panels"])
