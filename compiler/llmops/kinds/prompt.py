"""`Prompt`: versioned messages with typed variables."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from llmops.kinds.base import Path, Spec, Strict, Version, values


class Variable(Strict):
    """A value that the application puts into the template."""

    type: Annotated[
        Literal["string", "number", "boolean", "list", "documents"],
        values(
            {
                "string": "Text.",
                "number": "A whole number or a decimal.",
                "boolean": "True or false.",
                "list": "A list of texts.",
                "documents": "The retrieved passages, each with `content`, `meta` and `score`.",
            }
        ),
    ]
    """What the template gets. `documents` are the retrieved passages, each with `content`, `meta` and `score`."""
    description: Annotated[str, Field(examples=["What the user asks."])] = ""
    """What it holds, for people."""


class Message(Strict):
    """One message of the conversation. Give `content` or `content_file`, not both."""

    role: Annotated[
        Literal["system", "user", "assistant"],
        values(
            {
                "system": "What the assistant is told before the conversation.",
                "user": "What the user says, usually with the question and the passages.",
                "assistant": "An example of an answer.",
            }
        ),
    ]
    """Who speaks."""
    content: Annotated[str, Field(min_length=1, examples=["Question: {{ question }}"])] | None = None
    """A Jinja template, rendered in a sandbox."""
    content_file: Annotated[Path, Field(examples=["../prompts/answer.jinja"])] | None = None
    """A file that holds the template, relative to this spec. Instead of `content`."""


class PromptSpec(Strict):
    """A published version never changes again; several may stand side by side."""

    version: Version
    """Semantic version of the prompt. Raise it with each change, so that others can pin `name@1.2.0`."""
    changelog: Annotated[str, Field(examples=["Say plainly when the handbook has no answer."])] = ""
    """What this version changes, for reviewers."""
    variables: Annotated[dict[Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")], Variable], Field(default_factory=dict)]
    """Every variable of the templates, with its type. `question` and `documents` come with each request."""
    messages: Annotated[list[Message], Field(min_length=1)]
    """The conversation that the model is given, in order."""


class Prompt(Spec):
    """Versioned messages with typed variables."""

    kind: Literal["Prompt"]
    """The kind of resource."""
    spec: PromptSpec
    """Version, variables and messages."""
