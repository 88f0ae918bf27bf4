"""Fields in the wrong place: a field one level too high or too low, of another variant, or a habit from another tool.

Used by `explain` for unknown fields only.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from llmops.resources import Path

MOST_PLACES = 2
"""More places than this are no help: the field's name is then a common one."""

HABITS = {
    "annotations": "Write what overlays and policies select as `labels`, and what people read as `description`.",
    "tags": "Write them as `labels` of `metadata`; Dagster gets them as tags.",
    "namespace": "There are no namespaces: an environment is an overlay, which `llmops.yaml` lists.",
    "status": "A spec says what is wanted; what runs is seen in Dagster and in the log.",
    "extends": "Nothing is inherited: an environment's patch changes single fields.",
}
"""Fields of other tools that have no place here, and what to write instead."""


@dataclass(frozen=True, slots=True)
class Home:
    """A place that has the field: the path of the map, `*` for every item; `variant` is what must stand there for it, or empty."""

    place: tuple[str, ...]
    variant: str = ""


def right_place(path: Path, schema: Mapping[str, Any]) -> str:
    """Where the unknown field at `path` belongs, as a hint; empty where nobody knows. `schema` is the whole document's."""
    *parents, name = path
    here = tuple("*" if isinstance(step, int) else str(step) for step in parents)
    homes = list(dict.fromkeys(_homes(bare(str(name)), schema, schema, ())))
    variants = [home.variant for home in homes if home.place == here and home.variant]
    if variants:
        return f"`{name}` comes with {_either(variants)}."
    places = list(dict.fromkeys(home.place for home in homes))
    if not 0 < len(places) <= MOST_PLACES:
        return HABITS.get(str(name).lower(), "")
    return f"`{name}` belongs into {' or '.join(_shown(place, homes) for place in places)}."


def bare(word: str) -> str:
    """The word without case, dashes and underscores: `topK`, `top-k` and `top_k` are one."""
    return re.sub(r"[^a-z0-9]", "", word.lower())


def _homes(name: str, part: Mapping[str, Any], root: Mapping[str, Any], place: tuple[str, ...], variant: str = "") -> Iterator[Home]:
    part = root["$defs"][part["$ref"].rpartition("/")[2]] if "$ref" in part else part
    discriminator = part.get("discriminator")
    if discriminator:
        for value, reference in discriminator["mapping"].items():
            yield from _homes(name, {"$ref": reference}, root, place, f"{discriminator['propertyName']}: {value}")
        return
    for field, child in part.get("properties", {}).items():
        if bare(field) == name:
            yield Home(place, variant)
        yield from _homes(name, child, root, (*place, field))
    each = next((option for option in (part.get("items"), part.get("additionalProperties")) if isinstance(option, dict)), None)
    if each:
        yield from _homes(name, each, root, (*place, "*"))


def _shown(place: tuple[str, ...], homes: list[Home]) -> str:
    variants = [home.variant for home in homes if home.place == place and home.variant]
    where = f"`{'.'.join(place).replace('.*', '[]')}`" if place else "the top of the document"
    return f"{where}, with {_either(variants)}" if variants and len(variants) <= MOST_PLACES else where


def _either(variants: list[str]) -> str:
    return " or ".join(f"`{variant}`" for variant in variants)
