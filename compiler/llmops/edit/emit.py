"""Plain data → YAML lines in a file's own style: block where it is long or nested, brackets where the file has them."""

from __future__ import annotations

from typing import Any

from llmops.edit.scalars import block_scalar, key_text, one_line
from llmops.edit.style import Style

WIDTH = 80
"""The longest value in brackets, and the longest line of a folded text."""


def flow_text(value: Any) -> str:
    """A value on one line, as it stands inside brackets."""
    if isinstance(value, dict):
        return "{" + ", ".join(flow_field(key, item) for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(flow_text(item) for item in value) + "]"
    return one_line(value, in_flow=True)


def flow_field(key: str, value: Any) -> str:
    return f"{key_text(key, in_flow=True)}: {flow_text(value)}"


def is_block_value(value: Any, style: Style) -> bool:
    """Whether a new value is a map or list that takes lines of its own."""
    if not isinstance(value, dict | list) or not value:
        return False
    inside = list(value.values()) if isinstance(value, dict) else value
    nested = any(isinstance(item, dict | list) and item for item in inside)
    return not style.flow or (nested and isinstance(value, list)) or _depth(value) > 2 or _is_long(value)


def field_lines(key: str, value: Any, column: int, style: Style) -> list[str]:
    """The lines of one field of a block map whose keys stand at `column`."""
    head, body = rendered(value, column, style)
    name = f"{' ' * column}{key_text(key, in_flow=False)}:"
    return [f"{name} {head}" if head else name, *body]


def item_lines(value: Any, column: int, style: Style) -> list[str]:
    """The lines of one item of a block list whose dashes stand at `column`; a map or list begins on the dash's line."""
    dash = f"{' ' * column}-"
    if is_block_value(value, style):
        first, *rest = block_lines(value, column + style.dash, style)
        return [dash + first[column + 1 :], *rest]
    head, body = rendered(value, column, style)
    return [f"{dash}{' ' * (style.dash - 1)}{head}", *body]


def block_lines(value: Any, column: int, style: Style) -> list[str]:
    """The lines of a map or list, not empty, at `column`."""
    if isinstance(value, dict):
        return [line for key, item in value.items() for line in field_lines(key, item, column, style)]
    return [line for item in value for line in item_lines(item, column, style)]


def rendered(value: Any, column: int, style: Style) -> tuple[str, list[str]]:
    """What stands behind a key or dash at `column`, and the lines below it."""
    if isinstance(value, str) and (lines := literal_lines(value, style)):
        return lines[0], indented(lines[1:], column)
    if is_block_value(value, style):
        inner = max(0, column) + (style.step if isinstance(value, dict) else style.offset)
        return "", block_lines(value, inner, style)
    return (flow_text(value) if isinstance(value, dict | list) else one_line(value, in_flow=False)), []


def literal_lines(value: str, style: Style) -> list[str] | None:
    """A text of several lines as a literal block; None where it has only one or cannot be written so."""
    fits = "\n" in value.strip("\n") and (style.ended or not value.endswith("\n"))
    return block_scalar(value, "|", style.step, WIDTH) if fits else None


def indented(lines: list[str], column: int) -> list[str]:
    return [f"{' ' * column}{line}" if line else "" for line in lines]


def _depth(value: Any) -> int:
    if not isinstance(value, dict | list):
        return 0
    return 1 + max((_depth(item) for item in (value.values() if isinstance(value, dict) else value)), default=0)


def _is_long(value: Any) -> bool:
    text = flow_text(value)
    return len(text) > WIDTH or "\\n" in text
