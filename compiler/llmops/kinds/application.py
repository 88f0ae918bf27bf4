"""`Application`: the assistant that users reach, put together from the other kinds."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from llmops.kinds.base import Spec, Strict, reference


class Variant(Strict):
    """One of several prompt versions that share the traffic."""

    prompt: Annotated[str, reference("Prompt", "A pinned version.")]
    weight: Annotated[int, Field(ge=0, le=100)]
    """Share of users, in percent; the weights add up to 100."""


class Limits(Strict):
    question_tokens: Annotated[int, Field(ge=1)] = 256
    """Longest question, in tokens; counted against the context window."""


class Traffic(Strict):
    requests_per_day: Annotated[int, Field(ge=0)]
    """Expected load; cost figures use it."""


class ApplicationSpec(Strict):
    model: Annotated[str, reference("Model", "The chat model.")]
    prompt: Annotated[str, reference("Prompt", "The prompt; `name` takes its only version, `name@1.2.0` a pinned one.")] | None = None
    variants: Annotated[list[Variant], Field(min_length=2)] | None = None
    """Instead of `prompt`: several pinned versions by weight."""
    retrieval: list[Annotated[str, reference("RetrievalSource", "A retrieval source.")]] = []
    safety: Annotated[str, reference("SafetyPolicy", "The safety policy.")] | None = None
    evaluations: list[Annotated[str, reference("Evaluation", "An evaluation that each release must pass.")]] = []
    monitors: list[Annotated[str, reference("Monitor", "A monitor over the application's interactions.")]] = []
    variables: dict[str, str | int | float | bool | list[str]] = {}
    """Fixed values for the prompt's other variables."""
    limits: Annotated[Limits, Field(default_factory=Limits)]
    traffic: Traffic | None = None


class Application(Spec):
    """The assistant that users reach, put together from the other kinds."""

    kind: Literal["Application"]
    spec: ApplicationSpec
