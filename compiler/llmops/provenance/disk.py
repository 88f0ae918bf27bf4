"""Where packed bundles meet the disk: written together or not at all, read with a limit.

Input: bytes by file name, or a path that the user named. Output: files, or a `Package` to verify.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import orjson

from llmops.errors import LlmopsError, UsageError
from llmops.provenance import PACK_AGAIN, Refused
from llmops.provenance.archive import MOST_BYTES, MOST_MEMBERS
from llmops.provenance.verification import Named, Package

ARCHIVE, BILL, STATEMENT, ENVELOPE = ".tar", ".cdx.json", ".intoto.json", ".dsse.json"
"""What follows the bundle's name, in the order of the files' making."""
_MOST_TEXT = 64 * 1024 * 1024
_PUBLIC, _PRIVATE = 0o644, 0o600


def write_together(folder: Path, files: Mapping[str, bytes], stale: Iterable[str] = ()) -> None:
    """Writes files into `folder`, and removes those of an earlier bundle that no longer belong to it.

    All are written beside their places first, so that a full disk leaves everything as it was. Raises `LlmopsError`.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        staged = Path(tempfile.mkdtemp(prefix=".llmops-", dir=folder))
    except OSError as error:
        raise _unwritable(folder, error) from error
    try:
        for name, content in files.items():
            (staged / name).write_bytes(content)
        for name in stale:
            (folder / name).unlink(missing_ok=True)
        for name in files:
            os.replace(staged / name, folder / name)
    except OSError as error:
        raise _unwritable(folder, error) from error
    finally:
        shutil.rmtree(staged, ignore_errors=True)


def write_keys(private: Path, public: Path, contents: tuple[bytes, bytes]) -> None:
    """Two new files; the private one is for its owner alone. Raises `UsageError` where one exists, which is then left alone."""
    for path in (private, public):
        if path.exists():
            raise UsageError(f"{path} exists", "Name another: a key that is overwritten is lost.")
    for path, content, mode in ((private, contents[0], _PRIVATE), (public, contents[1], _PUBLIC)):
        try:
            with open(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, mode), "wb") as file:
                file.write(content)
        except OSError as error:
            raise _unwritable(path.parent, error) from error


def _unwritable(folder: Path, error: OSError) -> LlmopsError:
    return LlmopsError(f"Nothing can be written to {folder}: {error.strerror}", "Check the folder's permissions and space.")


def read_package(archive: Path, statement: Path | None) -> Package:
    """The files that belong to an archive; `statement` names its statement or envelope where that lies elsewhere."""
    stem = archive.name.removesuffix(ARCHIVE)
    if stem == archive.name:
        raise UsageError(f"{archive} is no packed bundle", "Name a .tar that `llmops bundle` wrote, or a bundle's folder.")
    bill = _found(archive.with_name(stem + BILL))
    if bill is None:
        raise Refused(f"{archive.name} has no bill of materials: there is no {stem + BILL} beside it.", PACK_AGAIN)
    plain, envelope = _statements(archive.with_name(stem), statement)
    return Package(Named(archive.name, read_file(archive, MOST_BYTES)), bill, plain, envelope)


def _statements(stem: Path, named: Path | None) -> tuple[Named | None, Named | None]:
    """The plain statement and the envelope. A file that was named is the one that its content says it is."""
    if named is None:
        return _found(stem.with_name(stem.name + STATEMENT)), _found(stem.with_name(stem.name + ENVELOPE))
    content = read_file(named, _MOST_TEXT)
    try:
        is_envelope = "payloadType" in orjson.loads(content)
    except (ValueError, TypeError) as error:
        raise Refused(f"{named.name} holds neither a statement nor a signed envelope.") from error
    file = Named(named.name, content)
    return (None, file) if is_envelope else (file, None)


def _found(path: Path) -> Named | None:
    return Named(path.name, read_file(path, _MOST_TEXT)) if path.exists() else None


def read_file(path: Path, most: int = _MOST_TEXT) -> bytes:
    """At most `most` bytes. Raises `Refused` for more, `UsageError` where it cannot be read."""
    try:
        with path.open("rb") as file:
            content = file.read(most + 1)
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}", "Name a file that is there and that you may read.") from error
    if len(content) > most:
        raise Refused(f"{path.name} has more than {most} bytes, which no bundle has.")
    return content


def read_folder(folder: Path) -> dict[str, bytes]:
    """A bundle that was not packed, by path. Raises `Refused` for anything but plain files.

    Python's own cache beside `definitions.py` is left out: any tool that imports the file makes one.
    """
    files: dict[str, bytes] = {}
    left = MOST_BYTES
    for path in _paths(folder):
        name = path.relative_to(folder).as_posix()
        if path.is_symlink() or not path.is_file():
            raise Refused(f"{folder} holds {name!r}, which is no plain file.", "llmops compile")
        files[name] = read_file(path, left)
        left -= len(files[name])
        if len(files) > MOST_MEMBERS:
            raise Refused(f"{folder} holds more than {MOST_MEMBERS} files.", "llmops compile")
    return files


def _paths(folder: Path) -> Iterator[Path]:
    found = (path for path in sorted(folder.rglob("*")) if path.is_symlink() or not path.is_dir())
    return (path for path in found if "__pycache__" not in path.relative_to(folder).parts)
