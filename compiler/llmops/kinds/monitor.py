"""`Monitor`: signals over the logged interactions, with their limits."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from llmops.kinds.base import Cron, Spec, Strict


class Signal(Strict):
    name: Literal["interactions", "latency_p95_ms", "error_rate", "blocked_rate", "redacted_rate"]
    max: Annotated[float, Field(ge=0)] | None = None
    """Highest value that passes."""
    min: Annotated[float, Field(ge=0)] | None = None
    """Lowest value that passes."""


class MonitorSpec(Strict):
    window_hours: Annotated[int, Field(ge=1, le=24 * 90)] = 24
    """How far back the signals look."""
    signals: Annotated[list[Signal], Field(min_length=1)]
    schedule: Cron | None = None


class Monitor(Spec):
    """Signals over the logged interactions, with their limits."""

    kind: Literal["Monitor"]
    spec: MonitorSpec
