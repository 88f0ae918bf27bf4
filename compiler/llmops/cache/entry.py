"""The file of a remembered check: `.llmops/cache/<name>`. A damaged one is no entry; one that cannot be written is no error.

Three parts: the SHA-256 of what follows, a line of JSON, the digests of the paths read.
"""

from __future__ import annotations

import json  # orjson is faster, but takes longer to import than a whole entry to read
import os
import stat
from hashlib import sha256
from typing import Any

FOLDER = ".llmops/cache"
LARGEST = 64_000_000
"""Bytes of an entry; some 200,000 files."""
KEPT = 16
"""Entries of a workspace: one for each environment."""


def read_entry(root: str, name: str) -> tuple[dict[str, Any], bytes] | None:
    """The JSON part and the digests; None where there is no sound entry."""
    path = f"{root}/{FOLDER}/{name}"
    try:
        status = os.lstat(path)
        if not stat.S_ISREG(status.st_mode) or status.st_size > LARGEST or _leads_away(root):
            return None
        with open(path, "rb") as stream:
            checksum, _, content = stream.read().partition(b"\n")
        if checksum != _checksum(content):
            return None
        head, _, digests = content.partition(b"\n")
        return json.loads(head), digests
    except (OSError, ValueError):
        return None


def write_entry(root: str, name: str, head: dict[str, Any], digests: bytes) -> None:
    """Replaces the entry as a whole. Does nothing where the workspace cannot be written to."""
    content = json.dumps(head, separators=(",", ":")).encode("ascii") + b"\n" + digests
    if len(content) > LARGEST or _leads_away(root):
        return
    try:
        os.makedirs(f"{root}/{FOLDER}", exist_ok=True)
        _replace(f"{root}/{FOLDER}", name, _checksum(content) + b"\n" + content)
        _drop_oldest(f"{root}/{FOLDER}")
    except OSError:
        return


def _replace(folder: str, name: str, content: bytes) -> None:
    from tempfile import NamedTemporaryFile  # only what is written needs it

    with NamedTemporaryFile(dir=folder, prefix=f"{name}-", delete=False) as stream:
        try:
            stream.write(content)
            stream.flush()
            os.replace(stream.name, f"{folder}/{name}")
        except OSError:
            os.unlink(stream.name)
            raise


def _drop_oldest(folder: str) -> None:
    """What an interrupted run left behind goes in time as well."""
    with os.scandir(folder) as entries:
        by_age = sorted((entry for entry in entries if entry.is_file()), key=lambda entry: entry.stat().st_mtime_ns, reverse=True)
    for entry in by_age[KEPT:]:
        os.unlink(entry.path)


def _leads_away(root: str) -> bool:
    """A checkout may bring a link in the folder's place."""
    return any(os.path.islink(f"{root}/{folder}") for folder in (".llmops", FOLDER))


def _checksum(content: bytes) -> bytes:
    return sha256(content).hexdigest().encode("ascii")
