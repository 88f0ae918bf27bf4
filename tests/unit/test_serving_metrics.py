"""What a server tells Prometheus of its answers, in the names that alerts and dashboards ask for."""

from __future__ import annotations

from typing import Any

from prometheus_client.parser import text_string_to_metric_families

from llmops import metric_names as names
from llmops.runtime.assistant import Answer, Judged, Tokens
from llmops.runtime.rails import Hit
from llmops.runtime.serving.metrics import Metrics

WHO = {"application": "shop", "release": "sha256:1", "prompt": "Prompt/answer@1.0.0"}
HIT = Hit("mail-out", "guardrails-ai", "redact", "enforce", "high", None, "EMAIL_ADDRESS", "specs/s.yaml:3")


class Application:
    name = "shop"
    safety = "SafetyPolicy/strict"
    release = "sha256:1"


class Assistant:
    application = Application()


class Bundle:
    environment = "prod"
    digest = "abc"


def answer(**changes: Any) -> Answer:
    values: dict[str, Any] = {
        "id": "1",
        "text": "Two litres",
        "sources": (),
        "release": "sha256:1",
        "prompt": "Prompt/answer@1.0.0",
        "label": "canary",
        "model": "Model/m",
        "verdicts": (Judged("output", True, "", (HIT,)),),
        "blocked": False,
        "latency_ms": 1500.0,
        "first_token_ms": 200.0,
        "rails_ms": {"input": 1.0, "output": 2.0},
        "tokens": Tokens(10, 5),
        "cost_usd": 0.25,
        "question": "How much?",
    }
    return Answer(**{**values, **changes})


def samples(metrics: Metrics) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    content, kind = metrics.expose()
    assert kind.startswith("text/plain")
    families = list(text_string_to_metric_families(content.decode()))
    return {(s.name, frozenset(s.labels.items())): s.value for family in families for s in family.samples}


def value(metrics: Metrics, name: str, **labels: str) -> float:
    return samples(metrics)[name, frozenset(labels.items())]


def test_an_answer_adds_to_everything_that_it_touches() -> None:
    metrics = Metrics()
    metrics.answered(Assistant(), answer())  # type: ignore[arg-type]
    metrics.answered(Assistant(), answer(blocked=True, verdicts=(), first_token_ms=None, cost_usd=None))  # type: ignore[arg-type]
    metrics.answered(Assistant(), answer(text="I don't know.", verdicts=()))  # type: ignore[arg-type]
    for outcome in ("answered", "blocked", "refused"):
        assert value(metrics, "llmops_requests_total", **WHO, label="canary", outcome=outcome) == 1
    assert value(metrics, "llmops_request_seconds_sum", **WHO) == 4.5
    assert value(metrics, "llmops_first_token_seconds_count", **WHO) == 2
    assert value(metrics, "llmops_tokens_total", **WHO, direction="input") == 30
    assert value(metrics, "llmops_cost_usd_total", **WHO) == 0.5
    assert value(metrics, "llmops_redacted_total", **WHO) == 1
    assert value(metrics, "llmops_flagged_total", **WHO) == 0
    rule = {"application": "shop", "policy": "strict", "rule": "mail-out", "stage": "output", "action": "redact", "mode": "enforce"}
    assert value(metrics, "llmops_rule_hits_total", **rule) == 1
    assert value(metrics, "llmops_rail_seconds_count", application="shop", stage="output") == 3


def test_failures_and_what_is_going_on() -> None:
    metrics = Metrics()
    metrics.failed("shop", "model_failed")
    assert value(metrics, "llmops_rejected_total", application="shop", code="model_failed") == 1
    with metrics.in_flight("shop"):
        assert value(metrics, "llmops_in_flight", application="shop") == 1
    assert value(metrics, "llmops_in_flight", application="shop") == 0
    metrics.circuit("Model/m", is_open=True)
    assert value(metrics, "llmops_circuit_open", model="Model/m") == 1


def test_a_switch_drops_the_release_that_was_served() -> None:
    metrics = Metrics()
    metrics.released(Bundle(), {"shop": Assistant()})  # type: ignore[arg-type, dict-item]
    metrics.released(Bundle(), {"other": Assistant()})  # type: ignore[arg-type, dict-item]
    metrics.attested(True)
    found = [dict(labels) for name, labels in samples(metrics) if name == names.RELEASE_INFO.name]
    assert found == [{"application": "other", "release": "sha256:1", "environment": "prod", "bundle": "abc"}]
    assert value(metrics, "llmops_attested") == 1


def test_every_name_is_told_from_the_start() -> None:
    told = {family.name for family in text_string_to_metric_families(Metrics().expose()[0].decode())}
    assert told == {metric.name.removesuffix("_total") for metric in names.METRICS}
