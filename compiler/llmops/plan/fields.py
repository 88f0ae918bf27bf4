"""Field by field, what differs between two versions of a resource.

Items of a list that have a name are compared by it, as overlays merge them; other lists of maps by position, other lists as a whole.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from llmops.overlay import merge_key
from llmops.plan.classes import field_class, gravest, weakening
from llmops.plan.words import word_diff
from llmops.resources import Path, Resource
from llmops.validate.secrets import holds_secret

HIDDEN = "(hidden)"
"""Stands for a value that looks like a secret: a plan is published."""
LONG = 60
"""Characters from which a text is shown as a word diff."""
_MISSING = object()
Row = dict[str, Any]


class Item(str):
    """A step of a path that names an item of a list."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Difference:
    """`path` is a full path, whose steps into lists are `Item`s or positions. `old` or `new` is None where there is none."""

    path: Path
    operation: str
    old: Any
    new: Any


def equal(left: Any, right: Any) -> bool:
    """Equal as canonical JSON, under every hash: `1` and `1.0` are one value there, `1` and `true` two."""
    if isinstance(left, Mapping) and isinstance(right, Mapping):
        return left.keys() == right.keys() and all(equal(left[key], right[key]) for key in left)
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(equal, left, right))
    return isinstance(left, bool) is isinstance(right, bool) and bool(left == right)


def differences(old: Any, new: Any, path: Path = ()) -> Iterator[Difference]:
    """Every leaf that differs between plain data; maps are entered even where one side has none."""
    if equal(old, new):
        return
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        for key in sorted(old.keys() | new.keys()):
            yield from differences(old.get(key, _MISSING), new.get(key, _MISSING), (*path, key))
    elif isinstance(old, Mapping) and new is _MISSING and old:
        yield from differences(old, {}, path)
    elif isinstance(new, Mapping) and old is _MISSING and new:
        yield from differences({}, new, path)
    elif isinstance(old, list) and isinstance(new, list):
        yield from _lists(old, new, path)
    else:
        yield _difference(old, new, path)


def _difference(old: Any, new: Any, path: Path) -> Difference:
    operation = "add" if old is _MISSING else "remove" if new is _MISSING else "change"
    return Difference(path, operation, None if old is _MISSING else old, None if new is _MISSING else new)


def _lists(old: list[Any], new: list[Any], path: Path) -> Iterator[Difference]:
    key = merge_key([*old, *new])
    if key is None or _repeats(old, key) or _repeats(new, key):
        yield from _by_position(old, new, path)
        return
    left, right = {item[key]: item for item in old}, {item[key]: item for item in new}
    for name in [*left, *(name for name in right if name not in left)]:
        if name in left and name in right:
            yield from differences(left[name], right[name], (*path, Item(name)))
        else:
            yield _difference(left.get(name, _MISSING), right.get(name, _MISSING), (*path, Item(name)))
    if [name for name in left if name in right] != [name for name in right if name in left]:
        yield Difference((*path, "order"), "change", list(left), list(right))


def _repeats(items: list[Any], key: str) -> bool:
    return len({item[key] for item in items}) < len(items)


def _by_position(old: list[Any], new: list[Any], path: Path) -> Iterator[Difference]:
    if not all(isinstance(item, Mapping) for item in (*old, *new)):
        yield Difference(path, "change", old, new)
        return
    for index in range(max(len(old), len(new))):
        left = old[index] if index < len(old) else _MISSING
        right = new[index] if index < len(new) else _MISSING
        if left is _MISSING or right is _MISSING:
            yield _difference(left, right, (*path, index))
        else:
            yield from differences(left, right, (*path, index))


def field_rows(old: Resource, new: Resource) -> list[Row]:
    """The differences of metadata and spec with their classes, as the plan's document has them."""
    found = [
        *differences({"metadata": old.metadata}, {"metadata": new.metadata}),
        *differences({"spec": old.spec}, {"spec": new.spec}),
    ]
    return [_row(old, new, difference) for difference in found]


def _row(old: Resource, new: Resource, found: Difference) -> Row:
    return {
        "path": dotted(found.path),
        "operation": found.operation,
        # A model may become another sort of model, and is relied on as both.
        "class": gravest([field_class(old, found.path), field_class(new, found.path)]),
        "old": shown(found.old),
        "new": shown(found.new),
        "words": _words(found),
        "note": weakening(new, found.path, found.old, found.new),
    }


def _words(found: Difference) -> list[list[str]] | None:
    old, new = found.old, found.new
    if not (isinstance(old, str) and isinstance(new, str)) or max(len(old), len(new)) < LONG or HIDDEN in (shown(old), shown(new)):
        return None
    return word_diff(old, new)


def dotted(path: Path) -> str:
    """A path as people write it, items of lists in brackets: `spec.rules[pii-out].action`."""
    steps = (f"[{step}]" if isinstance(step, (int, Item)) else f".{step}" for step in path)
    return "".join(steps).removeprefix(".")


def shown(value: Any) -> Any:
    """Plain data without anything that looks like a secret."""
    if isinstance(value, str):
        return HIDDEN if holds_secret(value) else value
    if isinstance(value, Mapping):
        return {key: shown(item) for key, item in value.items()}
    return [shown(item) for item in value] if isinstance(value, list) else value


def leaves(value: Any, path: Path = ()) -> Iterator[tuple[str, Any]]:
    """Every leaf of plain data under its path as people write it; entered as `differences` enters it."""
    if isinstance(value, Mapping) and value:
        for key, item in value.items():
            yield from leaves(item, (*path, key))
    elif isinstance(value, list) and (key := merge_key(value)) and not _repeats(value, key):
        for item in value:
            yield from leaves(item, (*path, Item(item[key])))
    else:
        yield dotted(path), value
