"""Stage `validate`: drafts → specs that match their kind's JSON Schema and format rules.

Input: `Draft`s. Output: `Spec`s. A clean spec costs one call of `jsonschema-rs`; the explanation of a broken one is worked
out in `explain.py`, only then.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import jsonschema_rs

from llmops.diagnostics import Diagnostic
from llmops.validate.explain import Mistake, explain, nearest
from llmops.validate.formats import check_formats
from llmops.kinds import API_VERSION, KINDS, schema
from llmops.load.source import Places
from llmops.overlay import Draft


@dataclass(frozen=True, slots=True)
class Spec:
    """A draft that its kind's schema accepts. `data` is then a map with `kind`, `metadata` and `spec`."""

    draft: Draft
    data: Mapping[str, Any]

    @property
    def kind(self) -> str:
        return str(self.data["kind"])

    @property
    def name(self) -> str:
        return str(self.data["metadata"]["name"])


def validate(drafts: Iterable[Draft], places: Places) -> tuple[list[Spec], list[Diagnostic]]:
    """Every mistake of every draft; only clean drafts become specs."""
    specs: list[Spec] = []
    diagnostics: list[Diagnostic] = []
    for draft in drafts:
        mistakes = mistakes_of(draft.data)
        if mistakes:
            diagnostics += [_diagnostic(draft, mistake, places) for mistake in mistakes]
        else:
            specs.append(Spec(draft, draft.data))
    return specs, diagnostics


def mistakes_of(data: Any) -> list[Mistake]:
    """What is wrong with one document; empty for a valid spec."""
    unknown = _unknown_kind(data)
    if unknown:
        return [unknown]
    return schema_mistakes(data, data["kind"]) or check_formats(data)


def schema_mistakes(data: Any, name: str) -> list[Mistake]:
    """What the schema `name` (a kind, `Workspace` or `Patch`) says against `data`."""
    validator = _validator(name)
    if validator.is_valid(data):
        return []
    return explain(validator.iter_errors(data), data, schema(name))


@cache
def _validator(name: str) -> jsonschema_rs.Validator:
    return jsonschema_rs.validator_for(schema(name))


def _unknown_kind(data: Any) -> Mistake | None:
    if not isinstance(data, dict):
        return Mistake("LLM0201", (), "A spec is a map with apiVersion, kind, metadata and spec", "Start with `apiVersion: llmops/v1`.")
    kind = data.get("kind")
    if "apiVersion" not in data:
        return Mistake("LLM0202", (), "apiVersion is missing", f"Add `apiVersion: {API_VERSION}`.")
    if data["apiVersion"] != API_VERSION:
        return Mistake("LLM0202", ("apiVersion",), f"apiVersion {data['apiVersion']!r} is not known", f"Write `apiVersion: {API_VERSION}`.")
    if kind is None:
        return Mistake("LLM0203", (), "kind is missing", f"Add one of {', '.join(KINDS)}.")
    if kind not in KINDS:
        return Mistake("LLM0203", ("kind",), f"Unknown kind {kind!r}", nearest(str(kind), KINDS))
    return None


def _diagnostic(draft: Draft, mistake: Mistake, places: Places) -> Diagnostic:
    locate = draft.key if mistake.at_key else draft.value
    return Diagnostic(mistake.code, "error", mistake.message, locate(places, mistake.path), dotted(mistake.path), mistake.hint)


def dotted(path: tuple[str | int, ...]) -> str:
    """A path as people write it: `spec.rules[2].id`."""
    out = ""
    for step in path:
        out += f"[{step}]" if isinstance(step, int) else f".{step}"
    return out.removeprefix(".")
