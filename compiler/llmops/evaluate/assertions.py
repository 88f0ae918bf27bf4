"""Assertions about one answer: words that it must or must not hold, a pattern, JSON that satisfies a schema. 1 holds, 0 does not."""

from __future__ import annotations

import json
from collections.abc import Sequence

from llmops.errors import LlmopsError
from llmops.evaluate.answer import has_reference, said
from llmops.evaluate.cases import Case
from llmops.evaluate.observation import Declared, Observation, Scored, Tools

PATTERN_SECONDS = 1.0
"""Longest that a pattern may take with one answer."""


def every_case(_case: Case, _declared: Declared) -> bool:
    return True


def can_contain(case: Case, declared: Declared) -> bool:
    """Without texts of its own the metric looks for the reference answer."""
    return case.answerable if declared.get("texts") else has_reference(case, declared)


def contains(observation: Observation, declared: Declared) -> float:
    answer = said(observation).casefold()
    return float(all(text.casefold() in answer for text in declared.get("texts") or [observation.case.answer]))


def excludes(observation: Observation, declared: Declared) -> float:
    answer = said(observation).casefold()
    return float(not any(text.casefold() in answer for text in declared["texts"]))


def matches(observation: Observation, declared: Declared) -> float:
    """Raises `LlmopsError` for a pattern that takes too long: no answer may hang an evaluation, and none passes unmeasured."""
    import regex

    try:
        return float(regex.search(declared["pattern"], said(observation), timeout=PATTERN_SECONDS) is not None)
    except TimeoutError as error:
        message = f"answer_regex took longer than {PATTERN_SECONDS:g} s on the answer to {observation.case.question!r}"
        raise LlmopsError(message, "Write the pattern without repetitions inside repetitions.") from error


def satisfies(observations: Sequence[Observation], declared: Declared, _tools: Tools) -> Scored:
    import jsonschema_rs

    validator = jsonschema_rs.validator_for(dict(declared.get("schema") or {}))
    return Scored(tuple(float(_is_valid(validator, said(o))) for o in observations))


def _is_valid(validator: object, text: str) -> bool:
    try:
        value = json.loads(text)
    except json.JSONDecodeError:
        return False
    return bool(validator.is_valid(value))  # type: ignore[attr-defined]
