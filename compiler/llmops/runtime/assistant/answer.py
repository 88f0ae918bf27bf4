"""What an assistant is asked and what it says, with everything needed to trace it. Plain values."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from llmops.errors import LlmopsError

if TYPE_CHECKING:
    from llmops.runtime.rails import Hit, Verdict

Finish = Literal["stop", "blocked"]


class QuestionRejected(LlmopsError):
    """The question itself cannot be asked: empty, too long, or not text."""


@dataclass(frozen=True, slots=True)
class Source:
    """A passage that the answer may rest on. `path` is relative to the workspace; `score` is the retriever's, larger is better."""

    path: str
    score: float
    content: str


@dataclass(frozen=True, slots=True)
class Tokens:
    """As the model's server counted them."""

    input: int = 0
    output: int = 0


@dataclass(frozen=True, slots=True)
class Judged:
    """The rails' verdict on the question, on one passage or on the answer. It does not repeat the text."""

    stage: str
    allowed: bool
    message: str
    hits: tuple[Hit, ...]

    @classmethod
    def of(cls, stage: str, verdict: Verdict) -> Judged:
        return cls(stage, verdict.allowed, verdict.message, verdict.hits)


@dataclass(frozen=True, slots=True)
class Answer:
    """What the user reads. `blocked`: a rule's message stands in place of an answer."""

    id: str
    text: str
    sources: tuple[Source, ...]
    release: str
    prompt: str
    label: str
    """Of the prompt's variant; empty where it has none."""
    model: str
    verdicts: tuple[Judged, ...]
    blocked: bool
    latency_ms: float
    first_token_ms: float | None
    """Until the first piece was handed out; None where the answer came as a whole."""
    rails_ms: dict[str, float]
    """Time in the rails by stage; passages are judged inside the pipeline and are not in it."""
    tokens: Tokens
    cost_usd: float | None
    """At the model's declared price; None without one."""
    question: str
    """As the pipeline saw it, after redaction."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What the rails and the pipeline made of a question."""

    text: str
    question: str
    blocked: bool
    verdicts: tuple[Judged, ...] = ()
    sources: tuple[Source, ...] = ()
    tokens: Tokens = field(default_factory=Tokens)
