"""What policies say, as diagnostics: the violation under its caret, with the policy that fired beside it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from llmops.check.cases import Result
from llmops.check.cel import Fault
from llmops.check.evidence import EVIDENCE
from llmops.check.judge import Flaw, Judgement, Outcome
from llmops.check.rules import Rule, steps
from llmops.check.shapes import Shape, shape_of
from llmops.check.waivers import Complaint, Waivers
from llmops.diagnostics import Diagnostic, Location, Severity
from llmops.kinds import KINDS
from llmops.link import Linked
from llmops.load.root import SETTINGS
from llmops.load.source import Document, Places
from llmops.resources import Path, Resource, value_at
from llmops.validate import dotted
from llmops.validate.explain import nearest

_EFFECTS: Mapping[str, Severity] = {"block": "error", "warn": "warning", "audit": "note"}
_PLACEHOLDER = re.compile(r"\{\{\s*(name|kind|env|value)\s*\}\}")
_WORD = re.compile(r"\w+")
VARIABLES = ("r", "refs", "old", "item", "evidence", "env", "today")
LONGEST_VALUE = 80
"""Characters of a value that a message repeats."""


class Reporter:
    """Knows where resources and policies were written."""

    def __init__(self, linked: Linked, places: Places, waivers: Waivers) -> None:
        self._graph = linked.graph
        self._locator = linked.locator
        self._places = places
        self._waivers = waivers

    def diagnostics(self, rule: Rule, resources: Sequence[Resource], judgement: Judgement | None) -> Iterator[Diagnostic]:
        """Everything that one rule has to say, or that there is to say about it."""
        if judgement is None:
            return
        yield from self.flaws(rule, judgement)
        failed = [outcome for outcome in judgement.outcomes if outcome.verdict == "error"]
        if failed:
            yield self._error(rule, failed, resources)
        for outcome in judgement.outcomes:
            if outcome.verdict == "fail":
                yield self._violation(rule, outcome, resources[outcome.subject])

    def without_base(self, rules: Sequence[Rule]) -> list[Diagnostic]:
        """That rules of changes were left out, where there are any."""
        if not rules:
            return []
        names = ", ".join(rule.name for rule in rules)
        message = f"{len(rules)} {'policy looks' if len(rules) == 1 else 'policies look'} at changes and had no base: {names}"
        return [Diagnostic("LLM0914", "note", message, (Location(SETTINGS),), "", "Give one: `llmops check --base origin/main`.")]

    def flaws(self, rule: Rule, judgement: Judgement) -> list[Diagnostic]:
        """Why a rule cannot be evaluated at all."""
        found = [self._flaw(rule, flaw) for flaw in judgement.flaws]
        return [self._exhausted(rule)] if judgement.exhausted else found

    def failed_case(self, result: Result) -> Diagnostic:
        """A case whose policy says something else than the case does."""
        path = ("spec", "tests", result.index, *(result.path or ("expect",)))
        message = f"{result.rule.name}, case {result.case['name']!r}: {result.problem}"
        place = self._places.value(result.rule.document, path)
        return Diagnostic("LLM0906", "error", message, (place,), dotted(path), "Correct the policy or the case.", result.rule.name)

    def complaint(self, complaint: Complaint) -> Diagnostic:
        """What is wrong with a waiver. One that is of no use is a warning: it hides nothing yet."""
        severity: Severity = "warning" if complaint.code == "LLM0908" else "error"
        place = self._places.value(complaint.waiver.document, complaint.path)
        return Diagnostic(complaint.code, severity, complaint.message, (place,), dotted(complaint.path), complaint.hint)

    def _violation(self, rule: Rule, outcome: Outcome, resource: Resource) -> Diagnostic:
        item: Path = () if outcome.item is None else (*rule.each, outcome.item)
        path = (*item, *rule.at) or ("metadata", "name")
        here = replace(self._places.key(rule.document, ("metadata", "name")), label=f"the policy {rule.name} is here")
        remediation = rule.spec["remediation"]
        edits = tuple(self._locator.edit(resource.id, (*item, *steps(name)), value) for name, value in remediation.get("set", {}).items())
        return Diagnostic(
            "LLM0901",
            _EFFECTS[rule.effect(self._graph.environment)],
            self._message(rule, resource, path),
            (*self._locator.value(resource.id, path), here),
            dotted(path),
            remediation["text"],
            rule.name,
            self._waivers.excuse(rule.name, resource.id),
            edits,
            resource.id,
        )

    def _message(self, rule: Rule, resource: Resource, path: Path) -> str:
        value = value_at({"metadata": resource.metadata, "spec": resource.spec}, path)
        shown = "nothing" if value is None else str(value) if isinstance(value, str) else _plain_text(value)
        known = {"name": resource.name, "kind": resource.kind, "env": self._graph.environment, "value": _cropped(shown)}
        return _PLACEHOLDER.sub(lambda found: known[found[1]], rule.spec["message"])

    def _flaw(self, rule: Rule, flaw: Flaw) -> Diagnostic:
        if flaw.field in rule.expressions:
            code = "LLM0904" if flaw.fault.over_budget else "LLM0902"
            return self._at_expression(code, rule, flaw.field, flaw.fault)
        hint = nearest(flaw.step, flaw.known, "It has") if flaw.known else _FIELD_HINTS.get(flaw.field, "Correct the path.")
        path = ("spec", *flaw.field.split("."))
        place = self._places.value(rule.document, path)
        return Diagnostic("LLM0912", "error", flaw.fault.message, (place,), dotted(path), hint, rule.name)

    def _error(self, rule: Rule, failed: Sequence[Outcome], resources: Sequence[Resource]) -> Diagnostic:
        """One diagnostic for a rule, however many resources it fails on: the mistake is the rule's."""
        first = failed[0]
        assert first.fault is not None
        resource = resources[first.subject]
        found = self._at_expression("LLM0904" if first.fault.over_budget else "LLM0903", rule, first.expression, first.fault)
        others = len({outcome.subject for outcome in failed}) - 1
        more = f" and {others} more" if others else ""
        return replace(found, message=f"{found.message} (judging {resource.id}{more})").related(
            replace(self._locator.value(resource.id, ("metadata", "name"))[0], label="while this was judged")
        )

    def _exhausted(self, rule: Rule) -> Diagnostic:
        fault = Fault("The rule was ended: it took too much time or memory", over_budget=True)
        return self._at_expression("LLM0904", rule, "assert", fault)

    def _at_expression(self, code: str, rule: Rule, field: str, fault: Fault) -> Diagnostic:
        place = self._place(rule.document, ("spec", field), fault)
        hint = _HINTS[code] if code != "LLM0902" else _hint(rule, fault, rule.expressions[field])
        return Diagnostic(code, "error", fault.message, (place,), f"spec.{field}", hint, rule.name)

    def _place(self, document: Document, path: Path, fault: Fault) -> Location:
        """The span of the expression that is wrong; the whole expression where CEL does not say."""
        place = self._places.value(document, path)
        key = self._places.key(document, path)
        if not fault.line:
            return place
        # A value of several lines is located by its key, and its text begins on the next line.
        spread = place == key
        line = place.line + fault.line - (0 if spread else 1)
        text = self._places.line(replace(place, line=line))
        start = len(text) - len(text.lstrip()) if spread else place.column - 1 + (text[place.column - 1 : place.column] in ("'", '"'))
        column = start + fault.column - 1
        column += text[column : column + 1] == "."  # CEL points at the dot before a field
        word = _WORD.match(text, column)
        return replace(place, line=line, column=column + 1, width=len(word[0]) if word else 1) if column < len(text) else place


_HINTS = {
    "LLM0903": "Guard a field that may be absent: has(r.spec.field) && …",
    "LLM0904": "Nest fewer loops, and build no long texts.",
}

_FIELD_HINTS = {"match.kinds": "Only applications have releases: what is about other kinds is a policy of its own."}


def _hint(rule: Rule, fault: Fault, text: str) -> str:
    if "(double, int)" in fault.message or "(int, double)" in fault.message:
        return "CEL does not mix them: write 1.0 beside a number, or wrap one in double()."
    lines = text.splitlines()
    rest = lines[fault.line - 1][fault.column - 1 :].lstrip(".") if 0 < fault.line <= len(lines) else ""
    word = _WORD.match(rest)
    if not word or not fault.message.startswith(("There is no field", "Nothing is called")):
        return "`llmops explain LLM0902` lists what an expression may read."
    known = VARIABLES if fault.message.startswith("Nothing") else _names(word[0], rule)
    return nearest(word[0], known, "Known")


def _names(word: str, rule: Rule) -> Iterable[str]:
    """Names that stand somewhere in the rule's kinds."""
    if word[0].isupper():
        return KINDS
    known = {name for kind in (rule.kinds if word not in KINDS else KINDS) for name in _fields(shape_of(kind))}
    return known | set(EVIDENCE.fields) if rule.reads_evidence else known


def _fields(shape: Shape) -> Iterator[str]:
    for name, inner in shape.fields.items():
        yield name
        yield from _fields(inner)


def _plain_text(value: Any) -> str:
    import orjson

    return orjson.dumps(value).decode()


def _cropped(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= LONGEST_VALUE else line[: LONGEST_VALUE - 1] + "…"
