"""A field or item taken out, with its own lines; comments above and behind it stay."""

from __future__ import annotations

import re

from llmops.edit.page import Page, Splice
from llmops.edit.replacement import replace
from llmops.edit.tree import Entry, end_of, entries_of, is_block, line_end, line_start, next_line, stands_first

_COMMA = re.compile(r"[ \t]*,")
_REST_OF_LINE = re.compile(r"[ \t]*,?[ \t]*(?:#.*)?\Z")


def remove(page: Page, holder: Entry, position: int) -> Splice:
    """Takes out one entry of a map or list; the last one leaves empty brackets behind."""
    inside = entries_of(holder)
    if not is_block(holder):
        return _in_brackets(page, holder, position)
    if len(inside) == 1:
        return replace(page, holder, {} if inside[0].key is not None else [])
    return _lines(page, inside, position)


def _lines(page: Page, inside: list[Entry], position: int) -> Splice:
    text, entry = page.text, inside[position]
    start = entry.start if entry.key is not None else _dash(page, inside, position)
    end = line_end(text, end_of(text, entry))
    if not stands_first(text, start):
        following = inside[1].start if entry.key is not None else _dash(page, inside, 1)
        return _beside_a_dash(text, start, end, following)
    begin, after = line_start(text, start), next_line(text, end)
    if after == end:  # the file's last line has no break, and shall have none
        begin = len(text[:begin].removesuffix(page.style.newline))
    return Splice(begin, after, "")


def _dash(page: Page, inside: list[Entry], position: int) -> int:
    """Where the dash of an item stands: on the first line after its sibling that has one in the list's column."""
    entry = inside[position]
    if position == 0:
        assert entry.parent is not None
        return int(entry.parent.start_mark.index)
    start = next_line(page.text, end_of(page.text, inside[position - 1]))
    while not page.text.startswith(" " * entry.column + "-", start):
        start = next_line(page.text, start)
    return start + entry.column


def _beside_a_dash(text: str, start: int, end: int, following: int) -> Splice:
    """The first entry of an item shares the dash's line: the second moves up, unless comments stand between."""
    if not text[end:following].strip():
        return Splice(start, following, "")
    return Splice(len(text[:start].rstrip(" ")), end, "")


def _in_brackets(page: Page, holder: Entry, position: int) -> Splice:
    text, inside = page.text, entries_of(holder)
    entry = inside[position]
    start, end = entry.start, end_of(text, entry)
    comma = _COMMA.match(text, end)
    with_comma = comma.end() if comma else end
    behind = text[end : line_end(text, end)]
    if stands_first(text, start) and _REST_OF_LINE.match(behind) and next_line(text, end) < len(text):
        return Splice(line_start(text, start), next_line(text, end), "")
    if len(inside) == 1:
        return _the_only_one(page, holder, Splice(start, with_comma, ""))
    if position > 0 and "#" not in text[(before := end_of(text, inside[position - 1])) : start]:
        return Splice(before, end, "")
    if position == 0 and "#" not in text[end : inside[1].start]:
        return Splice(start, inside[1].start, "")
    return Splice(start, with_comma, "")


def _the_only_one(page: Page, holder: Entry, splice: Splice) -> Splice:
    """Blanks inside the brackets go too, comments don't."""
    start, end = holder.value.start_mark.index + 1, holder.value.end_mark.index - 1
    left = page.text[start : splice.start] + page.text[splice.end : end]
    return splice if left.strip() else Splice(start, end, "")
