"""What `llmops lock` did, for people: each version, and how many files of each resource."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from llmops.lock.entries import Lock, Snapshot


def changes(old: Lock, new: Lock) -> list[str]:
    """One line a version that came, changed or went, and one a resource whose files did; empty where nothing did."""
    return [*_versions(old.published, new.published), *_files(old, new)]


def counts(lock: Lock) -> str:
    """`2 versions, 33 files, 1 piece of evidence`."""
    parts = [_counted(len(lock.published), "version"), _counted(len(lock.snapshots), "file")]
    parts += [f"{_counted(len(lock.evidence), 'piece')} of evidence"] if lock.evidence else []
    return ", ".join([*parts, *([_counted(len(lock.calibrations), "calibration")] if lock.calibrations else [])])


def _versions(old: Mapping[str, str], new: Mapping[str, str]) -> Iterator[str]:
    for id_, digest in new.items():
        if id_ not in old:
            yield f"published {id_}"
        elif old[id_] != digest:
            yield f"recorded {id_} anew"


def _files(old: Lock, new: Lock) -> Iterator[str]:
    for id_ in sorted({id_ for id_, _ in (*old.snapshots, *new.snapshots)}):
        before, after = _paths(old, id_), _paths(new, id_)
        tally = {
            "added": len(after.keys() - before.keys()),
            "changed": sum(before[path] != after[path] for path in before.keys() & after.keys()),
            "removed": len(before.keys() - after.keys()),
        }
        told = [f"{_counted(count, 'file')} {word}" for word, count in tally.items() if count]
        if told:
            yield f"{id_}: {', '.join(told)}"


def _paths(lock: Lock, id_: str) -> dict[str, set[str]]:
    """Path → digests: two where a merge has left them."""
    found: dict[str, set[str]] = {}
    for entry in lock.entries:
        if isinstance(entry, Snapshot) and entry.id == id_:
            found.setdefault(entry.path, set()).add(entry.digest)
    return found


def _counted(count: int, word: str) -> str:
    return f"{count} {word}" if count == 1 else f"{count} {word}s"
