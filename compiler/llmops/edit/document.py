"""One value of one YAML file changed: every other byte stays, and both texts are read again to hold that.

Input: a text, a document's index, a path, a value. Output: the new text, or `EditRefused`.
"""

from __future__ import annotations

from typing import Any

from llmops.edit.addition import add_field, add_item
from llmops.edit.bounds import bounds_of
from llmops.edit.change import Add, Put, Step, steps_to
from llmops.edit.data import same, with_value
from llmops.edit.page import Page, Splice, open_page
from llmops.edit.refusal import EditRefused
from llmops.edit.removal import remove
from llmops.edit.replacement import replace
from llmops.edit.tree import LAST_BREAK, Entry, find
from llmops.load.yaml_core import YamlProblem, build
from llmops.resources import Path
from llmops.validate import dotted


def edited(text: str, index: int, path: Path, value: Any) -> str:
    """The text in which `path` of document `index` holds `value`.

    `index` counts as `Document.index` does. `value` is plain data (text, numbers, true or false, lists, maps); None takes the
    field or item out. Parents that are missing are made; an item is added at the position one behind the last. `text` has no
    byte order mark. Raises `EditRefused` where that cannot be done, or would change anything else: both texts are read by
    `llmops.load.yaml_core` to know.
    """
    page, before = _read(text)
    if not 0 <= index < len(before):
        raise EditRefused(f"The file has no document {index}")
    wanted = with_value(before[index], path, value)
    after = text
    for step in steps_to(before[index], path, value):
        after = _taken(after, index, step)
    _hold_values(after, [*before[:index], wanted, *before[index + 1 :]], path)
    _hold_lines(page, after, bounds_of(page.text, Entry(page.roots[index]), path, goes=value is None), path)
    return after


def _read(text: str) -> tuple[Page, list[Any]]:
    try:
        page = open_page(text)
        return page, [build(root) for root in page.roots]
    except YamlProblem as problem:
        raise EditRefused(f"The file is not valid: {problem.message}", problem.hint) from problem


def _taken(text: str, index: int, step: Step) -> str:
    """One step further. Every step reads the text anew, since the one before has moved what stands behind it."""
    page, _ = _read(text)
    document = Entry(page.roots[index])
    return page.spliced(_splice(page, document, step))


def _splice(page: Page, document: Entry, step: Step) -> Splice:
    if isinstance(step, Put):
        return replace(page, find(document, step.path), step.value)
    if isinstance(step, Add):
        holder = find(document, step.path)
        if isinstance(step.step, str):
            return add_field(page, holder, step.step, step.value)
        return add_item(page, holder, step.step, step.value)
    holder, entry = find(document, step.path[:-1]), find(document, step.path)
    return remove(page, holder, entry.position)


def _hold_values(after: str, wanted: list[Any], path: Path) -> None:
    try:
        _, found = _read(after)
    except EditRefused as problem:
        raise EditRefused(f"{dotted(path)} cannot be edited here: {problem}") from problem
    if not same(found, wanted):
        raise EditRefused(f"{dotted(path)} cannot be edited without changing something else")


def _hold_lines(page: Page, after: str, bounds: tuple[int, int], path: Path) -> None:
    """The lines before and after the bounds are the same, to the byte, and so is a line break at the end."""
    head, tail = page.text[: bounds[0]], page.text[bounds[1] :]
    ending = "" if LAST_BREAK.search(page.text) else page.style.newline
    whole = (after + ending).startswith(head) and after.endswith(tail) and len(after + ending) >= len(head) + len(tail)
    if not whole or not (ending or LAST_BREAK.search(after)):
        raise EditRefused(f"{dotted(path)} cannot be edited without changing other lines")
