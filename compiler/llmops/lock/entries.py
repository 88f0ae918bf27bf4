"""What `llmops.lock` holds: published versions, snapshots of files, evidence. Each entry is one line of the file."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from llmops.diagnostics import Location
from llmops.lock.source import FILE

_HERE = Location(FILE)


@dataclass(frozen=True, slots=True, order=True)
class Published:
    """The version `id`, such as `Prompt/answer@1.2.0`, and `sha256:…` over its behaviour, which never changes again."""

    id: str
    digest: str
    place: Location = field(default=_HERE, compare=False)


@dataclass(frozen=True, slots=True, order=True)
class Snapshot:
    """A file that the resource `id` uses. `path` is relative to the workspace, `digest` is `sha256:…` over its bytes."""

    id: str
    path: str
    digest: str
    place: Location = field(default=_HERE, compare=False)


@dataclass(frozen=True, slots=True, order=True)
class Evidence:
    """One result of the evaluation `evaluation`, an id, for the release `sha256:…` in an environment.

    `named` are the other fields as (name, value), those of `llmops.lock.lines.NAMED` first; read one with `evidence["n"]`.
    """

    release: str
    environment: str
    evaluation: str
    named: tuple[tuple[str, str], ...]
    place: Location = field(default=_HERE, compare=False)

    def __getitem__(self, name: str) -> str:
        return dict(self.named)[name]


@dataclass(frozen=True, slots=True, order=True)
class Calibration:
    """How far the judge of an evaluation agrees with people: Cohen's kappa with its 95 % interval over `n` labels.

    `judge` is `Model/name@digest` over all that decides its opinion, so that a calibration of an earlier judge says nothing of this one.
    """

    judge: str
    evaluation: str
    kappa: float
    low: float
    high: float
    n: int
    date: str
    place: Location = field(default=_HERE, compare=False)


Entry = Published | Snapshot | Evidence | Calibration


@dataclass(frozen=True, slots=True)
class Lock:
    """All entries, each once, in the order of the file's sorted lines. Make one with `lock_of`."""

    entries: tuple[Entry, ...] = ()

    @property
    def published(self) -> Mapping[str, str]:
        """Id of a version → its digest."""
        return {entry.id: entry.digest for entry in self.entries if isinstance(entry, Published)}

    @property
    def snapshots(self) -> Mapping[tuple[str, str], str]:
        """(Id of a resource, path of a file) → the file's digest. Where a merge has left two, one of them."""
        return {(entry.id, entry.path): entry.digest for entry in self.entries if isinstance(entry, Snapshot)}

    @property
    def evidence(self) -> tuple[Evidence, ...]:
        return tuple(entry for entry in self.entries if isinstance(entry, Evidence))

    @property
    def calibrations(self) -> tuple[Calibration, ...]:
        return tuple(entry for entry in self.entries if isinstance(entry, Calibration))

    def versions(self) -> dict[str, list[Published]]:
        """Id of a version → its entries: more than one where branches that published different contents were merged."""
        found: dict[str, list[Published]] = {}
        for entry in self.entries:
            if isinstance(entry, Published):
                found.setdefault(entry.id, []).append(entry)
        return found


def lock_of(entries: Iterable[Entry]) -> Lock:
    """Entries in any order; of equal ones the first is kept."""
    from llmops.lock.lines import line_of

    unique = dict.fromkeys(entries)
    return Lock(tuple(sorted(unique, key=line_of)))
