"""What a client is told when there is no answer: one form for every failure, OpenAI's, with a hint. Nothing of ours leaks."""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from starlette.responses import JSONResponse

from llmops.errors import LlmopsError, UsageError
from llmops.runtime.assistant import ModelFailed, ModelTimeout, ModelUnavailable, QuestionRejected, StoreUnavailable
from llmops.runtime.interactions import LogUnavailable
from llmops.runtime.serving.breaker import CircuitOpen
from llmops.runtime.serving.limits import Overloaded, RateLimited

logger = logging.getLogger("llmops.serving")


@dataclass(frozen=True, slots=True)
class Failure:
    """A status, a stable code, and OpenAI's type."""

    status: int
    code: str
    type: str


FAILURES: Mapping[type[BaseException], Failure] = {
    QuestionRejected: Failure(400, "question_rejected", "invalid_request_error"),
    UsageError: Failure(404, "unknown_application", "invalid_request_error"),
    RateLimited: Failure(429, "rate_limited", "rate_limit_error"),
    ModelFailed: Failure(502, "model_failed", "server_error"),
    CircuitOpen: Failure(503, "model_unavailable", "server_error"),
    ModelTimeout: Failure(504, "model_timeout", "server_error"),
    TimeoutError: Failure(504, "model_timeout", "server_error"),
    ModelUnavailable: Failure(503, "model_unavailable", "server_error"),
    StoreUnavailable: Failure(503, "store_unavailable", "server_error"),
    LogUnavailable: Failure(503, "log_unavailable", "server_error"),
    Overloaded: Failure(503, "overloaded", "server_error"),
}
"""The first class that an exception is an instance of decides."""

INTERNAL = Failure(500, "internal_error", "server_error")


def failure_of(error: BaseException) -> Failure:
    return next((failure for kind, failure in FAILURES.items() if isinstance(error, kind)), INTERNAL)


def body_of(error: BaseException) -> dict[str, Any]:
    """The body of the answer. What was not foreseen says nothing but that it happened; it is in the server's own log."""
    failure = failure_of(error)
    if failure is INTERNAL:
        logger.error("A request failed.", exc_info=error)
        return error_body(failure, "Something went wrong in the server; its log says what.", "")
    text = "The answer took too long." if type(error) is TimeoutError else str(error)
    return error_body(failure, text, error.hint if isinstance(error, LlmopsError) else "")


def error_body(failure: Failure, message: str, hint: str) -> dict[str, Any]:
    return {"error": {"message": message, "type": failure.type, "code": failure.code, "hint": hint}}


def error_response(error: BaseException) -> JSONResponse:
    wait = getattr(error, "retry_after", None)
    headers = {"Retry-After": str(max(1, math.ceil(wait)))} if wait is not None else None
    return JSONResponse(body_of(error), failure_of(error).status, headers)
