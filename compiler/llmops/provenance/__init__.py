"""Packed bundles: the archive, its bill of materials, its statement and signature, and the checks of all four.

Input: rendered artifacts, or files of a stranger. Output: bytes, or a `Verified`; whatever does not hold is `Refused`.
"""

from __future__ import annotations

from llmops.errors import LlmopsError

GET_AGAIN = "Get the files again from where they were published; do not use these."
PACK_AGAIN = "Pack the bundle again: llmops bundle"


class Refused(LlmopsError):
    """A packed bundle that must not be used: the message says what differs, the hint what to do."""

    def __init__(self, message: str, hint: str = GET_AGAIN) -> None:
        super().__init__(printable(message), printable(hint))


def printable(text: str) -> str:
    """A stranger's text for a terminal: control characters are written as escapes."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
