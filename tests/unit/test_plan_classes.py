"""Classes of changes, field by field: they agree with the hashes, and a weaker safety rule is called one."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmops.diagnostics import Location
from llmops.fingerprint import WITHOUT_BEHAVIOUR, behaviour_of
from llmops.kinds import KINDS, schema
from llmops.kinds.fields import resolve
from llmops.pipeline import compile_workspace
from llmops.plan.classes import BREAKING_FIELDS, RANK, field_class, gravest, weakening
from llmops.plan.fields import Item, differences, dotted, equal, field_rows, leaves
from llmops.plan.promotion import BOUND
from llmops.resources import Resource
from tests.conftest import ROOT, copy_example

TABLES = {"WITHOUT_BEHAVIOUR": WITHOUT_BEHAVIOUR, "BREAKING_FIELDS": BREAKING_FIELDS, "BOUND": BOUND}
DATA = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.sampled_from(["a", "b", 1.0, 0.5]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["a", "b", "id", "name"]), inner, max_size=3),
    max_leaves=12,
)


def resource(spec: dict[str, Any], kind: str = "Monitor") -> Resource:
    return Resource(kind, "x", None, {"name": "x", "owner": "o"}, spec, Location("x.yaml"))


def fields_of(part: Any, root: Any) -> set[str]:
    """The names of a map's fields, over all its variants."""
    part = resolve(part, root)
    options = [*part.get("oneOf", ()), *part.get("anyOf", ())]
    return set(part.get("properties", {})).union(*(fields_of(option, root) for option in options))


@pytest.mark.parametrize("name", TABLES)
def test_the_tables_name_fields_that_exist(name: str) -> None:
    for kind, patterns in TABLES[name].items():
        known = fields_of(schema(kind)["properties"]["spec"], schema(kind))
        assert {pattern[0] for pattern in patterns} <= known, kind
        assert kind in KINDS


@given(DATA, DATA)
def test_there_is_a_difference_exactly_where_the_hash_differs(old: Any, new: Any) -> None:
    before, after = resource({"value": old}), resource({"value": new})
    rows = field_rows(before, after)
    assert bool(rows) is (behaviour_of(before) != behaviour_of(after))
    assert equal(old, new) is not bool(rows)


@given(DATA)
def test_leaves_are_where_differences_are(value: Any) -> None:
    names = [name for name, _ in leaves({"spec": value})]
    assert all(name.startswith("spec") for name in names)
    found = {dotted(found.path) for found in differences({}, {"spec": value})}
    assert found <= set(names) or value in ({}, [])


@pytest.fixture(scope="module")
def resources(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Resource]:
    graph = compile_workspace(copy_example(tmp_path_factory.mktemp("classes") / "w"), "prod").graph
    assert graph is not None
    return dict(graph.resources)


def test_a_fields_class_agrees_with_the_hash_for_every_field_of_the_example(resources: dict[str, Resource]) -> None:
    """Each field that stands in the example is taken out in turn: the hash moves exactly where the class says so."""
    checked = 0
    for found in resources.values():
        for field in found.spec:
            whole = replace(found, files=())
            without = replace(whole, spec={name: value for name, value in found.spec.items() if name != field})
            if found.kind == "Model" and field == "task":
                continue  # what sort of model it is decides the class
            classes = {row["class"] for row in field_rows(whole, without)}
            assert (behaviour_of(whole) != behaviour_of(without)) is (classes != {"metadata"} and bool(classes)), (found.id, field)
            checked += 1
    assert checked > 40


@pytest.mark.parametrize(
    ("kind", "path", "expected"),
    [
        ("Prompt", ("metadata", "owner"), "metadata"),
        ("Prompt", ("spec", "variables", "tone", "type"), "breaking"),
        ("Prompt", ("spec", "variables", "tone", "description"), "metadata"),
        ("Prompt", ("spec", "messages", 0, "content"), "behaviour"),
        ("Prompt", ("spec", "messages", 0, "content_file"), "metadata"),
        ("RetrievalSource", ("spec", "chunking", "overlap"), "breaking"),
        ("RetrievalSource", ("spec", "embedding", "model"), "breaking"),
        ("RetrievalSource", ("spec", "store", "search"), "behaviour"),
        ("RetrievalSource", ("spec", "refresh", "schedule"), "metadata"),
        ("SafetyPolicy", ("spec", "rules", Item("pii-out"), "tests", "hit"), "metadata"),
        ("SafetyPolicy", ("spec", "rules", "order"), "behaviour"),
        ("Application", ("spec", "limits", "cost_per_day"), "metadata"),
        ("Application", ("spec", "limits", "question_tokens"), "behaviour"),
        ("Deployment", ("spec", "replicas", "max"), "behaviour"),
    ],
)
def test_classes_of_fields(kind: str, path: tuple[str | int, ...], expected: str) -> None:
    assert field_class(resource({}, kind), path) == expected


@pytest.mark.parametrize(
    ("task", "field", "expected"),
    [
        ("chat", "revision", "behaviour"),
        ("embedding", "revision", "breaking"),
        ("embedding", "endpoint", "behaviour"),
        ("embedding", "price", "metadata"),
        ("chat", "task", "breaking"),
    ],
)
def test_an_embedding_model_is_relied_on(task: str, field: str, expected: str) -> None:
    assert field_class(resource({"task": task}, "Model"), ("spec", field)) == expected


@pytest.mark.parametrize(
    ("path", "old", "new", "note"),
    [
        ((), {"id": "a"}, None, "weaker: the rule is gone"),
        ((), None, {"id": "a"}, ""),
        (("mode",), "enforce", "monitor", "weaker: mode is no longer enforce"),
        (("mode",), "monitor", "enforce", ""),
        (("on_error",), "block", "log", "weaker: on_error is no longer block"),
        (("action",), "block", "refuse", ""),
        (("action",), "redact", "flag", "weaker: the rule no longer does redact"),
        (("action",), "log", "block", ""),
        (("stage",), ["input", "output"], ["output"], "weaker: no longer at input"),
        (("stage",), ["output"], ["input", "output"], ""),
        (("detector", "threshold"), 0.3, 0.5, ""),
    ],
)
def test_a_weaker_safety_rule_is_called_one(path: tuple[str, ...], old: Any, new: Any, note: str) -> None:
    assert weakening(resource({}, "SafetyPolicy"), ("spec", "rules", Item("a"), *path), old, new) == note


def test_the_gravest_class_wins() -> None:
    assert gravest(["metadata", "breaking", "behaviour"]) == "breaking"
    assert gravest([]) is None
    assert sorted(RANK, key=RANK.__getitem__) == ["metadata", "behaviour", "breaking"]


def test_the_page_lists_every_breaking_field() -> None:
    page = (Path(ROOT) / "docs/plan.md").read_text("utf-8")
    for kind, patterns in BREAKING_FIELDS.items():
        assert kind in page
        for pattern in patterns:
            assert f"`{'.'.join(pattern)}`" in page, (kind, pattern)
