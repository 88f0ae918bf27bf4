"""What a detector is given and what it says. Pure: no engine, no rule, no consequence."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Request:
    """The text to look at. For an answer also the passages and the system prompt it was made from."""

    text: str
    context: tuple[str, ...] = ()
    prompt: str = ""


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """A place in the text, in characters, and what stands there instead once it is redacted."""

    start: int
    end: int
    label: str


@dataclass(frozen=True, slots=True)
class Finding:
    """A hit. `reason` never repeats what was found; `score` is the detector's own measure, 0 to 1, where it has one."""

    reason: str
    score: float | None = None
    spans: tuple[Span, ...] = ()


Detect = Callable[[Request], Finding | None]
Settings = Mapping[str, Any]


def redact(text: str, spans: Iterable[Span]) -> str:
    """`text` with each span replaced by its label; overlapping spans are replaced together, by the first one's label."""
    parts: list[str] = []
    position = 0
    for span in sorted(spans):
        if span.end <= position:
            continue
        if span.start >= position:
            parts += [text[position : span.start], f"<{span.label}>"]
        position = span.end
    return "".join([*parts, text[position:]])
