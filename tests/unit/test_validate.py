"""Validation: one mistake is one mistake, kinds' schemas are closed, and broken drafts leave a doubt."""

from __future__ import annotations

import copy
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from llmops.diagnostics import has_errors
from llmops.kinds import KINDS, schema
from llmops.load.source import Places, Source, load
from llmops.overlay import Draft
from llmops.validate import Doubt, mistakes_of, schema_mistakes, validate
from llmops.validate.elsewhere import right_place
from llmops.validate.explain import WORDS, nearest, shown, value_at
from llmops.validate.secrets import check_secrets
from tests.conftest import ROOT

SPECS: list[dict[str, Any]] = [
    d for file in sorted((ROOT / "tests" / "golden" / "_base" / "specs").glob("*.yaml")) for d in yaml.safe_load_all(file.read_text())
]
SPECS.append(
    {"apiVersion": "llmops/v1", "kind": "Deployment", "metadata": {"name": "prod", "owner": "ops"}, "spec": {"application": "helper"}}
)
BY_KIND = {spec["kind"]: spec for spec in SPECS}


def changed(kind: str, path: tuple[str | int, ...], value: Any) -> dict[str, Any]:
    spec = copy.deepcopy(BY_KIND[kind])
    value_at(spec, path[:-1])[path[-1]] = value
    return spec


def test_there_is_an_example_of_every_kind() -> None:
    assert set(BY_KIND) == set(KINDS)
    for spec in SPECS:
        assert mistakes_of(spec) == []


@pytest.mark.parametrize("kind", KINDS)
def test_unknown_fields_are_mistakes_at_every_level(kind: str) -> None:
    for path in map_paths(BY_KIND[kind]):
        spec = copy.deepcopy(BY_KIND[kind])
        value_at(spec, path)["Zz"] = "x"
        assert mistakes_of(spec), f"{kind} {path} takes a field that nobody knows"


def map_paths(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every map, but those whose names are free: labels and an application's variables."""
    here = [path] if isinstance(value, dict) and path[-1:] not in (("labels",), ("category",)) else []
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return here + [inner for key, item in items for inner in map_paths(item, (*path, key))]


@pytest.mark.parametrize("kind", KINDS)
def test_every_missing_field_is_named(kind: str) -> None:
    for path in map_paths(BY_KIND[kind]):
        for field in list(value_at(BY_KIND[kind], path)):
            spec = copy.deepcopy(BY_KIND[kind])
            del value_at(spec, path)[field]
            for mistake in mistakes_of(spec):
                assert mistake.code in ("LLM0202", "LLM0203", "LLM0207", "LLM0209", "LLM0214"), mistake
                assert mistake.hint


@pytest.mark.parametrize("value", [None, [], {}, ["x"], 1, 1.5, True, [["x"]], [{}]])
@pytest.mark.parametrize("kind", KINDS)
def test_values_of_any_type_are_explained(kind: str, value: Any) -> None:
    for path in all_paths(BY_KIND[kind]):
        spec = changed(kind, path, value)
        for mistake in mistakes_of(spec):
            assert mistake.message and mistake.hint
            if mistake.code in ("LLM0214", "LLM0215"):
                continue  # about two fields
            assert mistake.path[: len(path)] == path or path[: len(mistake.path)] == mistake.path


def all_paths(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    items = list(value.items()) if isinstance(value, dict) else list(enumerate(value)) if isinstance(value, list) else []
    return [(*path, key) for key, _ in items] + [inner for key, item in items for inner in all_paths(item, (*path, key))]


@pytest.mark.parametrize(
    ("kind", "path", "value", "code", "message"),
    [
        ("RetrievalSource", ("spec", "store", "kind"), ["embedded"], "LLM0205", "Expected text, found a list"),
        ("RetrievalSource", ("spec", "store", "kind"), {}, "LLM0205", "Expected text, found a map"),
        ("Prompt", ("kind",), ["Prompt"], "LLM0203", "Expected the name of a kind, found a list"),
        ("Prompt", ("apiVersion",), {}, "LLM0202", "apiVersion a map is not known"),
        ("Prompt", ("spec", "variables", "Question"), 5, "LLM0208", "'Question' is no valid name here"),
        ("Prompt", ("spec", "variables", "question"), 5, "LLM0205", "Expected a map, found 5"),
        ("Model", ("spec", "endpoint", "api_key"), "x", "LLM0210", "A secret is written into the spec"),
        ("Model", ("spec", "endpoint", "api_key"), ["x"], "LLM0210", "A secret is written into the spec"),
        ("Model", ("spec", "endpoint", "api_key"), None, "LLM0205", "Expected a map, found nothing"),
        ("Application", ("spec", "limits"), {"question_tokens": 0}, "LLM0209", "0 is out of range"),
        ("Application", ("spec", "variants"), [{}], "LLM0209", "`variants` has 1 item"),
    ],
)
def test_messages(kind: str, path: tuple[str | int, ...], value: Any, code: str, message: str) -> None:
    assert (code, message) in [(m.code, m.message) for m in mistakes_of(changed(kind, path, value))]


@pytest.mark.parametrize(
    ("name", "data", "code"),
    [
        ("Patch", {"target": {"name": "x"}, "patch": {"specs": {}}}, "LLM0204"),
        ("Patch", {"target": {"name": "x"}, "patch": {}}, "LLM0209"),
        ("Patch", {"target": {"nam": "x"}, "patch": {"spec": {}}}, "LLM0204"),
        (
            "Workspace",
            {"apiVersion": "llmops/v1", "kind": "Workspace", "metadata": {"name": "x"}, "spec": {"environments": {"../x": None}}},
            "LLM0208",
        ),
    ],
)
def test_patches_and_settings(name: str, data: Any, code: str) -> None:
    assert [m.code for m in schema_mistakes(data, name)] == [code]


def validated(text: str) -> tuple[list[Doubt], list[str], int]:
    source = Source("a.yaml", text)
    documents, _ = load([source])
    result, diagnostics = validate([Draft(d, d.data) for d in documents], Places([source]))
    return list(result.doubts), [d.code for d in diagnostics], len(result.specs)


HEAD = "apiVersion: llmops/v1\nkind: Dataset\n"


@pytest.mark.parametrize(
    ("text", "doubt"),
    [
        (HEAD + "metadata: {name: a, owner: b}\nspec: {}", Doubt("Dataset", "a")),
        (HEAD + "metadata: {name: A b, owner: b}\nspec: {path: x, licence: y}", Doubt("Dataset", None)),
        (HEAD + "metadata: {owner: b}\nspec: {}", Doubt("Dataset", None)),
        (HEAD + "metadata: [a]\nspec: {}", Doubt("Dataset", None)),
        (HEAD.replace("Dataset", "Datset") + "metadata: {name: a, owner: b}\nspec: {}", Doubt(None, "a")),
        (HEAD.replace("llmops/v1", "v2") + "metadata: {name: a, owner: b}\nspec: {}", Doubt("Dataset", "a")),
        ("- a", Doubt(None, None)),
        ("a: [", Doubt(None, None)),
    ],
)
def test_broken_drafts_leave_a_doubt(text: str, doubt: Doubt) -> None:
    doubts, _, specs = validated(text)
    assert doubts == [doubt] and specs == 0


def test_a_doubt_covers_what_it_may_be() -> None:
    assert Doubt("Model", "a").covers("Model", "a")
    assert not Doubt("Model", "a").covers("Model", "b")
    assert not Doubt("Model", "a").covers("Prompt", "a")
    assert Doubt(None, "a").covers("Prompt", "a") and not Doubt(None, "a").covers("Prompt", "b")
    assert Doubt("Model", None).covers("Model", "b") and Doubt(None, None).covers("Model", "b")


@given(st.sampled_from(SPECS), st.data())
def test_a_doubt_always_comes_with_an_error(spec: dict[str, Any], data: st.DataObject) -> None:
    """Otherwise a resource would drop out of the bundle and nobody would be told."""
    path = data.draw(st.sampled_from(all_paths(spec)))
    odd = copy.deepcopy(spec)
    value_at(odd, path[:-1])[path[-1]] = data.draw(st.sampled_from([None, [], {}, "sk-abcdefghijklmnopqrstuvwx", 0]))
    source = Source("a.yaml", yaml.safe_dump(odd))
    documents, unread = load([source])
    result, diagnostics = validate([Draft(d, d.data) for d in documents], Places([source]))
    reported = [*unread, *diagnostics, *check_secrets(documents, Places([source]))]
    assert has_errors(reported) or not result.doubts
    assert len(result.doubts) + len(result.specs) == 1


def test_a_secret_that_the_text_hides_is_still_a_finding() -> None:
    text = yaml.safe_dump(changed("Model", ("spec", "endpoint"), {"url": "https://x", "api_key": "KEY"})).replace(
        "KEY", '"sk\\x2dabcdefghijklmnopqrstuvwx"'
    )
    doubts, codes, _ = validated(text)
    assert len(doubts) == 1 and "LLM0210" in codes


@pytest.mark.parametrize(
    ("word", "hint"),
    [
        ("topk", "Did you mean top_k?"),
        ("TOP-K", "Did you mean top_k?"),
        ("zzz", "Known: mode, top_k."),
        ("", "Known: mode, top_k."),
        ("moed", "Did you mean mode?"),
        ("mode_of_search", "Did you mean mode?"),
    ],
)
def test_nearest(word: str, hint: str) -> None:
    assert nearest(word, ["top_k", "mode"]) == hint


@pytest.mark.parametrize(
    ("word", "known", "hint"),
    [
        ("vllm", ["llama.cpp", "openai"], "Did you mean openai?"),
        ("postgres", ["embedded", "pgvector"], "Did you mean pgvector?"),
        ("Knowledge_Base", KINDS, "Did you mean RetrievalSource?"),
        ("Guardrails", KINDS, "Did you mean SafetyPolicy?"),
        ("vllm", ["embedded", "pgvector"], "Known: embedded, pgvector."),
        ("EMAIL", ["EMAIL_ADDRESS", "IP_ADDRESS"], "Did you mean EMAIL_ADDRESS?"),
        ("rate", ["blocked_rate", "error_rate"], "Known: blocked_rate, error_rate."),
        ("colour", ["disclosure", "model"], "Known: disclosure, model."),
    ],
)
def test_words_of_other_tools_and_parts_of_names(word: str, known: Iterable[str], hint: str) -> None:
    assert nearest(word, known) == hint


def test_words_of_other_tools_lead_to_words_of_ours() -> None:
    ours = {value for kind in KINDS for part in every_part(schema(kind)) for value in part.get("enum", ())}
    ours |= {part["const"] for kind in KINDS for part in every_part(schema(kind)) if "const" in part}
    assert set(WORDS.values()) <= ours | set(KINDS)


def every_part(value: Any) -> list[dict[str, Any]]:
    items = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return ([value] if isinstance(value, dict) else []) + [part for item in items for part in every_part(item)]


@pytest.mark.parametrize(
    ("kind", "path", "hint"),
    [
        ("RetrievalSource", ("spec", "top_k"), "`top_k` belongs into `spec.retrieve`."),
        ("RetrievalSource", ("spec", "topK"), "`topK` belongs into `spec.retrieve`."),
        ("RetrievalSource", ("spec", "retrieve", "topK"), "Did you mean top_k?"),
        ("RetrievalSource", ("metadata", "retrieve"), "`retrieve` belongs into `spec`."),
        ("RetrievalSource", ("spec", "store", "search"), "`search` comes with `kind: pgvector`."),
        ("Model", ("spec", "temperature"), "`temperature` belongs into `spec.parameters`."),
        ("Model", ("spec", "api_key"), "`api_key` belongs into `spec.endpoint`."),
        ("Model", ("spec", "dimension"), "`dimension` comes with `task: embedding`."),
        ("Model", ("owner",), "`owner` belongs into `metadata`."),
        ("Model", ("apiversion",), "Did you mean apiVersion?"),
        ("Model", ("status",), "A spec says what is wanted; what runs is seen in Dagster and in the log."),
        ("Model", ("metadata", "namespace"), "There are no namespaces: an environment is an overlay, which `llmops.yaml` lists."),
        ("SafetyPolicy", ("spec", "rules", 0, "entities"), "`entities` belongs into `spec.rules[].detector`, with `kind: pii`."),
        (
            "SafetyPolicy",
            ("spec", "rules", 0, "detector", "threshold"),
            "`threshold` comes with `kind: groundedness` or `kind: pii` or `kind: topic`.",
        ),
        ("SafetyPolicy", ("spec", "id"), "`id` belongs into `spec.rules[]`."),
        ("Evaluation", ("spec", "threshold"), "`threshold` belongs into `spec.metrics[]`."),
        ("Application", ("spec", "retention_days"), "`retention_days` belongs into `spec.logging`."),
        ("Application", ("spec", "redTeam"), "Did you mean red_team?"),
        ("Application", ("spec", "name"), "`name` belongs into `metadata` or `spec.tools[]`."),
        ("Prompt", ("spec", "content"), "`content` belongs into `spec.messages[]`."),
        ("Deployment", ("spec", "cpu"), "`cpu` belongs into `spec.resources`."),
        ("Deployment", ("spec", "minReplicas"), "Did you mean replicas?"),
    ],
)
def test_a_field_in_the_wrong_place_is_told_the_right_one(kind: str, path: tuple[str | int, ...], hint: str) -> None:
    (mistake,) = [m for m in mistakes_of(changed(kind, path, "x")) if m.code == "LLM0204"]
    assert (mistake.path, mistake.hint) == (path, hint)


@pytest.mark.parametrize("field", ["endpoint", "model", "provider"])
def test_a_required_field_under_a_misspelt_name_is_one_mistake(field: str) -> None:
    spec = copy.deepcopy(BY_KIND["Model"])
    spec["spec"][f"{field}s"] = spec["spec"].pop(field)
    assert [(m.code, m.hint) for m in mistakes_of(spec)] == [("LLM0204", f"Did you mean {field}?")]


def test_an_unknown_name_inside_a_secret_is_not_repeated() -> None:
    found = mistakes_of(changed("Model", ("spec", "endpoint", "api_key"), {"env": "KEY", "hunter2": "x"}))
    assert [(m.message, m.hint) for m in found] == [("A field that is not known here", "Fields here: env.")]


def test_a_common_name_has_no_right_place() -> None:
    schema = {"properties": {name: {"properties": {"x": {}}} for name in "abc"}, "$defs": {}}
    assert right_place(("x",), schema) == ""
    assert right_place(("x",), {**schema, "properties": {"a": schema["properties"]["a"]}}) == "`x` belongs into `a`."


@pytest.mark.parametrize(
    ("value", "hint"),
    [
        ("pii", "Write `kind: pii` and its fields."),
        ("PII", "Write `kind: pii` and its fields."),
        (3, "Write `kind: code_injection` and its fields."),
        ({"type": "json"}, "Did you mean `kind: json` in place of `type: json`?"),
        (
            {"patterns": ["a"]},
            "Add one of code_injection, content_safety, groundedness, json, keywords, length, llm_judge, pii, profanity, prompt_injection, "
            "prompt_leakage, regex, secrets, topic, web.",
        ),
    ],
)
def test_a_kind_of_detector_in_another_form(value: Any, hint: str) -> None:
    (mistake,) = mistakes_of(changed("SafetyPolicy", ("spec", "rules", 0, "detector"), value))
    assert mistake.hint == hint


def test_a_map_that_is_none_is_told_its_fields() -> None:
    (mistake,) = mistakes_of(changed("Deployment", ("spec", "replicas"), 3))
    assert mistake.hint == "Write a map with its fields: min, max."


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, "nothing"), (True, "true"), ([], "a list"), ({}, "a map"), (3, "3"), ("a\nb", "'a\\nb'"), ("x" * 99, "'" + "x" * 56 + "...")],
)
def test_values_are_shown_short(value: Any, text: str) -> None:
    assert shown(value) == text


def test_the_schemas_agree_with_another_validator() -> None:
    for spec in SPECS:
        for path in all_paths(spec):
            odd = changed(spec["kind"], path, "?")
            if odd["kind"] in KINDS and not jsonschema.Draft202012Validator(schema(spec["kind"])).is_valid(odd):
                assert mistakes_of(odd), (spec["kind"], path)


def test_the_example_workspace_is_valid() -> None:
    for file in sorted(Path(ROOT / "specs").glob("*.yaml")):
        assert all(mistakes_of(d) == [] for d in yaml.safe_load_all(file.read_text()))
