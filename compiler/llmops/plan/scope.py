"""Which specs a change can matter to: those that changed, all that use them, and all that these use.

Input: the drafts of both sides. Output: the keys of a part of the workspace that can be linked and compared on its own.
Works on drafts, not on resources, so that whatever lies outside is never validated or linked.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from llmops.kinds import KINDS
from llmops.kinds.fields import annotated, values_at
from llmops.link.unused import ROOTS
from llmops.load.files import matches
from llmops.load.source import Document
from llmops.overlay import Draft

Key = tuple[str, str]
"""Kind and name; all versions of a name have one key, since a reference may take any."""
Uses = Mapping[Key, frozenset[Key]]


def key_of(data: Any) -> Key | None:
    """What a document declares; None where a mistake hides it."""
    if not isinstance(data, dict) or not isinstance(metadata := data.get("metadata"), dict):
        return None
    kind, name = data.get("kind"), metadata.get("name")
    return (kind, name) if isinstance(name, str) and isinstance(kind, str) and kind in KINDS else None


@dataclass(slots=True)
class Reader:
    """What drafts name, kept for drafts that both sides and all environments share."""

    changed: frozenset[str]
    """Paths whose content differs between the sides."""
    _named: dict[int, tuple[Any, frozenset[Key]]] = field(default_factory=dict)
    _touched: dict[str, bool] = field(default_factory=dict)
    _unaffected: dict[int, Document] = field(default_factory=dict)

    def named(self, data: Mapping[str, Any]) -> frozenset[Key]:
        """The keys that a draft refers to."""
        if id(data) not in self._named:
            kind = data["kind"]
            found = ((to, text) for pattern, to in annotated(kind, "x-llmops-ref") for _, text in values_at(data, pattern))
            keys = frozenset((to, text.partition("@")[0]) for to, text in found if isinstance(text, str))
            self._named[id(data)] = data, keys  # the data itself is kept, so that no other takes its id
        return self._named[id(data)][1]

    def uses_changed_file(self, draft: Draft) -> bool:
        """Whether a file that the draft names, by path or by pattern, differs."""
        document = draft.document
        if not self.changed or (id(document) in self._unaffected and not draft.applied):
            return False
        affected = any(self._touches(path) for path in _paths(draft))
        if not affected and not draft.applied:
            self._unaffected[id(document)] = document  # both sides and all environments share it
        return affected

    def _touches(self, pattern: str) -> bool:
        if pattern not in self._touched:
            self._touched[pattern] = any(matches(pattern, path) for path in self.changed)
        return self._touched[pattern]


def _paths(draft: Draft) -> Iterator[str]:
    for pattern, form in annotated(draft.data["kind"], "x-llmops-format"):
        if form == "path":
            found = (text for _, text in values_at(draft.data, pattern) if isinstance(text, str))
            yield from (os.path.normpath(os.path.join(os.path.dirname(draft.document.file), text)) for text in found)


@dataclass(frozen=True, slots=True)
class Index:
    """The drafts of one side by key, what each key uses, and drafts whose mistakes hide what they declare."""

    drafts: Mapping[Key, list[Draft]]
    uses: Uses
    nameless: tuple[Draft, ...]

    def chosen(self, scope: frozenset[Key]) -> list[Draft]:
        """The drafts of a scope, and those of which nobody knows what they are."""
        return [*self.nameless, *(draft for key, drafts in self.drafts.items() if key in scope for draft in drafts)]

    def reached_by_roots(self) -> frozenset[Key]:
        """All that some application uses, directly or beyond."""
        return _closure((key for key in self.drafts if key[0] in ROOTS), self.uses)


def index(drafts: Iterable[Draft], reader: Reader) -> Index:
    """Drafts by what they declare."""
    by_key: dict[Key, list[Draft]] = {}
    nameless = []
    for draft in drafts:
        key = key_of(draft.data)
        if key is None:
            nameless.append(draft)
        else:
            by_key.setdefault(key, []).append(draft)
    return Index(by_key, {key: _named(found, reader) for key, found in by_key.items()}, tuple(nameless))


def _named(drafts: list[Draft], reader: Reader) -> frozenset[Key]:
    """What the drafts of one key refer to; the same object for drafts that both sides share."""
    if len(drafts) == 1:
        return reader.named(drafts[0].data)
    return frozenset[Key]().union(*(reader.named(draft.data) for draft in drafts))


def scope_of(before: Index, after: Index, reader: Reader) -> frozenset[Key]:
    """The part of the workspace that a change can matter to; empty where nothing that a resource says or uses changed."""
    changed = [key for key in before.drafts.keys() | after.drafts.keys() if _differs(before.drafts.get(key), after.drafts.get(key), reader)]
    if not changed:
        return frozenset()
    # What both sides share need be turned around only once.
    old = {key: named for key, named in before.uses.items() if after.uses.get(key) is not named}
    affected = _closure(changed, _inverted(old), _inverted(after.uses))
    return _closure(affected, before.uses, after.uses)


def everything(*sides: Index) -> frozenset[Key]:
    """The whole workspace: what a changed policy or setting is about."""
    return frozenset(key for side in sides for key in side.drafts)


def _differs(before: list[Draft] | None, after: list[Draft] | None, reader: Reader) -> bool:
    if before is None or after is None:
        return True
    if len(before) == len(after) == 1 and before[0].document is after[0].document and before[0].data is after[0].data:
        return reader.uses_changed_file(after[0])
    if [draft.data for draft in before] != [draft.data for draft in after]:
        return True
    if any(_folder(old) != _folder(new) and any(_paths(old)) for old, new in zip(before, after, strict=True)):
        return True
    return any(reader.uses_changed_file(draft) for draft in (*before, *after))


def _folder(draft: Draft) -> str:
    return os.path.dirname(draft.document.file)


def _inverted(uses: Uses) -> Uses:
    users: dict[Key, set[Key]] = {}
    for key, named in uses.items():
        for name in named:
            users.setdefault(name, set()).add(key)
    return {key: frozenset(found) for key, found in users.items()}


def _closure(start: Iterable[Key], *edges: Uses) -> frozenset[Key]:
    """The keys and all that the edges lead to from them."""
    seen = set(start)
    waiting = list(seen)
    while waiting:
        key = waiting.pop()
        found = {target for each in edges for target in each.get(key, ())} - seen
        seen |= found
        waiting.extend(found)
    return frozenset(seen)


def used_by(key: Key, uses: Uses) -> frozenset[Key]:
    """A key and all that it uses, directly or beyond."""
    return _closure((key,), uses)
