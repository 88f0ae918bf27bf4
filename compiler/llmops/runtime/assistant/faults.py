"""Failures of what an assistant stands on, told apart: a caller tries again after some of them, and opens its circuit after others."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llmops.errors import LlmopsError, RuntimeUnavailable

if TYPE_CHECKING:
    from haystack import Pipeline
    from haystack.core.errors import PipelineRuntimeError

CHAT = "chat"
"""The component of a query pipeline that asks the model."""


class ModelUnavailable(RuntimeUnavailable):
    """The model's server does not answer, or says that it is overloaded or broken."""


class ModelTimeout(ModelUnavailable):
    """The model's server took longer than the model's `timeout_seconds`."""


class ModelFailed(RuntimeUnavailable):
    """The model's server answered, and not with an answer: it refused the request, or sent something else."""


class StoreUnavailable(RuntimeUnavailable):
    """The document store does not answer."""


def explain(error: PipelineRuntimeError, pipeline: Pipeline) -> Exception:
    """What broke, in the words of this module; errors of ours as they are, an unknown one as it came."""
    cause: BaseException = error.__cause__ or error
    if isinstance(cause, LlmopsError):
        return cause
    if error.component_name == CHAT:
        return _of_model(cause, pipeline)
    return _of_store(cause) or error


def _of_model(cause: BaseException, pipeline: Pipeline) -> RuntimeUnavailable:
    import openai

    address = pipeline.get_component(CHAT).api_base_url  # type: ignore[attr-defined]
    if isinstance(cause, openai.APITimeoutError):
        return ModelTimeout(f"The model at {address} took too long.", "Raise endpoint.timeout_seconds of the model, or look at its server.")
    if isinstance(cause, openai.APIConnectionError):
        return ModelUnavailable(f"The model at {address} does not answer: {cause}", f"curl {address}/models")
    if isinstance(cause, openai.InternalServerError | openai.RateLimitError):
        return ModelUnavailable(f"The model at {address} cannot answer now: status {cause.status_code}", f"curl {address}/models")
    if isinstance(cause, openai.APIStatusError):
        return ModelFailed(f"The model refused the request: {cause}")
    return ModelFailed(f"The model at {address} sent something that is no answer: {type(cause).__name__}")


def _of_store(cause: BaseException) -> StoreUnavailable | None:
    from haystack.document_stores.errors import DocumentStoreError
    from psycopg import OperationalError

    if isinstance(cause, DocumentStoreError | OperationalError):
        return StoreUnavailable(f"The document store does not answer: {cause}")
    return None
