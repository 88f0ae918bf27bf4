"""The handbook as the tests read it: pages, fenced blocks, links."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
FENCE = re.compile(r"^```(?P<info>[^\n]*)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block. `info` is what stands after the opening backticks."""

    page: str
    line: int
    info: str
    text: str

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"


def pages() -> list[Path]:
    """Every page of the handbook, and the README."""
    return [*sorted(DOCS.rglob("*.md")), ROOT / "README.md"]


def blocks(info: str | None = None) -> Iterator[Block]:
    """The fenced blocks of all pages, or those whose info is exactly `info`."""
    for page in pages():
        text = page.read_text("utf-8")
        for match in FENCE.finditer(text):
            line = text.count("\n", 0, match.start()) + 1
            if info is None or match["info"].strip() == info:
                yield Block(page.relative_to(ROOT).as_posix(), line, match["info"].strip(), match["text"])


def prose(page: Path) -> str:
    """The page without its fenced blocks."""
    return FENCE.sub("", page.read_text("utf-8"))


def words(text: str) -> set[str]:
    """Lower-case words and numbers, `top_k` as one word."""
    return set(re.findall(r"[a-z0-9_]+(?:[.-][a-z0-9_]+)*", text.lower()))
