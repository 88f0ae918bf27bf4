"""Which guardrail engine can enforce which safety rule, and where: the enforcement matrix.

Input: an engine, a detector, a stage, an action. Output: `Support`. Stage `link` turns `impossible` into an error; the
renderers read the order of the rules from here. The facts are held against the installed engines by the tests.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

Level = Literal["native", "adapted", "impossible"]
Rule = Mapping[str, Any]

ENGINES = ("guardrails-ai", "nemoguardrails")
STAGES = ("input", "retrieval", "output", "tool")
ACTIONS = ("block", "refuse", "redact", "flag", "log")

STOPPING = frozenset({"block", "refuse"})
"""Actions that answer with the rule's message instead."""
ON_THE_ANSWER = frozenset({"groundedness", "prompt_leakage"})
"""Detectors that compare the answer with what it was made from."""
WITH_PLACES = frozenset({"regex", "keywords", "pii", "secrets"})
"""Detectors that say where in the text they found something, so that it can be cut out."""

NATIVE: Mapping[tuple[str, str], str] = {
    ("guardrails-ai", "length"): "guardrails/valid_length",
    ("guardrails-ai", "profanity"): "guardrails/profanity_free",
    ("nemoguardrails", "regex"): "regex check",
}
"""The engine's own validator or flow that does exactly what the detector says."""

OURS: Mapping[tuple[str, str], str] = {
    ("guardrails-ai", "regex"): "guardrails/regex_match asks for a match instead of forbidding one",
    ("guardrails-ai", "keywords"): "guardrails/ban_list misplaces what it cuts out by one character",
    ("guardrails-ai", "pii"): "guardrails/detect_pii downloads a language model",
    ("guardrails-ai", "secrets"): "guardrails/secrets_present adds a line end to what it cleans and says no places",
    ("guardrails-ai", "json"): "guardrails/valid_json refuses {}, [], 0 and null",
    ("guardrails-ai", "web"): "guardrails/web_sanitization refuses every & and <, as in AT&T",
    ("guardrails-ai", "prompt_leakage"): "guardrails/detect_system_prompt_leakage knows one prompt and misses a quotation from it",
    ("guardrails-ai", "groundedness"): "guardrails-ai has no validator for it that runs without a language model",
    ("guardrails-ai", "code_injection"): "guardrails-ai has no validator for it",
    ("guardrails-ai", "prompt_injection"): "guardrails-ai's validator for it downloads a language model",
    ("guardrails-ai", "topic"): "guardrails-ai's validator for it downloads a language model",
    ("guardrails-ai", "content_safety"): "guardrails-ai's validators for it download language models",
    ("guardrails-ai", "llm_judge"): "guardrails-ai has no validator for it that takes any model's endpoint",
    ("nemoguardrails", "keywords"): "NeMo Guardrails has no flow for words",
    ("nemoguardrails", "pii"): "NeMo Guardrails' flow needs a large spaCy model, and masks above a fixed score",
    ("nemoguardrails", "secrets"): "NeMo Guardrails has no flow for secrets",
    ("nemoguardrails", "length"): "NeMo Guardrails has no flow for length",
    ("nemoguardrails", "json"): "NeMo Guardrails has no flow for JSON",
    ("nemoguardrails", "web"): "NeMo Guardrails' injection detection takes every Markdown image for an attack",
    ("nemoguardrails", "profanity"): "NeMo Guardrails has no flow for swear words",
    ("nemoguardrails", "prompt_leakage"): "NeMo Guardrails has no flow for it",
    ("nemoguardrails", "prompt_injection"): "NeMo Guardrails' jailbreak detection needs a server of its own, or a language model",
    ("nemoguardrails", "topic"): "NeMo Guardrails' topic control needs a language model that was trained for it",
    ("nemoguardrails", "content_safety"): "NeMo Guardrails reads the answer 'not safe' as safe",
    ("nemoguardrails", "llm_judge"): "NeMo Guardrails' self check looks at two words of the answer and knows no question but its own",
    ("nemoguardrails", "code_injection"): "NeMo Guardrails' injection detection takes 'important ... most' for Python code",
}
"""Why a detector of llmops, registered with the engine, stands in for the engine's own part."""

KINDS = tuple(sorted({kind for _, kind in (*NATIVE, *OURS)}))


@dataclass(frozen=True, slots=True)
class Support:
    """Whether an engine enforces a rule. `reason` is a sentence; `remedy` the way out where it does not."""

    level: Level
    reason: str
    remedy: str = ""

    @property
    def possible(self) -> bool:
        return self.level != "impossible"


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell of the matrix."""

    engine: str
    kind: str
    stage: str
    action: str
    support: Support


def enforce(engine: str, detector: Mapping[str, Any], stage: str, action: str) -> Support:
    """How `engine` enforces a rule with this detector at this stage. Unknown names are a KeyError: a bug, never a pass."""
    kind = detector["kind"]
    if engine not in ENGINES or kind not in KINDS or stage not in STAGES or action not in ACTIONS:
        raise KeyError(f"the enforcement matrix has no cell for {engine}, {kind}, {stage}, {action}")
    return _obstacle(engine, kind, stage, action) or _means(engine, kind, action)


def enforce_rule(engine: str, rule: Rule, stage: str) -> Support:
    """The same for a rule of a policy. A rule that only monitors asks no more of an engine than one that logs."""
    support = enforce(engine, rule["detector"], stage, effective_action(rule))
    if support.level == "native" and rule.get("budget_ms"):
        return Support("adapted", "A detector of llmops runs in the engine: its own part has no limit of time.")
    return support


def effective_action(rule: Rule) -> str:
    """What the engine is asked to do: `log` for a rule that only monitors."""
    return "log" if rule["mode"] == "monitor" else str(rule["action"])


def engines_of(policy_spec: Mapping[str, Any], rule: Rule) -> list[str]:
    """The engines that enforce the rule, in the policy's order."""
    only = rule.get("engines")
    return [engine for engine in policy_spec["engines"] if only is None or engine in only]


def rules_at(policy_spec: Mapping[str, Any], engine: str, stage: str) -> list[Rule]:
    """The rules that `engine` enforces at `stage`, in the order it runs them.

    Rules that only record come first, as an engine may stop at the first rule that blocks; then patterns, the cheapest
    judges; then the other judges; redaction last, so that judges read what was written.
    """
    mine = [r for r in policy_spec["rules"] if stage in r["stage"] and engine in engines_of(policy_spec, r)]
    return sorted(mine, key=_turn)


def matrix() -> Iterator[Cell]:
    """Every cell, in a fixed order."""
    for engine in ENGINES:
        for kind in KINDS:
            for stage in STAGES:
                for action in ACTIONS:
                    yield Cell(engine, kind, stage, action, enforce(engine, {"kind": kind}, stage, action))


def _turn(rule: Rule) -> int:
    action = effective_action(rule)
    if action == "redact":
        return 3
    if action not in STOPPING:
        return 0
    return 1 if rule["detector"]["kind"] == "regex" else 2


def _obstacle(engine: str, kind: str, stage: str, action: str) -> Support | None:
    if stage == "tool":
        return _impossible("No engine runs on a tool's arguments yet.", "Check the answer: stage output.")
    if kind in ON_THE_ANSWER and stage != "output":
        return _impossible(f"{kind} compares the answer with what it was made from; stage {stage} has no answer.", "Use stage output.")
    if kind == "groundedness" and engine == "nemoguardrails":
        return _impossible(
            "NeMo Guardrails' rails see the conversation and not the retrieved passages.", "Add engines: [guardrails-ai] to the rule."
        )
    if action == "redact" and kind not in WITH_PLACES:
        return _impossible(f"{kind} judges the whole text and says no place to cut out.", "Use action block, refuse, flag or log.")
    return None


def _means(engine: str, kind: str, action: str) -> Support:
    part = NATIVE.get((engine, kind))
    if part is None:
        return Support("adapted", f"A detector of llmops runs in the engine: {OURS[engine, kind]}.")
    if engine == "nemoguardrails" and action not in STOPPING:
        return Support("adapted", f"A detector of llmops runs in the engine: its '{part}' can only block.")
    return Support("native", f"The engine's own '{part}'.")


def _impossible(reason: str, remedy: str) -> Support:
    return Support("impossible", reason, remedy)
