"""The schemas teach: every field is described, every value explained, every example works; both dialects say the same."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from typing import Any

import jsonschema
import pytest

from llmops.cli.schema import FILES
from llmops.kinds import KINDS, POLICY_KINDS, schema
from llmops.kinds.editor import draft_07, filled_in
from llmops.kinds.fields import annotated
from llmops.kinds.generate import SCHEMAS, SETTINGS, SNIPPETS, snippets
from llmops.load.source import Source, load
from llmops.validate import mistakes_of, schema_mistakes
from llmops.validate.formats import FORMATS
from tests.conftest import ROOT

KINDS_OF_DOCUMENTS = (*KINDS, *POLICY_KINDS, *SETTINGS)
SCHEMA_OF = {**dict.fromkeys((*KINDS, *POLICY_KINDS), "llmops"), "Workspace": "workspace", "Patch": "patch"}
"""Kind of document → beginning of the name of its schema for editors."""
FOLDERS = ("specs", "environments", "tests/golden", "compiler/llmops/templates", "tests/policies", "policies")


@cache
def editor_schema(name: str) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((SCHEMAS / name).read_bytes())
    return loaded


@cache
def validator(name: str) -> Any:
    return jsonschema.validators.validator_for(editor_schema(name))(editor_schema(name))


def parts(value: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], dict[str, Any]]]:
    """Every piece of a schema with its path; values under `default` and `examples` are none."""
    if isinstance(value, list):
        for index, item in enumerate(value):
            yield from parts(item, (*path, str(index)))
    if isinstance(value, dict):
        yield path, value
        for key, item in value.items():
            if path[-1:] == ("properties",) or key not in ("default", "examples", "const", "enum", "defaultSnippets"):
                yield from parts(item, (*path, key))


def properties(root: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, part in parts(root):
        if path[-1:] != ("properties",) and isinstance(part.get("properties"), dict) and "if" not in path:
            yield from ((f"{'.'.join(path)}.{name}", inner) for name, inner in part["properties"].items())


@pytest.mark.parametrize("kind", KINDS_OF_DOCUMENTS)
def test_every_field_is_described(kind: str) -> None:
    found = list(properties(schema(kind)))
    assert len(found) > 5
    assert [name for name, part in found if not str(part.get("description", "")).endswith(".")] == []


@pytest.mark.parametrize("name", FILES)
def test_an_editor_shows_a_description_of_every_field(name: str) -> None:
    found = list(properties(editor_schema(name)))
    assert len(found) > 6
    assert [field for field, part in found if not (part.get("description") and part.get("markdownDescription"))] == []


@pytest.mark.parametrize("name", FILES)
def test_every_value_is_explained(name: str) -> None:
    found = [(path, part) for path, part in parts(editor_schema(name)) if isinstance(part.get("enum"), list)]
    assert found
    for path, part in found:
        if path[-1:] == ("propertyNames",) and "metadata" in part["enum"]:
            continue  # the two halves of a patch, explained by the field
        for key in ("enumDescriptions", "markdownEnumDescriptions"):
            assert len(part[key]) == len(part["enum"]), path
            assert all(text.endswith(".") for text in part[key]), path


@pytest.mark.parametrize("name", FILES)
def test_a_default_is_told(name: str) -> None:
    for path, part in parts(editor_schema(name)):
        if "default" in part and isinstance(part["default"], int | float | str):
            assert (
                f"Default: `{str(part['default']).lower() if isinstance(part['default'], bool) else part['default']}`"
                in (part["markdownDescription"])
            ), path


@pytest.mark.parametrize("name", FILES)
def test_the_schema_is_one(name: str) -> None:
    dialect = jsonschema.validators.validator_for(editor_schema(name))
    expected = jsonschema.Draft7Validator if "draft-07" in name else jsonschema.Draft202012Validator
    assert dialect is expected
    dialect.check_schema(editor_schema(name))


@pytest.mark.parametrize("kind", KINDS_OF_DOCUMENTS)
def test_examples_and_defaults_are_valid(kind: str) -> None:
    root = schema(kind)
    jsonschema.Draft202012Validator.check_schema(root)
    tried = 0
    for path, part in parts(root):
        if path[-1:] == ("properties",):
            continue
        given = [*part.get("examples", []), *([part["default"]] if "default" in part else [])]
        check = jsonschema.Draft202012Validator({**part, "$defs": root["$defs"]})
        for value in given:
            assert check.is_valid(value), (path, value)
            assert "x-llmops-format" not in part or not list(FORMATS[part["x-llmops-format"]]((), value)), (path, value)
            tried += 1
    assert tried >= 3


@pytest.mark.parametrize("kind", KINDS)
def test_a_plain_scalar_has_an_example(kind: str) -> None:
    """Where neither a default, nor a pattern's own words, nor a reference shows what to write."""
    without = [
        name
        for name, part in properties(schema(kind))
        if part.get("type") in ("string", "integer", "number") and not {"enum", "const", "examples", "default", "x-llmops-ref"} & set(part)
    ]
    assert without == []


@pytest.mark.parametrize("kind", KINDS_OF_DOCUMENTS)
def test_what_the_compiler_reads_has_nothing_for_editors(kind: str) -> None:
    keys = {key for path, part in parts(schema(kind)) if path[-1:] != ("properties",) for key in part}
    assert not keys & {"x-llmops-values", "markdownDescription", "enumDescriptions", "defaultSnippets"}


@pytest.mark.parametrize("kind", KINDS_OF_DOCUMENTS)
def test_whole_documents_are_valid_as_they_are_inserted(kind: str) -> None:
    offered = snippets(kind)
    assert offered
    for snippet in offered:
        assert snippet["label"].startswith(f"{kind}: ")
        (document,), problems = load([Source("new.yaml", filled_in(snippet["bodyText"]))])
        assert not problems and "${" not in filled_in(snippet["bodyText"])
        mistakes = mistakes_of(document.data) if kind in KINDS else schema_mistakes(document.data, kind)
        assert mistakes == [], snippet["label"]
        assert document.data["kind"] == kind


def test_every_whole_document_belongs_to_a_kind() -> None:
    assert {file.name.partition(".")[0] for file in SNIPPETS.iterdir()} == set(KINDS_OF_DOCUMENTS)


def test_stops_of_a_snippet() -> None:
    assert filled_in("a: ${1:x y}\nb: ${2|c,d|}\nc: [${10:z}] {{ q }}") == "a: x y\nb: c\nc: [z] {{ q }}"


def corpus() -> list[tuple[str, Any]]:
    """Every document of every spec, patch and workspace file of this repository that can be read, right or wrong."""
    files = [file for folder in FOLDERS for file in sorted((ROOT / folder).rglob("*.yaml")) if not file.is_symlink()]
    sources = [Source(str(file), file.read_bytes().decode("utf-8", "replace")) for file in files]
    return [(document.file, document.data) for source in sources for document in load([source])[0] if isinstance(document.data, dict)]


def test_both_dialects_and_the_compilers_schema_give_the_same_verdict() -> None:
    verdicts = {True: 0, False: 0}
    for file, data in corpus():
        kind = data.get("kind")
        if not isinstance(kind, str) or kind not in SCHEMA_OF:
            continue
        name = SCHEMA_OF[kind]
        said = {validator(f"{name}{dialect}.schema.json").is_valid(data) for dialect in ("", ".draft-07")}
        said.add(not schema_mistakes(data, kind))
        assert len(said) == 1, file
        verdicts[said.pop()] += 1
    assert verdicts[True] > 20 and verdicts[False] > 40


@pytest.mark.parametrize("data", [{}, {"apiVersion": "llmops/v1"}, {"apiVersion": "llmops/v1", "kind": "Modle"}, [], None])
def test_what_has_no_kind_is_valid_in_no_dialect(data: Any) -> None:
    assert not any(validator(f"llmops{dialect}.schema.json").is_valid(data) for dialect in ("", ".draft-07"))


def test_the_older_dialect_ignores_nothing() -> None:
    """In draft-07 whatever stands beside `$ref` has no effect."""
    for name in FILES:
        if "draft-07" in name:
            beside = [
                path for path, part in parts(editor_schema(name)) if "$ref" in part and len(part) > 1 and path[-1:] != ("properties",)
            ]
            assert beside == []
    older = draft_07({"properties": {"a": {"$ref": "#/$defs/A", "default": 1}}, "$defs": {"A": {"type": "integer"}}})
    assert older["properties"]["a"] == {"type": "integer", "default": 1} and "$defs" not in older


def test_dates_and_schedules_are_annotated() -> None:
    assert (("spec", "red_team", "date"), "date") in annotated("Application", "x-llmops-format")
    assert (("spec", "schedule"), "cron") in annotated("Monitor", "x-llmops-format")
