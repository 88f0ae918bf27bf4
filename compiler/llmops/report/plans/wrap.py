"""Runs of styled text, broken into lines of a given width at spaces, or inside a word that is longer than a line."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from llmops.report.excerpt import cells, plain
from llmops.report.plans.values import NEWLINE

Span = tuple[str, str]
"""Style and text. `removed` and `added` are the words of a diff; the empty style is plain text."""
_PIECE = re.compile(r"\n| +|[^ \n]+")
_LINE = re.compile(r"[^\n]*\n|[^\n]+")


def flow(spans: Iterable[Span], room: int | None, hang: int = 0) -> list[list[Span]]:
    """The lines, each of at most `room` cells but for spaces at its end, all but the first of `hang` fewer.

    Without a room, only line ends break.
    """
    lines: list[list[Span]] = [[]]
    used = 0
    for word in _words(spans):
        if word[0][1] == "\n":
            lines.append([])
            used = 0
            continue
        free = None if room is None else room - (hang if len(lines) > 1 else 0) - used
        if free is not None and _cells(word) > free and word[0][1].strip(" "):
            narrow = room - hang if room else 0
            first, *rest = _broken(word, narrow) if used else _broken(word, narrow, free)
            lines += [[]] if used else []
            lines[-1] += first
            lines += rest
            used = _cells(lines[-1])
        else:
            lines[-1] += word
            used += _cells(word)
    return [_joined(line) for line in lines]


def _words(spans: Iterable[Span]) -> Iterator[list[Span]]:
    """What no line end may part: spaces, a line end, or the pieces of a word, whatever their styles."""
    word: list[Span] = []
    for style, text in spans:
        for piece in _PIECE.findall(text):
            if piece[0] in " \n":
                yield from [word] if word else []
                yield [(style, piece)]
                word = []
            else:
                word.append((style, piece))
    yield from [word] if word else []


def _broken(word: Sequence[Span], room: int, first: int | None = None) -> list[list[Span]]:
    """A word as lines of at most `room` cells; the first has `first`."""
    lines: list[list[Span]] = [[]]
    free = room if first is None else first
    for style, text in word:
        for character in text:
            size = cells(character)
            if size > free and lines[-1]:
                lines.append([])
                free = room
            lines[-1].append((style, character))
            free -= size
    return lines


def _cells(spans: Iterable[Span]) -> int:
    return sum(cells(text) for _, text in spans)


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
            yield "dim", "…"
        elif operation == "same":
            yield from (("", part) for part in _lines(text))
        else:
            for line in _LINE.findall(text):
                yield operation, plain(line.removesuffix("\n")) + (NEWLINE if line.endswith("\n") else "")
                yield from [("", "\n")] if line.endswith("\n") else []


def _lines(text: str) -> Iterator[str]:
    for line in _LINE.findall(text):
        yield plain(line.removesuffix("\n")) + ("\n" if line.endswith("\n") else "")
