"""One row of the log: a question and what came of it.

Column names are OpenTelemetry's for generative AI where it has one, and `llmops.*` elsewhere; `COLUMNS` is the one place.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime


@dataclass(frozen=True, slots=True)
class Interaction:
    """One question and what came of it. Texts are as they stand after redaction; `*_json` hold JSON arrays."""

    id: str
    time: str
    """Start, UTC, ISO 8601 with microseconds: sorts as text."""
    workspace: str
    environment: str
    application: str
    release: str
    prompt: str
    model: str
    user: str
    """A digest; empty when nobody said who asks."""
    question: str
    answer: str
    sources_json: str
    verdicts_json: str
    blocked: bool
    error_type: str
    """Empty when an answer was given, or refused by a rule."""
    error: str
    latency_ms: float
    input_tokens: int
    output_tokens: int
    label: str = ""
    """Of the prompt's variant; empty where it has none."""
    flagged: bool = False
    """A safety rule let something pass with a note."""
    refused: bool = False
    """The answer says that it does not know."""
    cost_usd: float | None = None
    """At the model's declared price; None without one."""
    first_token_ms: float | None = None
    """Until the first piece left; None where the answer came as a whole."""
    finish: str = "stop"
    """`stop`, `blocked`, `error`, or `cancelled` where whoever asked went away."""
    server: str = "cli"
    """The process that answered."""


COLUMNS = {
    "id": "gen_ai.response.id",
    "time": "llmops.time",
    "workspace": "llmops.workspace",
    "environment": "deployment.environment.name",
    "application": "gen_ai.agent.name",
    "release": "llmops.release",
    "prompt": "gen_ai.prompt.name",
    "model": "gen_ai.request.model",
    "user": "llmops.user.digest",
    "question": "gen_ai.input.messages",
    "answer": "gen_ai.output.messages",
    "sources_json": "gen_ai.retrieval.documents",
    "verdicts_json": "llmops.rails.verdicts",
    "blocked": "llmops.rails.blocked",
    "error_type": "error.type",
    "error": "error.message",
    "latency_ms": "llmops.latency_ms",
    "input_tokens": "gen_ai.usage.input_tokens",
    "output_tokens": "gen_ai.usage.output_tokens",
    "label": "llmops.prompt.label",
    "flagged": "llmops.rails.flagged",
    "refused": "llmops.refused",
    "cost_usd": "llmops.cost_usd",
    "first_token_ms": "llmops.first_token_ms",
    "finish": "gen_ai.response.finish_reasons",
    "server": "service.instance.id",
}
"""Column of each field of `Interaction`, in the order of the fields."""


def stamp(moment: datetime) -> str:
    """The log's form of a moment. `moment` must carry a time zone."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds")
