"""What the schemas say about single fields, read once a kind: references, formats, defaults.

A pattern is a path with `*` for every item of a list or value of a map.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from llmops.kinds import schema
from llmops.resources import Path

Pattern = tuple[str, ...]


@cache
def annotated(kind: str, annotation: str) -> tuple[tuple[Pattern, str], ...]:
    """Every field of a kind that carries `annotation` (`x-llmops-ref`, `x-llmops-format`), with its value."""
    root = schema(kind)
    return tuple(dict.fromkeys(_annotated(root, (), root, annotation)))


def _annotated(part: Mapping[str, Any], path: Pattern, root: Mapping[str, Any], annotation: str) -> Iterator[tuple[Pattern, str]]:
    part = resolve(part, root)
    if annotation in part:
        yield path, part[annotation]
    for option in (*part.get("oneOf", ()), *part.get("anyOf", ())):
        yield from _annotated(option, path, root, annotation)
    for name, child in part.get("properties", {}).items():
        yield from _annotated(child, (*path, name), root, annotation)
    each = _each(part)
    if each is not None:
        yield from _annotated(each, (*path, "*"), root, annotation)


def _each(part: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The schema of every item of a list or value of a map. Keys with a rule of their own are `patternProperties`."""
    by_pattern = part.get("patternProperties", {}).values()
    options = (part.get("items"), part.get("additionalProperties"), *by_pattern)
    return next((option for option in options if isinstance(option, dict)), None)


def resolve(part: Mapping[str, Any], root: Mapping[str, Any]) -> Mapping[str, Any]:
    """A part of the schema `root` with its `$ref` followed."""
    if "$ref" not in part:
        return part
    resolved: Mapping[str, Any] = root["$defs"][part["$ref"].rpartition("/")[2]]
    return {**resolved, **{key: value for key, value in part.items() if key != "$ref"}}


def values_at(data: Any, pattern: Pattern, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Every value that a pattern reaches, with its path; absent fields give nothing."""
    if not pattern:
        yield path, data
        return
    step, rest = pattern[0], pattern[1:]
    if step != "*":
        if isinstance(data, dict) and step in data:
            yield from values_at(data[step], rest, (*path, step))
        return
    items = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    for key, value in items:
        yield from values_at(value, rest, (*path, key))


class _Plan:
    """How to fill in one map's defaults: constants for absent fields, plans for the fields that are maps or lists."""

    __slots__ = ("constants", "discriminator", "each", "inner", "variants")

    def __init__(self) -> None:
        self.constants: dict[str, Any] = {}
        self.inner: dict[str, _Plan] = {}
        self.each: _Plan | None = None
        self.discriminator = ""
        self.variants: dict[str, _Plan] = {}

    @property
    def is_empty(self) -> bool:
        return not (self.constants or self.inner or self.each or self.variants)

    def fill(self, value: Any) -> Any:
        if isinstance(value, list):
            return [self.each.fill(item) for item in value] if self.each else value
        if not isinstance(value, dict):
            return value
        if self.variants:
            plan = self.variants.get(str(value.get(self.discriminator)))
            return plan.fill(value) if plan else value  # the partial resource of a policy's case may name no variant
        if self.each:
            return {key: self.each.fill(item) for key, item in value.items()}
        out = {**self.constants, **value}
        for name, plan in self.inner.items():
            if name in out:
                out[name] = plan.fill(out[name])
        return out


@cache
def _plan(kind: str) -> _Plan:
    root = schema(kind)
    return _plan_of(root, root)


def _plan_of(part: Mapping[str, Any], root: Mapping[str, Any]) -> _Plan:
    part = resolve(part, root)
    plan = _Plan()
    if "discriminator" in part:
        plan.discriminator = part["discriminator"]["propertyName"]
        plan.variants = {name: _plan_of({"$ref": ref}, root) for name, ref in part["discriminator"]["mapping"].items()}
        return plan
    for name, child in part.get("properties", {}).items():
        if "default" in child:
            plan.constants[name] = child["default"]
        inner = _plan_of(child, root)
        if not inner.is_empty:
            plan.inner[name] = inner
    items = _each(part)
    each = _plan_of(items, root) if items is not None else None
    plan.each = each if each and not each.is_empty else None
    return plan


def with_defaults(kind: str, data: Mapping[str, Any]) -> dict[str, Any]:
    """A valid spec with every default written out. Nothing of `data` is changed."""
    filled: dict[str, Any] = _plan(kind).fill(data)
    return filled
