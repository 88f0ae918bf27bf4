"""Which lines an edit may change, told from the old text alone: what `edited` holds the new text against."""

from __future__ import annotations

from llmops.edit.tree import Entry, after_own_comments, end_of, entries_of, is_block, line_start, next_line, stands_first
from llmops.resources import Path


def bounds_of(text: str, document: Entry, path: Path, *, goes: bool) -> tuple[int, int]:
    """From the first character that may change to the one behind the last, for an edit at `path`.

    A new field or item changes no line at all where it gets its own: both are then the place where it is put. `goes` says that
    the entry is taken out.
    """
    above = [document]
    for step in path:
        inside = {e.position if e.key is None else e.key.value: e for e in entries_of(above[-1])}
        if step not in inside:
            return _of_an_addition(text, above[-1])
        above.append(inside[step])
    return _of_a_removal(text, above) if goes else _lines_of(text, above[-1])


def _of_an_addition(text: str, holder: Entry) -> tuple[int, int]:
    if not is_block(holder):
        return _lines_of(text, holder)
    end = after_own_comments(text, entries_of(holder)[-1])
    return end, end


def _of_a_removal(text: str, above: list[Entry]) -> tuple[int, int]:
    """In brackets and beside a dash, neighbours share lines with what goes; the last entry leaves its brackets to its parent."""
    *_, holder, entry = above
    siblings = entries_of(holder)
    if len(siblings) == 1 or entry.in_flow:
        return _lines_of(text, holder)
    start, end = _lines_of(text, entry)
    if entry.position == 0 and not stands_first(text, entry.start):
        end = next_line(text, siblings[1].start)
    if entry.key is None and entry.position:
        start = next_line(text, end_of(text, siblings[entry.position - 1]))
    elif entry.key is None:
        start = line_start(text, holder.value.start_mark.index)
    return start, end


def _lines_of(text: str, entry: Entry) -> tuple[int, int]:
    """An entry's own lines, from its key on; an empty document has one all the same."""
    return line_start(text, entry.start), next_line(text, after_own_comments(text, entry))
