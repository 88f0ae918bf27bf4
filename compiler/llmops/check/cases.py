"""Runs the cases that stand in each policy: what its author says it lets pass and what it stops.

Input: rules. Output: one `Result` a case. `llmops policy test` prints them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from llmops.check.evidence import EVIDENCE, EXAMPLE
from llmops.check.judge import Judgement, Outcome, Subject, Verdict, judge
from llmops.check.rules import Rule, steps
from llmops.check.shapes import misfits, shape_of, with_floats_of
from llmops.kinds.fields import with_defaults
from llmops.resources import Path
from llmops.validate import dotted

_METADATA = {"name": "example", "owner": "example-team", "labels": {}, "description": ""}
"""What a case's resource has where the case does not say."""


@dataclass(frozen=True, slots=True)
class Result:
    """One case. `problem` is empty where the policy says what the case expects; `path` is what is wrong in the case, below it."""

    rule: Rule
    index: int
    verdict: Verdict | None
    problem: str = ""
    path: Path = ()

    @property
    def case(self) -> Mapping[str, Any]:
        case: Mapping[str, Any] = self.rule.spec["tests"][self.index]
        return case


def run_cases(rules: Sequence[Rule]) -> tuple[list[Result], list[Judgement]]:
    """Every case of every rule, in order, and a judgement a rule: flaws there explain why a rule has no verdicts."""
    prepared = [[_prepared(rule, index) for index in range(len(rule.spec["tests"]))] for rule in rules]
    subjects = [[case for case in cases if isinstance(case, Subject)] for cases in prepared]
    judgements = judge(rules, subjects, thorough=True) if rules else []
    results = [r for rule, cases, judgement in zip(rules, prepared, judgements, strict=True) for r in _results(rule, cases, judgement)]
    return results, judgements


def _prepared(rule: Rule, index: int) -> Subject | Result:
    """The case as a subject; a result at once where the policy does not look at it, or where the case itself is wrong."""
    case = rule.spec["tests"][index]
    kind = case.get("kind", rule.kinds[0])
    fault = next(_faults(rule, case, kind), None)
    if fault:
        return Result(rule, index, None, fault[1], fault[0])
    data = _resource(kind, case["resource"])
    if not (rule.looks_at(kind, data["metadata"]["labels"], case["environment"]) and _operation(case) in rule.spec["match"]["on"]):
        return _compared(Result(rule, index, "no match"), ())
    refs: dict[str, list[Mapping[str, Any]]] = {
        name: [_resource(name, entry) for entry in entries] for name, entries in case["refs"].items()
    }
    old = _resource(kind, case["old"]) if "old" in case else None
    today = datetime.fromisoformat(case["today"]).replace(tzinfo=UTC)
    evidence = [{**EXAMPLE, **entry} for entry in case.get("evidence", ())]
    return Subject(kind, data, refs, old, case["environment"], today, with_floats_of(EVIDENCE, evidence))


def _operation(case: Mapping[str, Any]) -> str:
    return "update" if "old" in case else "create"


def _faults(rule: Rule, case: Mapping[str, Any], kind: str) -> Iterator[tuple[Path, str]]:
    """A misspelt field in a case would show nothing about the policy."""
    if kind not in rule.kinds:
        yield ("kind",), f"The policy does not look at {kind}"
    described: list[tuple[Path, str, Any]] = [(("resource",), kind, case["resource"])]
    described += [(("old",), kind, case["old"])] if "old" in case else []
    described += [(("refs", name, i), name, entry) for name, entries in case["refs"].items() for i, entry in enumerate(entries)]
    yield from misfits(EVIDENCE, case.get("evidence", []), ("evidence",))
    for path, name, entry in described:
        yield from (((*path, *inner), message) for inner, message in misfits(shape_of(name), entry))


def _resource(kind: str, entry: Mapping[str, Any]) -> dict[str, Any]:
    filled = with_defaults(kind, {"kind": kind, "metadata": {**_METADATA, **entry["metadata"]}, "spec": entry["spec"]})
    return {"kind": kind, "metadata": filled["metadata"], "spec": filled["spec"], "files": entry["files"]}


def _results(rule: Rule, cases: Sequence[Subject | Result], judgement: Judgement) -> Iterator[Result]:
    position = 0
    for index, case in enumerate(cases):
        if isinstance(case, Result):
            yield case
            continue
        outcomes = [outcome for outcome in judgement.outcomes if outcome.subject == position]
        position += 1
        yield _result(rule, index, outcomes)


def _result(rule: Rule, index: int, outcomes: list[Outcome]) -> Result:
    if not outcomes:
        return Result(rule, index, None, "The policy could not be evaluated")
    fault = next((outcome.fault for outcome in outcomes if outcome.fault), None)
    if fault:
        return Result(rule, index, "error", fault.message)
    paths = [dotted((*rule.each, outcome.item, *rule.at) if outcome.item is not None else rule.at) for outcome in outcomes]
    return _compared(Result(rule, index, outcomes[0].verdict), paths)


def _compared(result: Result, paths: Sequence[str]) -> Result:
    """The result with what differs from what the case expects."""
    case = result.case
    if result.verdict != case["expect"]:
        return Result(result.rule, result.index, result.verdict, f"Expected {case['expect']}, found {result.verdict}")
    if "at" in case and dotted(steps(case["at"])) not in paths:
        problem = f"Expected the violation at {case['at']}, found it at {', '.join(paths) or 'nothing'}"
        return Result(result.rule, result.index, result.verdict, problem, ("at",))
    return result
