"""What `llmops check --fix` does: findings that carry edits → a diff to look at, and files written when the user agrees.

The verb `check` calls `fix`; nothing is written without `--yes` or a `y` on a terminal.
"""

from __future__ import annotations

import os
import stat
import sys
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from llmops.cli.terminal import uses_colour
from llmops.diagnostics import Diagnostic
from llmops.edit import EditRefused, FileChange, FileChanges, apply_edits
from llmops.errors import LlmopsError
from llmops.report.diff import diff_report
from llmops.report.excerpt import plain

_MARK = "\ufeff"
_AGREED = {"y", "yes"}


@dataclass(frozen=True, slots=True)
class FixOutcome:
    """`changed` are the files that the edits change, `written` those that were, `refused` says of each refused edit why."""

    changed: tuple[str, ...]
    written: tuple[str, ...]
    refused: tuple[str, ...]


def fix(root: Path, diagnostics: Iterable[Diagnostic], *, yes: bool) -> FixOutcome:
    """Shows the edits of the findings that count as a unified diff on standard output, asks, and writes.

    `root` is the workspace's folder. With `yes` nothing is asked. Without it, a terminal is asked (y/N), and where there is
    no terminal nothing is written. Words about the diff go to standard error, so that the output is a patch.
    Files outside the workspace are refused, by path or through a link. Raises `LlmopsError` where a file was changed since it
    was read, or the system does not let it be written; the files before it are written then, each as a whole.
    """
    proposed = proposed_fixes(root, diagnostics)
    refused = tuple(f"{r.edit.file}: {r.message}" for r in proposed.refused)
    for refusal, message in zip(proposed.refused, refused, strict=True):
        _say(f"not fixed: {plain(message)}\n  help: {plain(refusal.hint)}")
    changed = tuple(change.file for change in proposed.files)
    if not changed:
        _say("Nothing to fix: no finding offers an edit." if not refused else "Nothing was written.")
        return FixOutcome((), (), refused)
    sys.stdout.write(diff_report(proposed.files, colour=uses_colour(sys.stdout)))
    sys.stdout.flush()
    if not (yes or is_agreed(len(changed))):
        _say("Nothing was written." if sys.stdin.isatty() else "Nothing was written: there is no terminal to ask. --yes writes.")
        return FixOutcome(changed, (), refused)
    for change in proposed.files:
        write_change(root, change)
        _say(f"wrote {plain(change.file)}")
    return FixOutcome(changed, changed, refused)


def proposed_fixes(root: Path, diagnostics: Iterable[Diagnostic]) -> FileChanges:
    """What `fix` would change; nothing is shown or written."""
    edits = [edit for diagnostic in diagnostics if diagnostic.counts for edit in diagnostic.edits]
    return apply_edits(edits, lambda file: _text(root, file).removeprefix(_MARK))


def write_change(root: Path, change: FileChange) -> None:
    """Puts the new text in the place of the old one in one step; byte order mark and file mode stay.

    A link inside the workspace stays a link. Raises `LlmopsError`.
    """
    on_disk = _text(root, change.file)
    if on_disk.removeprefix(_MARK) != change.before:
        raise LlmopsError(f"{change.file} was changed meanwhile, and is left alone", "Run `llmops check --fix` again.")
    mark = _MARK if on_disk.startswith(_MARK) else ""
    try:
        replace_file(_inside(root, change.file), (mark + change.after).encode("utf-8"))
    except OSError as error:
        raise LlmopsError(
            f"{change.file} cannot be written: {error.strerror}", "Check the permissions of the file and its folder."
        ) from error


def is_agreed(count: int) -> bool:
    """Asks on a terminal whether to write so many files; no terminal, no agreement."""
    if not sys.stdin.isatty():
        return False
    files = "this file" if count == 1 else f"these {count} files"
    print(f"Write {files}? [y/N] ", end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip().lower() in _AGREED


def _say(text: str) -> None:
    print(text, file=sys.stderr)


def _inside(root: Path, file: str) -> Path:
    """The file itself, links followed."""
    path = (root / file).resolve()
    if not path.is_relative_to(root.resolve()):
        raise EditRefused("The file lies outside the workspace, and is never written", "Mend it where it comes from.")
    return path


def _text(root: Path, file: str) -> str:
    """A file as it is, line breaks and byte order mark included."""
    path = _inside(root, file)
    try:
        return path.read_bytes().decode("utf-8")
    except OSError as error:
        raise EditRefused(f"The file cannot be read: {error.strerror}", "Check that it exists and that you may read it.") from error
    except UnicodeDecodeError as error:
        raise EditRefused("The file is not UTF-8", "Save it as UTF-8.") from error


def replace_file(path: Path, content: bytes) -> None:
    """Puts `content` in the place of a file's, whose mode stays; a reader sees the old file or the new one. Raises `OSError`."""
    mode = stat.S_IMODE(path.stat().st_mode)
    if not mode & stat.S_IWUSR:
        raise PermissionError(13, "it is read-only")
    handle, name = tempfile.mkstemp(prefix=f".{path.name}-", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(content)
        os.chmod(name, mode)
        os.replace(name, path)
    except OSError:
        os.unlink(name)
        raise
