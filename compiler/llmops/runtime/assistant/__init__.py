"""One application of a bundle, answering: input rails, the rendered query pipeline, output rails; every attempt is logged.

An application with a safety policy never answers without its rails.
"""

from llmops.runtime.assistant.answer import Answer, Judged, QuestionRejected, Source, Tokens
from llmops.runtime.assistant.assistant import Assistant
from llmops.runtime.assistant.faults import ModelFailed, ModelTimeout, ModelUnavailable, StoreUnavailable
from llmops.runtime.assistant.question import count_tokens

__all__ = [
    "Answer",
    "Assistant",
    "Judged",
    "ModelFailed",
    "ModelTimeout",
    "ModelUnavailable",
    "QuestionRejected",
    "Source",
    "StoreUnavailable",
    "Tokens",
    "count_tokens",
]
