"""`Application`: the assistant that users reach, put together from the other kinds."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from llmops.kinds.base import OWNER_PATTERN, Date, Name, Spec, Strict, reference


class Variant(Strict):
    """One of several prompt versions that share the traffic."""

    prompt: Annotated[str, reference("Prompt", "A pinned version.")]
    weight: Annotated[int, Field(ge=0, le=100)]
    """Share of users, in percent; the weights add up to 100."""


class Limits(Strict):
    """What one question and one day may take."""

    question_tokens: Annotated[int, Field(ge=1)] = 256
    """Longest question, in tokens; counted against the context window."""
    cost_per_day: Annotated[float, Field(ge=0)] | None = None
    """Most that a day of `traffic` may cost in US dollars, at the model's `price` and the longest question and answer."""


class Traffic(Strict):
    requests_per_day: Annotated[int, Field(ge=0)]
    """Expected load; cost figures use it."""


class Tool(Strict):
    """Something that the model may call. Declared for policies; no rendered pipeline calls a tool yet."""

    name: Name
    effect: Literal["read", "write"]
    """`write` changes something outside the conversation."""
    approval: Literal["none", "human"] = "none"
    """Who agrees before each call."""


class Oversight(Strict):
    """Who watches over the application and can stop it."""

    reviewer: Annotated[str, Field(pattern=OWNER_PATTERN, examples=["support-leads", "ada@example.org"])]
    """The team or person that reads samples of its answers."""
    stop: Annotated[str, Field(min_length=1, examples=["Scale the deployment to 0; on-call does it at any hour."])]
    """How it is switched off, and who does it."""


class RedTeam(Strict):
    """The last time that people attacked the application on purpose."""

    date: Date
    by: Annotated[str, Field(pattern=OWNER_PATTERN, examples=["security"])]
    """The team or person that did it."""


class Logging(Strict):
    """What is kept of the interactions."""

    retention_days: Annotated[int, Field(ge=1, le=3650)]
    """Days after which an interaction is deleted from the log."""


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
    audience: Literal["internal", "public"] = "internal"
    """Who asks: people of the organisation, or anybody."""
    output: Literal["text", "markdown", "html", "sql", "shell", "json"] = "text"
    """What reads the answer: a person, or a browser, a database, a shell, a program that will act on it."""
    risk: Literal["minimal", "limited", "high"] | None = None
    """Risk class, as the EU AI Act has them."""
    disclosure: Annotated[str, Field(min_length=1, examples=["You are talking to a machine. It can be wrong."])] | None = None
    """What users are told about whom they talk to; `llmops ask` shows it."""
    oversight: Oversight | None = None
    red_team: RedTeam | None = None
    logging: Logging | None = None
    """Without it, interactions are kept until somebody deletes them."""
    tools: list[Tool] = []


class Application(Spec):
    """The assistant that users reach, put together from the other kinds."""

    kind: Literal["Application"]
    spec: ApplicationSpec
