"""Signals against values worked out by hand; a window without interactions proves nothing."""

from __future__ import annotations

from typing import Any

import pytest

from llmops.kinds import schema
from llmops.monitor.groundedness import groundedness
from llmops.monitor.signals import SIGNALS, Outcome, Reading, Window, read_signals, wilson

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
    assert SIGNALS[signal](Window(MIXED)) == pytest.approx(value)


@pytest.mark.parametrize(("count", "p95"), [(1, 1.0), (19, 19.0), (20, 19.0), (21, 20.0), (100, 95.0), (101, 96.0)])
def test_p95_is_the_nearest_rank(count: int, p95: float) -> None:
    outcomes = [Outcome(float(n)) for n in range(count, 0, -1)]
    assert SIGNALS["latency_p95_ms"](Window(outcomes)) == p95


@pytest.mark.parametrize("signal", sorted(SIGNALS.keys() - {"interactions"}))
def test_an_empty_window_has_no_value(signal: str) -> None:
    assert SIGNALS[signal](Window([])) is None


def test_an_empty_window_still_counts_to_zero() -> None:
    assert SIGNALS["interactions"](Window([])) == 0.0


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
    rate = Reading("error_rate", 0.2, 5, None, 0.1, interval=wilson(0.2, 5))
    assert read_signals(declared, Window(MIXED)) == [rate, Reading("interactions", 5.0, 5, 3, None)]


def test_limits_are_judged_on_real_readings() -> None:
    declared: list[dict[str, Any]] = [{"name": "error_rate", "max": 0.1}, {"name": "interactions", "min": 3}, {"name": "blocked_rate"}]
    assert [r.passed for r in read_signals(declared, Window(MIXED))] == [False, True, True]
    assert [r.passed for r in read_signals(declared, Window([]))] == [False, False, True]


FULL = [
    Outcome(10.0, first_token_ms=1.0, input_tokens=100, output_tokens=10, cost_usd=0.5, groundedness=1.0, group="a", flagged=True),
    Outcome(20.0, first_token_ms=3.0, input_tokens=300, output_tokens=30, cost_usd=1.5, groundedness=0.5, group="a", refused=True),
    Outcome(30.0, failed=True, group="b"),
    Outcome(40.0, blocked=True, group="b"),
]


@pytest.mark.parametrize(
    ("signal", "value"),
    [
        ("latency_p50_ms", 20.0),
        ("first_token_p95_ms", 3.0),
        ("flagged_rate", 0.25),
        ("refusal_rate", 0.25),
        ("input_tokens_mean", 200.0),
        ("output_tokens_mean", 20.0),
        ("cost_usd_per_day", 1.0),
        ("groundedness_mean", 0.75),
    ],
)
def test_values_of_a_full_window(signal: str, value: float) -> None:
    assert SIGNALS[signal](Window(FULL, days=2)) == value


def test_groups_are_held_to_the_limits_where_they_are_large_enough() -> None:
    readings = read_signals([{"name": "error_rate", "max": 0.3}], Window(FULL), min_n=2)
    assert [(r.group, r.value, r.n, r.passed) for r in readings] == [("", 0.25, 4, True), ("a", 0.0, 2, True), ("b", 0.5, 2, False)]
    few = read_signals([{"name": "error_rate", "max": 0.3}], Window(FULL), min_n=3)
    assert [(r.decides, r.passed) for r in few] == [(True, True), (False, True), (False, True)]


@pytest.mark.parametrize(("hits", "n", "low", "high"), [(0, 10, 0.0, 0.2775), (5, 10, 0.2366, 0.7634), (81, 263, 0.2553, 0.3662)])
def test_intervals_are_wilsons(hits: int, n: int, low: float, high: float) -> None:
    """The last one is of Newcombe 1998, table I."""
    assert wilson(hits / n, n) == pytest.approx((low, high), abs=5e-5)


@pytest.mark.parametrize(
    ("answer", "passages", "share"),
    [
        ("The kettle holds two litres", ["A kettle holding 2 litres, the two of them"], 0.8),
        ("The kettle flies", ["The kettle stands"], 2 / 3),
        ("Nothing", ["Other words"], 0.0),
        ("", ["words"], None),
        ("words", [], None),
    ],
)
def test_groundedness_is_the_share_of_words_that_the_passages_hold(answer: str, passages: list[str], share: float | None) -> None:
    assert groundedness(answer, passages) == share
