"""What an evaluation sees of an assistant: the passages it found and the answer it gave to one case."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from llmops.evaluate.cases import Case

Embed = Callable[[list[str]], Sequence[Sequence[float]]]
"""Texts in, one vector each out."""


class Passage(Protocol):
    """A retrieved passage; `path` is relative to the workspace."""

    @property
    def path(self) -> str: ...


class Reply(Protocol):
    """An answer; `blocked` is True where a safety rule answered instead of the model."""

    @property
    def text(self) -> str: ...

    @property
    def blocked(self) -> bool: ...


class Answering(Protocol):
    """The part of `llmops.runtime.assistant.Assistant` that evaluations use."""

    def ask(self, question: str) -> Reply: ...

    def retrieve(self, question: str) -> Sequence[Passage]: ...


@dataclass(frozen=True, slots=True)
class Observation:
    """One case and what came of it. `found` is None where nothing was retrieved for it, `reply` where it was not asked."""

    case: Case
    found: tuple[str, ...] | None = None
    """Paths of the passages, best first, a path as often as it was found."""
    reply: Reply | None = None
