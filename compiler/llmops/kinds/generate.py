"""Build step: pydantic models in this package become the JSON Schemas that are checked in beside them.

`python -m llmops.kinds.generate` writes them; a test fails when they differ from the models.
"""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any

import orjson
from pydantic import BaseModel

from llmops.kinds import KINDS, POLICY_KINDS
from llmops.kinds.editor import draft_07, for_editors, one_of_kinds, snippet, with_whole_documents

SCHEMAS = Path(__file__).parent / "schemas"
SNIPPETS = Path(__file__).parent / "snippets"
DIALECT = "https://json-schema.org/draft/2020-12/schema"
DRAFT_07 = "http://json-schema.org/draft-07/schema#"
SETTINGS = ("Workspace", "Patch")


def kind_model(kind: str) -> type[BaseModel]:
    """The pydantic model of a kind."""
    model = getattr(import_module(f"llmops.kinds.{KINDS[kind]}"), kind)
    assert isinstance(model, type) and issubclass(model, BaseModel)
    return model


def generate() -> dict[str, bytes]:
    """File name → bytes of every schema: those that the compiler reads, one a kind, and those that editors take, in two dialects."""
    written = {kind: _schema_of(model) for kind, model in _models().items()}
    files = {name: {"$schema": DIALECT, **_without_values(schema)} for name, schema in written.items()}
    for name, schema in _editor_schemas({name: for_editors(schema) for name, schema in written.items()}).items():
        files[f"{name}.schema"] = {"$schema": DIALECT, **schema}
        files[f"{name}.draft-07.schema"] = {"$schema": DRAFT_07, **draft_07(schema)}
    return {f"{name}.json": orjson.dumps(value, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE) for name, value in files.items()}


def _models() -> dict[str, type[BaseModel]]:
    """The model of every document: resources, the organisation's rules, settings and patches."""
    policy, workspace = (import_module(f"llmops.kinds.{name}") for name in ("policy", "workspace"))
    rules = {name: getattr(policy, name) for name in POLICY_KINDS}
    return {kind: kind_model(kind) for kind in KINDS} | rules | {name: getattr(workspace, name) for name in SETTINGS}


def _editor_schemas(shown: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    settings = {name.lower(): with_whole_documents(shown[name], snippets(name)) for name in SETTINGS}
    kinds = {kind: schema for kind, schema in shown.items() if kind not in SETTINGS}
    return {"llmops": one_of_kinds(kinds, [document for kind in kinds for document in snippets(kind)]), **settings}


def snippets(kind: str) -> list[dict[str, str]]:
    """The whole documents of a kind: `snippets/<kind>.yaml` and `snippets/<kind>.<variant>.yaml`."""
    files = [file for file in sorted(SNIPPETS.glob("*.yaml")) if file.name.partition(".")[0] == kind]
    return [snippet(file.read_text("utf-8")) for file in files]


def _schema_of(model: type[BaseModel]) -> dict[str, Any]:
    schema = model.model_json_schema(by_alias=True)
    for part in [schema, *schema.get("$defs", {}).values()]:
        _tidy(part)
    _fill_in(schema)
    closed: dict[str, Any] = _closed(_without_null(schema))
    return closed


def _tidy(part: Any) -> None:
    """Pydantic's titles repeat the field's name; editors show them in place of the description."""
    if isinstance(part, list):
        for item in part:
            _tidy(item)
        return
    if not isinstance(part, dict):
        return
    if isinstance(part.get("title"), str):
        del part["title"]
    for value in part.values():
        _tidy(value)


def _fill_in(schema: dict[str, Any]) -> None:
    """What pydantic leaves out: the default of a `default_factory`, an empty map with all of ours, and a description that is its type's."""
    definitions = schema.get("$defs", {})
    for part in [schema, *definitions.values()]:
        required = set(part.get("required", []))
        for name, value in part.get("properties", {}).items():
            if name not in required and "default" not in value:
                value["default"] = {}
            if "$ref" in value and "description" not in value:
                value["description"] = definitions[value["$ref"].rpartition("/")[2]]["description"]


def _without_null(part: Any) -> Any:
    """`field: X | None = None` means that the field may be left out, not that people should write `null`."""
    if isinstance(part, list):
        return [_without_null(item) for item in part]
    if not isinstance(part, dict):
        return part
    out = {key: _without_null(value) for key, value in part.items()}
    if "default" in out and out["default"] is None and "anyOf" in out:
        (branch,) = [option for option in out.pop("anyOf") if option != {"type": "null"}]
        del out["default"]
        return {**branch, **out}
    return out


def _closed(part: Any) -> Any:
    """`patternProperties` alone lets every other name pass, with any value; an unknown name is never valid here."""
    if isinstance(part, list):
        return [_closed(item) for item in part]
    if not isinstance(part, dict):
        return part
    closed = {key: _closed(value) for key, value in part.items()}
    return {**closed, "additionalProperties": False} if "patternProperties" in part else closed


def _without_values(part: Any) -> Any:
    """What a value means is for editors only."""
    if isinstance(part, list):
        return [_without_values(item) for item in part]
    if not isinstance(part, dict):
        return part
    return {key: _without_values(value) for key, value in part.items() if key != "x-llmops-values"}


def write(folder: Path = SCHEMAS) -> None:
    for name, content in generate().items():
        (folder / name).write_bytes(content)


if __name__ == "__main__":
    write()
