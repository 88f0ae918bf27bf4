"""What a check reads, written down while it reads: files and listings with their digests, and what was not there."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from hashlib import sha256
from pathlib import Path

from llmops.cache.identity import MARGIN, Machine, identity, listing, marked, newest

UNSURE: list[int] = []
"""The identity of a path that had just changed: it equals none, so that the content is looked at."""


class Witness:
    """Made before a check begins and handed to whatever reads.

    `seen` holds the identity and the SHA-256 of each path, relative to the workspace or, outside it, absolute.
    """

    __slots__ = ("_above", "began", "day", "machine", "missing", "names", "root", "seen", "steady")

    def __init__(self, root: Path) -> None:
        self.began = time.time_ns()
        self.day = today()
        self.machine = Machine()
        self.root = root
        self._above = tuple(dict.fromkeys((f"{root}/", f"{os.path.realpath(root)}/")))
        self.seen: dict[str, tuple[list[int], bytes]] = {}
        self.missing: set[str] = set()
        self.names: dict[str, str] = {}
        self.steady = self.machine.changed < self.began - MARGIN
        """False where nothing can be concluded: a link, whose target may change unseen, or a file that changed meanwhile."""

    def read(self, path: str, content: bytes, status: os.stat_result) -> None:
        """The bytes of a file; its status was taken before they were read."""
        self._note(self._relative(path), sha256(content).digest(), status)

    def scanned(self, path: str, entries: Iterable[os.DirEntry[str]]) -> None:
        """What a folder held."""
        self._listed(path, [marked(entry) for entry in entries if not entry.name.startswith(".")])

    def walked(self, path: str, folders: Iterable[str], files: Iterable[str]) -> None:
        """What a folder held as `os.walk` tells it, which takes a link for what it leads to."""
        self._listed(path, [name for name in (*(f"{folder}/" for folder in folders), *files) if not name.startswith(".")])

    def absent(self, path: str) -> None:
        """There was nothing at `path`."""
        self.missing.add(self._relative(path))

    def named(self, file: str, path: str) -> None:
        """Findings call `path` by the name `file`: files of an installed package, which lie outside the workspace."""
        self.names[file] = path

    def _listed(self, path: str, names: list[str]) -> None:
        if any(name.endswith("@") for name in names):
            self.steady = False
        self._note(self._relative(path), listing(names), os.stat(path))

    def _note(self, path: str, digest: bytes, status: os.stat_result) -> None:
        known = identity(status) if newest(status) < self.began - MARGIN else UNSURE
        if self.seen.setdefault(path, (known, digest)) != (known, digest):
            self.steady = False

    def _relative(self, path: str) -> str:
        for above in self._above:
            if path.startswith(above):
                return path.removeprefix(above)
        return os.path.abspath(path)


def today() -> str:
    """The local day: a waiver that held yesterday may have expired."""
    return time.strftime("%Y-%m-%d")
