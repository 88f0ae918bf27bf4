"""Build step: pydantic models in this package become the JSON Schemas that are checked in beside them.

`python -m llmops.kinds.generate` writes them; a test fails when they differ from the models.
"""

from __future__ import annotations

from copy import deepcopy
from importlib import import_module
from pathlib import Path
from typing import Any

import orjson
from pydantic import BaseModel

from llmops.kinds import KINDS, POLICY_KINDS

SCHEMAS = Path(__file__).parent / "schemas"
DIALECT = "https://json-schema.org/draft/2020-12/schema"
DRAFT_07 = "http://json-schema.org/draft-07/schema#"


def kind_model(kind: str) -> type[BaseModel]:
    """The pydantic model of a kind."""
    model = getattr(import_module(f"llmops.kinds.{KINDS[kind]}"), kind)
    assert isinstance(model, type) and issubclass(model, BaseModel)
    return model


def generate() -> dict[str, bytes]:
    """File name → bytes of every schema: one a kind, policies and waivers among them, `Workspace`, `Patch`, and the two that editors take."""
    workspace = import_module("llmops.kinds.workspace")
    schemas = {kind: _schema_of(kind_model(kind)) for kind in KINDS}
    policy = import_module("llmops.kinds.policy")
    settings = {name: _schema_of(getattr(workspace, name)) for name in ("Workspace", "Patch")}
    rules = {name: _schema_of(getattr(policy, name)) for name in POLICY_KINDS}
    files = {name: {"$schema": DIALECT, **value} for name, value in {**schemas, **settings, **rules}.items()}
    editor = _any_kind({**schemas, **rules})
    files["llmops.schema"] = {"$schema": DIALECT, **editor}
    files["llmops.draft-07.schema"] = {"$schema": DRAFT_07, **_draft_07(editor)}
    return {f"{name}.json": orjson.dumps(value, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE) for name, value in files.items()}


def _schema_of(model: type[BaseModel]) -> dict[str, Any]:
    schema = model.model_json_schema(by_alias=True)
    for part in [schema, *schema.get("$defs", {}).values()]:
        _tidy(part)
    _fill_defaults(schema)
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


def _fill_defaults(schema: dict[str, Any]) -> None:
    """A `default_factory` leaves no default in the schema; an empty map is what all of ours stand for."""
    for part in [schema, *schema.get("$defs", {}).values()]:
        required = set(part.get("required", []))
        for name, value in part.get("properties", {}).items():
            if name not in required and "default" not in value:
                value["default"] = {}


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


def _any_kind(schemas: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """One schema for every kind, chosen by `kind`, so that an editor completes the right fields."""
    definitions: dict[str, Any] = {}
    rules = []
    for kind, schema in schemas.items():
        definitions[kind] = _renamed(schema, kind)
        for name, part in schema.get("$defs", {}).items():
            definitions[f"{kind}.{name}"] = _renamed(part, kind)
        rules.append({"if": {"properties": {"kind": {"const": kind}}}, "then": {"$ref": f"#/$defs/{kind}"}})
    properties = {"apiVersion": {"const": "llmops/v1"}, "kind": {"enum": list(schemas)}, "metadata": {}, "spec": {}}
    return {
        "type": "object",
        "required": ["apiVersion", "kind", "metadata", "spec"],
        "properties": properties,
        "allOf": rules,
        "$defs": definitions,
    }


def _renamed(part: Any, kind: str) -> Any:
    if isinstance(part, list):
        return [_renamed(item, kind) for item in part]
    if not isinstance(part, dict):
        return part.replace("#/$defs/", f"#/$defs/{kind}.") if isinstance(part, str) and part.startswith("#/$defs/") else part
    return {key: _renamed(value, kind) for key, value in part.items() if key != "$defs"}


def _draft_07(schema: dict[str, Any]) -> dict[str, Any]:
    """The same schema in the older dialect: `definitions` for `$defs`, siblings of `$ref` moved into `allOf`."""
    text = orjson.dumps(schema).replace(b"#/$defs/", b"#/definitions/")
    older = _without_siblings(orjson.loads(text))
    older["definitions"] = older.pop("$defs")
    return dict(older)


def _without_siblings(part: Any) -> Any:
    if isinstance(part, list):
        return [_without_siblings(item) for item in part]
    if not isinstance(part, dict):
        return part
    out = {key: _without_siblings(value) for key, value in part.items()}
    if isinstance(out.get("$ref"), str) and len(out) > 1:
        out["allOf"] = [{"$ref": out.pop("$ref")}]
    return deepcopy(out)


def write(folder: Path = SCHEMAS) -> None:
    for name, content in generate().items():
        (folder / name).write_bytes(content)


if __name__ == "__main__":
    write()
