"""Interactions as OTLP spans, taken by a real collector of HTTP on loopback; one that is down holds nothing up."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from llmops.runtime.interactions import Log, read
from tests.unit.test_log_history import row


@pytest.fixture
def collector(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[ExportTraceServiceRequest]]:
    taken: list[ExportTraceServiceRequest] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            taken.append(ExportTraceServiceRequest.FromString(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            return

    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://127.0.0.1:{server.server_port}")
    yield taken
    server.shutdown()


def test_each_interaction_is_a_span_with_the_names_of_opentelemetry(tmp_path: Path, collector: list[ExportTraceServiceRequest]) -> None:
    with Log.open(tmp_path) as log:
        log.append(row(1, label="canary"))
        log.append(row(2, error_type="ModelFailed", error="rubbish"))
    spans = [span for taken in collector for resource in taken.resource_spans for scope in resource.scope_spans for span in scope.spans]
    assert [span.name for span in spans] == ["chat shop", "chat shop"]
    values = {a.key: a.value.string_value or a.value.int_value for a in spans[0].attributes}
    assert values["gen_ai.response.id"] == "i-001" and values["llmops.prompt.label"] == "canary"
    assert values["gen_ai.usage.input_tokens"] == 3 and values["gen_ai.operation.name"] == "chat"
    assert spans[0].end_time_unix_nano - spans[0].start_time_unix_nano == 12_500_000
    assert (spans[1].status.code, spans[1].status.message) == (2, "rubbish")


def test_a_collector_that_is_down_loses_no_row(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "1")
    with Log.open(tmp_path) as log:
        for number in range(5):
            log.append(row(number))
    assert len(read(tmp_path, "shop")) == 5
