"""A bundle as one tar file: the same files give the same bytes on every machine.

Only what `pack` writes is read back. Whatever else a tar can hold, links and devices among it, is refused by its header, and
nothing is written to disk.
"""

from __future__ import annotations

import re
import tarfile
from collections.abc import Iterator, Mapping
from io import BytesIO

from llmops.errors import LlmopsError
from llmops.provenance import Refused

MOST_BYTES = 256 * 1024 * 1024
"""Largest archive that is read."""
MOST_MEMBER_BYTES = 128 * 1024 * 1024
MOST_MEMBERS = 100_000

_BLOCK = tarfile.BLOCKSIZE
_STEP = r"(?!\.\.?(?:/|$))[A-Za-z0-9_.@-]+"
_SAFE = re.compile(rf"{_STEP}(?:/{_STEP})*\Z")
_COMPRESSED = {b"\x1f\x8b": "gzip", b"BZh": "bzip2", b"\xfd7zXZ": "xz", b"\x28\xb5\x2f\xfd": "zstd", b"PK": "zip"}
_SORTS = {
    tarfile.LNKTYPE: "a hard link",
    tarfile.SYMTYPE: "a symbolic link",
    tarfile.CHRTYPE: "a device",
    tarfile.BLKTYPE: "a device",
    tarfile.FIFOTYPE: "a pipe",
    tarfile.DIRTYPE: "a folder",
}


def pack(files: Mapping[str, bytes]) -> bytes:
    """A USTAR archive: members sorted by path, mode 0644, owner 0, time 0. Raises `LlmopsError` for a path that it cannot hold."""
    buffer = BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for path in sorted(files):
            archive.addfile(_entry(path, len(files[path])), BytesIO(files[path]))
    return buffer.getvalue()


def _entry(path: str, size: int) -> tarfile.TarInfo:
    entry = tarfile.TarInfo(path)
    entry.size = size
    try:
        entry.tobuf(tarfile.USTAR_FORMAT)
    except ValueError as error:
        raise LlmopsError(f"The bundle's file {path} cannot be packed: {error}.", "Give the resource a shorter name.") from error
    return entry


def unpack(data: bytes, name: str) -> dict[str, bytes]:
    """The files of an archive by path. Raises `Refused` for anything that `pack` would not write; `name` is for the message."""
    for magic, format_ in _COMPRESSED.items():
        if data.startswith(magic):
            raise Refused(f"{name} is compressed ({format_}); a bundle is a plain tar.")
    files: dict[str, bytes] = {}
    for path, content in _members(data, name):
        if path in files:
            raise Refused(f"{name} holds {path!r} twice.")
        files[path] = content
    if len(files) > MOST_MEMBERS:
        raise Refused(f"{name} holds more than {MOST_MEMBERS} files.")
    if pack(files) != data:
        raise Refused(f"{name} is not in the one form that llmops packs: a header, the order or the padding differs.")
    return files


def _members(data: bytes, name: str) -> Iterator[tuple[str, bytes]]:
    """Header after header, up to the block of zeros that ends an archive."""
    offset = 0
    while entry := _header(data[offset : offset + _BLOCK], name):
        start = offset + _BLOCK
        _check(entry, name)
        content = data[start : start + entry.size]
        if len(content) < entry.size:
            raise Refused(f"{name} is cut off in {entry.name!r}.")
        yield entry.name, content
        offset = start + -(-entry.size // _BLOCK) * _BLOCK


def _header(block: bytes, name: str) -> tarfile.TarInfo | None:
    if len(block) < _BLOCK:
        raise Refused(f"{name} is cut off: it has no end.")
    if not any(block):
        return None
    try:
        return tarfile.TarInfo.frombuf(block, "utf-8", "surrogateescape")
    except (tarfile.HeaderError, ValueError) as error:
        raise Refused(f"{name} is no tar archive, or a header of it is damaged.") from error


def _check(entry: tarfile.TarInfo, name: str) -> None:
    if entry.type != tarfile.REGTYPE:
        sort = _SORTS.get(entry.type, f"an entry of type {entry.type.decode('ascii', 'replace')!r}")
        raise Refused(f"{name} holds {sort}, {entry.name!r}; a bundle holds plain files.")
    if entry.name.startswith("/") or ".." in entry.name.split("/"):
        raise Refused(f"{name} holds {entry.name!r}, a path that leaves the archive.")
    if not _SAFE.match(entry.name):
        raise Refused(f"{name} holds {entry.name!r}, a path that no bundle has.")
    if not 0 <= entry.size <= MOST_MEMBER_BYTES:
        raise Refused(f"{name} holds {entry.name!r} of {entry.size} bytes; at most {MOST_MEMBER_BYTES} are read.")
