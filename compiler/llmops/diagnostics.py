"""What the compiler says about a mistake: a value, never an exception.

Every stage returns `(output, diagnostics)`. Formatting lives in `report/`; codes and their explanations in `codes/`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any, Literal

Severity = Literal["error", "warning", "note"]
"""`note` never fails a check: what a policy in audit mode has to say."""


@dataclass(frozen=True, slots=True, order=True)
class Location:
    """A span on one line of a file. `line` and `column` count from 1; `width` is in characters, at least 1."""

    file: str
    line: int = 1
    column: int = 1
    width: int = 1
    label: str = ""


@dataclass(frozen=True, slots=True)
class Edit:
    """A value that mends a finding: `path` in document `index` (from 0) of `file` is to hold `value`, plain data."""

    file: str
    index: int
    path: tuple[str | int, ...]
    value: Any


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One finding.

    `locations[0]` is where the user must look; the others are related places (the base of an overlaid value, the first
    of two equal names, the policy that fired). `path` is the field, as `spec.retrieve.top_k`. `hint` says how to mend it.
    `policy` names the organisation's rule that fired, `resource` the id of what it is about, where it is about one. `waived` says
    why a finding does not count: it is shown, and fails nothing.
    `edits` are what `llmops check --fix` would write.
    """

    code: str
    severity: Severity
    message: str
    locations: tuple[Location, ...]
    path: str = ""
    hint: str = ""
    policy: str = ""
    waived: str = ""
    edits: tuple[Edit, ...] = field(default=(), compare=False)  # a value may be a list, which has no hash
    resource: str = ""

    @property
    def counts(self) -> bool:
        """Whether it can fail a check."""
        return not self.waived and self.severity != "note"

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
    return any(d.severity == "error" and not d.waived for d in diagnostics)
