"""The one line of a source that a finding quotes: secrets blotted out, control characters shown as dots, long lines cropped.

What blots out keeps the line's length, so that columns stay right.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from llmops.diagnostics import Diagnostic, Location
from llmops.load.yaml_core import lines_of
from llmops.validate.explain import SECRET_FIELDS
from llmops.validate.secrets import HIDDEN, hide_secrets

WIDTH = 160
_BEFORE = 60
_SECRET_FIELD = re.compile(rf"\b(?:{'|'.join(SECRET_FIELDS)})['\"]?\s*:(?!\s*\{{\s*env:\s*[A-Z][A-Z0-9_]*\s*\}})")
_STEP = re.compile(r"[^.\[\]]+")
_KEY = re.compile(r"[A-Za-z_][\w-]*\s*:(?=\s|$)")
_CONTROL = re.compile(r"[^\S ]|[\x00-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]")


@dataclass(frozen=True, slots=True)
class Excerpt:
    """A line and the column in it (from 1) where the caret goes."""

    line: str
    column: int


def plain(text: str) -> str:
    """A text that shows no secret of a known form and cannot steer the terminal."""
    return _CONTROL.sub("·", hide_secrets(text))


def secret_places(diagnostics: Iterable[Diagnostic]) -> dict[tuple[str, int], int]:
    """(file, line) → the first column of a value that no report may show: a secret, or what stands in a field for one."""
    places: dict[tuple[str, int], int] = {}
    secrets = (d for d in diagnostics if d.code == "LLM0210" or not set(SECRET_FIELDS).isdisjoint(_STEP.findall(d.path)))
    for place in (place for d in secrets for place in d.locations):
        spot = (place.file, place.line)
        places[spot] = min(place.column, places.get(spot, place.column))
    return places


def excerpt(text: str, place: Location, secret: int | None) -> Excerpt | None:
    """The line of `place`, hidden from column `secret` on; None where the text has no such line."""
    lines = lines_of(text)
    if place.line > len(lines):
        return None
    line = lines[place.line - 1]
    field = _SECRET_FIELD.search(line)
    if field and (secret is None or field.end() < secret):
        secret = field.end() + 1
    shown = (line if secret is None else _hide(line, secret - 1)).replace("\t", " ")
    return _crop(plain(shown), place.column)


def _hide(line: str, start: int) -> str:
    """A field's name stays; everything after it is a value, or may be the rest of one."""
    key = _KEY.match(line, start)
    begin = key.end() if key else start
    return line[:begin] + re.sub(r"\S", HIDDEN, line[begin:])


def _crop(line: str, column: int) -> Excerpt:
    if len(line) <= WIDTH:
        return Excerpt(line, column)
    start = max(0, column - 1 - _BEFORE)
    head = "…" if start else ""
    tail = "…" if start + WIDTH < len(line) else ""
    return Excerpt(f"{head}{line[start : start + WIDTH]}{tail}", column - start + len(head))
