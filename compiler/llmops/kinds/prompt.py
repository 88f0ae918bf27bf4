"""`Prompt`: versioned messages with typed variables."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from llmops.kinds.base import Path, Spec, Strict, Version


class Variable(Strict):
    """A value that the application puts into the template."""

    type: Literal["string", "number", "boolean", "list", "documents"]
    """`documents` are the retrieved passages, each with `content`, `meta` and `score`."""
    description: str = ""
    """What it holds."""


class Message(Strict):
    """One message of the conversation. Give `content` or `content_file`, not both."""

    role: Literal["system", "user", "assistant"]
    content: Annotated[str, Field(min_length=1)] | None = None
    """A Jinja template, rendered in a sandbox."""
    content_file: Path | None = None
    """A file that holds the template."""


class PromptSpec(Strict):
    """A published version never changes again; several may stand side by side."""

    version: Version
    changelog: str = ""
    """What this version changes, for reviewers."""
    variables: Annotated[dict[Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")], Variable], Field(default_factory=dict)]
    """Every variable of the templates, with its type."""
    messages: Annotated[list[Message], Field(min_length=1)]


class Prompt(Spec):
    """Versioned messages with typed variables."""

    kind: Literal["Prompt"]
    spec: PromptSpec
