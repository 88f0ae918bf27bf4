"""The metrics of a server, in one place: what `/metrics` says, and what rendered alerts and dashboards ask for."""

from __future__ import annotations

from typing import Literal, NamedTuple

WHO = ("application", "release", "prompt")
SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 20.0, 30.0, 60.0, 120.0)
RAIL_SECONDS = (0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1.0, 5.0)


class Metric(NamedTuple):
    """A name as Prometheus has it. `buckets` are upper bounds, in the unit of the name."""

    name: str
    type: Literal["counter", "gauge", "histogram"]
    help: str
    labels: tuple[str, ...] = ()
    buckets: tuple[float, ...] = ()


REQUESTS = Metric(
    "llmops_requests_total", "counter", "Requests by what came of them: answered, blocked, refused, error.", (*WHO, "label", "outcome")
)
REQUEST_SECONDS = Metric("llmops_request_seconds", "histogram", "From admission to the whole answer, safety rules included.", WHO, SECONDS)
FIRST_TOKEN_SECONDS = Metric("llmops_first_token_seconds", "histogram", "Until the first piece of a streamed answer left.", WHO, SECONDS)
TOKENS = Metric("llmops_tokens_total", "counter", "Tokens as the model's server counted them.", (*WHO, "direction"))
COST = Metric("llmops_cost_usd_total", "counter", "US dollars at the model's declared price.", WHO)
RULE_HITS = Metric(
    "llmops_rule_hits_total",
    "counter",
    "Safety rules that found something, or failed.",
    ("application", "policy", "rule", "stage", "action", "mode"),
)
FLAGGED = Metric("llmops_flagged_total", "counter", "Answers that a safety rule let pass with a note.", WHO)
REDACTED = Metric("llmops_redacted_total", "counter", "Answers where a safety rule took something out.", WHO)
RAIL_SECONDS_ = Metric("llmops_rail_seconds", "histogram", "Time in the safety rules of a request.", ("application", "stage"), RAIL_SECONDS)
IN_FLIGHT = Metric("llmops_in_flight", "gauge", "Requests that are being answered.", ("application",))
CIRCUIT_OPEN = Metric("llmops_circuit_open", "gauge", "1 where the circuit towards the model is open.", ("model",))
REJECTED = Metric("llmops_rejected_total", "counter", "Requests without an answer, by the error's code.", ("application", "code"))
RELEASE_INFO = Metric("llmops_release_info", "gauge", "1 for what is served.", ("application", "release", "environment", "bundle"))
ATTESTED = Metric("llmops_attested", "gauge", "1 where what is served is what was rendered.")

METRICS = (
    REQUESTS,
    REQUEST_SECONDS,
    FIRST_TOKEN_SECONDS,
    TOKENS,
    COST,
    RULE_HITS,
    FLAGGED,
    REDACTED,
    RAIL_SECONDS_,
    IN_FLIGHT,
    CIRCUIT_OPEN,
    REJECTED,
    RELEASE_INFO,
    ATTESTED,
)
