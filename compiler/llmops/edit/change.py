"""Old and new data → the steps between them, each of which changes as little text as can be."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import takewhile
from typing import Any

from llmops.edit.data import same
from llmops.resources import Path


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
    """What is equal at the start and at the end stays; between them items are paired in order."""
    head = _equal_items(old, new)
    tail = min(_equal_items(old[::-1], new[::-1]), min(len(old), len(new)) - head)
    middle_old, middle_new = old[head : len(old) - tail], new[head : len(new) - tail]
    paired = min(len(middle_old), len(middle_new))
    for i in range(paired):
        yield from steps_between(middle_old[i], middle_new[i], (*path, head + i))
    yield from (Add(path, head + i, middle_new[i]) for i in range(paired, len(middle_new)))
    yield from (Remove((*path, head + i)) for i in reversed(range(paired, len(middle_old))))


def _equal_items(left: list[Any], right: list[Any]) -> int:
    return sum(1 for _ in takewhile(lambda pair: same(*pair), zip(left, right, strict=False)))
