"""Stage `check`: a linked graph → what the organisation's policies say against it.

Policies come from `packs`, are evaluated in `judge`, and become diagnostics in `findings`; `waivers` excuse some.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any

from llmops.check.findings import Reporter
from llmops.check.judge import Judgement, Subject, judge
from llmops.check.packs import Packs
from llmops.check.rules import Rule
from llmops.check.waivers import Waivers
from llmops.diagnostics import Diagnostic
from llmops.link import Linked
from llmops.load.source import Places
from llmops.resources import Graph, Resource

Records = Mapping[str, Sequence[Mapping[str, Any]]]
"""Of evidence, by the id of the application."""


def _no_evidence() -> Records:
    return {}


@dataclass(frozen=True, slots=True)
class Moment:
    """When and against what is checked. `base` are the resources of the base by id, as plain data; None where there is no base."""

    today: date
    base: Mapping[str, Mapping[str, Any]] | None = None
    evidence: Callable[[], Records] | None = _no_evidence
    """What the lock holds for the releases. Asked only where a policy reads it: a release is a hash over all that it reaches.

    None where releases are about to be measured: policies that read it then wait, as those of changes do without a base.
    """


@dataclass(frozen=True, slots=True)
class Examined:
    """One rule, the resources that it looked at, and what it said. `judgement` is None for a rule that waits for what it reads."""

    rule: Rule
    resources: tuple[Resource, ...] = ()
    judgement: Judgement | None = None

    @property
    def judged(self) -> bool:
        return self.judgement is not None and not self.judgement.flaws and not self.judgement.exhausted


def check(linked: Linked, packs: Packs, moment: Moment, places: Places) -> list[Diagnostic]:
    """Every violation, every rule that cannot be evaluated, every waiver that has no use."""
    examined = examine(linked, packs.rules, moment)
    waivers = Waivers(packs.waivers, linked.graph.environment, moment.today)
    reporter = Reporter(linked, places, waivers)
    found = [diagnostic for part in examined for diagnostic in reporter.diagnostics(part.rule, part.resources, part.judgement)]
    found += reporter.without_base([part.rule for part in examined if moment.base is None and part.rule.compares])
    complaints = waivers.complaints(examined, linked.graph.resources, complete=linked.complete)
    return found + [reporter.complaint(complaint) for complaint in complaints]


def examine(linked: Linked, rules: Iterable[Rule], moment: Moment) -> list[Examined]:
    """Every rule on every resource that it looks at. A rule is compiled even where it is off, so that it cannot rot."""
    gathered = _Gathered(linked.graph, moment)
    parts = [_selected(rule, linked, moment) for rule in rules]
    judged = [part for part in parts if part.judgement is not None]
    subjects = [gathered.subjects_of(part.resources, part.rule) for part in judged]
    judgements = iter(judge([part.rule for part in judged], subjects) if judged else ())
    return [Examined(part.rule, part.resources, next(judgements)) if part.judgement is not None else part for part in parts]


def _selected(rule: Rule, linked: Linked, moment: Moment) -> Examined:
    graph = linked.graph
    if _waits(rule, linked, moment):
        return Examined(rule)
    if rule.effect(graph.environment) == "off":
        return Examined(rule, (), Judgement())
    kinds = frozenset(rule.kinds)  # asked first, since most resources are of another kind
    chosen = [r for r in graph.resources.values() if r.kind in kinds and rule.looks_at(r.kind, r.labels, graph.environment)]
    if rule.compares:
        chosen = [r for r in chosen if _operation(r, moment) in rule.spec["match"]["on"]]
    return Examined(rule, tuple(chosen), Judgement())


def _waits(rule: Rule, linked: Linked, moment: Moment) -> bool:
    """Whether what the rule reads is not known."""
    if rule.compares and moment.base is None:
        return True
    if rule.reads_evidence and moment.evidence is None:
        return True
    return (rule.follows_references or rule.reads_evidence) and not linked.complete


def _operation(resource: Resource, moment: Moment) -> str | None:
    assert moment.base is not None  # rules that compare wait for one
    old = moment.base.get(resource.id)
    if old is None:
        return "create"
    return "update" if (old["metadata"], old["spec"]) != (resource.metadata, resource.spec) else None


@dataclass(slots=True)
class _Gathered:
    """Resources as plain data, made once each."""

    graph: Graph
    moment: Moment
    data: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    subjects: dict[tuple[str, bool, bool], Subject] = field(default_factory=dict)
    records: Records | None = None

    def subjects_of(self, resources: Iterable[Resource], rule: Rule) -> list[Subject]:
        reads = rule.follows_references, rule.reads_evidence
        return [self.subjects.get((r.id, *reads)) or self._subject(r, *reads) for r in resources]

    def _subject(self, resource: Resource, with_refs: bool, with_evidence: bool) -> Subject:
        refs = self._reached(resource) if with_refs else {}
        old = (self.moment.base or {}).get(resource.id)
        today = datetime.combine(self.moment.today, datetime.min.time(), UTC)
        evidence = self._evidence(resource) if with_evidence else ()
        subject = Subject(resource.kind, self._plain(resource), refs, old, self.graph.environment, today, evidence)
        self.subjects[resource.id, with_refs, with_evidence] = subject
        return subject

    def _evidence(self, resource: Resource) -> Sequence[Mapping[str, Any]]:
        if self.records is None:
            assert self.moment.evidence is not None  # rules that read it wait for it
            self.records = self.moment.evidence()
        return self.records.get(resource.id, ())

    def _plain(self, resource: Resource) -> Mapping[str, Any]:
        if resource.id not in self.data:
            self.data[resource.id] = plain(resource)
        return self.data[resource.id]

    def _reached(self, resource: Resource) -> Mapping[str, list[Mapping[str, Any]]]:
        by_kind: dict[str, list[Mapping[str, Any]]] = {}
        for id_ in self.graph.reach(resource.id, judges=True):
            if id_ != resource.id:
                reached = self.graph[id_]
                by_kind.setdefault(reached.kind, []).append(self._plain(reached))
        return by_kind


def plain(resource: Resource) -> Mapping[str, Any]:
    """A resource as expressions see it."""
    return {"kind": resource.kind, "metadata": resource.metadata, "spec": resource.spec, "files": [file.path for file in resource.files]}
