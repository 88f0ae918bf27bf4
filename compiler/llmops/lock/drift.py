"""What `llmops lock --check` finds: where the lock in the folder is not the one that `llmops lock` would write.

Input: two locks. Output: findings. The order of lines, repetitions, and an old digest beside the right one are what a merge
leaves; they are no drift.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from llmops.diagnostics import Diagnostic, Location
from llmops.link import Linked
from llmops.lock.entries import Lock, Snapshot
from llmops.lock.source import FILE
from llmops.lock.update import Base, Ground

COMMAND = "Run `llmops lock`, and commit llmops.lock."
_FIELDS = {"Prompt": ("spec", "version"), "RetrievalSource": ("spec", "documents", "paths"), "Dataset": ("spec", "path")}
"""Kind of a resource → the field that says what the lock must hold."""
_NAMED = 3


@dataclass(frozen=True, slots=True)
class Comparison:
    """The lock in the folder, the one that it should be, and where resources were written."""

    ground: Ground
    wanted: Lock
    environments: Sequence[Linked]

    @property
    def present(self) -> Lock:
        return self.ground.present


def absent_lock() -> Diagnostic:
    """There is no lock at all."""
    return Diagnostic("LLM1009", "error", "The workspace has no llmops.lock", (Location(FILE),), "", COMMAND)


def drift(compared: Comparison) -> list[Diagnostic]:
    """Each entry that is missing, was changed, or is of no use any more."""
    tampered = list(_tampering(compared.ground.base, compared.present)) if compared.ground.base else []
    return [*tampered, *_published(compared), *_snapshots(compared)]


def _tampering(base: Base, present: Lock) -> Iterator[Diagnostic]:
    here = present.versions()
    hint = "Run `llmops lock`, which restores the entry. Other content is published as another version."
    for id_, published in base.common.versions().items():
        origin = tuple(replace(entry.place, label=f"published on {base.name}") for entry in published)
        found = here.get(id_, ())
        if not found:
            message = f"The entry of {id_}, which {base.name} has published, was removed"
            yield Diagnostic("LLM1010", "error", message, (Location(FILE), *origin), "", hint)
        elif not {entry.digest for entry in found} & {entry.digest for entry in published}:
            message = f"The entry of {id_}, which {base.name} has published, was changed"
            yield Diagnostic("LLM1010", "error", message, (found[0].place, *origin), "", hint)


def _published(compared: Comparison) -> Iterator[Diagnostic]:
    """Versions; those of the base are told of as tampering."""
    fixed = compared.ground.base.common.published if compared.ground.base else {}
    here = compared.present.versions()
    for id_, digest in compared.wanted.published.items():
        found = here.get(id_, ())
        if id_ in fixed or digest in {entry.digest for entry in found}:
            continue
        if found:
            place = replace(_declared(compared, id_), label="its content is declared here")
            yield Diagnostic("LLM1009", "error", f"{id_} has other content than the lock says", (found[0].place, place), "", COMMAND)
        else:
            yield Diagnostic("LLM1009", "error", f"llmops.lock lacks {id_}", (_declared(compared, id_),), "spec.version", COMMAND)


def _snapshots(compared: Comparison) -> Iterator[Diagnostic]:
    present = {entry: entry for entry in compared.present.entries if isinstance(entry, Snapshot)}
    wanted = {entry for entry in compared.wanted.entries if isinstance(entry, Snapshot)}
    used = {(entry.id, entry.path) for entry in wanted}
    stale = {(entry.id, entry.path): entry for entry in present}
    missing: dict[str, list[str]] = {}
    for entry in sorted(wanted - present.keys()):
        old = stale.get((entry.id, entry.path))
        if old:
            message = f"{entry.path} of {entry.id} has other content than the lock says"
            yield Diagnostic("LLM1009", "error", message, (old.place,), "", COMMAND)
        else:
            missing.setdefault(entry.id, []).append(entry.path)
    yield from (_missing(compared, id_, paths) for id_, paths in missing.items())
    for entry in present:
        if (entry.id, entry.path) not in used:
            message = f"{entry.id} no longer uses {entry.path}"
            yield Diagnostic("LLM1009", "error", message, (entry.place,), "", COMMAND)


def _missing(compared: Comparison, id_: str, paths: Sequence[str]) -> Diagnostic:
    named = ", ".join(paths[:_NAMED]) + (f" and {len(paths) - _NAMED} more" if len(paths) > _NAMED else "")
    field = ".".join(_FIELDS[id_.partition("/")[0]])
    return Diagnostic("LLM1009", "error", f"llmops.lock lacks {named} of {id_}", (_declared(compared, id_),), field, COMMAND)


def _declared(compared: Comparison, id_: str) -> Location:
    """Where the resource says what the lock must hold, in the first environment that has it."""
    locator = next(linked.locator for linked in compared.environments if id_ in linked.graph.resources)
    return locator.value(id_, _FIELDS[id_.partition("/")[0]])[0]
