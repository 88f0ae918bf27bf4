"""Word diff of two texts, for people: what is the same, removed and added, in reading order."""

from __future__ import annotations

import re
from difflib import SequenceMatcher

_TOKENS = re.compile(r"\n|[^\S\n]+|\w+|[^\w\s]")
LONGEST = 20_000
"""Characters of both texts together beyond which lines are compared instead of words."""
CONTEXT = 120
"""Characters kept at either end of a long stretch that is the same."""

Segment = list[str]
"""`same`, `removed`, `added` or `gap`, and the text; a gap stands for text that is the same and left out."""


def word_diff(old: str, new: str) -> list[Segment]:
    """The segments; those that are `same` or `removed` give the old text, `same` or `added` the new one, gaps apart."""
    split = _TOKENS.findall if len(old) + len(new) <= LONGEST else _lines
    left, right = split(old), split(new)
    segments: list[Segment] = []
    removed = added = ""
    codes = SequenceMatcher(None, left, right, autojunk=False).get_opcodes()
    for position, (operation, i, j, k, m) in enumerate(codes):
        same = "".join(left[i:j])
        # A lone space between two changes would tear one phrase into two.
        if operation != "equal" or (same.isspace() and 0 < position < len(codes) - 1):
            removed, added = removed + same, added + "".join(right[k:m])
            continue
        _append(segments, "removed", removed)
        _append(segments, "added", added)
        _append(segments, "same", same)
        removed = added = ""
    _append(segments, "removed", removed)
    _append(segments, "added", added)
    return [part for position, segment in enumerate(segments) for part in _shortened(segment, position, len(segments))]


def _lines(text: str) -> list[str]:
    return text.splitlines(keepends=True)


def _append(segments: list[Segment], operation: str, text: str) -> None:
    if text:
        segments.append([operation, text])


def _shortened(segment: Segment, position: int, count: int) -> list[Segment]:
    """A long stretch that is the same keeps what stands next to a change."""
    operation, text = segment
    before, after = position > 0, position < count - 1
    if operation != "same" or len(text) <= CONTEXT * (before + after) + CONTEXT:
        return [segment]
    kept = [["same", text[:CONTEXT]]] if before else []
    kept.append(["gap", ""])
    return [*kept, ["same", text[-CONTEXT:]]] if after else kept
