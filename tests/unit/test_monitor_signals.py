"""Signals against values worked out by hand; a window without interactions proves nothing."""

from __future__ import annotations

from typing import Any

import pytest

from llmops.kinds import schema
from llmops.monitor.signals import SIGNALS, Outcome, Reading, read_signals

MIXED = [
    Outcome(100.0),
    Outcome(200.0, blocked=True),
    Outcome(300.0, failed=True),
    Outcome(400.0, redacted=True),
    Outcome(500.0, blocked=True, redacted=True),
]


def test_every_signal_of_the_kind_is_registered() -> None:
    assert set(schema("Monitor")["$defs"]["Signal"]["properties"]["name"]["enum"]) == set(SIGNALS)


@pytest.mark.parametrize(
    ("signal", "value"),
    [("interactions", 5.0), ("latency_p95_ms", 500.0), ("error_rate", 0.2), ("blocked_rate", 0.4), ("redacted_rate", 0.4)],
)
def test_values_of_a_mixed_window(signal: str, value: float) -> None:
    assert SIGNALS[signal](MIXED) == pytest.approx(value)


@pytest.mark.parametrize(("count", "p95"), [(1, 1.0), (19, 19.0), (20, 19.0), (21, 20.0), (100, 95.0), (101, 96.0)])
def test_p95_is_the_nearest_rank(count: int, p95: float) -> None:
    outcomes = [Outcome(float(n)) for n in range(count, 0, -1)]
    assert SIGNALS["latency_p95_ms"](outcomes) == p95


@pytest.mark.parametrize("signal", sorted(SIGNALS.keys() - {"interactions"}))
def test_an_empty_window_has_no_value(signal: str) -> None:
    assert SIGNALS[signal]([]) is None


def test_an_empty_window_still_counts_to_zero() -> None:
    assert SIGNALS["interactions"]([]) == 0.0


@pytest.mark.parametrize(
    ("value", "low", "high", "passed"),
    [
        (0.5, None, 0.5, True),
        (0.6, None, 0.5, False),
        (0.5, 0.5, None, True),
        (0.4, 0.5, None, False),
        (0.4, 0.3, 0.5, True),
        (0.6, 0.3, 0.5, False),
        (0.2, 0.3, 0.5, False),
        (None, None, 0.5, False),
        (None, 0.0, None, False),
        (None, None, None, True),
    ],
)
def test_limits(value: float | None, low: float | None, high: float | None, passed: bool) -> None:
    assert Reading("error_rate", value, 1, low, high).passed is passed


def test_readings_come_in_the_order_of_the_spec_with_their_limits() -> None:
    declared = [{"name": "error_rate", "max": 0.1}, {"name": "interactions", "min": 3}]
    assert read_signals(declared, MIXED) == [Reading("error_rate", 0.2, 5, None, 0.1), Reading("interactions", 5.0, 5, 3, None)]


def test_limits_are_judged_on_real_readings() -> None:
    declared: list[dict[str, Any]] = [{"name": "error_rate", "max": 0.1}, {"name": "interactions", "min": 3}, {"name": "blocked_rate"}]
    assert [r.passed for r in read_signals(declared, MIXED)] == [False, True, True]
    assert [r.passed for r in read_signals(declared, [])] == [False, False, True]
