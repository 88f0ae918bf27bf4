"""The starter pack as the tests read it: its rules, and rules with another expression judged by their own cases."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path

from llmops.check.cases import run_cases
from llmops.check.rules import Rule
from llmops.pipeline import open_pack

ROOT = Path(__file__).resolve().parents[2]
PACK = ROOT / "policies"


@cache
def rules() -> dict[str, Rule]:
    """Every rule of the pack by its name."""
    front = open_pack(PACK)
    assert not front.diagnostics, front.diagnostics
    return {rule.name: rule for rule in front.packs.rules}


def with_expression(rule: Rule, field: str, text: str) -> Rule:
    """The rule with another `when` or `assert`."""
    return replace(rule, spec={**rule.spec, field: text})


def fates(changed: Sequence[Rule]) -> list[str]:
    """For each rule: `noticed` where one of its cases comes out otherwise, `survived` where none does, `invalid` where it
    does not compile.
    """
    results, judgements = run_cases(changed)
    wrong = {id(result.rule) for result in results if result.problem}
    return [
        "invalid" if judgement.flaws else "noticed" if judgement.exhausted or id(rule) in wrong else "survived"
        for rule, judgement in zip(changed, judgements, strict=True)
    ]
