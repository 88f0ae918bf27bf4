"""A plan as people read it in a terminal: a headline, what has to be done, and a section for each thing that there is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from llmops.report.excerpt import visible
from llmops.report.palette import Palette
from llmops.report.plans import phrases
from llmops.report.plans.outline import SECTIONS, Line
from llmops.report.plans.values import one_line
from llmops.report.plans.wrap import Span, flow

NARROWEST = 80
_MARKS = {"removed": ("[-", "-]"), "added": ("{+", "+}")}
"""What stands around a word that is removed or added where colour does not show it."""
_STYLES = {
    "+": "help",
    "-": "error",
    "~": "warning",
    "added": "help",
    "removed": "error",
    "breaking": "error",
    "behaviour": "warning",
    "metadata": "note",
    "waived": "dim",
}
"""Style of a span → style of the palette, where they differ."""


def report(plan: Mapping[str, Any], *, colour: bool = False, width: int | None = None) -> str:
    """The whole plan; one line where nothing changes. `width` is the terminal's, 80 at least; None leaves sentences on one line."""
    page = _Page(Palette(colour), max(NARROWEST, width) if width else None)
    return "\n".join(page.lines(plan)) + "\n"


class _Page:
    """Wraps and paints lines."""

    def __init__(self, palette: Palette, width: int | None) -> None:
        self.palette = palette
        self.width = width

    def lines(self, plan: phrases.Plan) -> Iterator[str]:
        compared = one_line(phrases.compared(plan))
        if phrases.is_empty(plan):
            yield from self.wrapped(Line(0, (("", f"{phrases.headline(plan)}: {compared}"),)))
            return
        yield from self.wrapped(Line(0, (*_headline(plan),)))
        yield from self.wrapped(Line(0, (("dim", compared),)))
        yield from self.wrapped(Line(0, (("", phrases.outlook(plan)),)))
        for title, section in SECTIONS.items():
            written = [text for line in section(plan) for text in self.wrapped(line)]
            yield from ["", self.palette.paint("bold", title), *written] if written else []

    def wrapped(self, line: Line) -> Iterator[str]:
        """The line's text: painted, indented, and no wider than the page. Nothing for an empty line."""
        spans = [self._marked(span) for span in line.spans]
        room = None if self.width is None else self.width - line.indent
        for number, row in enumerate(flow(spans, room, line.hang)):
            indent = line.indent + (line.hang if number else 0)
            text = "".join(self.palette.paint(_STYLES.get(style, style), text) if style else text for style, text in _trimmed(row))
            if text or len(line.spans) > 1:
                yield f"{' ' * indent}{text}" if text else ""

    def _marked(self, span: Span) -> Span:
        """Plain words of a diff carry marks; so do spaces, which no colour shows."""
        style, text = span[0], "\n".join(map(visible, span[1].split("\n")))  # nothing of a plan steers the terminal
        if style.startswith("plain "):
            return style.removeprefix("plain "), text
        before, after = _MARKS.get(style, ("", ""))
        return (style, f"{before}{text}{after}") if not self.palette.colour or text.isspace() else (style, text)


def _headline(plan: phrases.Plan) -> Iterator[Span]:
    level, colon, rest = phrases.headline(plan).partition(":")
    yield (plan["summary"]["class"] or "bold"), level
    yield "bold", colon + rest


def _trimmed(row: list[Span]) -> list[Span]:
    """Without the spaces at the end of a line."""
    kept = list(row)
    while kept and not kept[-1][1].strip(" "):
        kept.pop()
    if kept:
        kept[-1] = (kept[-1][0], kept[-1][1].rstrip(" "))
    return kept
