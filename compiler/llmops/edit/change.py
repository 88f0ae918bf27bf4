"""Old and new data → the steps between them, each of which changes as little text as can be."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any

from llmops.edit.data import same
from llmops.overlay import MERGE_KEYS
from llmops.resources import Path, holds, value_at


@dataclass(frozen=True, slots=True)
class Put:
    """The value at `path`, which exists, becomes `value`."""

    path: Path
    value: Any


@dataclass(frozen=True, slots=True)
class Add:
    """The map or list at `path` gets a field of that name, or an item at that position."""

    path: Path
    step: str | int
    value: Any


@dataclass(frozen=True, slots=True)
class Remove:
    """The entry at `path`, which exists, goes."""

    path: Path


Step = Put | Add | Remove


def steps_to(data: Any, path: Path, value: Any) -> list[Step]:
    """What makes `path` of `data` hold `value`, as `with_value` does; to be taken one after another."""
    if value is None:
        return [Remove(path)] if holds(data, path) else []
    if holds(data, path):
        return list(steps_between(value_at(data, path), value, path))
    depth = next(depth for depth in range(len(path)) if not holds(data, path[: depth + 1]))
    for step in reversed(path[depth + 1 :]):
        value = {step: value} if isinstance(step, str) else [value]
    if value_at(data, path[:depth]) is None:
        return [Put(path[:depth], {path[depth]: value} if isinstance(path[depth], str) else [value])]
    return [Add(path[:depth], path[depth], value)]


def steps_between(old: Any, new: Any, path: Path = ()) -> Iterator[Step]:
    """To be taken one after another: no step moves what a later one names."""
    if same(old, new):
        return
    if isinstance(old, dict) and isinstance(new, dict) and old and new:
        yield from _between_maps(old, new, path)
    elif isinstance(old, list) and isinstance(new, list) and old and new:
        yield from _between_lists(old, new, path)
    elif isinstance(old, dict | list) and type(old) is type(new) and not old:
        yield from (Add(path, step, value) for step, value in (new.items() if isinstance(new, dict) else enumerate(new)))
    else:
        yield Put(path, new)


def _between_maps(old: dict[str, Any], new: dict[str, Any], path: Path) -> Iterator[Step]:
    for key, value in new.items():
        if key in old:
            yield from steps_between(old[key], value, (*path, key))
        else:
            yield Add(path, key, value)
    yield from (Remove((*path, key)) for key in old if key not in new)


def _between_lists(old: list[Any], new: list[Any], path: Path) -> Iterator[Step]:
    """From the end, so that no position moves before it is used. Items that stay, or keep their name, keep their comments."""
    matcher = SequenceMatcher(None, [_token(item) for item in old], [_token(item) for item in new], autojunk=False)
    for _, start, end, start_new, end_new in reversed(matcher.get_opcodes()):
        paired = min(end - start, end_new - start_new)
        for i in range(paired):
            yield from steps_between(old[start + i], new[start_new + i], (*path, start + i))
        yield from (Add(path, start + i, new[start_new + i]) for i in range(paired, end_new - start_new))
        yield from (Remove((*path, i)) for i in reversed(range(start + paired, end)))


def _token(item: Any) -> str:
    """What an item is known by: its id or name, or else all of it."""
    names = [item[key] for key in MERGE_KEYS if isinstance(item.get(key), str)] if isinstance(item, dict) else []
    return f"={names[0]}" if names else json.dumps(item, sort_keys=True)
