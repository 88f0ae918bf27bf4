"""`Application`: the assistant that users reach, put together from the other kinds."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from llmops.kinds.base import OWNER_PATTERN, Date, Name, Spec, Strict, reference, values


class Variant(Strict):
    """One of several prompt versions that share the traffic."""

    prompt: Annotated[str, reference("Prompt", "A pinned version of a Prompt, as `name@1.2.0`.")]
    weight: Annotated[int, Field(ge=0, le=100, examples=[90])]
    """Share of users, in percent; the weights add up to 100."""
    label: Annotated[Name, Field(examples=["stable", "canary"])] | None = None
    """What people call the variant, as `canary`; answers, metrics and flag files name it. Each label once."""


class Limits(Strict):
    """What one question and one day may take."""

    question_tokens: Annotated[int, Field(ge=1, examples=[128])] = 256
    """Longest question, in tokens; counted against the context window."""
    cost_per_day: Annotated[float, Field(ge=0, examples=[20])] | None = None
    """Most that a day of `traffic` may cost in US dollars, at the model's `price` and the longest question and answer."""


class Traffic(Strict):
    """How much the application is used."""

    requests_per_day: Annotated[int, Field(ge=0, examples=[5000])]
    """Expected questions a day; cost figures and policies use it."""


class Tool(Strict):
    """Something that the model may call. Declared for policies; no rendered pipeline calls a tool yet."""

    name: Annotated[Name, Field(examples=["issue-refund"])]
    """What the tool is called: lower-case letters, digits and dashes."""
    effect: Annotated[
        Literal["read", "write"],
        values({"read": "Only looks something up.", "write": "Changes something outside the conversation."}),
    ]
    """What a call does; `write` changes something outside the conversation."""
    approval: Annotated[Literal["none", "human"], values({"none": "Nobody.", "human": "A person, every time."})] = "none"
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
    """The day on which it ended, as 2027-01-31."""
    by: Annotated[str, Field(pattern=OWNER_PATTERN, examples=["security"])]
    """The team or person that did it."""


class Logging(Strict):
    """What is kept of the interactions."""

    retention_days: Annotated[int, Field(ge=1, le=3650, examples=[30, 90])]
    """Days after which an interaction is deleted from the log, from 1 to 3650."""


class ApplicationSpec(Strict):
    model: Annotated[str, reference("Model", "The Model that answers, with `task: chat`.")]
    prompt: Annotated[str, reference("Prompt", "The Prompt; `name` takes its only version, `name@1.2.0` a pinned one.")] | None = None
    variants: Annotated[list[Variant], Field(min_length=2)] | None = None
    """Instead of `prompt`: several pinned versions by weight."""
    retrieval: list[Annotated[str, reference("RetrievalSource", "A retrieval source.")]] = []
    """RetrievalSources whose passages the prompt gets; several are joined by reciprocal rank."""
    safety: (
        Annotated[str, reference("SafetyPolicy", "The SafetyPolicy over questions, passages and answers. Without it nothing is checked.")]
        | None
    ) = None
    evaluations: list[Annotated[str, reference("Evaluation", "An evaluation that each release must pass.")]] = []
    """Evaluations that each release is measured by."""
    monitors: list[Annotated[str, reference("Monitor", "A monitor over the application's interactions.")]] = []
    """Monitors over the application's interactions."""
    variables: Annotated[dict[str, str | int | float | bool | list[str]], Field(examples=[{"product": "llmops"}])] = {}
    """Fixed values for the prompt's variables that do not come with a request."""
    limits: Annotated[Limits, Field(default_factory=Limits)]
    """What one question and one day may take."""
    traffic: Traffic | None = None
    """Expected load; cost figures and policies use it."""
    audience: Annotated[Literal["internal", "public"], values({"internal": "People of the organisation.", "public": "Anybody."})] = (
        "internal"
    )
    """Who asks: people of the organisation, or anybody."""
    output: Annotated[
        Literal["text", "markdown", "html", "sql", "shell", "json"],
        values(
            {
                "text": "A person reads it as it stands.",
                "markdown": "A person reads it formatted; links and images in it are followed.",
                "html": "A browser renders it, scripts among it.",
                "sql": "A database runs it.",
                "shell": "A shell runs it.",
                "json": "A program acts on it.",
            }
        ),
    ] = "text"
    """What takes the answer: a person, or a browser, a database, a shell, a program that will act on it."""
    risk: (
        Annotated[
            Literal["minimal", "limited", "high"],
            values(
                {
                    "minimal": "No duties beyond the general law.",
                    "limited": "Users must be told that they talk to a machine (Article 50).",
                    "high": "Annex III: risk management, logging, human oversight and more (Articles 8 to 15).",
                }
            ),
        ]
        | None
    ) = None
    """Risk class, as the EU AI Act (Regulation 2024/1689) has them; the team says which."""
    disclosure: Annotated[str, Field(min_length=1, examples=["You are talking to a machine. It can be wrong."])] | None = None
    """What users are told about whom they talk to; `llmops ask` shows it before the first answer."""
    oversight: Oversight | None = None
    """Who watches over the application and can stop it. Policies read it."""
    red_team: RedTeam | None = None
    """The last time that people attacked the application on purpose. Policies read it."""
    logging: Logging | None = None
    """What is kept of the interactions; without it, they are kept until somebody deletes them."""
    tools: list[Tool] = []
    """What the model may call. Declared for policies; no rendered pipeline calls a tool yet."""


class Application(Spec):
    """The assistant that users reach, put together from the other kinds."""

    kind: Literal["Application"]
    """The kind of resource."""
    spec: ApplicationSpec
    """Model, prompt, retrieval, safety and who answers for it."""
