"""What `llmops lock` writes: the lock of a workspace as it stands, from the lock that it has and what its base has published.

Input: linked graphs of all environments, locks. Output: the new lock, or findings that stop it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from llmops.diagnostics import Diagnostic, Location
from llmops.link import Linked
from llmops.lock.entries import Lock, Published, lock_of
from llmops.lock.published import digest_of, patched_at, published_findings, published_kinds
from llmops.lock.snapshots import snapshots_of


@dataclass(frozen=True, slots=True)
class Base:
    """The branch that versions are published on. `tip` is its lock; `common` the lock of the last commit that it shares with this one.

    What `tip` holds is published. What `common` holds was here once, so it must be here still.
    """

    name: str
    tip: Lock
    common: Lock


@dataclass(frozen=True, slots=True)
class Ground:
    """What a new lock grows from: the lock in the folder, and the base, None where there is none to ask."""

    present: Lock
    base: Base | None = None

    @property
    def fixed(self) -> Lock:
        """The lock whose versions cannot be rewritten. Without a base, all that was ever written is taken for published."""
        return self.base.tip if self.base else self.present

    @property
    def kept(self) -> Lock:
        """Entries that a new lock cannot lack."""
        return self.base.common if self.base else self.present


def update(environments: Sequence[Linked], ground: Ground) -> tuple[Lock, list[Diagnostic]]:
    """The lock to write. With a finding, a version has two contents, and nothing can be written."""
    findings = [*_changed(environments, ground.fixed), *_disagreements(environments, ground.fixed)]
    declared = [Published(prompt.id, digest_of(prompt)) for linked in environments for prompt in published_kinds(linked)]
    # What the base says comes last, so that an entry that somebody has changed or removed is restored.
    kept = {entry.id: entry for lock in (ground.present, ground.kept) for entries in lock.versions().values() for entry in entries}
    published = kept | {entry.id: entry for entry in declared}
    snapshots = snapshots_of(linked.graph for linked in environments)
    return lock_of([*published.values(), *snapshots, *ground.present.evidence, *ground.present.calibrations]), findings


def _changed(environments: Sequence[Linked], fixed: Lock) -> list[Diagnostic]:
    """Each once: the first environment tells of a change in the spec, which is the same in all."""
    found: dict[tuple[Location, ...], Diagnostic] = {}
    for linked in environments:
        for diagnostic in published_findings(linked, fixed):
            found.setdefault(diagnostic.locations, diagnostic)
    return list(found.values())


def _disagreements(environments: Sequence[Linked], fixed: Lock) -> Iterator[Diagnostic]:
    """A version that two environments patch into two contents; where it is published, one of them is no longer that, which is told."""
    first: dict[str, tuple[Linked, str]] = {}
    told = set(fixed.published)
    for linked in environments:
        for prompt in published_kinds(linked):
            digest = digest_of(prompt)
            other, other_digest = first.setdefault(prompt.id, (linked, digest))
            if digest != other_digest and prompt.id not in told:
                told.add(prompt.id)
                yield _disagreement(prompt.id, linked, other)


def _disagreement(id_: str, linked: Linked, other: Linked) -> Diagnostic:
    """At the patch that makes the difference, which either environment may have."""
    patches = patched_at(linked, id_) or patched_at(other, id_)
    version = replace(linked.locator.value(id_, ("spec", "version"))[-1], label="the version is declared here")
    message = f"{id_} says something else in {linked.graph.environment} than in {other.graph.environment}"
    hint = "A version says the same in every environment: move the patch into the spec, or let it set spec.version."
    return Diagnostic("LLM1008", "error", message, (*patches[:1], version), "spec", hint)
