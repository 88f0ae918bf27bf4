"""The lines of a source that findings quote: secrets blotted out, what cannot be seen shown as dots, long lines cropped.

What blots out keeps the line's length, so that columns stay right.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

from llmops.diagnostics import Diagnostic
from llmops.load.yaml_core import lines_of
from llmops.validate.explain import SECRET_FIELDS
from llmops.validate.secrets import HIDDEN, hide_secrets

WIDTH = 160
"""The longest line that is quoted where no terminal says its width."""
_SECRET_FIELD = re.compile(rf"\b(?:{'|'.join(SECRET_FIELDS)})['\"]?\s*:(?!\s*\{{\s*env:\s*[A-Z][A-Z0-9_]*\s*\}})")
_STEP = re.compile(r"[^.\[\]]+")
_KEY = re.compile(r"[A-Za-z_][\w-]*\s*:(?=\s|$)")
# Control characters; marks that turn the direction of writing; spaces without width and Unicode's tags, in which text can hide.
_UNSEEN = re.compile(
    r"[^\S ]|[\x00-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff\ud800-\udfff\U000e0000-\U000e007f]"
)


@dataclass(frozen=True, slots=True)
class Crop:
    """A line as it is shown. `start` is the column (from 0) of the source that the first character shown has."""

    line: str
    start: int

    def cell(self, column: int) -> int:
        """Cells of the terminal to the left of a column (from 1) of the source; the edge for one that is cropped away."""
        return cells(self.line[: max(0, column - 1 - self.start)])


def visible(text: str) -> str:
    """A text that cannot steer the terminal, and in which nothing hides."""
    return _UNSEEN.sub("·", text)


def plain(text: str) -> str:
    """A visible text that shows no secret of a known form."""
    return visible(hide_secrets(text))


def cells(text: str) -> int:
    """Cells of the terminal that a text takes: two for a Chinese character, none for a combining accent."""
    if text.isascii():
        return len(text)
    return sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def secret_places(diagnostics: Iterable[Diagnostic]) -> dict[tuple[str, int], int]:
    """(file, line) → the first column of a value that no report may show: a secret, or what stands in a field for one."""
    places: dict[tuple[str, int], int] = {}
    secrets = (d for d in diagnostics if d.code == "LLM0210" or not set(SECRET_FIELDS).isdisjoint(_STEP.findall(d.path)))
    for place in (place for d in secrets for place in d.locations):
        spot = (place.file, place.line)
        places[spot] = min(place.column, places.get(spot, place.column))
    return places


def quote(text: str, number: int, secret: int | None) -> str:
    """Line `number` (from 1), hidden from column `secret` on; empty where the text has no such line."""
    lines = lines_of(text)
    if number > len(lines):
        return ""
    line = lines[number - 1]
    field = _SECRET_FIELD.search(line)
    if field and (secret is None or field.end() < secret):
        secret = field.end() + 1
    return plain((line if secret is None else _hide(line, secret - 1)).replace("\t", " "))


def _hide(line: str, start: int) -> str:
    """A field's name stays; everything after it is a value, or may be the rest of one."""
    key = _KEY.match(line, start)
    begin = key.end() if key else start
    return line[:begin] + re.sub(r"\S", HIDDEN, line[begin:])


def crop(line: str, column: int, width: int, room: int) -> Crop:
    """What of a line is shown in `room` cells, so that the span of `width` at `column` (from 1) is in sight, or its beginning."""
    if cells(line) <= room:
        return Crop(line, 0)
    # The line's own beginning tells most; only a span far to the right moves the window.
    if cells(line[: column - 1 + width]) < room or cells(line[: column - 1]) < room // 2:
        return Crop(_fitted(line, room - 1) + "…", 0)
    start = min(max(0, column - 1 - room // 3), len(line))
    rest = line[start:]
    shown = rest if cells(rest) < room else _fitted(rest, room - 2) + "…"
    return Crop(f"…{shown}", start - 1)


def _fitted(text: str, room: int) -> str:
    """As many characters from the left as `room` cells hold."""
    end = min(len(text), room)
    while cells(text[:end]) > room:
        end -= 1
    return text[:end]
