"""What every form of report is made from: the findings of one check, and what is known about them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from llmops.diagnostics import Diagnostic, Severity
from llmops.report.excerpt import visible

Lines = Callable[[str], str | None]
"""File → its text, or None where it is not known."""

RANKS: dict[str, int] = {"error": 0, "warning": 1, "note": 2}
"""Severities, the gravest first."""
VIOLATION = "LLM0901"
"""The code of every violation; what it is about is said by the policy's name."""


@dataclass(frozen=True, slots=True)
class Findings:
    """The findings of one check. `least` is the least severe that is shown; what is waived is always shown.

    `folder` is the workspace's folder in its repository, with slashes, empty for the root: CI systems name files from there.
    `files` are the spec files that were read. `policies` reads the organisation's, by name, as their YAML says them.
    """

    diagnostics: tuple[Diagnostic, ...]
    text_of: Lines
    environment: str = ""
    least: Severity = "warning"
    folder: str = ""
    files: tuple[str, ...] = ()
    policies: Callable[[], Mapping[str, Mapping[str, Any]]] = dict

    @property
    def shown(self) -> tuple[Diagnostic, ...]:
        return tuple(d for d in self.diagnostics if d.waived or is_shown(d, self.least))

    @property
    def gravest_first(self) -> tuple[Diagnostic, ...]:
        """For readers that stop after the first few: errors, warnings, notes, and what is waived."""
        return tuple(sorted(self.shown, key=lambda d: (bool(d.waived), RANKS[d.severity])))

    def in_repository(self, file: str) -> str:
        return f"{self.folder}/{file}" if self.folder else file


def is_shown(diagnostic: Diagnostic, least: Severity) -> bool:
    return RANKS[diagnostic.severity] <= RANKS[least]


def fails(diagnostics: Iterable[Diagnostic], least: Severity) -> bool:
    """Whether a check with these findings fails: one counts, and is at least as severe as `least`."""
    return any(d.counts and is_shown(d, least) for d in diagnostics)


def is_fixable(diagnostic: Diagnostic) -> bool:
    """Whether `llmops check --fix` would write something for it: not for a note, nor for what is waived."""
    return bool(diagnostic.edits) and diagnostic.counts


def name_of(diagnostic: Diagnostic) -> str:
    """What a finding is called: the policy that is violated, or the code. A policy that is itself wrong goes by its code."""
    return visible(diagnostic.policy) if diagnostic.policy and diagnostic.code == VIOLATION else diagnostic.code


def explanation_of(diagnostic: Diagnostic) -> str:
    """The command that says more."""
    name = name_of(diagnostic)
    return f"llmops policy explain {name}" if name != diagnostic.code else f"llmops explain {name}"


def counted(count: int, word: str) -> str:
    """`1 error`, `2 errors`; what is waived has no plural."""
    return f"{count} {word}" if count == 1 or word == "waived" else f"{count} {word}s"


def tally(diagnostics: Iterable[Diagnostic]) -> dict[str, int]:
    """Severity, or `waived`, → how many there are; gravest first, and nothing that there is none of."""
    words = ["waived" if d.waived else d.severity for d in diagnostics]
    return {word: words.count(word) for word in (*RANKS, "waived") if word in words}
