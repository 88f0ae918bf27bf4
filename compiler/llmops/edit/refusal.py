"""What an edit says when it cannot be made without touching more than it was asked to."""

from __future__ import annotations

from llmops.errors import LlmopsError

BY_HAND = "Make this change by hand."


class EditRefused(LlmopsError):
    """The edit cannot be made; nothing was changed."""

    def __init__(self, message: str, hint: str = BY_HAND) -> None:
        super().__init__(message, hint)
