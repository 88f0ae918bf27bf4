"""A new field or item: behind its siblings, before the comments that belong to what follows."""

from __future__ import annotations

import re
from typing import Any

from llmops.edit.emit import field_lines, flow_field, flow_text, item_lines
from llmops.edit.page import Page, Splice
from llmops.edit.tree import Entry, after_own_comments, end_of, entries_of, is_block, line_end, line_start, next_line, stands_first

_COMMENT = re.compile(r" *#")


def add_field(page: Page, holder: Entry, key: str, value: Any) -> Splice:
    """A field that the map of `holder` does not have."""
    inside = entries_of(holder)
    if not is_block(holder):
        return _in_brackets(page, holder, flow_field(key, value))
    return _below(page, inside[-1], field_lines(key, value, inside[-1].column, page.style))


def add_item(page: Page, holder: Entry, position: int, value: Any) -> Splice:
    """An item of the list of `holder`, which comes to stand at `position`."""
    inside = entries_of(holder)
    if not is_block(holder):
        if position < len(inside):
            return Splice(inside[position].start, inside[position].start, f"{flow_text(value)}, ")
        return _in_brackets(page, holder, flow_text(value))
    lines = item_lines(value, inside[0].column, page.style)
    return _below(page, inside[position - 1], lines) if position else _before_the_first(page, holder, lines)


def _below(page: Page, sibling: Entry, lines: list[str]) -> Splice:
    end = after_own_comments(page.text, sibling)
    return Splice(end, end, page.joined("", *lines))


def _before_the_first(page: Page, holder: Entry, lines: list[str]) -> Splice:
    """Above the first item and the comments that stand right on top of it."""
    text, start = page.text, holder.value.start_mark.index
    if not stands_first(text, start):
        return Splice(start, start, page.joined(lines[0].lstrip(" "), *lines[1:], " " * holder.value.start_mark.column))
    place = line_start(text, start)
    while place and _COMMENT.match(text, above := line_start(text, place - 1)):
        place = above
    return Splice(place, place, page.joined(*lines, ""))


def _in_brackets(page: Page, holder: Entry, new: str) -> Splice:
    text, inside = page.text, entries_of(holder)
    if not inside:
        start = holder.value.start_mark.index + 1
        blank = len(text[start : holder.value.end_mark.index - 1])
        return Splice(start, start, f" {new}" if blank else new)
    last = inside[-1]
    end = end_of(text, last)
    if not _stands_alone(page, last):
        return Splice(end, end, f", {new}" if text[end - 1] != ":" else f" , {new}")
    # One entry a line: the new one gets a line too, and a comma where the last one had one.
    behind = text[end : line_end(text, end)]
    comma = "," if behind.lstrip().startswith(",") else ""
    indent = text[line_start(text, last.start) : last.start]
    return Splice(end, end + len(behind), page.joined(f"{'' if comma else ','}{behind}", f"{indent}{new}{comma}"))


def _stands_alone(page: Page, entry: Entry) -> bool:
    """Whether an entry in brackets has lines of its own, the closing bracket on a later one."""
    text = page.text
    end = end_of(text, entry)
    behind = text[end : line_end(text, end)].lstrip(" \t,")
    return stands_first(text, entry.start) and (not behind or behind.startswith("#")) and next_line(text, end) < len(text)
