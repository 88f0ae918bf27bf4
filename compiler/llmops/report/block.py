"""One finding as people read it: what is wrong, the lines with carets, related places, how to mend it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from llmops.diagnostics import Diagnostic, Edit, Location
from llmops.report.excerpt import WIDTH, plain, quote, visible
from llmops.report.findings import VIOLATION, Lines, explanation_of, is_fixable, name_of
from llmops.report.palette import Palette
from llmops.report.snippet import Frame, Mark, snippet

LONGEST_SENTENCE = 120
"""Wider prose is hard to read, however wide the terminal is."""
_LONGEST_VALUE = 60
_COMMAND = re.compile("`[^`]{1,40}`")
"""Stays on one line, to be copied."""
_JOINT = "\N{NO-BREAK SPACE}"
_BETWEEN = 2
"""As many lines between two marked ones are shown rather than left out."""


@dataclass(frozen=True, slots=True)
class Painter:
    """Writes findings. `width` is the terminal's; None leaves sentences on one line, so that a log can be searched."""

    text_of: Lines
    secrets: Mapping[tuple[str, int], int]
    palette: Palette
    width: int | None = None

    def block(self, diagnostic: Diagnostic) -> str:
        if diagnostic.waived:
            return self._waived(diagnostic)
        frame = self._frame(diagnostic)
        return "\n".join([*self._header(diagnostic), *self._places(diagnostic, frame), *self._footers(diagnostic, frame.margin)])

    def wrapped(self, text: str, *, taken: int = 0, indent: int = 0) -> list[str]:
        """The text's lines. Of the first, `taken` cells are used already; the others are indented."""
        if self.width is None:
            return [text]
        import textwrap

        wrapper = textwrap.TextWrapper(min(self.width, LONGEST_SENTENCE), " " * taken, " " * indent)
        wrapper.break_long_words = wrapper.break_on_hyphens = False
        lines = wrapper.wrap(_COMMAND.sub(lambda command: command[0].replace(" ", _JOINT), text))
        first, *rest = [line.replace(_JOINT, " ") for line in lines or [""]]
        return [first[taken:], *rest]

    def _frame(self, diagnostic: Diagnostic) -> Frame:
        margin = max(len(str(place.line)) for place in diagnostic.locations)
        return Frame(margin, WIDTH if self.width is None else self.width - margin - 3, self.palette)

    def _header(self, diagnostic: Diagnostic) -> list[str]:
        kind = f"{diagnostic.severity}[{name_of(diagnostic)}]"
        first, *rest = self.wrapped(f"{kind}: {plain(diagnostic.message)}", indent=4)
        head = self.palette.paint(diagnostic.severity, kind) + self.palette.paint("bold", first.removeprefix(kind))
        return [head, *(self.palette.paint("bold", line) for line in rest)]

    def _waived(self, diagnostic: Diagnostic) -> str:
        """Short, because there is nothing to do: what, where, and why it does not count."""
        pad = " " * len(str(diagnostic.location.line))
        place = diagnostic.location
        title = self.wrapped(f"waived[{name_of(diagnostic)}]: {plain(diagnostic.message)}", indent=4)
        head = f"{pad} = waived: "
        reason = "\n".join(self.wrapped(plain(diagnostic.waived), taken=len(head), indent=len(head)))
        lines = [*title, f"{pad}--> {visible(place.file)}:{place.line}:{place.column}", *f"{head}{reason}".split("\n")]
        return "\n".join(self.palette.paint("dim", line) for line in lines)

    def _places(self, diagnostic: Diagnostic, frame: Frame) -> Iterator[str]:
        for marks in _by_file(_marks(diagnostic)):
            file = marks[0].place.file
            lines = self._lines(file, [mark.place.line for mark in marks])
            seen = [mark for mark in marks if lines.get(mark.place.line) and not _is_policy(diagnostic, mark)]
            if seen:
                wanted = {mark.place.line for mark in seen}
                yield from snippet(frame, seen, {n: line for n, line in lines.items() if min(wanted) <= n <= max(wanted)})
            yield from (self._unquoted(frame, mark) for mark in marks if mark not in seen)

    def _unquoted(self, frame: Frame, mark: Mark) -> str:
        return f"{frame.head(mark)} {plain(mark.place.label)}".rstrip()

    def _lines(self, file: str, numbers: Sequence[int]) -> dict[int, str]:
        """The lines of a file to quote, and the few between two of them."""
        wanted = sorted(set(numbers))
        for before, after in pairwise(sorted(set(numbers))):
            wanted += range(before + 1, after) if after - before - 1 <= _BETWEEN else ()
        text = self.text_of(file)
        return {} if text is None else {number: quote(text, number, self.secrets.get((file, number))) for number in wanted}

    def _footers(self, diagnostic: Diagnostic, margin: int) -> Iterator[str]:
        if diagnostic.hint:
            yield from self._footer("help", diagnostic.hint, margin)
        for edit in diagnostic.edits if is_fixable(diagnostic) else ():
            yield from self._footer("fix", f"`llmops check --fix` sets {_edit_text(edit, diagnostic.location)}", margin)
        if name_of(diagnostic) != diagnostic.code:
            yield from self._footer("why", f"`{explanation_of(diagnostic)}` ({diagnostic.code})", margin)

    def _footer(self, label: str, text: str, margin: int) -> Iterator[str]:
        taken = margin + len(f" = {label}: ")
        first, *rest = self.wrapped(plain(text), taken=taken, indent=taken)
        yield f"{' ' * margin} {self.palette.paint('frame', '=')} {self.palette.paint('help', label)}: {first}"
        yield from rest


def _marks(diagnostic: Diagnostic) -> list[Mark]:
    first, *related = diagnostic.locations
    return [Mark(first, diagnostic.severity, main=True), *(Mark(place, "frame", main=False) for place in related)]


def _by_file(marks: Sequence[Mark]) -> list[list[Mark]]:
    """One excerpt a file, in the order in which the files are named."""
    files: dict[str, list[Mark]] = {}
    for mark in marks:
        files.setdefault(mark.place.file, []).append(mark)
    return list(files.values())


def _is_policy(diagnostic: Diagnostic, mark: Mark) -> bool:
    """The last place of a violation is the policy's name, and quoting a name says nothing new."""
    return diagnostic.code == VIOLATION and not mark.main and mark.place == diagnostic.locations[-1]


def _edit_text(edit: Edit, place: Location) -> str:
    field = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in edit.path).removeprefix(".")
    where = "" if edit.file == place.file else f" in {edit.file}"
    return f"{field} to {_value_text(edit.value)}{where}"


def _value_text(value: Any) -> str:
    import json

    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _LONGEST_VALUE else text[: _LONGEST_VALUE - 1] + "…"
