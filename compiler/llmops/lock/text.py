"""The text of `llmops.lock` and the `Lock` it stands for.

Order, repetitions and empty lines mean nothing when the text is read: a merge may leave them in any way.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from llmops.diagnostics import Diagnostic, Location
from llmops.load.source import Source
from llmops.lock.entries import Entry, Lock, Published
from llmops.lock.lines import Flaw, line_of, read_line

HEAD = """\
lock 1
# Written by `llmops lock`; commit it. A published version never changes again.
# The empty lines let git merge changes of neighbouring entries.
"""
VERSION_LINE = HEAD.partition("\n")[0]
_MARKER = re.compile(r"(<{7}|\|{7}|={7}|>{7})(?: .*)?")
_SIDES = {"<<<<<<<": "ours", "|||||||": "ancestor", "=======": "theirs", ">>>>>>>": "outside"}
_BEFORE = {"|||||||": ("ours",), "=======": ("ours", "ancestor"), ">>>>>>>": ("theirs",), "<<<<<<<": ("outside",)}
"""Marker of a conflict → the sides after which it is expected."""


@dataclass(frozen=True, slots=True)
class _Line:
    number: int
    text: str


def parse_lock(source: Source) -> tuple[Lock, list[Diagnostic]]:
    """The lock, and everything that is wrong with the text. A line with a mistake is left out.

    Of a conflict that git has marked both sides are read, and it is a finding. An unknown version ends the reading.
    """
    lines, diagnostics = _outside_markers(source)
    found = _check_version(source, lines)
    if found:
        return Lock(), [*diagnostics, found]
    entries: dict[str, Entry] = {}
    for line in lines:
        if line.text == VERSION_LINE:
            continue
        entry = read_line(line.text, _place(source, line))
        if isinstance(entry, Flaw):
            diagnostics.append(_diagnostic(source, line, entry))
        else:
            entries.setdefault(line.text, entry)
    lock = Lock(tuple(entries[text] for text in sorted(entries)))  # as `lock_of` does it, but without writing the lines again
    return lock, [*diagnostics, *_contradictions(lock)]


def render_lock(lock: Lock) -> str:
    """One entry a line, sorted, with an empty line between two, so that changes of neighbours are apart for git."""
    return "\n\n".join([HEAD.rstrip("\n"), *(line_of(entry) for entry in lock.entries)]) + "\n"


def _outside_markers(source: Source) -> tuple[list[_Line], list[Diagnostic]]:
    """The lines that say something: both sides of each conflict, without the common ancestor that some styles show."""
    side = "outside"
    lines: list[_Line] = []
    diagnostics: list[Diagnostic] = []
    for line in _said(source):
        marker = _MARKER.fullmatch(line.text)
        if marker:
            if marker[1] == "<<<<<<<" or side not in _BEFORE[marker[1]]:
                diagnostics.append(_conflict(source, line))
            side = _SIDES[marker[1]]
        elif side != "ancestor":
            lines.append(line)
    return lines, diagnostics


def _said(source: Source) -> Iterator[_Line]:
    for number, line in enumerate((source.text or "").split("\n"), 1):
        text = line.removesuffix("\r")
        if text and not text.startswith("#"):
            yield _Line(number, text)


def _conflict(source: Source, line: _Line) -> Diagnostic:
    hint = "Run `llmops lock`: it takes both sides, and refuses only a version that they publish with different contents."
    return Diagnostic("LLM1006", "error", "A merge has left a conflict here", (_place(source, line),), "", hint)


def _check_version(source: Source, lines: list[_Line]) -> Diagnostic | None:
    """A text without any line is wrong, too: it was cut off."""
    other = next((line for line in lines if line.text.startswith("lock ") and line.text != VERSION_LINE), None)
    if other:
        message = f"llmops.lock is written in another form than the one this llmops knows, {VERSION_LINE!r}"
        return Diagnostic("LLM1002", "error", message, (_place(source, other),), "", "Use the llmops that wrote it, or a later one.")
    if source.text is None or any(line.text == VERSION_LINE for line in lines):
        return None
    hint = f"Take the file back from git, or write {VERSION_LINE!r} into its first line and run `llmops lock`."
    return Diagnostic("LLM1002", "error", f"llmops.lock lacks the line {VERSION_LINE!r}", (Location(source.file),), "", hint)


def _contradictions(lock: Lock) -> Iterator[Diagnostic]:
    for id_, entries in lock.versions().items():
        if len(entries) > 1:
            first, *others = sorted(entries, key=lambda entry: entry.place)
            yield _contradiction(id_, first, others[0])


def _contradiction(id_: str, first: Published, second: Published) -> Diagnostic:
    places = (second.place, Location(first.place.file, first.place.line, 1, first.place.width, "first published here"))
    hint = "Keep the entry that was merged first, give the other content the next version, and run `llmops lock`."
    return Diagnostic("LLM1005", "error", f"{id_} is published with two contents", places, "", hint)


def _place(source: Source, line: _Line) -> Location:
    return Location(source.file, line.number, 1, len(line.text))


def _diagnostic(source: Source, line: _Line, flaw: Flaw) -> Diagnostic:
    place = _place(source, line)
    if flaw.index is not None:
        fields = line.text.split(" ")
        column = sum(len(text) + 1 for text in fields[: flaw.index]) + 1
        place = Location(source.file, line.number, column, max(1, len(fields[flaw.index])))
    return Diagnostic(flaw.code, "error", flaw.message, (place,), "", flaw.hint)
