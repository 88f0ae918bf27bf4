"""Exceptions mean a bug or the machine; a user's mistake is a `Diagnostic`.

`cli/main.py` is the only place that catches these and turns them into an exit code.
"""

from __future__ import annotations


class LlmopsError(Exception):
    """Something outside the specs went wrong. `hint` is the command or step that mends it."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


class UsageError(LlmopsError):
    """The command line asks for something impossible (exit code 2)."""


class RuntimeUnavailable(LlmopsError):
    """A part that runs the bundle is missing or does not answer (a model, a store, an extra that is not installed)."""
