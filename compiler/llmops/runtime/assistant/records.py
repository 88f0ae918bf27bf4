"""The row that the log gets of an attempt, answered or not."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import orjson

from llmops.runtime.assistant.answer import Answer, Judged
from llmops.runtime.assistant.attempt import Attempt
from llmops.runtime.interactions import Interaction, is_refusal, stamp

if TYPE_CHECKING:
    from llmops.runtime.assistant.assistant import Assistant

RECORDED = frozenset({"flag", "log"})
"""Actions that let a text pass and leave a note."""


def success(assistant: Assistant, attempt: Attempt, answer: Answer) -> Interaction:
    return _row(
        assistant,
        attempt,
        question=answer.question,
        answer=answer.text,
        sources_json=orjson.dumps([asdict(s) for s in answer.sources]).decode(),
        verdicts_json=orjson.dumps([asdict(v) for v in answer.verdicts]).decode(),
        blocked=answer.blocked,
        latency_ms=answer.latency_ms,
        input_tokens=answer.tokens.input,
        output_tokens=answer.tokens.output,
        flagged=is_flagged(answer.verdicts),
        refused=not answer.blocked and is_refusal(answer.text),
        cost_usd=answer.cost_usd,
        first_token_ms=answer.first_token_ms,
        finish="blocked" if answer.blocked else "stop",
    )


def failure(assistant: Assistant, attempt: Attempt, error: Exception | None) -> Interaction:
    """Without an error, whoever asked went away. Rails that did not finish have redacted nothing, so their question is not stored."""
    question = attempt.question if assistant.rails is None or attempt.redacted else ""
    question = question.encode("utf-8", "replace").decode("utf-8")  # what was rejected may be no text
    what = {"error_type": type(error).__name__, "error": str(error), "finish": "error"} if error else {"finish": "cancelled"}
    return _row(assistant, attempt, question=question, latency_ms=attempt.elapsed_ms(), first_token_ms=attempt.first_ms, **what)


def is_flagged(verdicts: Sequence[Judged]) -> bool:
    """Whether a rule let a text pass and left a note for people."""
    return any(v.allowed and (h.action in RECORDED or h.mode == "monitor") for v in verdicts for h in v.hits)


def _row(assistant: Assistant, attempt: Attempt, **values: Any) -> Interaction:
    empty = {"answer": "", "sources_json": "[]", "verdicts_json": "[]", "blocked": False}
    unset = {"error_type": "", "error": "", "input_tokens": 0, "output_tokens": 0}
    application = attempt.application
    return Interaction(
        id=attempt.id,
        time=stamp(attempt.began),
        workspace=assistant.bundle.workspace,
        environment=assistant.bundle.environment,
        application=application.name,
        release=application.release,
        prompt=attempt.variant.prompt,
        label=attempt.variant.label,
        model=application.model,
        user=digest_of(attempt.user),
        server=assistant.server,
        **{**empty, **unset, **values},
    )


def digest_of(user: str) -> str:
    """What the log keeps of whoever asked; empty for nobody."""
    return hashlib.sha256(user.encode("utf-8", "surrogatepass")).hexdigest()[:16] if user else ""
