"""Judges resources by policies: every rule on every resource it looks at, within its budget.

Input: rules, and the resources of each. Output: outcomes, as the findings, the cases and the coverage read them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from llmops.check.budget import Exhausted, Work, each_within_budget, seconds_for
from llmops.check.cel import Expressions, Fault
from llmops.check.evidence import APPLICATION
from llmops.check.rules import Rule, steps
from llmops.check.shapes import Unknown, follow, shape_of, with_floats
from llmops.kinds import KINDS
from llmops.resources import Path, value_at

Verdict = Literal["pass", "fail", "no match", "error"]


@dataclass(frozen=True, slots=True)
class Subject:
    """A resource as plain data (`kind`, `metadata`, `spec`, `files`) and all that expressions may read beside it."""

    kind: str
    data: Mapping[str, Any]
    refs: Mapping[str, list[Mapping[str, Any]]]
    old: Mapping[str, Any] | None
    environment: str
    today: datetime
    evidence: Sequence[Mapping[str, Any]] = ()


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a rule said of a subject. `item` is the index in the list of `each`; for an error, `fault` and `expression` say where."""

    subject: int
    verdict: Verdict
    item: int | None = None
    expression: str = ""
    fault: Fault | None = None


@dataclass(frozen=True, slots=True)
class Flaw:
    """A rule that cannot be evaluated: `field` of its `spec` is wrong. `known` are the names that would be right."""

    field: str
    fault: Fault
    known: tuple[str, ...] = ()
    step: str = ""


@dataclass(frozen=True, slots=True)
class Judgement:
    """Of one rule. With `flaws` there are no outcomes, and neither are there where `exhausted`."""

    outcomes: tuple[Outcome, ...] = ()
    flaws: tuple[Flaw, ...] = ()
    exhausted: bool = False


def judge(rules: Sequence[Rule], subjects: Sequence[Sequence[Subject]], *, thorough: bool = False) -> list[Judgement]:
    """One judgement a rule; `subjects[i]` are those that rule `i` looks at. What passes has an outcome only if `thorough`."""

    def prepare() -> Work:
        bench = _Bench(Expressions(), thorough=thorough)
        return lambda index: list(bench.judge(rules[index], subjects[index]))

    return [_judgement(answer) for answer in each_within_budget([seconds_for(len(each)) for each in subjects], prepare)]


def _judgement(answer: list[Any]) -> Judgement:
    if isinstance(answer, Exhausted):
        return Judgement(exhausted=True)
    flaws, outcomes = answer
    return Judgement(
        tuple(Outcome(**{**row, "fault": row["fault"] and Fault(**row["fault"])}) for row in outcomes),
        tuple(Flaw(**{**row, "fault": Fault(**row["fault"]), "known": tuple(row["known"])}) for row in flaws),
    )


Evaluator = Callable[[Any], bool | Fault]

_NO_REFS: Mapping[str, list[Any]] = {kind: [] for kind in KINDS}


class _Bench:
    """The child's side: compiles a rule for each of its kinds and goes through its subjects."""

    def __init__(self, expressions: Expressions, *, thorough: bool) -> None:
        self._expressions = expressions
        self._thorough = thorough
        self._values: dict[int, tuple[Subject, Any]] = {}
        self._data: dict[int, tuple[Any, Any]] = {}

    def judge(self, rule: Rule, subjects: Sequence[Subject]) -> tuple[list[Flaw], list[Outcome]]:
        flaws = list(_flaws_of_paths(rule))
        compiled: dict[str, dict[str, Evaluator]] = {kind: {} for kind in rule.kinds}
        for kind in rule.kinds if not flaws else ():
            for field, text in rule.expressions.items():
                found = self._expressions.compile(text, kind, rule.each if field == "assert" else ())
                if isinstance(found, Fault):
                    flaws.append(Flaw(field, found))
                else:
                    compiled[kind][field] = found
        if flaws:
            return list({(f.field, f.fault): f for f in flaws}.values()), []
        return [], [o for i, subject in enumerate(subjects) for o in self._outcomes(rule, i, subject, compiled[subject.kind])]

    def _outcomes(self, rule: Rule, index: int, subject: Subject, compiled: Mapping[str, Evaluator]) -> Iterator[Outcome]:
        values = self._of(subject)
        wanted = compiled["when"](values) if "when" in compiled else True
        if isinstance(wanted, Fault):
            yield Outcome(index, "error", None, "when", wanted)
        elif not wanted:
            yield from self._unremarkable(index, "no match")
        else:
            yield from self._held(rule, index, subject, compiled["assert"])

    def _held(self, rule: Rule, index: int, subject: Subject, holds: Evaluator) -> Iterator[Outcome]:
        bad = [(position, verdict) for position, verdict in self._verdicts(rule, subject, holds) if verdict is not True]
        for position, verdict in bad:
            yield Outcome(index, "error", position, "assert", verdict) if verdict else Outcome(index, "fail", position, "assert")
        if not bad:
            yield from self._unremarkable(index, "pass")

    def _verdicts(self, rule: Rule, subject: Subject, holds: Evaluator) -> Iterator[tuple[int | None, bool | Fault]]:
        """One for the resource, or one for each item of its list."""
        if not rule.each:
            yield None, holds(self._of(subject))
            return
        for position, _ in enumerate(value_at(subject.data, rule.each) or ()):
            yield position, holds(self._with_item(rule, subject, position))

    def _unremarkable(self, index: int, verdict: Verdict) -> Iterator[Outcome]:
        if self._thorough:
            yield Outcome(index, verdict)

    def _of(self, subject: Subject) -> Any:
        """Converted once a subject, however many rules look at it."""
        known = self._values.get(id(subject))
        if known is None:
            known = self._values[id(subject)] = (subject, self._expressions.values(self._variables(subject)))
        return known[1]

    def _with_item(self, rule: Rule, subject: Subject, position: int) -> Any:
        variables = self._variables(subject)
        return self._expressions.values({**variables, "item": value_at(variables["r"], rule.each)[position]})

    def _variables(self, subject: Subject) -> dict[str, Any]:
        refs = {kind: [self._floats(data) for data in subject.refs.get(kind, ())] for kind in KINDS} if subject.refs else _NO_REFS
        old = self._floats(subject.old) if subject.old else None
        around = {"env": subject.environment, "today": subject.today, "evidence": list(subject.evidence)}
        return {"r": self._floats(subject.data), "refs": refs, "old": old, "item": None, **around}

    def _floats(self, data: Mapping[str, Any]) -> Any:
        known = self._data.get(id(data))
        if known is None:
            known = self._data[id(data)] = (data, with_floats(data["kind"], dict(data)))
        return known[1]


def _flaws_of_paths(rule: Rule) -> Iterator[Flaw]:
    """A field that `each`, `at` or `remediation.set` names and a kind does not have. Without the list there are no fields of its items."""
    if rule.reads_evidence and rule.kinds != [APPLICATION]:
        yield Flaw("match.kinds", Fault(f"Only an {APPLICATION} has `evidence`: match.kinds must be [{APPLICATION}]"))
    lists = [flaw for kind in rule.kinds for flaw in _flaws_of_each(rule, kind)]
    yield from lists
    named = [("at", rule.spec["at"])] if "at" in rule.spec else []
    named += [("remediation.set", name) for name in rule.spec["remediation"].get("set", {})]
    item: Path = (*rule.each, 0) if rule.each else ()
    for kind in rule.kinds if not lists else ():
        for field, text in named:
            found = follow(shape_of(kind), (*item, *steps(text)))
            if isinstance(found, Unknown):
                yield _no_field(field, kind, found)


def _flaws_of_each(rule: Rule, kind: str) -> Iterator[Flaw]:
    found = follow(shape_of(kind), rule.each)
    if isinstance(found, Unknown):
        yield _no_field("each", kind, found)
    elif rule.each and not (found.many or found.base == "any"):
        yield Flaw("each", Fault(f"{rule.spec['each']} is not a list in {kind}"))


def _no_field(field: str, kind: str, unknown: Unknown) -> Flaw:
    return Flaw(field, Fault(f"{kind} has no field {unknown.step!r} there"), unknown.known, unknown.step)
