"""Interactions as OpenTelemetry spans, sent by OTLP where an endpoint is configured. A collector that is down holds nothing up."""

from __future__ import annotations

import os
from datetime import datetime, timedelta
from typing import Any

from llmops.runtime.interactions.row import COLUMNS, Interaction

VARIABLES = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
"""OpenTelemetry's own; its other variables for headers, timeouts and batches hold as well."""


class Spans:
    """A provider of our own: what other packages trace in this process does not go along, nor do these spans go elsewhere."""

    def __init__(self) -> None:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor

        self._provider = TracerProvider(resource=Resource.create({"service.name": "llmops"}), shutdown_on_exit=False)
        self._provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
        self._tracer = self._provider.get_tracer("llmops")

    def send(self, interaction: Interaction) -> None:
        """Queues one span; drops it where too many wait. Never raises for a collector's sake."""
        from opentelemetry.trace import SpanKind, Status, StatusCode

        began = datetime.fromisoformat(interaction.time)
        span = self._tracer.start_span(f"chat {interaction.application}", kind=SpanKind.SERVER, start_time=_nanoseconds(began))
        span.set_attributes(_attributes(interaction))
        if interaction.error_type:
            span.set_status(Status(StatusCode.ERROR, interaction.error))
        span.end(_nanoseconds(began + timedelta(milliseconds=interaction.latency_ms)))

    def close(self) -> None:
        """Sends what waits."""
        self._provider.shutdown()


def spans_or_none() -> Spans | None:
    """None where no endpoint is configured."""
    return Spans() if any(os.environ.get(name) for name in VARIABLES) else None


def _attributes(interaction: Interaction) -> dict[str, Any]:
    values = {column: getattr(interaction, field) for field, column in COLUMNS.items()}
    return {**{column: value for column, value in values.items() if value not in (None, "")}, "gen_ai.operation.name": "chat"}


def _nanoseconds(moment: datetime) -> int:
    return int(moment.timestamp() * 1_000_000) * 1000
