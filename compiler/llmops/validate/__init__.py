"""Stage `validate`: drafts → specs that match their kind's JSON Schema and format rules.

Input: `Draft`s. Output: `Spec`s. A clean spec costs one call of `jsonschema-rs`; the explanation of a broken one is worked
out in `explain.py`, only then.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from llmops.diagnostics import Diagnostic
from llmops.kinds import API_VERSION, KINDS, POLICY_KINDS, schema
from llmops.load.source import UNREAD, Places
from llmops.overlay import Draft
from llmops.validate.explain import Mistake, explain, nearest, shown
from llmops.validate.formats import check_formats
from llmops.validate.secrets import holds_secret

if TYPE_CHECKING:
    import jsonschema_rs


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


@dataclass(frozen=True, slots=True)
class Doubt:
    """What a draft with mistakes declares once it is mended. None stands for any: the kind or the name is what is wrong."""

    kind: str | None
    name: str | None

    def covers(self, kind: str, name: str) -> bool:
        return self.kind in (None, kind) and self.name in (None, name)


@dataclass(frozen=True, slots=True)
class Validated:
    """`doubts` are the resources of drafts that did not pass: they count as declared, so that one mistake is one finding."""

    specs: tuple[Spec, ...]
    doubts: tuple[Doubt, ...] = ()


def validate(drafts: Iterable[Draft], places: Places) -> tuple[Validated, list[Diagnostic]]:
    """Every mistake of every draft; only clean drafts become specs, the others are doubts."""
    specs: list[Spec] = []
    doubts: list[Doubt] = []
    diagnostics: list[Diagnostic] = []
    for draft in drafts:
        if draft.data is UNREAD:
            doubts.append(Doubt(None, None))
            continue
        mistakes = mistakes_of(draft.data)
        if mistakes:
            doubts.append(_doubt(draft.data, mistakes))
            found = [_diagnostic(draft, mistake, places) for mistake in mistakes]
            diagnostics += [d for d in found if not _is_reported(d, places)]
        else:
            specs.append(Spec(draft, draft.data))
    return Validated(tuple(specs), tuple(doubts)), diagnostics


def _doubt(data: Any, mistakes: Iterable[Mistake]) -> Doubt:
    wrong = {mistake.path for mistake in mistakes}
    metadata = data.get("metadata") if isinstance(data, dict) else None
    name = metadata.get("name") if isinstance(metadata, dict) else None
    kind = data.get("kind") if isinstance(data, dict) else None
    return Doubt(
        kind if isinstance(kind, str) and kind in KINDS else None,
        name if isinstance(name, str) and ("metadata", "name") not in wrong else None,
    )


def _is_reported(found: Diagnostic, places: Places) -> bool:
    """A secret of a known form is found in the text of its line, see `secrets.py`."""
    return found.code == "LLM0210" and holds_secret(places.line(found.location))


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
    import jsonschema_rs  # a report imports this package for a pattern, and validates nothing

    return jsonschema_rs.validator_for(schema(name))


def _unknown_kind(data: Any) -> Mistake | None:
    if not isinstance(data, dict):
        return Mistake("LLM0201", (), "A spec is a map with apiVersion, kind, metadata and spec", "Start with `apiVersion: llmops/v1`.")
    kind = data.get("kind")
    if "apiVersion" not in data:
        return Mistake("LLM0202", (), "apiVersion is missing", f"Add `apiVersion: {API_VERSION}`.")
    if data["apiVersion"] != API_VERSION:
        return Mistake(
            "LLM0202", ("apiVersion",), f"apiVersion {shown(data['apiVersion'])} is not known", f"Write `apiVersion: {API_VERSION}`."
        )
    if kind is None:
        return Mistake("LLM0203", (), "kind is missing", f"Add one of {', '.join(KINDS)}.")
    if not isinstance(kind, str):
        return Mistake("LLM0203", ("kind",), f"Expected the name of a kind, found {shown(kind)}", f"Write one of {', '.join(KINDS)}.")
    if kind in POLICY_KINDS:
        return Mistake("LLM0203", ("kind",), f"A {kind} is no spec", "Move the file into a pack of policies: the folder policies/.")
    if kind not in KINDS:
        return Mistake("LLM0203", ("kind",), f"Unknown kind {shown(kind)}", nearest(kind, KINDS))
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
