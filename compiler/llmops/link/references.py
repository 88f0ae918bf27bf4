"""Resolves names to resources: missing, ambiguous, wrong version, wrong kind.

Input: validated specs. Output: an edge for each reference that resolves.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches

from llmops.kinds import VERSIONED
from llmops.kinds.fields import annotated, values_at
from llmops.link.findings import Finding
from llmops.resources import Reference, resource_id
from llmops.validate import Doubt, Spec

UNRESOLVED = frozenset({"LLM0401", "LLM0402", "LLM0403", "LLM0404"})
"""Codes of references that lead nowhere, or to something else than was meant."""


def version_of(spec: Spec) -> str | None:
    return str(spec.data["spec"]["version"]) if spec.kind in VERSIONED else None


def id_of(spec: Spec) -> str:
    return resource_id(spec.kind, spec.name, version_of(spec))


@dataclass(frozen=True, slots=True)
class Names:
    """Which names of a kind exist, and their versions (none for a kind without); `doubts` are names that may exist too."""

    by_kind: Mapping[str, Mapping[str, list[str]]]
    doubts: tuple[Doubt, ...] = ()

    def versions(self, kind: str, name: str) -> list[str] | None:
        return self.by_kind.get(kind, {}).get(name)

    def may_have(self, kind: str, name: str) -> bool:
        """Whether a spec with mistakes may declare it."""
        return any(doubt.covers(kind, name) for doubt in self.doubts)


def index(specs: Iterable[Spec]) -> tuple[dict[str, Spec], list[tuple[Spec, Spec]]]:
    """Specs by resource id, and the pairs (later, first) that claim the same id."""
    unique: dict[str, Spec] = {}
    repeated = []
    for spec in specs:
        first = unique.setdefault(id_of(spec), spec)
        if first is not spec:
            repeated.append((spec, first))
    return unique, repeated


def names_in(specs: Mapping[str, Spec], doubts: tuple[Doubt, ...] = ()) -> Names:
    by_kind: dict[str, dict[str, list[str]]] = {}
    for spec in specs.values():
        versions = by_kind.setdefault(spec.kind, {}).setdefault(spec.name, [])
        version = version_of(spec)
        if version:
            versions.append(version)
    return Names(by_kind, doubts)


def references(spec: Spec, names: Names) -> tuple[tuple[Reference, ...], list[Finding]]:
    """The edges of one spec, and a finding for each name that leads nowhere."""
    edges: list[Reference] = []
    findings: list[Finding] = []
    for pattern, kind in annotated(spec.kind, "x-llmops-ref"):
        for path, text in values_at(spec.data, pattern):
            resolved = _resolve(kind, text, names)
            if resolved.target:
                edges.append(Reference(path, resolved.target))
            elif not names.may_have(kind, text.partition("@")[0]):
                findings.append(Finding(id_of(spec), path, resolved.code, resolved.message, resolved.hint))
    return tuple(edges), findings + list(_repeated(id_of(spec), edges))


def _repeated(owner: str, edges: list[Reference]) -> Iterator[Finding]:
    """The same thing twice in one list is a slip, and Dagster would refuse it later."""
    seen: dict[tuple[str | int, str], Reference] = {}
    for edge in edges:
        key = (str(edge.path[1]), edge.target)
        if isinstance(edge.path[-1], int) and key in seen:
            yield Finding(owner, edge.path, "LLM0405", f"{edge.target} is listed twice", "Remove one.")
        seen[key] = edge


@dataclass(frozen=True, slots=True)
class _Resolved:
    target: str = ""
    code: str = ""
    message: str = ""
    hint: str = ""


def _resolve(kind: str, text: str, names: Names) -> _Resolved:
    name, _, version = text.partition("@")
    versions = names.versions(kind, name)
    if versions is None:
        return _missing(kind, name, names)
    if kind not in VERSIONED:
        return _Resolved(resource_id(kind, name)) if not version else _without_versions(kind, name)
    if version:
        return _pinned(kind, name, version, versions)
    if len(versions) > 1:
        listed = ", ".join(f"{name}@{v}" for v in sorted(versions))
        return _Resolved("", "LLM0402", f"{kind} {name!r} has several versions", f"Pin one: {listed}.")
    return _Resolved(resource_id(kind, name, versions[0]))


def _pinned(kind: str, name: str, version: str, versions: list[str]) -> _Resolved:
    if version in versions:
        return _Resolved(resource_id(kind, name, version))
    return _Resolved("", "LLM0403", f"{kind} {name!r} has no version {version}", f"It has {', '.join(sorted(versions))}.")


def _without_versions(kind: str, name: str) -> _Resolved:
    return _Resolved("", "LLM0403", f"Resources of kind {kind} have no versions", f"Write {name}.")


def _a(kind: str) -> str:
    return f"an {kind}" if kind[0] in "AEIOU" else f"a {kind}"


def _missing(kind: str, name: str, names: Names) -> _Resolved:
    known = names.by_kind.get(kind, {})
    elsewhere = [other for other, found in names.by_kind.items() if name in found]
    near = get_close_matches(name, known, n=1)
    if elsewhere:
        hint = f"{name} is {_a(elsewhere[0])}; this field takes {_a(kind)}."
    elif near:
        hint = f"Did you mean {near[0]}?"
    else:
        hint = f"This workspace has {', '.join(sorted(known)[:8])}." if known else f"This workspace has no {kind} yet; declare one."
    return _Resolved("", "LLM0401", f"No {kind} is called {name!r}", hint)
