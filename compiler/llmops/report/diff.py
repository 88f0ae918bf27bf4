"""Texts before and after as a unified diff: a patch that `git apply` takes, or the same in colours for a terminal."""

from __future__ import annotations

import re
from collections.abc import Iterable
from difflib import unified_diff

from llmops.edit import FileChange
from llmops.report.excerpt import plain
from llmops.validate.secrets import hide_secrets

_LINE = re.compile(r"[^\n]*\n|[^\n]+\Z")
_COLOURS = {"---": "\033[1m", "+++": "\033[1m", "@@ ": "\033[36m", "-": "\033[31m", "+": "\033[32m"}
_RESET = "\033[0m"


def diff_report(changes: Iterable[FileChange], *, colour: bool) -> str:
    """The changed lines of every file, three unchanged ones around them; empty for none.

    Secrets of a known form are hidden, as in every report. With `colour` it is for people's eyes: control characters are dots.
    """
    lines = (hide_secrets(line) for change in changes for line in _lines(change))
    return "".join(_painted(line) if colour else line for line in lines)


def _lines(change: FileChange) -> Iterable[str]:
    before, after = _LINE.findall(change.before), _LINE.findall(change.after)
    for line in unified_diff(before, after, f"a/{change.file}", f"b/{change.file}"):
        yield line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n"


def _painted(line: str) -> str:
    start = next((_COLOURS[sign] for sign in (line[:3], line[:1]) if sign in _COLOURS), "")
    text = plain(line.rstrip("\r\n"))
    return f"{start}{text}{_RESET}\n" if start else f"{text}\n"
