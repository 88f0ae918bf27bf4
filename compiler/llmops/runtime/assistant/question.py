"""Whether a question can be asked at all, before anything costs time."""

from __future__ import annotations

import re

from llmops.runtime.assistant.answer import QuestionRejected

_PIECE = re.compile(r"\w{1,4}|[^\w\s]")


def count_tokens(text: str) -> int:
    """About how many tokens a model reads: pieces of at most four letters, and marks. Seldom fewer than a real tokenizer's."""
    return len(_PIECE.findall(text))


def check_question(question: str, limit: int, application: str) -> None:
    """Raises `QuestionRejected` where it is empty, no text, or has more than `limit` tokens."""
    if not question.strip():
        raise QuestionRejected("The question is empty.")
    if "\x00" in question:
        raise QuestionRejected("The question holds a NUL character.")
    if any("\ud800" <= character <= "\udfff" for character in question):
        raise QuestionRejected("The question holds half of a surrogate pair, which is no character.")
    length = count_tokens(question)
    if length > limit:
        raise QuestionRejected(
            f"The question has about {length} tokens; {application} takes {limit}.",
            "Ask a shorter question, or raise limits.question_tokens of the application.",
        )
