"""Detectors that compare an answer with what it was made from: the system prompt, the retrieved passages."""

from __future__ import annotations

import re

from llmops.runtime.rails.detectors.finding import Detect, Finding, Request, Settings

QUOTED = 8
"""Words of the system prompt in a row that count as repeating it; all of them where the prompt is shorter."""
WORD = re.compile(r"\w+(?:[.,'-]\w+)*")
SENTENCE_END = re.compile(r"(?<=[.!?])\s+|\n+")
STOP_WORDS = frozenset(
    [
        "a",
        "an",
        "and",
        "are",
        "as",
        "at",
        "be",
        "been",
        "but",
        "by",
        "can",
        "do",
        "does",
        "for",
        "from",
        "has",
        "have",
        "if",
        "in",
        "into",
        "is",
        "it",
        "its",
        "may",
        "must",
        "no",
        "not",
        "of",
        "on",
        "or",
        "so",
        "than",
        "that",
        "the",
        "their",
        "them",
        "then",
        "there",
        "these",
        "they",
        "this",
        "to",
        "was",
        "we",
        "were",
        "what",
        "when",
        "which",
        "will",
        "with",
        "within",
        "you",
        "your",
    ]
)
STEM = 5
"""Letters that make two words the same: `compiler` and `compiles`."""


def build_prompt_leakage(settings: Settings) -> Detect:
    return _find_quotation


def build_groundedness(settings: Settings) -> Detect:
    """Score: the lowest share of a sentence's words that the passages contain; a number they lack makes it 0."""
    threshold = float(settings["threshold"])

    def detect(request: Request) -> Finding | None:
        passages = {_stem(word) for passage in request.context for word in _content_words(passage)}
        shares = [_share(words, passages) for s in SENTENCE_END.split(request.text) if (words := _content_words(s))]
        bad = [share for share in shares if share < threshold]
        return Finding(f"{len(bad)} of {len(shares)} sentences are not in the passages", round(min(bad), 3)) if bad else None

    return detect


def _find_quotation(request: Request) -> Finding | None:
    """Raises ValueError without a prompt: nothing to compare with is not a pass."""
    prompt, answer = _words(request.prompt), _words(request.text)
    if not prompt:
        raise ValueError("the system prompt was not given")
    run = min(QUOTED, len(prompt))
    quotable = {tuple(prompt[i : i + run]) for i in range(len(prompt) - run + 1)}
    quoted = any(tuple(answer[i : i + run]) in quotable for i in range(len(answer) - run + 1))
    return Finding(f"repeats {run} words of the system prompt in a row") if quoted else None


def _share(words: list[str], passages: set[str]) -> float:
    if any(word not in passages for word in words if word[0].isdigit()):
        return 0.0
    return sum(_stem(word) in passages for word in words) / len(words)


def _stem(word: str) -> str:
    return word if word[0].isdigit() else word[:STEM]


def _words(text: str) -> list[str]:
    return [word.lower() for word in WORD.findall(text)]


def _content_words(text: str) -> list[str]:
    return [word for word in _words(text) if word not in STOP_WORDS]
