"""Places of one file as an excerpt: its lines, with marks under each place and labels beside the marks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from llmops.diagnostics import Location
from llmops.report.excerpt import Crop, cells, crop, plain, visible
from llmops.report.palette import Palette


@dataclass(frozen=True, slots=True)
class Mark:
    """A place to underline. `style` is its colour; the one that is to be mended is `main`."""

    place: Location
    style: str
    main: bool


@dataclass(frozen=True, slots=True)
class Frame:
    """What surrounds an excerpt: the width of line numbers, the cells for a line, the colours."""

    margin: int
    room: int
    palette: Palette

    def head(self, mark: Mark) -> str:
        """Where an excerpt comes from, as editors and terminals make it a link."""
        place = mark.place
        arrow = self.palette.paint("frame", "-->" if mark.main else ":::")
        return f"{' ' * self.margin}{arrow} {visible(place.file)}:{place.line}:{place.column}"

    def row(self, text: str, number: str = "") -> str:
        return f"{self.palette.paint('frame', number.rjust(self.margin))} {self.palette.paint('frame', '|')} {text}".rstrip()


def snippet(frame: Frame, marks: Sequence[Mark], lines: dict[int, str]) -> Iterator[str]:
    """The excerpt of one file; the first mark heads it. `lines` holds the marked lines and those between close ones, by number."""
    yield frame.head(marks[0])
    yield frame.row("")
    previous = 0
    for number, line in sorted(lines.items()):
        if previous and number > previous + 1:
            yield frame.palette.paint("frame", "...")
        previous = number
        yield from _line(frame, number, line, [mark for mark in marks if mark.place.line == number])


def _line(frame: Frame, number: int, line: str, marks: Sequence[Mark]) -> Iterator[str]:
    if not marks:
        yield frame.row(crop(line, 1, 1, frame.room).line, str(number))
        return
    focus = marks[0].place
    shown = crop(line, focus.column, _width(focus, line), frame.room)
    yield frame.row(shown.line, str(number))
    for mark in sorted(marks, key=lambda mark: -mark.place.column):
        yield from _underlined(frame, mark, line, shown)


def _underlined(frame: Frame, mark: Mark, line: str, shown: Crop) -> Iterator[str]:
    """Marks under a place, and its label behind them or, where that is too long for the line, below."""
    place = mark.place
    left = shown.cell(place.column)
    right = shown.cell(place.column + _width(place, line))
    signs = ("^" if mark.main else "-") * max(1, right - left)
    label = plain(place.label)
    if not label or left + len(signs) + 1 + cells(label) <= frame.room:
        yield frame.row(" " * left + frame.palette.paint(mark.style, f"{signs} {label}".rstrip()))
        return
    yield frame.row(" " * left + frame.palette.paint(mark.style, signs))
    indent = max(0, min(left, frame.room - cells(label)))
    yield frame.row(" " * indent + frame.palette.paint(mark.style, label))


def _width(place: Location, line: str) -> int:
    """Not beyond the line's end."""
    return min(place.width, max(1, len(line) - place.column + 1))
