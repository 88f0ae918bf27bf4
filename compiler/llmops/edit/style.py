"""How a file is written: its indentation, its line breaks, whether it uses brackets. What is added follows it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from yaml.nodes import MappingNode, Node, SequenceNode

from llmops.edit.tree import BREAK, LAST_BREAK, Entry, entries_of, is_block, is_written


@dataclass(frozen=True, slots=True)
class Style:
    """`step`: columns from a key to the keys below it; `offset`: to the dashes below it; `dash`: from a dash to its item;
    `flow`: whether brackets are used; `ended`: whether the last line has its break, without which no block of text keeps its own."""

    step: int
    offset: int
    dash: int
    newline: str
    flow: bool
    ended: bool


def style_of(text: str, roots: Iterable[Node]) -> Style:
    """The commonest of each; two columns, dashes indented, where the file shows none."""
    entries = [entry for root in roots for entry in _walk(Entry(root))]
    found = BREAK.search(text)
    return Style(
        _commonest((_first_column(e) - e.column for e in entries if _holds(e, MappingNode)), 2),
        _commonest((_first_column(e) - e.column for e in entries if _holds(e, SequenceNode)), 2),
        _commonest((_first_column(e) - e.column for e in entries if _is_item(e)), 2),
        found[0] if found and found[0] in ("\n", "\r\n", "\r") else "\n",
        any(isinstance(e.value, MappingNode | SequenceNode) and e.value.flow_style and e.value.value for e in entries),
        LAST_BREAK.search(text) is not None,
    )


def _walk(entry: Entry) -> Iterator[Entry]:
    yield entry
    for inside in entries_of(entry):
        yield from _walk(inside)


def _holds(entry: Entry, kind: type[Node]) -> bool:
    """Whether it is a field whose value is a block map or list."""
    return entry.key is not None and is_block(entry) and isinstance(entry.value, kind)


def _is_item(entry: Entry) -> bool:
    """Whether it is an item of a block list that stands beside its dash."""
    beside = entry.parent is not None and entry.value.start_mark.column > entry.column
    return entry.key is None and beside and not entry.in_flow and is_written(entry.value)


def _first_column(entry: Entry) -> int:
    return int(entry.value.start_mark.column)


def _commonest(numbers: Iterable[int], default: int) -> int:
    counted = Counter(numbers).most_common(1)
    return counted[0][0] if counted else default
