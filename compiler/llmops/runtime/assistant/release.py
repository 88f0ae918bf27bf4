"""What may leave of an answer that is still being written: only what the output rails have judged and no later word can change."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from llmops.errors import LlmopsError

if TYPE_CHECKING:
    from llmops.runtime.rails import Rails, Verdict

STEP = 24
"""Characters that must have come since the last look: each look judges the whole text again."""


class Withdrawn(LlmopsError):
    """The rails changed something that had left already: the answer ends there."""


class Releaser:
    """Feeds on a growing answer; hands out what may leave.

    The last `holdback` characters stay behind, as they may be the beginning of what a rule will find. What a rule found near
    the end also waits: with the next words it may grow.
    """

    def __init__(self, rails: Rails | None, holdback: int, context: Sequence[str], prompt: str) -> None:
        self._rails = rails
        self._holdback = holdback
        self._context = tuple(context)
        self._prompt = prompt
        self._looked = 0
        self.released = ""

    async def feed(self, text: str) -> tuple[str, Verdict | None]:
        """What may leave now of the answer `text` so far, and the verdict where a rule stops it."""
        if self._rails is None:
            return self._advance(text.rstrip()), None
        if len(text) - self._looked < STEP:
            return "", None
        self._looked = len(text)
        verdict = await self._judge(self._rails, text)
        if not verdict.allowed:
            return "", verdict
        return self._advance(_settled(text, verdict.text, self._holdback)), None

    async def finish(self, text: str) -> tuple[str, Verdict | None]:
        """The rest of the whole answer, and the verdict on it; None without rails."""
        if self._rails is None:
            return self._advance(text), None
        verdict = await self._judge(self._rails, text)
        return (self._advance(verdict.text) if verdict.allowed else ""), verdict

    async def _judge(self, rails: Rails, text: str) -> Verdict:
        return await rails.check_async("output", text, context=self._context, prompt=self._prompt)

    def _advance(self, text: str) -> str:
        """What is new in `text`. Raises `Withdrawn` where it is not a continuation of what has left."""
        if self.released.startswith(text):
            return ""
        if not text.startswith(self.released):
            raise Withdrawn("A safety rule changed a part of the answer that had been sent.")
        rest, self.released = text[len(self.released) :], text
        return rest


def _settled(text: str, redacted: str, holdback: int) -> str:
    """What of `redacted` no later word can change. White space at its end waits: it may be the end of the answer."""
    if holdback >= min(len(text), len(redacted)):
        return ""
    if text[len(text) - holdback :] != redacted[len(redacted) - holdback :]:
        return ""  # a finding lies within what is held back
    return redacted[: len(redacted) - holdback].rstrip()
