"""How many chunks the rendered indexing pipeline makes of a text, without running it.

Input: a document's text and a source's `chunking`. Output: a `Cut`. Exact for all four units: it counts as Haystack 3.4's cleaner and
splitter cut, with the settings of `render/haystack.py`; tests run both side by side.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

DELIMITERS = {"word": " ", "sentence": ".", "passage": "\n\n", "line": "\n"}
"""What ends a unit. It stays with the unit before it."""
FOLDED = frozenset({"word", "sentence"})
"""Units for which the cleaner folds runs of white space; the others are cut at line ends, which folding would remove."""
_PAGE = "\f"
_RUN = re.compile(r"\s\s+")


@dataclass(frozen=True, slots=True)
class Cut:
    """What a document becomes: its chunks, and their UTF-8 bytes together; what overlaps counts in each chunk that has it."""

    chunks: int
    size: int


NOTHING = Cut(0, 0)


def chunk_count(text: str, chunking: Mapping[str, Any]) -> int:
    """The number of chunks that the indexing pipeline makes of a document's text; 0 of one without any."""
    return cut(text, chunking).chunks


def cut(text: str, chunking: Mapping[str, Any]) -> Cut:
    """Cleans and cuts a text as a source's `chunking` (`by`, `length`, `overlap`) says. `overlap` is smaller than `length`."""
    content = _clean(text, chunking["by"]).encode()
    if not content:
        return NOTHING
    delimiter, overlap = DELIMITERS[chunking["by"]].encode(), int(chunking.get("overlap", 0))
    units = content.split(delimiter)
    if not units[-1]:
        units.pop()  # behind a final full stop there is nothing, and a chunk that adds nothing is left out
    step = int(chunking["length"]) - overlap
    starts = range(step, max(0, len(units) - overlap), step)  # of all chunks but the first
    repeated = (len(unit) + len(delimiter) for start in starts for unit in units[start : start + overlap])
    return Cut(1 + len(starts), len(content) + sum(repeated))


def _clean(text: str, by: str) -> str:
    if by in FOLDED:
        text = _PAGE.join(_RUN.sub(" ", page).strip() for page in text.split(_PAGE))
    if by != "passage":
        text = _PAGE.join("\n".join(line for line in page.split("\n") if line.strip()) for page in text.split(_PAGE))
    return text.strip()
