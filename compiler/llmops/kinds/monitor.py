"""`Monitor`: signals over the logged interactions, with their limits."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from llmops.kinds.base import Cron, Spec, Strict, values

SignalName = Annotated[
    Literal[
        "interactions",
        "latency_p50_ms",
        "latency_p95_ms",
        "first_token_p95_ms",
        "error_rate",
        "blocked_rate",
        "redacted_rate",
        "flagged_rate",
        "refusal_rate",
        "input_tokens_mean",
        "output_tokens_mean",
        "cost_usd_per_day",
        "groundedness_mean",
    ],
    values(
        {
            "interactions": "Number of interactions in the window.",
            "latency_p50_ms": "Latency that half of the interactions do not exceed, in milliseconds, safety rules included.",
            "latency_p95_ms": "Latency that 95 % of the interactions do not exceed, in milliseconds, safety rules included.",
            "first_token_p95_ms": "Time to the first piece that 95 % of the streamed answers do not exceed, in milliseconds.",
            "error_rate": "Share of interactions that failed, from 0 to 1.",
            "blocked_rate": "Share of interactions where a safety rule answered instead of the model, from 0 to 1.",
            "redacted_rate": "Share of interactions where a safety rule redacted something, from 0 to 1.",
            "flagged_rate": "Share of interactions that a safety rule let pass with a note, from 0 to 1.",
            "refusal_rate": "Share of interactions where the answer says that it does not know, from 0 to 1.",
            "input_tokens_mean": "Tokens that the model read, for an answer.",
            "output_tokens_mean": "Tokens that the model wrote, for an answer.",
            "cost_usd_per_day": "US dollars a day at the model's declared price.",
            "groundedness_mean": "Share of an answer's words that its passages hold, from 0 to 1, over answers with passages.",
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
    by: Annotated[
        list[
            Annotated[
                Literal["release", "prompt", "label"],
                values({"release": "The release that answered.", "prompt": "The version of the prompt.", "label": "The variant's label."}),
            ]
        ],
        Field(max_length=3),
    ] = []
    """The limits hold for each group too: each release, prompt version, label, or their combinations."""
    min_n: Annotated[int, Field(ge=1, examples=[50])] = 20
    """Fewest interactions of a group that decide; smaller groups are shown only."""
    schedule: Cron | None = None
    """When the monitor runs, as five cron fields in UTC; without it, only on demand."""


class Monitor(Spec):
    """Signals over the logged interactions, with their limits."""

    kind: Literal["Monitor"]
    """The kind of resource."""
    spec: MonitorSpec
    """Signals and their limits."""
