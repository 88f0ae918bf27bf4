"""The fast validator and the reference one give the same verdict on good specs and on thousands of spoilt ones."""

from __future__ import annotations

import copy
from typing import Any

import jsonschema
import jsonschema_rs
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from llmops.kinds import KINDS, schema
from tests.architecture.sources import PROJECT

REFERENCE = {kind: jsonschema.Draft202012Validator(schema(kind)) for kind in KINDS}
FAST = {kind: jsonschema_rs.validator_for(schema(kind)) for kind in KINDS}

SPECS: list[dict[str, Any]] = [
    document for path in sorted((PROJECT / "specs").glob("*.yaml")) for document in yaml.safe_load_all(path.read_text("utf-8"))
]

# No text ends in a newline: Python's `$` also matches before one, and ECMA's, which JSON Schema means, does not.
TEXTS = st.text(max_size=12).map(lambda text: text.rstrip("\n")) | st.sampled_from(
    ["a", "A-b", "1.2.0", "x@1.0.0", "0 3 * * *", "../x", ""]
)
NUMBERS = st.integers(-(2**40), 2**40) | st.floats(allow_nan=False, allow_infinity=False) | st.sampled_from([0, 1, -1, 0.5, 1.0, 100])
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=6,
)


def places_in(value: Any, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(place for key, inner in items for place in places_in(inner, (*path, key)))]


@st.composite
def spoilt_specs(draw: st.DrawFn) -> tuple[str, Any]:
    """A valid spec with one to three of its values replaced, removed, or joined by an unknown field."""
    spec = copy.deepcopy(draw(st.sampled_from(SPECS)))
    kind = spec["kind"]
    for _ in range(draw(st.integers(1, 3))):
        *parents, last = draw(st.sampled_from(places_in(spec)[1:] or [("spec",)]))
        holder: Any = spec
        for step in parents:
            holder = holder[step]
        change = draw(st.sampled_from(["replace", "remove", "add"]))
        if change == "replace":
            holder[last] = draw(VALUES)
        elif change == "remove":
            holder.pop(last, None) if isinstance(holder, dict) else holder.pop(last)
        elif isinstance(holder, dict):
            holder[draw(TEXTS)] = draw(VALUES)
    return kind, spec


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: f"{spec['kind']}-{spec['metadata']['name']}")
def test_both_accept_the_example(spec: dict[str, Any]) -> None:
    assert FAST[spec["kind"]].is_valid(spec)
    assert REFERENCE[spec["kind"]].is_valid(spec)


@pytest.mark.parametrize("kind", KINDS)
def test_both_reject_what_is_no_spec(kind: str) -> None:
    for value in (None, [], {}, "x", 1, {"kind": kind}, {"apiVersion": "llmops/v1", "kind": kind, "metadata": {}, "spec": {}}):
        assert not FAST[kind].is_valid(value)
        assert not REFERENCE[kind].is_valid(value)


@settings(max_examples=400, deadline=None, derandomize=True, database=None)
@given(spoilt_specs())
def test_both_agree_on_spoilt_specs(spoilt: tuple[str, Any]) -> None:
    kind, spec = spoilt
    assert FAST[kind].is_valid(spec) == REFERENCE[kind].is_valid(spec)
