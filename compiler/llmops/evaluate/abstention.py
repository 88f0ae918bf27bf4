"""Abstention: whether the assistant admits that the documents have no answer, and answers where they have one."""

from __future__ import annotations

import re

from llmops.evaluate.cases import Case
from llmops.evaluate.observation import Declared, Observation

_ADMITS = re.compile(
    r"\b(?:(?:do(?:es)?|did) ?n[o']t|don't|doesn't|didn't|can ?not|can't|could ?n[o']t|couldn't|unable to|not able to)\s+(?:\w+\s+){0,2}?"
    r"(?:know|answer|say|state|mention|contain|cover|describe|explain|specify|find|have|help|include|provide)\b"
    r"|\bno (?:answer|information|mention)\b"
    r"|\bnot (?:mentioned|stated|specified|described|covered|given|provided|found|known|sure|available)\b"
    r"|\b(?:is|are|it's) unknown\b",
    re.IGNORECASE,
)


def is_unanswerable(case: Case, _declared: Declared) -> bool:
    """Whether the right thing is to say that there is no answer. An attack is measured by metrics of its own."""
    return not case.answerable and not case.attack


def is_answerable(case: Case, _declared: Declared) -> bool:
    return case.answerable


def abstains(text: str) -> bool:
    """Whether an English answer says that it does not know. An empty answer says nothing, so it does not count."""
    return bool(_ADMITS.search(text.replace("\N{RIGHT SINGLE QUOTATION MARK}", "'")))


def abstained(observation: Observation) -> float:
    """1 where the assistant said that it does not know or a safety rule refused, else 0."""
    reply = observation.reply
    return float(reply is not None and (reply.blocked or abstains(reply.text)))


def answered(observation: Observation) -> float:
    """1 where there is an answer, and it is neither a rule's message nor `I don't know`."""
    reply = observation.reply
    return float(reply is not None and bool(reply.text.strip()) and not abstained(observation))
