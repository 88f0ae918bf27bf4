"""One text on one engine at one stage: what the rules said of it, beside what was expected.

Input: `Trial`s and loaded rails. Output: a `Result` a trial; `disagreements` names where two engines differ.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from llmops.runtime.rails.rails import Rails
from llmops.runtime.rails.verdict import Hit, Verdict

Expectation = Literal["hit", "pass"]
Outcome = Literal["hit", "pass", "failed", "covered"]
"""`failed`: the detector broke. `covered`: another rule stopped the text, and this one may not have come to its turn."""

FAILURES = ("the detector failed", "the engine failed")
"""How the reason of a hit opens that is no finding but a failure."""
ENDS_AT_THE_FIRST = frozenset({"nemoguardrails"})
"""Engines that do not run the rules behind one that blocks."""


@dataclass(frozen=True, slots=True)
class Trial:
    """`subject` is the rule's id, or the category whose `rules` are tried together. `source` is `file:line` of the text."""

    subject: str
    policy: str
    rules: tuple[str, ...]
    engine: str
    stage: str
    expect: Expectation
    text: str
    source: str
    context: tuple[str, ...] = ()
    prompt: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Result:
    """What came of a trial. `reason` is the rule's own, or the rule that covered it; the text itself is in the trial."""

    trial: Trial
    outcome: Outcome
    reason: str
    verdict: Verdict

    @property
    def problem(self) -> str:
        """What is wrong, or nothing where the rule did what was expected."""
        if self.outcome == self.trial.expect:
            return ""
        if self.outcome in ("failed", "covered"):
            return self.reason
        return "was let through" if self.trial.expect == "hit" else f"was found: {self.reason}"


@dataclass(frozen=True, slots=True)
class Disagreement:
    """The same text at the same stage, judged differently. `what` says how, as `guardrails-ai: hit, nemoguardrails: pass`."""

    trial: Trial
    what: str


def run_trials(trials: Sequence[Trial], rails: Mapping[tuple[str, str], Rails], progress: Callable[[str], None]) -> list[Result]:
    """A result for each trial, in order. `rails` are by policy and engine; a missing one is a KeyError: never a pass."""
    results = []
    for number, trial in enumerate(trials, 1):
        if number % 50 == 0:
            progress(f"tried text {number} of {len(trials)}")
        results.append(_try(trial, rails[trial.policy, trial.engine]))
    return results


def _try(trial: Trial, rails: Rails) -> Result:
    verdict = rails.check(trial.stage, trial.text, context=trial.context, prompt=trial.prompt)
    mine = [hit for hit in verdict.hits if hit.rule in trial.rules]
    found = [hit for hit in mine if not _is_failure(hit)]
    if found:
        return Result(trial, "hit", "; ".join(dict.fromkeys(hit.reason for hit in found)), verdict)
    if mine:
        return Result(trial, "failed", f"{mine[0].rule}: {mine[0].reason}", verdict)
    if not verdict.allowed and trial.engine in ENDS_AT_THE_FIRST:
        return Result(trial, "covered", f"was stopped by rule {verdict.hits[-1].rule}", verdict)
    return Result(trial, "pass", "", verdict)


def _is_failure(hit: Hit) -> bool:
    return hit.reason.startswith(FAILURES)


def disagreements(results: Iterable[Result]) -> Iterator[Disagreement]:
    """Where engines differ on one text: whether the rule found something, whether it goes on, what is left of it."""
    together: dict[tuple[str, ...], list[Result]] = {}
    for result in results:
        trial = result.trial
        together.setdefault((trial.policy, trial.subject, trial.stage, trial.source, trial.text), []).append(result)
    for same in together.values():
        what = _difference(same)
        if what:
            yield Disagreement(same[0].trial, what)


def _difference(same: Sequence[Result]) -> str:
    outcomes = {result.outcome for result in same if result.outcome != "covered"}
    if len(outcomes) > 1:
        return _said({r.trial.engine: r.outcome for r in same})
    if any(hit.rule not in result.trial.rules for result in same for hit in result.verdict.hits):
        return ""  # what becomes of the text is then another rule's doing, which one of the engines may not have
    if len({result.verdict.allowed for result in same}) > 1:
        return _said({r.trial.engine: "lets it pass" if r.verdict.allowed else "stops it" for r in same})
    if len({(result.verdict.text, result.verdict.message) for result in same}) > 1:
        return _said({r.trial.engine: r.verdict.message or "another text is left" for r in same})
    return ""


def _said(by_engine: Mapping[str, str]) -> str:
    return ", ".join(f"{engine}: {text}" for engine, text in by_engine.items())
