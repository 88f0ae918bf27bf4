"""Detectors that read the text alone: patterns, words, length, JSON, swear words."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

from llmops.runtime.rails.detectors.finding import Detect, Finding, Request, Settings, Span


def build_regex(settings: Settings) -> Detect:
    return _search([(re.compile(p), f"matches {p}") for p in settings["patterns"]])


def build_keywords(settings: Settings) -> Detect:
    """Whole words and phrases, in any case, with any white space between the words of a phrase."""
    return _search([(_whole(word), f"contains {word!r}") for word in settings["words"]])


def build_length(settings: Settings) -> Detect:
    low, high = settings["min"], settings["max"]

    def detect(request: Request) -> Finding | None:
        length = len(request.text)
        return None if low <= length <= high else Finding(f"{length} characters, not {low} to {high}")

    return detect


def build_json(settings: Settings) -> Detect:
    """Python reads NaN and Infinity, which JSON does not have."""

    def detect(request: Request) -> Finding | None:
        try:
            json.loads(request.text, parse_constant=_refuse_constant)
        except ValueError:
            return Finding("not valid JSON")
        return None

    return detect


def build_profanity(settings: Settings) -> Detect:
    """The same model as guardrails/profanity_free: a linear classifier of English text."""
    from profanity_check import predict, predict_prob

    def detect(request: Request) -> Finding | None:
        if predict([request.text])[0] == 0:
            return None
        return Finding("swear words", round(float(predict_prob([request.text])[0]), 3))

    return detect


def _search(patterns: Sequence[tuple[re.Pattern[str], str]]) -> Detect:
    def detect(request: Request) -> Finding | None:
        found = [(m, reason) for pattern, reason in patterns for m in pattern.finditer(request.text)]
        if not found:
            return None
        reasons = dict.fromkeys(reason for _, reason in found)
        return Finding("; ".join(reasons), spans=tuple(Span(m.start(), m.end(), "REMOVED") for m, _ in found))

    return detect


def _whole(words: str) -> re.Pattern[str]:
    phrase = r"\s+".join(re.escape(word) for word in words.split())
    return re.compile(rf"(?<!\w){phrase}(?!\w)", re.IGNORECASE)


def _refuse_constant(name: str) -> None:
    raise ValueError(name)
