"""Stage `overlay`: documents and an environment's patches → drafts, specs as the environment sees them.

Input: documents of specs and of patches. Output: one `Draft` a document, whose values remember where they came from.
A patch whose target may be in a document that could not be read, or that has no name, gives no finding of its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from difflib import get_close_matches
from typing import Any

from llmops.diagnostics import Diagnostic, Edit, Location
from llmops.load.source import Document, Places
from llmops.resources import Path, holds

MERGE_KEYS = ("id", "name", "prompt")
"""Fields by which the items of a list are known; lists of such items are merged, others replaced."""


@dataclass(frozen=True, slots=True)
class Patch:
    """`body` is what is merged in; it stands at `at` in `document`."""

    document: Document
    at: Path
    target: Mapping[str, Any]
    body: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Applied:
    """The value at `path` of a draft was written by `patch`, where it stands at `at`."""

    path: Path
    patch: Patch
    at: Path


@dataclass(frozen=True, slots=True)
class Draft:
    """A spec before validation. `data` is anything YAML can say."""

    document: Document
    data: Any
    applied: tuple[Applied, ...] = ()

    def value(self, places: Places, path: Path) -> tuple[Location, ...]:
        """Where the value at `path` was written, then the base it replaced."""
        return self._locate(places, path, want_key=False)

    def key(self, places: Places, path: Path) -> tuple[Location, ...]:
        """Where the field's name was written, then the base it replaced."""
        return self._locate(places, path, want_key=True)

    def edit(self, path: Path, value: Any) -> Edit:
        """What to write where, so that the value at `path` is `value`: into the overlay if that is where it comes from."""
        origin = self._origin(path)
        if origin is None:
            return Edit(self.document.file, self.document.index, path, value)
        document = origin.patch.document
        return Edit(document.file, document.index, origin.at + path[len(origin.path) :], value)

    def _origin(self, path: Path) -> Applied | None:
        return next((a for a in reversed(self.applied) if path[: len(a.path)] == a.path), None)

    def _locate(self, places: Places, path: Path, *, want_key: bool) -> tuple[Location, ...]:
        find = places.key if want_key else places.value
        origin = self._origin(path)
        if origin is None:
            return (find(self.document, path),)
        here = find(origin.patch.document, origin.at + path[len(origin.path) :])
        label = "the base is here" if holds(self.document.data, path) else "it is merged in here"
        return here, replace(find(self.document, path), label=label)


def patches_of(document: Document, entry: Mapping[str, Any], at: Path = ()) -> Patch:
    """A validated patch of a file or of `llmops.yaml`."""
    return Patch(document, at, entry["target"], entry["patch"])


def overlay(documents: Iterable[Document], patches: Iterable[Patch], places: Places) -> tuple[list[Draft], list[Diagnostic]]:
    """Applies patches in order; one that matches nothing is an error."""
    drafts = [Draft(document, document.data) for document in documents]
    diagnostics = []
    for patch in patches:
        matching = [i for i, draft in enumerate(drafts) if _matches(patch.target, draft.data)]
        if not matching and all(_has_name(draft.data) for draft in drafts):
            diagnostics.append(_no_match(patch, drafts, places))
        for i in matching:
            drafts[i] = _apply(drafts[i], patch)
    return drafts, diagnostics


def _matches(target: Mapping[str, Any], data: Any) -> bool:
    if not isinstance(data, dict):
        return False
    metadata = data.get("metadata")
    if not isinstance(metadata, dict):
        return False
    labels = metadata.get("labels")
    wanted = target.get("labels", {})
    same_labels = all(isinstance(labels, dict) and labels.get(key) == value for key, value in wanted.items())
    return (
        target.get("kind", data.get("kind")) == data.get("kind")
        and target.get("name", metadata.get("name")) == metadata.get("name")
        and same_labels
    )


def _apply(draft: Draft, patch: Patch) -> Draft:
    applied: list[Applied] = []
    merged = draft.data
    for part, value in patch.body.items():
        base = merged.get(part)
        new = _merge(base, value, (part,), (*patch.at, "patch", part), _Recorder(patch, applied))
        merged = {**merged, part: new}
    return Draft(draft.document, merged, (*draft.applied, *applied))


@dataclass(frozen=True, slots=True)
class _Recorder:
    patch: Patch
    applied: list[Applied]

    def wrote(self, path: Path, at: Path) -> None:
        self.applied.append(Applied(path, self.patch, at))


def _merge(base: Any, value: Any, path: Path, at: Path, record: _Recorder) -> Any:
    if isinstance(base, dict) and isinstance(value, dict):
        return _merge_maps(base, value, path, at, record)
    if isinstance(base, list) and isinstance(value, list) and merge_key([*base, *value]):
        return _merge_lists(base, value, path, at, record)
    record.wrote(path, at)
    return value


def _merge_maps(base: dict[str, Any], value: dict[str, Any], path: Path, at: Path, record: _Recorder) -> dict[str, Any]:
    if _is_other_variant(base, value):
        record.wrote(path, at)
        return value
    out = dict(base)
    for key, item in value.items():
        if item is None:
            out.pop(key, None)
            record.wrote((*path, key), (*at, key))
        else:
            out[key] = _merge(base.get(key), item, (*path, key), (*at, key), record)
    return out


def _is_other_variant(base: dict[str, Any], value: dict[str, Any]) -> bool:
    """A store or a detector of another kind replaces the old one: its fields mean nothing there."""
    return "kind" in value and "kind" in base and value["kind"] != base["kind"]


def _merge_lists(base: list[Any], value: list[Any], path: Path, at: Path, record: _Recorder) -> list[Any]:
    key = merge_key([*base, *value])
    out = list(base)
    index = {item[key]: i for i, item in enumerate(base)}
    for position, item in enumerate(value):
        i = index.get(item[key])
        if i is None:
            out.append(item)
            record.wrote((*path, len(out) - 1), (*at, position))
        else:
            out[i] = _merge(base[i], item, (*path, i), (*at, position), record)
    return out


def merge_key(items: list[Any]) -> str | None:
    """The field by which all items of a list are known; None where they are not maps with such a field."""
    for key in MERGE_KEYS:
        if items and all(isinstance(item, dict) and isinstance(item.get(key), str) for item in items):
            return key
    return None


def _no_match(patch: Patch, drafts: list[Draft], places: Places) -> Diagnostic:
    place = places.value(patch.document, (*patch.at, "target"))
    wanted = ", ".join(f"{key} {_shown(value)}" for key, value in patch.target.items())
    return Diagnostic("LLM0301", "error", f"The patch matches no resource ({wanted})", (place,), "target", _near_name(patch.target, drafts))


def _shown(wanted: Any) -> str:
    return " ".join(f"{key}={value}" for key, value in wanted.items()) if isinstance(wanted, dict) else str(wanted)


def _near_name(target: Mapping[str, Any], drafts: list[Draft]) -> str:
    names = sorted({d.data["metadata"]["name"] for d in drafts if _has_name(d.data) and target.get("kind") in (None, d.data.get("kind"))})
    near = get_close_matches(str(target.get("name", "")), names, n=1)
    return f"Did you mean {near[0]}?" if near else "Name a resource that exists, or remove the patch."


def _has_name(data: Any) -> bool:
    return isinstance(data, dict) and isinstance(data.get("metadata"), dict) and isinstance(data["metadata"].get("name"), str)
