"""Colours of the text report. From the 256 of every terminal since 2000, chosen to be read on black and on white."""

from __future__ import annotations

from dataclasses import dataclass

_RESET = "\033[0m"
# The sixteen named colours are the terminal's own, and its yellow on white or blue on black can hardly be read.
_STYLES = {
    "error": "1;38;5;196",
    "warning": "1;38;5;166",
    "note": "1;38;5;30",
    "help": "1;38;5;28",
    "frame": "38;5;32",
    "dim": "38;5;244",
    "bold": "1",
}


@dataclass(frozen=True, slots=True)
class Palette:
    """Paints, or leaves a text as it is where there is no colour."""

    colour: bool

    def paint(self, style: str, text: str) -> str:
        return f"\033[{_STYLES[style]}m{text}{_RESET}" if self.colour and text else text
