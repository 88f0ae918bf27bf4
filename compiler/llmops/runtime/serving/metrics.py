"""What a server tells Prometheus. Labels come from the bundle, never from a request, so that no client can make a new series."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

from llmops import metric_names as names
from llmops.runtime.assistant.records import is_flagged
from llmops.runtime.interactions import is_refusal

if TYPE_CHECKING:
    from llmops.runtime.assistant import Answer, Assistant
    from llmops.runtime.bundle import Bundle


class Metrics:
    """One for a server."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._parts = {metric.name: _made(metric, self._registry) for metric in names.METRICS}

    def answered(self, assistant: Assistant, answer: Answer) -> None:
        """Everything that an answer adds."""
        who = (assistant.application.name, answer.release, answer.prompt)
        self._of(names.REQUESTS, *who, answer.label, _outcome(answer)).inc()
        self._of(names.REQUEST_SECONDS, *who).observe(answer.latency_ms / 1000)
        if answer.first_token_ms is not None:
            self._of(names.FIRST_TOKEN_SECONDS, *who).observe(answer.first_token_ms / 1000)
        self._of(names.TOKENS, *who, "input").inc(answer.tokens.input)
        self._of(names.TOKENS, *who, "output").inc(answer.tokens.output)
        self._of(names.COST, *who).inc(answer.cost_usd or 0)
        self._of(names.FLAGGED, *who).inc(is_flagged(answer.verdicts))
        self._of(names.REDACTED, *who).inc(_is_redacted(answer))
        self._judged(assistant, answer)

    def failed(self, application: str, code: str) -> None:
        """A request that got no answer; `application` is empty where it is not known."""
        self._of(names.REJECTED, application, code).inc()

    @contextmanager
    def in_flight(self, application: str) -> Iterator[None]:
        with self._of(names.IN_FLIGHT, application).track_inprogress():
            yield

    def circuit(self, model: str, *, is_open: bool) -> None:
        self._of(names.CIRCUIT_OPEN, model).set(is_open)

    def released(self, bundle: Bundle, assistants: Mapping[str, Assistant]) -> None:
        """What is served now; what was served before is dropped."""
        self._parts[names.RELEASE_INFO.name].clear()
        for name, assistant in assistants.items():
            self._of(names.RELEASE_INFO, name, assistant.application.release, bundle.environment, bundle.digest).set(1)

    def attested(self, holds: bool) -> None:
        self._parts[names.ATTESTED.name].set(holds)

    def expose(self) -> tuple[bytes, str]:
        """The text that Prometheus reads, and its type."""
        return generate_latest(self._registry), CONTENT_TYPE_LATEST

    def _judged(self, assistant: Assistant, answer: Answer) -> None:
        application = assistant.application.name
        policy = (assistant.application.safety or "").partition("/")[2]
        for verdict in answer.verdicts:
            for hit in verdict.hits:
                self._of(names.RULE_HITS, application, policy, hit.rule, verdict.stage, hit.action, hit.mode).inc()
        for stage, milliseconds in answer.rails_ms.items():
            self._of(names.RAIL_SECONDS_, application, stage).observe(milliseconds / 1000)

    def _of(self, metric: names.Metric, *labels: str) -> Any:
        return self._parts[metric.name].labels(*labels)


def _made(metric: names.Metric, registry: CollectorRegistry) -> Any:
    if metric.type == "histogram":
        return Histogram(metric.name, metric.help, metric.labels, registry=registry, buckets=metric.buckets)
    return (Counter if metric.type == "counter" else Gauge)(metric.name, metric.help, metric.labels, registry=registry)


def _outcome(answer: Answer) -> str:
    if answer.blocked:
        return "blocked"
    return "refused" if is_refusal(answer.text) else "answered"


def _is_redacted(answer: Answer) -> bool:
    return any(hit.action == "redact" and hit.mode == "enforce" for verdict in answer.verdicts for hit in verdict.hits)
