"""What a kind's fields hold, for the type checker of policies: JSON Schemas read as records, lists, maps and scalars.

The variants of a union (chat and embedding models, the detectors) are one record with the fields of all.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Literal

from llmops.kinds import schema
from llmops.kinds.fields import resolve
from llmops.resources import Path

Base = Literal["text", "whole", "number", "flag", "record", "map", "any"]
_SCALARS: Mapping[str, Base] = {"string": "text", "integer": "whole", "number": "number", "boolean": "flag"}


@dataclass(frozen=True, slots=True)
class Shape:
    """`fields` are a record's; `each` is what a map holds. `many` is a list of what the rest describes."""

    base: Base
    fields: Mapping[str, Shape] = field(default_factory=dict)
    each: Shape | None = None
    many: bool = False
    names: tuple[str, ...] = ()
    """The values that a text may have, where the schema names them all."""

    def one(self) -> Shape:
        """The shape of an item of the list."""
        return Shape(self.base, self.fields, self.each, names=self.names)


ANY = Shape("any")


@cache
def shape_of(kind: str) -> Shape:
    """A resource as expressions see it: `kind`, `metadata`, `spec`, `files`."""
    root = schema(kind)
    fields = {name: _shape(root["properties"][name], root) for name in ("metadata", "spec")}
    return Shape("record", {"kind": Shape("text"), **fields, "files": Shape("text", many=True)})


def _shape(part: Mapping[str, Any], root: Mapping[str, Any]) -> Shape:
    part = resolve(part, root)
    options = [resolve(option, root) for option in (*part.get("oneOf", ()), *part.get("anyOf", ()))]
    options = [option for option in options if option.keys() != {"required"}]  # such an option chooses fields, it brings none
    if options:
        return _union([_shape(option, root) for option in options])
    kind = part.get("type")
    if kind == "array":
        return _list(_shape(part.get("items", {}), root))
    if kind == "object":
        return _object(part, root)
    if isinstance(kind, str) and kind in _SCALARS:
        return Shape(_SCALARS[kind], names=tuple(part.get("enum", [part["const"]] if "const" in part else ())))
    return ANY


def _list(item: Shape) -> Shape:
    return ANY if item.many else Shape(item.base, item.fields, item.each, many=True, names=item.names)


def _object(part: Mapping[str, Any], root: Mapping[str, Any]) -> Shape:
    if "properties" in part:
        return Shape("record", {name: _shape(child, root) for name, child in part["properties"].items()})
    options = (*part.get("patternProperties", {}).values(), part.get("additionalProperties"))
    each = next((_shape(option, root) for option in options if isinstance(option, dict)), ANY)
    return Shape("map", each=ANY if each.many or each.base == "map" else each)


def _union(options: list[Shape]) -> Shape:
    if all(option.base == "record" and not option.many for option in options):
        names = dict.fromkeys(name for option in options for name in option.fields)
        return Shape("record", {name: _joined([o.fields[name] for o in options if name in o.fields]) for name in names})
    return _joined(options)


def _joined(options: list[Shape]) -> Shape:
    """One shape for a field that variants share; what they disagree on is left open."""
    first = options[0]
    if all(option == first for option in options):
        return first
    if first.base in ("record", "map") or any((o.base, o.many) != (first.base, first.many) for o in options):
        return ANY
    names = tuple(name for option in options for name in option.names) if all(option.names for option in options) else ()
    return Shape(first.base, many=first.many, names=names)


@dataclass(frozen=True, slots=True)
class Unknown:
    """A step of a path that leads nowhere, and the names that would."""

    step: str
    known: tuple[str, ...]


def follow(shape: Shape, path: Iterable[str | int]) -> Shape | Unknown:
    """The shape at the end of a path."""
    for step in path:
        found = _step(shape, step)
        if isinstance(found, Unknown):
            return found
        shape = found
    return shape


def _step(shape: Shape, step: str | int) -> Shape | Unknown:
    if shape.base == "any":
        return shape
    if isinstance(step, int) or shape.many:
        return shape.one() if shape.many and isinstance(step, int) else Unknown(str(step), ())
    if shape.base == "map":
        return shape.each or ANY
    return shape.fields.get(step) or Unknown(step, tuple(shape.fields))


def misfits(shape: Shape, value: Any, path: Path = ()) -> list[tuple[Path, str]]:
    """Where plain data does not fit, and why; missing fields are no fault. For the resources that a policy's cases describe."""
    if shape.base == "any":
        return []
    if shape.many:
        return _misfits_of_list(shape, value, path)
    if shape.base in ("record", "map"):
        return _misfits_of_map(shape, value, path)
    return [] if _FITS[shape.base](value) and (not shape.names or value in shape.names) else [(path, _expected(shape))]


_FITS = {
    "text": lambda value: isinstance(value, str),
    "flag": lambda value: isinstance(value, bool),
    "whole": lambda value: isinstance(value, int) and not isinstance(value, bool),
    "number": lambda value: isinstance(value, (int, float)) and not isinstance(value, bool),
}
_CALLED = {"text": "a text", "flag": "true or false", "whole": "a whole number", "number": "a number"}


def _expected(shape: Shape) -> str:
    return f"Expected one of {', '.join(shape.names)}" if shape.names else f"Expected {_CALLED[shape.base]}"


def _misfits_of_list(shape: Shape, value: Any, path: Path) -> list[tuple[Path, str]]:
    if not isinstance(value, list):
        return [(path, "Expected a list")]
    return [fault for i, item in enumerate(value) for fault in misfits(shape.one(), item, (*path, i))]


def _misfits_of_map(shape: Shape, value: Any, path: Path) -> list[tuple[Path, str]]:
    if not isinstance(value, dict):
        return [(path, "Expected a map")]
    faults: list[tuple[Path, str]] = []
    for name, item in value.items():
        inner = _step(shape, name)
        if isinstance(inner, Unknown):
            faults.append(((*path, name), f"Unknown field {name!r}"))
        else:
            faults += misfits(inner, item, (*path, name))
    return faults


@cache
def _numbers_of(kind: str) -> Any:
    return _numbers(shape_of(kind))


def _numbers(shape: Shape) -> Any:
    """Where numbers stand: True for one, a map of what leads to some, None for nothing. A list is as its items."""
    if shape.base == "number":
        return True
    found = {name: inner for name, part in shape.fields.items() if (inner := _numbers(part))}
    return found or None


def with_floats(kind: str, data: dict[str, Any]) -> dict[str, Any]:
    """The data with 1 as 1.0 where the schema says number, since CEL does not mix the two. `data` is not changed."""
    plan = _numbers_of(kind)
    converted: dict[str, Any] = _converted(plan, data) if plan else data
    return converted


def with_floats_of(shape: Shape, data: Any) -> Any:
    """As `with_floats`, of what is no kind."""
    plan = _numbers(shape)
    return _converted(plan, data) if plan else data


def _converted(plan: Any, value: Any) -> Any:
    if isinstance(value, list):
        return [_converted(plan, item) for item in value]
    if plan is True:
        return float(value) if isinstance(value, int) else value
    if not isinstance(value, dict):
        return value
    return {**value, **{name: _converted(inner, value[name]) for name, inner in plan.items() if name in value}}
