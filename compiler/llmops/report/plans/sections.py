"""A section of the comment, and how several share the room that there is: the least important ones are cut first, row by row."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice

MOST_ROWS = 50
"""Rows of a section that are shown however much room there is: nobody reads more in a comment."""
SHARE = 2500
"""Characters that a section is left by more important ones, as far as it needs them."""
ELSEWHERE = "see the plan as JSON"


@dataclass(frozen=True, slots=True)
class Section:
    """Rows of finished HTML, each on one line, between `head` and `foot`. `total` counts also the rows that nobody made."""

    title: str
    rows: tuple[str, ...]
    total: int
    head: str
    foot: str
    folded: bool

    def html(self, room: int) -> str:
        """As many rows as fit into `room` characters; only the title and the number of rows where none does."""
        whole = self._framed(self.rows, self.total - len(self.rows))
        if len(whole) <= room:
            return whole
        texts: list[str] = []
        used = len(self._framed([""], self.total))
        for row in self.rows:
            used += len(row) + 1
            if used > room:
                break
            texts.append(row)
        return self._framed(texts, self.total - len(texts))

    def _framed(self, rows: Sequence[str], left: int) -> str:
        more = f"<p>and {left:,} more: {ELSEWHERE}</p>" if rows else f"<p>{left:,}: {ELSEWHERE}</p>"
        body = "\n".join([self.head, *rows, self.foot]) if rows else ""
        title = f"<details><summary><strong>{self.title}</strong> ({self.total:,})</summary>" if self.folded else f"<h4>{self.title}</h4>"
        lines = [title, body, more if left else "", "</details>" if self.folded else ""]
        return "\n".join(line for line in lines if line)


def table(title: str, columns: Sequence[str], rows: Iterable[Sequence[str]], total: int, *, folded: bool = False) -> Section:
    """Cells of finished HTML under the names of their columns, in own words."""
    made = tuple(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in islice(rows, MOST_ROWS))
    names = "".join(f"<th>{name}</th>" for name in columns)
    return Section(title, made, total, f"<table><thead><tr>{names}</tr></thead><tbody>", "</tbody></table>", folded)


def bullets(title: str, items: Iterable[str], total: int, *, folded: bool = False) -> Section:
    """Finished HTML, an item a row."""
    made = tuple(f"<li>{item}</li>" for item in islice(items, MOST_ROWS))
    return Section(title, made, total, "<ul>", "</ul>", folded)


def blocks(title: str, items: Iterable[str], total: int) -> Section:
    """Finished HTML of any sort, an item a row."""
    return Section(title, tuple(islice(items, MOST_ROWS)), total, "<div>", "</div>", False)


def fitted(sections: Sequence[tuple[int, Section]], room: int) -> list[str]:
    """The texts of the sections, in their order, together with one empty line after each in `room` characters.

    The number beside a section is its rank, 0 for the most important. `room` is at least `SHARE` for each section.
    """
    texts = [section.html(room) for _, section in sections]
    order = sorted(range(len(sections)), key=lambda index: sections[index][0])
    free = room - 2 * len(sections)
    for position, index in enumerate(order):
        later = sum(min(len(texts[other]), SHARE) for other in order[position + 1 :])
        texts[index] = sections[index][1].html(free - later)
        free -= len(texts[index])
    return texts
