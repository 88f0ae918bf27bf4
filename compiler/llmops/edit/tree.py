"""A YAML text as its editor sees it: nodes with the spans that their values really take, and lines.

libyaml ends a block collection where the next token begins, behind comments that are not its own: `end_of` finds the end.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from llmops.resources import Path

BREAK = re.compile(r"\r\n|[\n\r\x85\u2028\u2029]")
"""A line break, as YAML 1.1's scanner counts them."""
_BLANK_TAIL = re.compile(r"(?:(?:\r\n|[\n\r\x85\u2028\u2029]) *)+\Z")
LAST_BREAK = re.compile(r"(?:\r\n|[\n\r\x85\u2028\u2029])\Z")
_COMMENT = re.compile(r"( *)#")

Collection = MappingNode | SequenceNode


@dataclass(frozen=True, slots=True)
class Entry:
    """A field of a map (`key`), an item of a list (no key), or a document (no parent). `in_flow`: inside brackets."""

    value: Node
    key: ScalarNode | None = None
    parent: Collection | None = None
    position: int = 0
    in_flow: bool = False

    @property
    def start(self) -> int:
        """Where the key stands; for an item, its value."""
        node = self.key if self.key is not None else self.value
        return int(node.start_mark.index)

    @property
    def column(self) -> int:
        """How far the entry is indented: its key, or the dash of its list; -1 for a document."""
        if self.parent is None:
            return -1
        return int((self.key or self.parent).start_mark.column)


def entries_of(entry: Entry) -> list[Entry]:
    """What the map or list that an entry holds consists of."""
    node = entry.value
    if isinstance(node, MappingNode):
        flow = entry.in_flow or bool(node.flow_style)
        return [Entry(value, key, node, i, flow) for i, (key, value) in enumerate(node.value)]
    if isinstance(node, SequenceNode):
        flow = entry.in_flow or bool(node.flow_style)
        return [Entry(value, None, node, i, flow) for i, value in enumerate(node.value)]
    return []


def find(document: Entry, path: Path) -> Entry:
    """The entry at a path that exists."""
    entry = document
    for step in path:
        inside = entries_of(entry)
        entry = inside[step] if isinstance(step, int) else next(e for e in inside if e.key is not None and e.key.value == step)
    return entry


def is_block(entry: Entry) -> bool:
    """Whether its value is a map or list written on lines of its own, without brackets."""
    return isinstance(entry.value, Collection) and not entry.value.flow_style


def style_of_scalar(node: Node) -> str | None:
    """Its quote, `|` or `>`; None for plain text and for collections."""
    return node.style if isinstance(node, ScalarNode) else None


def is_block_scalar(node: Node) -> bool:
    return style_of_scalar(node) in ("|", ">")


def is_written(node: Node) -> bool:
    """Whether anything stands in the text for the value: `key:` alone has none."""
    return bool(node.end_mark.index > node.start_mark.index)


def end_of(text: str, entry: Entry) -> int:
    """Where the entry's last character stands, comments and blank lines behind it not counted."""
    node = entry.value
    if is_block_scalar(node):
        return _end_of_block_scalar(text, node)
    if is_block(entry):
        return end_of(text, entries_of(entry)[-1])
    end = int(node.end_mark.index)
    return end if entry.key is None else max(end, int(entry.key.end_mark.index))


def _end_of_block_scalar(text: str, node: Node) -> int:
    start, end = node.start_mark.index, node.end_mark.index
    header = text[start : line_end(text, start)]
    tail = LAST_BREAK if "+" in header.partition("#")[0] else _BLANK_TAIL
    found = tail.search(text, start, end)
    return found.start() if found else int(end)


def line_start(text: str, index: int) -> int:
    """The index of the first character of the line that holds `index`."""
    start = 0
    for found in BREAK.finditer(text, 0, index):
        start = found.end()
    return start


def line_end(text: str, index: int) -> int:
    """The index of the line break at or after `index`, or of the text's end."""
    found = BREAK.search(text, index)
    return found.start() if found else len(text)


def next_line(text: str, index: int) -> int:
    """The index of the first character after the line that holds `index`."""
    found = BREAK.search(text, index)
    return found.end() if found else len(text)


def stands_first(text: str, index: int) -> bool:
    """Whether only spaces stand before `index` on its line."""
    return not text[line_start(text, index) : index].strip(" ")


def after_own_comments(text: str, entry: Entry) -> int:
    """The end of the line where a block entry ends, comment lines right below that are indented deeper than it included."""
    end = line_end(text, end_of(text, entry))
    while end < len(text):
        start = next_line(text, end)
        comment = _COMMENT.match(text, start)
        if comment is None or len(comment[1]) <= entry.column:
            break
        end = line_end(text, start)
    return end
