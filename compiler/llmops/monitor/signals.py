"""Signals of a monitor.

Input: what came of each interaction in the window. Output: one number a signal, and whether it holds its limits.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a monitor reads of one interaction. `latency_ms` is the whole request, safety rules included."""

    latency_ms: float
    failed: bool = False
    blocked: bool = False
    redacted: bool = False


@dataclass(frozen=True, slots=True)
class Reading:
    """A signal's value over a window of `n` interactions; None where there was nothing to measure."""

    signal: str
    value: float | None
    n: int
    low: float | None = None
    high: float | None = None

    @property
    def passed(self) -> bool:
        """No value is no proof: it passes only where no limit is set."""
        if self.low is None and self.high is None:
            return True
        return self.value is not None and _at_least(self.value, self.low) and _at_least(self.high, self.value)


def read_signals(declared: Iterable[Mapping[str, Any]], outcomes: Sequence[Outcome]) -> list[Reading]:
    """One reading for each declared signal, in the order of the spec."""
    return [Reading(s["name"], SIGNALS[s["name"]](outcomes), len(outcomes), s.get("min"), s.get("max")) for s in declared]


def _at_least(value: float | None, limit: float | None) -> bool:
    return value is None or limit is None or value >= limit


def _share(of: Callable[[Outcome], bool]) -> Callable[[Sequence[Outcome]], float | None]:
    """Share of interactions, 0 to 1."""
    return lambda outcomes: sum(map(of, outcomes)) / len(outcomes) if outcomes else None


def _latency_p95(outcomes: Sequence[Outcome]) -> float | None:
    """The latency that 95 % of the interactions do not exceed (nearest rank), in milliseconds."""
    ordered = sorted(o.latency_ms for o in outcomes)
    return ordered[math.ceil(0.95 * len(ordered)) - 1] if ordered else None


SIGNALS: Mapping[str, Callable[[Sequence[Outcome]], float | None]] = {
    "interactions": lambda outcomes: float(len(outcomes)),
    "latency_p95_ms": _latency_p95,
    "error_rate": _share(lambda o: o.failed),
    "blocked_rate": _share(lambda o: o.blocked),
    "redacted_rate": _share(lambda o: o.redacted),
}
