"""What a path is on disk: its identity, which changes with it, and the digest of what it holds. And what the machine is."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Iterable, Iterator
from hashlib import sha256

COMPILER = os.path.dirname(os.path.dirname(__file__))
MARGIN = 2_000_000_000
"""Nanoseconds. What changed so shortly before it was looked at may change again and look the same: FAT counts in two seconds."""


def identity(status: os.stat_result) -> list[int]:
    """The time of the status is part of it: unlike the time of the content, nobody can set it back."""
    return [status.st_mtime_ns, status.st_ctime_ns, status.st_size, status.st_ino]


def newest(status: os.stat_result) -> int:
    """When the path last changed, in nanoseconds."""
    return max(status.st_mtime_ns, status.st_ctime_ns)


def digest_of(path: str, status: os.stat_result) -> bytes | None:
    """SHA-256 of a file's bytes or of a folder's listing; None for anything else, a link above all. Raises `OSError`."""
    if stat.S_ISREG(status.st_mode):
        with open(path, "rb") as stream:
            return sha256(stream.read()).digest()
    if stat.S_ISDIR(status.st_mode):
        with os.scandir(path) as entries:
            return _shown(entries)
    return None


def marked(entry: os.DirEntry[str]) -> str:
    """A name as `ls -F` shows it: with `/` for a folder, `@` for a link."""
    if entry.is_symlink():
        return entry.name + "@"
    return entry.name + "/" if entry.is_dir(follow_symlinks=False) else entry.name


def _shown(entries: Iterable[os.DirEntry[str]]) -> bytes:
    return listing(marked(entry) for entry in entries if not entry.name.startswith("."))


def listing(names: Iterable[str]) -> bytes:
    """SHA-256 of marked names, in any order."""
    return sha256(b"\0".join(sorted(map(os.fsencode, names)))).digest()


class Machine:
    """The Python, the packages and the compiler that run: `digest` changes with any of them.

    It is made of identities alone. An entry that was made elsewhere and came with a checkout is never this machine's.
    """

    __slots__ = ("changed", "digest")

    def __init__(self) -> None:
        known = [sys.version, *_packages()]
        self.changed = 0
        """When a file of the compiler last changed, in nanoseconds."""
        for path, status in _files(COMPILER):
            known.append(f"{path} {identity(status)}")
            self.changed = max(self.changed, newest(status))
        self.digest = sha256(os.fsencode("\n".join(known))).hexdigest()


def _packages() -> Iterator[str]:
    """Where Python looks for packages: installing one changes the folder. Of the folder one works in, only the names matter."""
    for folder in filter(os.path.isdir, sys.path):
        if os.path.samefile(folder, "."):
            with os.scandir(folder) as entries:
                yield f"{folder} {_shown(entries).hex()}"
        else:
            yield f"{folder} {identity(os.stat(folder))}"


def _files(folder: str) -> Iterator[tuple[str, os.stat_result]]:
    with os.scandir(folder) as scanned:
        entries = sorted(scanned, key=lambda entry: entry.name)
    for entry in entries:
        if entry.is_dir(follow_symlinks=False):
            yield from _files(entry.path) if entry.name != "__pycache__" else ()
        else:
            yield entry.path, entry.stat(follow_symlinks=False)
