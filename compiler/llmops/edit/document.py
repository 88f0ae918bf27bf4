"""One value of one YAML file changed: every other byte stays, and both texts are read again to hold that.

Input: a text, a document's index, a path, a value. Output: the new text, or `EditRefused`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from llmops.edit.addition import add_field, add_item
from llmops.edit.change import Add, Put, Step, same, steps_between
from llmops.edit.page import Page, Splice, open_page
from llmops.edit.refusal import BY_HAND, EditRefused
from llmops.edit.removal import remove
from llmops.edit.replacement import replace
from llmops.edit.tree import Entry, after_own_comments, entries_of, find, next_line
from llmops.load.yaml_core import YamlProblem, build
from llmops.resources import Path
from llmops.validate import dotted

_OLD_STEP = "The document has no such place"


def edited(text: str, index: int, path: Path, value: Any) -> str:
    """The text in which `path` of document `index` holds `value`.

    `index` counts as `Document.index` does. `value` is plain data (text, numbers, true or false, lists, maps); None takes the
    field or item out. Parents that are missing are made; an item is added at the position one behind the last. `text` has no
    byte order mark. Raises `EditRefused` where that cannot be done, or would change anything else; both texts are read by
    `llmops.load.yaml_core` to know.
    """
    page = _opened(text)
    before = _data_of(page)
    if not 0 <= index < len(before):
        raise EditRefused(f"The file has no document {index}")
    wanted = _with(before[index], path, value, path)
    after = text
    for step in steps_between(before[index], wanted):
        after = _taken(after, index, step, path)
    _hold(page, after, index, (path, before, wanted))
    return after


def _opened(text: str) -> Page:
    try:
        return open_page(text)
    except YamlProblem as problem:
        raise EditRefused(f"The file is not valid: {problem.message}", problem.hint) from problem


def _data_of(page: Page) -> list[Any]:
    try:
        return [build(root) for root in page.roots]
    except YamlProblem as problem:
        raise EditRefused(f"The file is not valid: {problem.message}", problem.hint) from problem


def _with(data: Any, path: Path, value: Any, whole: Path) -> Any:
    """A copy of `data` with the value at `path`; what the edited text must read as."""
    if not path:
        if value is None or not isinstance(data, dict) or not isinstance(value, dict):
            raise EditRefused(f"{dotted(whole) or 'A whole document'} cannot be replaced by a value of another shape")
        return value
    step, *rest = path
    if isinstance(step, str) and isinstance(data, dict):
        return _with_field(data, step, (tuple(rest), value), whole)
    if isinstance(step, int) and isinstance(data, list) and 0 <= step <= len(data):
        return _with_item(data, step, (tuple(rest), value), whole)
    shape = {"dict": "a map", "list": f"a list of {len(data) if isinstance(data, list) else 0}"}.get(type(data).__name__, "a single value")
    raise EditRefused(f"{dotted(whole)} cannot be reached: {dotted(whole[: len(whole) - len(path)]) or 'the document'} is {shape}")
