"""What the rules say of a text: outcomes of the detectors become one verdict, the same way for both engines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from llmops.runtime.rails.rules import Rule

STOPPING = frozenset({"block", "refuse"})


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one rule on one text. `reason` is empty where nothing was found; `failed` where the detector broke."""

    rule: Rule
    reason: str = ""
    score: float | None = None
    failed: bool = False


@dataclass(frozen=True, slots=True)
class Hit:
    """A rule that found something, or whose detector failed; `reason` never repeats what was found."""

    rule: str
    engine: str
    action: str
    mode: str
    severity: str
    score: float | None
    reason: str
    source: str = ""
    """`file:line` of the rule in the specs."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """Where `allowed`, `text` goes on, redacted; otherwise `message` is the answer instead, and `text` is what may be kept of it.

    What may be kept is redacted too; nothing, where a redaction failed.
    """

    allowed: bool
    text: str
    message: str
    hits: tuple[Hit, ...]


def conclude(engine: str, rewritten: str, outcomes: Sequence[Outcome]) -> Verdict:
    """The verdict on a text that the redacting rules made `rewritten`. The first rule that stops it gives the message."""
    hits = tuple(_hit(engine, outcome) for outcome in outcomes if outcome.reason)
    stopped = next((o.rule for o in outcomes if o.reason and stops(o)), None)
    if stopped:
        spoilt = any(o.failed and o.rule.action == "redact" for o in outcomes)
        return Verdict(False, "" if spoilt else rewritten, stopped.message, hits)
    return Verdict(True, rewritten, "", hits)


def stops(outcome: Outcome) -> bool:
    """Whether what was found, or the failure, keeps the text from going on."""
    if outcome.rule.mode == "monitor":
        return False
    return outcome.rule.on_error == "block" if outcome.failed else outcome.rule.action in STOPPING


def _hit(engine: str, outcome: Outcome) -> Hit:
    rule = outcome.rule
    return Hit(rule.id, engine, rule.action, rule.mode, rule.severity, outcome.score, outcome.reason, rule.source)
