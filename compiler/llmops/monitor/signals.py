"""Signals of a monitor.

Input: what came of each interaction in the window. Output: one number a signal, for all of them and for each group, and whether it
holds its limits.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

ALL = ""
"""The group of all interactions."""
Z = 1.959964
"""Of a 95 % interval."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a monitor reads of one interaction. `latency_ms` is the whole request, safety rules included."""

    latency_ms: float
    failed: bool = False
    blocked: bool = False
    redacted: bool = False
    flagged: bool = False
    refused: bool = False
    first_token_ms: float | None = None
    input_tokens: int = 0
    output_tokens: int = 0
    cost_usd: float | None = None
    groundedness: float | None = None
    group: str = ALL
    """What `by` of the monitor makes of it."""


@dataclass(frozen=True, slots=True)
class Window:
    """The outcomes to measure, and the days that they come from."""

    outcomes: Sequence[Outcome]
    days: float = 1.0


@dataclass(frozen=True, slots=True)
class Reading:
    """A signal's value over `n` interactions; None where there was nothing to measure. `decides`: enough of them for a verdict."""

    signal: str
    value: float | None
    n: int
    low: float | None = None
    high: float | None = None
    group: str = ALL
    decides: bool = True
    interval: tuple[float, float] | None = None
    """The 95 % interval of a rate (Wilson); None for what is no rate."""

    @property
    def passed(self) -> bool:
        """No value is no proof: it passes only where no limit is set, or where it does not decide."""
        if (self.low is None and self.high is None) or not self.decides:
            return True
        return self.value is not None and _at_least(self.value, self.low) and _at_least(self.high, self.value)


def read_signals(declared: Iterable[Mapping[str, Any]], window: Window, min_n: int = 1) -> list[Reading]:
    """A reading for each declared signal, in the order of the spec: first over everything, then over each group by its name.

    A group with fewer than `min_n` interactions does not decide.
    """
    groups = {ALL: window, **_groups(window)}
    return [_reading(signal, name, groups[name], min_n) for signal in declared for name in groups]


def _groups(window: Window) -> dict[str, Window]:
    found: dict[str, list[Outcome]] = defaultdict(list)
    for outcome in window.outcomes:
        if outcome.group != ALL:
            found[outcome.group].append(outcome)
    return {name: Window(found[name], window.days) for name in sorted(found)}


def _reading(signal: Mapping[str, Any], group: str, window: Window, min_n: int) -> Reading:
    name, n = signal["name"], len(window.outcomes)
    value = SIGNALS[name](window)
    interval = wilson(value, n) if name.endswith("_rate") and value is not None else None
    decides = group == ALL or n >= min_n
    return Reading(name, value, n, signal.get("min"), signal.get("max"), group, decides, interval)


def wilson(rate: float, n: int) -> tuple[float, float]:
    """The 95 % interval of a rate over `n` (Wilson 1927)."""
    middle = (rate + Z * Z / (2 * n)) / (1 + Z * Z / n)
    half = Z * math.sqrt(rate * (1 - rate) / n + Z * Z / (4 * n * n)) / (1 + Z * Z / n)
    return max(0.0, middle - half), min(1.0, middle + half)


def _at_least(value: float | None, limit: float | None) -> bool:
    return value is None or limit is None or value >= limit


def _share(of: Callable[[Outcome], bool]) -> Callable[[Window], float | None]:
    """Share of interactions, 0 to 1."""
    return lambda window: sum(map(of, window.outcomes)) / len(window.outcomes) if window.outcomes else None


def _mean(of: Callable[[Outcome], float | None]) -> Callable[[Window], float | None]:
    """Over the answers that have the value; what failed or was stopped before the model has none."""

    def measure(window: Window) -> float | None:
        values = [value for outcome in window.outcomes if not outcome.failed and (value := of(outcome)) is not None]
        return math.fsum(values) / len(values) if values else None

    return measure


def _quantile(share: float, of: Callable[[Outcome], float | None]) -> Callable[[Window], float | None]:
    """The value that `share` of the interactions do not exceed (nearest rank)."""

    def measure(window: Window) -> float | None:
        ordered = sorted(value for outcome in window.outcomes if (value := of(outcome)) is not None)
        return ordered[math.ceil(share * len(ordered)) - 1] if ordered else None

    return measure


def _cost_per_day(window: Window) -> float | None:
    costs = [outcome.cost_usd for outcome in window.outcomes if outcome.cost_usd is not None]
    return math.fsum(costs) / window.days if costs else None


SIGNALS: Mapping[str, Callable[[Window], float | None]] = {
    "interactions": lambda window: float(len(window.outcomes)),
    "latency_p50_ms": _quantile(0.5, lambda o: o.latency_ms),
    "latency_p95_ms": _quantile(0.95, lambda o: o.latency_ms),
    "first_token_p95_ms": _quantile(0.95, lambda o: o.first_token_ms),
    "error_rate": _share(lambda o: o.failed),
    "blocked_rate": _share(lambda o: o.blocked),
    "redacted_rate": _share(lambda o: o.redacted),
    "flagged_rate": _share(lambda o: o.flagged),
    "refusal_rate": _share(lambda o: o.refused),
    "input_tokens_mean": _mean(lambda o: o.input_tokens or None),
    "output_tokens_mean": _mean(lambda o: o.output_tokens or None),
    "cost_usd_per_day": _cost_per_day,
    "groundedness_mean": _mean(lambda o: o.groundedness),
}
"""Name → what it measures. A new signal is a line here, one in the kind and one in its documentation."""
