"""Detectors that read the text alone: patterns, words, length, JSON, swear words."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any

from llmops.runtime.rails.detectors.finding import Detect, Finding, Request, Settings, Span


def build_regex(settings: Settings) -> Detect:
    """With a budget, a search that takes longer is ended: Python's own patterns cannot be."""
    if settings.get("budget_ms"):
        return _search_within(settings["patterns"], settings["budget_ms"] / 1000)
    return _search([(re.compile(p), f"matches {p}") for p in settings["patterns"]])


def _search_within(patterns: Sequence[str], seconds: float) -> Detect:
    import regex

    compiled = [(regex.compile(p), f"matches {p}") for p in patterns]
    return _search([(_Bounded(pattern, seconds), reason) for pattern, reason in compiled])


class _Bounded:
    """A pattern whose search raises `TimeoutError` after so many seconds."""

    def __init__(self, pattern: Any, seconds: float) -> None:
        self._pattern, self._seconds = pattern, seconds

    def finditer(self, text: str) -> Any:
        return self._pattern.finditer(text, timeout=self._seconds)


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
    schema = settings.get("json_schema")
    validator = _validator(schema) if schema is not None else None

    def detect(request: Request) -> Finding | None:
        try:
            value = json.loads(request.text, parse_constant=_refuse_constant)
        except (ValueError, RecursionError):
            return Finding("not valid JSON")
        error = next(validator.iter_errors(value), None) if validator else None
        return Finding(f"not of the form that is asked for, at /{'/'.join(map(str, error.instance_path))}") if error else None

    return detect


def _validator(schema: Any) -> Any:
    import jsonschema_rs

    return jsonschema_rs.Draft202012Validator(schema)


def build_profanity(settings: Settings) -> Detect:
    """The same model as guardrails/profanity_free: a linear classifier of English text."""
    from profanity_check import predict, predict_prob

    def detect(request: Request) -> Finding | None:
        if predict([request.text])[0] == 0:
            return None
        return Finding("swear words", round(float(predict_prob([request.text])[0]), 3))

    return detect


def _search(patterns: Sequence[tuple[re.Pattern[str] | _Bounded, str]]) -> Detect:
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
