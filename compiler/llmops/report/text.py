"""Diagnostics as people read them in a terminal: the line, a caret under the span, related places, a hint."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from llmops.diagnostics import Diagnostic, Location
from llmops.report.excerpt import excerpt, plain, secret_places

Lines = Callable[[str], str | None]
"""File → its text, or None where it is not known."""

_COLOURS = {"error": "\033[1;31m", "warning": "\033[1;33m", "blue": "\033[1;34m", "bold": "\033[1m", "green": "\033[32m"}
_RESET = "\033[0m"


def text_report(diagnostics: Iterable[Diagnostic], text_of: Lines, *, colour: bool) -> str:
    """All findings, one block each, and a closing line with their number; empty for none."""
    found = list(diagnostics)
    if not found:
        return ""
    painter = _Painter(text_of, secret_places(found), colour=colour)
    return "\n\n".join([*(painter.block(d) for d in found), painter.closing(found)]) + "\n"


class _Painter:
    def __init__(self, text_of: Lines, secrets: Mapping[tuple[str, int], int], *, colour: bool) -> None:
        self._text_of = text_of
        self._secrets = secrets
        self._colour = colour

    def block(self, diagnostic: Diagnostic) -> str:
        kind = self._paint(diagnostic.severity, f"{diagnostic.severity}[{diagnostic.code}]")
        head = kind + self._paint("bold", f": {plain(diagnostic.message)}")
        margin = max(len(str(place.line)) for place in diagnostic.locations)
        lines = [head]
        for index, place in enumerate(diagnostic.locations):
            lines += self._place(place, margin, diagnostic.severity if index == 0 else "blue", arrow="-->" if index == 0 else ":::")
        if diagnostic.hint:
            lines.append(f"{' ' * margin} {self._paint('blue', '=')} {self._paint('green', 'help')}: {plain(diagnostic.hint)}")
        return "\n".join(lines)

    def closing(self, found: list[Diagnostic]) -> str:
        errors = sum(d.severity == "error" for d in found)
        warnings = len(found) - errors
        parts = [f"{count} {word}{'s' if count != 1 else ''}" for count, word in ((errors, "error"), (warnings, "warning")) if count]
        code = found[0].code
        return f"{self._paint('bold', ' and '.join(parts))}. `llmops explain {code}` says more."

    def _place(self, place: Location, margin: int, colour: str, *, arrow: str) -> list[str]:
        pad = " " * margin
        bar = self._paint("blue", "|")
        lines = [f"{pad}{self._paint('blue', arrow)} {place.file}:{place.line}:{place.column}"]
        quoted = excerpt(self._text_of(place.file) or "", place, self._secrets.get((place.file, place.line)))
        if quoted is None or not quoted.line:
            return lines
        caret = "^" if arrow == "-->" else "-"
        width = min(place.width, max(1, len(quoted.line) - quoted.column + 1))
        marks = self._paint(colour, caret * width + (f" {place.label}" if place.label else ""))
        indent = " " * (quoted.column - 1)
        number = self._paint("blue", str(place.line).rjust(margin))
        return [*lines, f"{pad} {bar}", f"{number} {bar} {quoted.line}", f"{pad} {bar} {indent}{marks}"]

    def _paint(self, colour: str, text: str) -> str:
        return f"{_COLOURS[colour]}{text}{_RESET}" if self._colour else text
