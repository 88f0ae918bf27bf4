"""Plain data with one value changed: what an edited text must read as."""

from __future__ import annotations

from typing import Any

from llmops.edit.refusal import EditRefused
from llmops.resources import Path, holds
from llmops.validate import dotted


def same(left: Any, right: Any) -> bool:
    """Equal in value and in type: `1`, `1.0` and `true` are three values. The order of fields has no meaning."""
    if type(left) is not type(right):
        return False
    if isinstance(left, dict):
        return left.keys() == right.keys() and all(same(left[key], right[key]) for key in left)
    if isinstance(left, list):
        return len(left) == len(right) and all(map(same, left, right))
    return bool(left == right)


def with_value(data: Any, path: Path, value: Any) -> Any:
    """A copy of `data` whose `path` holds `value`; without that entry where `value` is None.

    Raises `EditRefused` where the path leads through something that is neither a map nor a list, or past a list's end.
    """
    if not path:
        return _whole(data, value)
    if value is None and not holds(data, path):
        return data
    return _with(data, path, value, path)


def _whole(data: Any, value: Any) -> Any:
    if not isinstance(data, dict) or not isinstance(value, dict):
        raise EditRefused("A whole document is only replaced where it is a map, by a map")
    return value


def _with(data: Any, path: Path, value: Any, whole: Path) -> Any:
    step, rest = path[0], path[1:]
    data = ([] if isinstance(step, int) else {}) if data is None and whole != path else data
    if isinstance(step, str) and isinstance(data, dict):
        inner = _with(data.get(step), rest, value, whole) if rest else value
        return {**{key: item for key, item in data.items() if inner is not None or key != step}, **({} if inner is None else {step: inner})}
    if isinstance(step, int) and isinstance(data, list) and 0 <= step <= len(data):
        inner = _with(data[step] if step < len(data) else None, rest, value, whole) if rest else value
        return [*data[:step], *([] if inner is None else [inner]), *data[step + 1 :]]
    above = dotted(whole[: len(whole) - len(path)]) or "the document"
    raise EditRefused(f"{dotted(whole)} cannot be reached: {above} is {_shape(data)}")


def _shape(data: Any) -> str:
    if isinstance(data, dict):
        return "a map"
    return f"a list of {len(data)}" if isinstance(data, list) else "a single value"
