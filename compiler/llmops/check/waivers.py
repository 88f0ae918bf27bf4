"""Waivers: exceptions from policies, for one resource and for a time. A waived finding is shown, and fails nothing.

Expired ones are errors and waive nothing; ones that match nothing are warnings, since they would cover the next violation.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Protocol

from llmops.check.rules import Rule, Waiver
from llmops.resources import Path, Resource


class Examination(Protocol):
    """A rule, the resources that it looked at, and whether it said anything at all."""

    @property
    def rule(self) -> Rule: ...
    @property
    def resources(self) -> Sequence[Resource]: ...
    @property
    def judged(self) -> bool: ...


@dataclass(frozen=True, slots=True)
class Complaint:
    """What is wrong with a waiver, at a field of it."""

    code: str
    waiver: Waiver
    path: Path
    message: str
    hint: str


@dataclass(slots=True)
class Waivers:
    """The waivers of one environment on one day. `used` fills as findings are excused."""

    waivers: Sequence[Waiver]
    environment: str
    today: date
    used: set[int] = field(default_factory=set)

    def excuse(self, policy: str, resource: str) -> str:
        """Why a violation does not count; empty where it does."""
        for index, waiver in enumerate(self.waivers):
            if self._holds(waiver) and waiver.covers(policy, resource):
                self.used.add(index)
                spec = waiver.spec
                return f"{spec['reason'].strip()} (until {spec['expires']}, approved by {spec['approved_by']})"
        return ""

    def complaints(self, examined: Iterable[Examination], known: Iterable[str], *, complete: bool) -> Iterator[Complaint]:
        """Expired waivers, and those without use. `known` are the resources' ids; they are all where `complete`."""
        parts = {part.rule.name: part for part in examined}
        targets = {name for id_ in known for name in (id_, id_.partition("@")[0])}
        for index, waiver in enumerate(self.waivers):
            if not waiver.is_for(self.environment):
                continue
            if self._expired(waiver):
                message = f"The waiver of {waiver.spec['policy']} for {waiver.spec['target']} has expired"
                hint = "Mend the spec and remove the waiver, or have it approved anew."
                yield Complaint("LLM0907", waiver, ("spec", "expires"), message, hint)
            elif index not in self.used:
                yield from self._unused(waiver, parts[waiver.spec["policy"]], targets if complete else None)

    def _holds(self, waiver: Waiver) -> bool:
        return waiver.is_for(self.environment) and not self._expired(waiver)

    def _expired(self, waiver: Waiver) -> bool:
        return date.fromisoformat(waiver.spec["expires"]) < self.today

    def _unused(self, waiver: Waiver, part: Examination, targets: set[str] | None) -> Iterator[Complaint]:
        """A policy that was not evaluated here proves nothing."""
        policy, target = waiver.spec["policy"], waiver.spec["target"]
        looked_at = any(waiver.covers(policy, resource.id) for resource in part.resources)
        if targets is not None and target not in targets:
            message = f"The waiver is for {target}, which does not exist"
            yield Complaint("LLM0908", waiver, ("spec", "target"), message, "Correct or remove it.")
        elif target.partition("/")[0] not in part.rule.kinds:
            kinds = ", ".join(part.rule.kinds)
            yield Complaint("LLM0908", waiver, ("spec", "target"), f"{policy} does not look at {target}: it is about {kinds}", "Remove it.")
        elif part.judged and looked_at:
            message = f"{target} does not violate {policy}: the waiver waives nothing"
            yield Complaint("LLM0908", waiver, ("spec", "target"), message, "Remove it; it would cover the next violation.")
