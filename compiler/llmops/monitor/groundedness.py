"""How much of an answer its passages hold: a cheap measure for trends. It sees words, no meaning, and no twist of a sentence."""

from __future__ import annotations

import re
from collections.abc import Sequence

WORD = re.compile(r"\w{3,}")
STEM = 5
"""Letters that make two words the same: `compiler` and `compiles`."""


def groundedness(answer: str, passages: Sequence[str]) -> float | None:
    """The share of the answer's words of three letters or more that stand in the passages, 0 to 1; None without words or passages."""
    words = [word.lower()[:STEM] for word in WORD.findall(answer)]
    if not words or not passages:
        return None
    held = {word.lower()[:STEM] for passage in passages for word in WORD.findall(passage)}
    return sum(word in held for word in words) / len(words)
