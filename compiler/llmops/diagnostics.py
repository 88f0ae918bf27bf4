"""What the compiler says about a mistake: a value, never an exception.

Every stage returns `(output, diagnostics)`. Formatting lives in `report/`; codes and their explanations in `codes.py`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal

Severity = Literal["error", "warning"]


@dataclass(frozen=True, slots=True, order=True)
class Location:
    """A span on one line of a file. `line` and `column` count from 1; `width` is in characters, at least 1."""

    file: str
    line: int = 1
    column: int = 1
    width: int = 1
    label: str = ""


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One finding.

    `locations[0]` is where the user must look; the others are related places (the base of an overlaid value, the first
    of two equal names). `path` is the field, as `spec.retrieve.top_k`. `hint` says how to mend it.
    """

    code: str
    severity: Severity
    message: str
    locations: tuple[Location, ...]
    path: str = ""
    hint: str = ""

    @property
    def location(self) -> Location:
        return self.locations[0]

    def related(self, *places: Location) -> Diagnostic:
        """The same finding with more places to look at."""
        return replace(self, locations=(*self.locations, *places))


def in_order(diagnostics: Iterable[Diagnostic]) -> tuple[Diagnostic, ...]:
    """Sorted by file, line, code, column; an exact repetition is dropped."""
    unique = dict.fromkeys(diagnostics)
    return tuple(sorted(unique, key=lambda d: (d.location.file, d.location.line, d.code, d.location.column, d.message)))


def has_errors(diagnostics: Iterable[Diagnostic]) -> bool:
    return any(d.severity == "error" for d in diagnostics)
