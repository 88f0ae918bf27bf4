"""The forms that clients speak: OpenAI's chat completions, and a plain question with a plain answer."""

from __future__ import annotations

import time
from dataclasses import asdict
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from llmops.runtime.assistant import Answer, QuestionRejected

SYSTEM = frozenset({"system", "developer"})


class TextPart(BaseModel):
    """One part of a message; other types than text are not taken."""

    type: Literal["text"]
    text: str


class Message(BaseModel):
    """One message of a conversation."""

    role: Literal["system", "developer", "user", "assistant", "tool"]
    content: str | list[TextPart]

    @property
    def text(self) -> str:
        return self.content if isinstance(self.content, str) else "".join(part.text for part in self.content)


class ChatRequest(BaseModel):
    """`POST /v1/chat/completions`. Fields that would change the release's behaviour are taken and have no effect: see `ignored`."""

    model_config = ConfigDict(extra="allow")
    model: str
    messages: list[Message] = Field(min_length=1)
    stream: bool = False
    user: str = Field("", max_length=256)

    def question(self) -> str:
        """The last message, which must be the user's. Raises `QuestionRejected` for a system prompt: it belongs to the release."""
        if any(message.role in SYSTEM for message in self.messages):
            raise QuestionRejected("The request brings a system prompt.", "Leave it out: the prompt is part of the release.")
        if self.messages[-1].role != "user":
            raise QuestionRejected("The last message is not the user's.", "End the conversation with the question.")
        return self.messages[-1].text

    def ignored(self) -> list[str]:
        """What of the request had no effect: earlier messages, and parameters that the release decides."""
        extra = sorted((self.model_extra or {}).keys() - {"stream_options"})
        return [*(["earlier messages"] if len(self.messages) > 1 else []), *extra]


class QuestionRequest(BaseModel):
    """`POST /v1/answers`."""

    model_config = ConfigDict(extra="forbid")
    question: str
    application: str = ""
    user: str = Field("", max_length=256)


def completion(answer: Answer, ignored: list[str]) -> dict[str, Any]:
    """An answer in OpenAI's form; `llmops` holds what that form has no place for."""
    choice = {"index": 0, "message": {"role": "assistant", "content": answer.text}, "finish_reason": _finish(answer)}
    return {**_frame(answer.id, answer, "chat.completion"), "choices": [choice], "usage": _usage(answer), "llmops": trace(answer, ignored)}


def chunk(id_: str, application: str, text: str) -> dict[str, Any]:
    """A piece of an answer."""
    choice = {"index": 0, "delta": {"role": "assistant", "content": text}, "finish_reason": None}
    return {
        "id": f"chatcmpl-{id_}",
        "object": "chat.completion.chunk",
        "created": int(time.time()),
        "model": application,
        "choices": [choice],
    }


def last_chunk(id_: str, application: str, answer: Answer, ignored: list[str]) -> dict[str, Any]:
    """The end of an answer. A blocked one carries the rule's message, in place of the pieces that came before."""
    end = chunk(id_, application, "")
    end["choices"] = [{"index": 0, "delta": {}, "finish_reason": _finish(answer)}]
    return {**end, "usage": _usage(answer), "llmops": trace(answer, ignored)}


def trace(answer: Answer, ignored: list[str]) -> dict[str, Any]:
    """Where an answer came from."""
    return {
        "interaction": answer.id,
        "release": answer.release,
        "prompt": answer.prompt,
        "label": answer.label,
        "blocked": answer.blocked,
        "message": answer.text if answer.blocked else "",
        "sources": [asdict(source) for source in answer.sources],
        "verdicts": [asdict(verdict) for verdict in answer.verdicts],
        "latency_ms": round(answer.latency_ms, 2),
        "ignored": ignored,
    }


def plain(answer: Answer, disclosure: str | None) -> dict[str, Any]:
    """An answer as `POST /v1/answers` gives it."""
    return {
        "id": answer.id,
        "answer": answer.text,
        "blocked": answer.blocked,
        "release": answer.release,
        "prompt": answer.prompt,
        "label": answer.label,
        "model": answer.model,
        "sources": [asdict(source) for source in answer.sources],
        "verdicts": [asdict(verdict) for verdict in answer.verdicts],
        "latency_ms": round(answer.latency_ms, 2),
        "tokens": asdict(answer.tokens),
        "cost_usd": answer.cost_usd,
        "disclosure": disclosure,
    }


def _frame(id_: str, answer: Answer, kind: str) -> dict[str, Any]:
    return {"id": f"chatcmpl-{id_}", "object": kind, "created": int(time.time()), "model": answer.model.partition("/")[2]}


def _finish(answer: Answer) -> str:
    return "content_filter" if answer.blocked else "stop"


def _usage(answer: Answer) -> dict[str, int]:
    total = answer.tokens.input + answer.tokens.output
    return {"prompt_tokens": answer.tokens.input, "completion_tokens": answer.tokens.output, "total_tokens": total}
