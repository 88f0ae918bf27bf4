"""What a remembered check stands on: every path that it read, with its identity and digest, and whether all that is as it was."""

from __future__ import annotations

import os
import stat
from typing import Any

from llmops.cache.identity import MARGIN, digest_of, identity, newest
from llmops.cache.witness import Witness

_SIZE = 32


class Evidence:
    """`stats` and the pieces of `digests` stand in the order of `paths`. `through` are folders that paths lead through."""

    __slots__ = ("digests", "missing", "paths", "renewed", "stats", "through")

    def __init__(self, known: dict[str, Any], digests: bytes) -> None:
        self.paths: list[str] = known["paths"]
        self.stats: list[list[int]] = known["stats"]
        self.through: list[str] = known["through"]
        self.missing: list[str] = known["missing"]
        self.digests = digests
        self.renewed = False
        """Whether an identity was brought up to date, because the content was found to be the same."""

    def known(self) -> dict[str, Any]:
        """All but the digests, as JSON holds it."""
        return {"paths": self.paths, "stats": self.stats, "through": self.through, "missing": self.missing}

    def holds(self, root: str, now: int) -> bool:
        """Whether nothing has changed at `now`, in nanoseconds. Looks at the content where the identity says nothing."""
        if any(os.path.lexists(_full(root, path)) for path in self.missing):
            return False
        try:
            folders = all(stat.S_ISDIR(os.lstat(_full(root, path)).st_mode) for path in self.through)
            return folders and self._same(root, now - MARGIN)
        except OSError:
            return False

    def _same(self, root: str, settled: int) -> bool:
        for index, (path, known) in enumerate(zip(self.paths, self.stats, strict=True)):
            full = _full(root, path)
            status = os.lstat(full)
            found = identity(status)
            if found == known:
                continue
            if digest_of(full, status) != self.digests[index * _SIZE : (index + 1) * _SIZE]:
                return False
            if newest(status) < settled:
                self.stats[index] = found
                self.renewed = True
        return True


def gather(witness: Witness) -> Evidence:
    """What a check read. Touches no disk: identities were taken when the paths were read."""
    paths = sorted(witness.seen)
    known = {
        "paths": paths,
        "stats": [witness.seen[path][0] for path in paths],
        "through": _between(paths),
        "missing": sorted(witness.missing),
    }
    return Evidence(known, b"".join(witness.seen[path][1] for path in paths))


def _between(paths: list[str]) -> list[str]:
    """The folders of the workspace that lead to what was read and were not listed: a link in their place would lead elsewhere."""
    above: set[str] = set()
    for path in paths:
        folder = os.path.dirname(path)
        while folder not in ("", "/") and folder not in above and path[0] != "/":
            above.add(folder)
            folder = os.path.dirname(folder)
    return sorted(above.difference(paths))


def _full(root: str, path: str) -> str:
    return path if path[0] == "/" else f"{root}/{path}"
