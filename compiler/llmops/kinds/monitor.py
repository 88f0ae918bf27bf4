"""`Monitor`: signals over the logged interactions, with their limits."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from llmops.kinds.base import Cron, Spec, Strict, values

SignalName = Annotated[
    Literal["interactions", "latency_p95_ms", "error_rate", "blocked_rate", "redacted_rate"],
    values(
        {
            "interactions": "Number of interactions in the window.",
            "latency_p95_ms": "Latency that 95 % of the interactions do not exceed, in milliseconds, safety rules included.",
            "error_rate": "Share of interactions that failed, from 0 to 1.",
            "blocked_rate": "Share of interactions where a safety rule answered instead of the model, from 0 to 1.",
            "redacted_rate": "Share of interactions where a safety rule redacted something, from 0 to 1.",
        }
    ),
]


class Signal(Strict):
    """One figure over the window, with a `max`, a `min` or both."""

    name: SignalName
    """What is measured over the interactions of the window."""
    max: Annotated[float, Field(ge=0, examples=[0.05, 20000])] | None = None
    """Highest value that passes, in the signal's unit."""
    min: Annotated[float, Field(ge=0, examples=[1])] | None = None
    """Lowest value that passes, in the signal's unit."""


class MonitorSpec(Strict):
    window_hours: Annotated[int, Field(ge=1, le=24 * 90, examples=[168])] = 24
    """How far back the signals look, in hours."""
    signals: Annotated[list[Signal], Field(min_length=1)]
    """What is watched; each signal once."""
    schedule: Cron | None = None
    """When the monitor runs, as five cron fields in UTC; without it, only on demand."""


class Monitor(Spec):
    """Signals over the logged interactions, with their limits."""

    kind: Literal["Monitor"]
    """The kind of resource."""
    spec: MonitorSpec
    """Signals and their limits."""
