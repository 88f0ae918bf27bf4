"""What an evaluation sees of an assistant: the passages it found and the answers it gave, as plain values that can be kept."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from llmops.evaluate.cases import Case

Embed = Callable[[list[str]], Sequence[Sequence[float]]]
"""Texts in, one vector each out."""
Ask = Callable[[Sequence[str]], Sequence[str]]
"""Prompts to a judge in, what it said of each out."""


@dataclass(frozen=True, slots=True)
class Passage:
    """A retrieved passage; `path` is relative to the workspace."""

    path: str
    content: str


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer. `blocked` is True where a safety rule answered instead of the model, `rules` are those that found something.

    `cost_usd` is None where the model has no price.
    """

    text: str
    blocked: bool = False
    passages: tuple[Passage, ...] = ()
    rules: tuple[str, ...] = ()
    latency_ms: float = 0.0
    input_tokens: int = 0
    output_tokens: int = 0
    cost_usd: float | None = None

    @property
    def plain(self) -> dict[str, Any]:
        """As JSON keeps it; `reply_from` reads it back."""
        return asdict(self)


def reply_from(plain: Mapping[str, Any]) -> Reply:
    passages = tuple(Passage(**passage) for passage in plain["passages"])
    return Reply(**{**plain, "passages": passages, "rules": tuple(plain["rules"])})


@dataclass(frozen=True, slots=True)
class Observation:
    """One case and what came of it. `found` is None where nothing was retrieved for it, `reply` where it was not asked."""

    case: Case
    found: tuple[str, ...] | None = None
    """Paths of the passages, best first, a path as often as it was found."""
    reply: Reply | None = None
    probes: tuple[Reply, ...] = ()
    """Answers to variants of the question, where a metric asks them."""
    rival: Reply | None = None
    """The base's answer to the same question."""


@dataclass(frozen=True, slots=True)
class Tools:
    """What some metrics need beside the observations. Both are called only when a metric first needs them."""

    embed: Embed
    ask: Ask


Declared = Mapping[str, Any]
"""A metric as the evaluation's spec declares it, with its defaults."""


@dataclass(frozen=True, slots=True)
class Scored:
    """One score for each observation, None where nothing could be said of it, and a remark for people."""

    values: tuple[float | None, ...]
    note: str = ""
    details: Mapping[str, float] = field(default_factory=dict)
