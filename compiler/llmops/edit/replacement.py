"""A value in the place of another: spliced at its marks, whatever stands around it."""

from __future__ import annotations

import re
from typing import Any

from yaml.nodes import MappingNode, ScalarNode

from llmops.edit.emit import WIDTH, block_lines, flow_text, indented, is_block_value, literal_lines, rendered
from llmops.edit.page import Page, Splice
from llmops.edit.scalars import block_scalar, one_line
from llmops.edit.tree import (
    LAST_BREAK,
    Entry,
    after_own_comments,
    end_of,
    is_block,
    is_block_scalar,
    is_written,
    line_end,
    line_start,
    stands_first,
    style_of_scalar,
)

_HEADER = re.compile(r"[|>][0-9+-]*")


def replace(page: Page, entry: Entry, value: Any) -> Splice:
    """Puts `value`, of another shape or another scalar, where the entry's value stands."""
    node = entry.value
    if entry.in_flow or (not is_block(entry) and not isinstance(node, ScalarNode)):
        return _in_brackets(page, entry, value)
    if is_block(entry):
        return _for_a_collection(page, entry, value)
    return _for_a_scalar(page, entry, value)


def _in_brackets(page: Page, entry: Entry, value: Any) -> Splice:
    node = entry.value
    quote = style_of_scalar(node)
    text = flow_text(value) if isinstance(value, dict | list) else one_line(value, in_flow=entry.in_flow, quote=quote)
    return Splice(node.start_mark.index, node.end_mark.index, _gap(page, entry) + text)


def _gap(page: Page, entry: Entry) -> str:
    """What must stand before a value where there was none: `key:`, `-`, or in brackets `key` alone."""
    if is_written(entry.value):
        return ""
    if entry.key is None:
        return " " * (page.style.dash - 1)
    start = entry.value.start_mark.index
    if entry.in_flow and ":" not in page.text[entry.key.end_mark.index : start]:
        return ": "
    return "" if page.text[start - 1 : start] in (" ", "\t") else " "


def _for_a_scalar(page: Page, entry: Entry, value: Any) -> Splice:
    node, text = entry.value, page.text
    start, end = node.start_mark.index, end_of(text, entry)
    # What stands behind the value on its first line is a comment, and stays there.
    found = _HEADER.match(text, start) if is_block_scalar(node) else None
    behind = text[found.end() : line_end(text, start)] if found else text[end : line_end(text, end)]
    head, body = _new_lines(page, entry, value)
    if not body:
        return Splice(start, end, _gap(page, entry) + head + (behind if found else ""))
    if not head and entry.key is not None and entry.key.start_mark.line == node.start_mark.line:
        start = len(text[:start].rstrip(" \t"))
        return Splice(start, line_end(text, end), page.joined(behind.rstrip(), *body))
    first, rest = (head, body) if head else (body[0].lstrip(" "), body[1:])
    return Splice(start, line_end(text, end), _gap(page, entry) + page.joined(first + behind, *rest))


def _new_lines(page: Page, entry: Entry, value: Any) -> tuple[str, list[str]]:
    node = entry.value
    if is_block_value(value, page.style):
        beside = entry.key is None or entry.key.start_mark.line < node.start_mark.line
        if beside:
            column = node.start_mark.column + (0 if is_written(node) else page.style.dash - 1)
            return "", block_lines(value, column, page.style)
        return rendered(value, entry.column, page.style)
    if isinstance(value, dict | list):
        return flow_text(value), []
    if not isinstance(value, str):
        return one_line(value, in_flow=False), []
    lines = _as_block_scalar(page, entry, value)
    if lines:
        return lines[0], indented(lines[1:], max(0, entry.column))
    return one_line(value, in_flow=False, quote=style_of_scalar(node)), []


def _as_block_scalar(page: Page, entry: Entry, value: str) -> list[str] | None:
    """A text that was a block stays one; a new one of several lines becomes one, unless the old was in double quotes."""
    style, last_line = style_of_scalar(entry.value), line_end(page.text, end_of(page.text, entry))
    if last_line < after_own_comments(page.text, entry):
        return None  # the comments below would become part of the text
    if style not in ("|", ">"):
        return literal_lines(value, page.style) if style != '"' else None
    if value.endswith("\n") and last_line == len(page.text):
        return None  # without a line break at the file's end the block would lose its own
    return block_scalar(value, style, _indent(page, entry), max(WIDTH, _longest(page.text, entry)))


def _block_rows(text: str, entry: Entry) -> list[str]:
    return [row for row in text[entry.value.start_mark.index : end_of(text, entry)].splitlines()[1:] if row.strip()]


def _longest(text: str, entry: Entry) -> int:
    return max((len(row.strip()) for row in _block_rows(text, entry)), default=0)


def _indent(page: Page, entry: Entry) -> int:
    """How much deeper the old block's lines stand than its parent."""
    rows = _block_rows(page.text, entry)
    depth = min((len(row) - len(row.lstrip(" ")) for row in rows), default=0) - max(0, entry.column)
    return depth if depth > 0 else page.style.step


def _for_a_collection(page: Page, entry: Entry, value: Any) -> Splice:
    node, text = entry.value, page.text
    start, end = node.start_mark.index, end_of(text, entry)
    if is_block_value(value, page.style):
        lines = block_lines(value, _column_for(page, entry, value), page.style)
        if stands_first(text, start):
            return Splice(line_start(text, start), end, page.joined(*lines))
        return Splice(start, end, page.joined(lines[0].lstrip(" "), *lines[1:]))
    inline = flow_text(value) if isinstance(value, dict | list) else one_line(value, in_flow=False)
    if entry.key is None:
        return Splice(start, end, inline)
    # The value moves up behind its key; comments between the two stay where they are.
    colon = text.index(":", entry.key.end_mark.index) + 1
    between = text[colon : line_start(text, start)]
    return Splice(colon, end, f" {inline}{LAST_BREAK.sub('', between)}")


def _column_for(page: Page, entry: Entry, value: Any) -> int:
    """Where a map or list stands that takes the place of the other: a list may stand right under its key, a map may not."""
    column = int(entry.value.start_mark.column)
    if isinstance(entry.value, MappingNode) == isinstance(value, dict) or entry.key is None:
        return column
    return entry.column + (page.style.step if isinstance(value, dict) else page.style.offset)
