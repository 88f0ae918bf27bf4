"""Runs of styled text, broken into lines of a given width at spaces, or inside a word that is longer than a line."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from llmops.report.excerpt import cells, plain

Span = tuple[str, str]
"""Style and text. `removed` and `added` are the words of a diff; the empty style is plain text."""
_PIECE = re.compile(r"\n| +|[^ \n]+")
_LINE = re.compile(r"[^\n]*\n|[^\n]+")
NEWLINE = "↵"


def flow(spans: Iterable[Span], room: int | None) -> list[list[Span]]:
    """The lines, each of at most `room` cells but for spaces at its end; without a room, only line ends break."""
    lines: list[list[Span]] = [[]]
    used = 0
    for style, piece in _pieces(spans, room):
        if piece == "\n":
            lines.append([])
            used = 0
            continue
        size = cells(piece)
        if room is not None and used and used + size > room and not piece.isspace():
            lines.append([])
            used = 0
        lines[-1].append((style, piece))
        used += size
    return [_joined(line) for line in lines]


def _pieces(spans: Iterable[Span], room: int | None) -> Iterator[Span]:
    for style, text in spans:
        for piece in _PIECE.findall(text):
            yield from ((style, part) for part in _broken(piece, room))


def _broken(word: str, room: int | None) -> Iterator[str]:
    """A word that is longer than a line as several that are not."""
    if room is None or cells(word) <= room:
        yield word
        return
    part = ""
    for character in word:
        if part and cells(part) + cells(character) > room:
            yield part
            part = ""
        part += character
    yield part


def _joined(line: Sequence[Span]) -> list[Span]:
    """Neighbours of one style as one span."""
    spans: list[Span] = []
    for style, text in line:
        if spans and spans[-1][0] == style:
            spans[-1] = (style, spans[-1][1] + text)
        else:
            spans.append((style, text))
    return spans


def word_spans(words: Iterable[Sequence[str]]) -> Iterator[Span]:
    """A word diff as spans. A line end that is removed or added is seen as an arrow, and still ends its line."""
    for operation, text in words:
        if operation == "gap":
            yield "dim", " … "
        elif operation == "same":
            yield from (("", part) for part in _lines(text))
        else:
            for line in _LINE.findall(text):
                yield operation, plain(line.removesuffix("\n")) + (NEWLINE if line.endswith("\n") else "")
                yield from [("", "\n")] if line.endswith("\n") else []


def _lines(text: str) -> Iterator[str]:
    for line in _LINE.findall(text):
        yield plain(line.removesuffix("\n")) + ("\n" if line.endswith("\n") else "")
