"""Build step: what the schemas for editors have beyond those that the compiler reads.

An editor shows descriptions as Markdown, explains each value, and offers whole documents (`snippets/`) in an empty file.
Keys of yaml-language-server and of VS Code: `markdownDescription`, `enumDescriptions`, `defaultSnippets`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

import orjson

Schema = dict[str, Any]
Snippet = dict[str, str]

FIRST_FIELDS = ("apiVersion", "kind", "metadata", "spec", "target", "patch")
"""The order in which people write them."""

_STOP = re.compile(r"\$\{\d+(?::([^}]*)|\|([^,|]*)[^|]*\|)\}")


def one_of_kinds(schemas: Mapping[str, Schema], whole_documents: Iterable[Snippet]) -> Schema:
    """One schema for every kind, chosen by `kind`, so that an editor completes the right fields."""
    definitions: Schema = {}
    rules = []
    for kind, schema in schemas.items():
        definitions[kind] = _renamed(schema, kind)
        for name, part in schema.get("$defs", {}).items():
            definitions[f"{kind}.{name}"] = _renamed(part, kind)
        chosen = {"required": ["kind"], "properties": {"kind": {"const": kind}}}
        rules.append({"if": chosen, "then": {"$ref": f"#/$defs/{kind}"}})
    return {
        "type": "object",
        "required": ["apiVersion", "kind"],
        "properties": {
            "apiVersion": {"const": "llmops/v1", **_told("Version of the spec language: always `llmops/v1`.")},
            "kind": _choice({kind: schema["description"] for kind, schema in schemas.items()}, "What this document declares."),
        },
        "allOf": [_while_empty(whole_documents), *rules],
        "$defs": definitions,
    }


def for_editors(schema: Schema) -> Schema:
    """The schema of one document with everything that an editor shows."""
    shown: Schema = _explained(schema)
    for name, part in shown.get("$defs", {}).items():
        part["title"] = name
    shown["properties"]["kind"] |= _told(schema["description"])
    first = [name for name in FIRST_FIELDS if name in shown["properties"]]
    shown["properties"] = {name: shown["properties"][name] for name in dict.fromkeys([*first, *shown["properties"]])}
    return shown


def with_whole_documents(schema: Schema, whole_documents: Iterable[Snippet]) -> Schema:
    """The schema of a file of its own form, as `llmops.yaml`, which offers its document while it is empty."""
    return {**schema, "allOf": [_while_empty(whole_documents)]}


def draft_07(schema: Schema) -> Schema:
    """The same schema in the older dialect: `definitions` for `$defs`, and no `$ref` with siblings, which that one ignores."""
    older = orjson.loads(orjson.dumps(schema).replace(b"#/$defs/", b"#/definitions/"))
    definitions = older.pop("$defs")
    return {**_without_siblings(older, definitions), "definitions": _without_siblings(definitions, definitions)}


def snippet(text: str) -> Snippet:
    """A whole document for `defaultSnippets`: the first line of `text` is its label, the rest is in the snippet syntax of editors."""
    label, _, body = text.partition("\n")
    example = filled_in(body.rstrip())
    shown = {"description": example, "markdownDescription": f"```yaml\n{example}\n```"}
    return {"label": label.removeprefix("# "), "bodyText": body.rstrip(), **shown}


def filled_in(body: str) -> str:
    """What a snippet gives when every stop is left as it is: `${1:x}` is x, `${1|a,b|}` is a."""
    return _STOP.sub(lambda stop: stop[1] or stop[2], body)


def _while_empty(whole_documents: Iterable[Snippet]) -> Schema:
    """Offered as long as the document has no kind."""
    return {"if": {"not": {"required": ["kind"]}}, "then": {"defaultSnippets": list(whole_documents)}}


def _choice(meaning: Mapping[str, str], description: str) -> Schema:
    texts = list(meaning.values())
    return {"enum": list(meaning), **_told(description), "enumDescriptions": texts, "markdownEnumDescriptions": texts}


def _explained(part: Any) -> Any:
    if isinstance(part, list):
        return [_explained(item) for item in part]
    if not isinstance(part, dict):
        return part
    # Under `properties` and `default` stand names and values, where a key means nothing.
    out = {key: value if key in ("default", "examples", "const", "enum") else _explained(value) for key, value in part.items()}
    meaning = out.pop("x-llmops-values", None)
    if isinstance(meaning, dict) and "enum" in out:
        out |= {key: [meaning[value] for value in out["enum"]] for key in ("enumDescriptions", "markdownEnumDescriptions")}
    if "discriminator" in out:
        out["type"] = "object"
    if isinstance(out.get("description"), str):
        out |= _described(out)
    if out.get("default") in ("", [], {}):
        del out["default"]
    return out


def _described(part: Schema) -> Schema:
    text, default = part["description"], part.get("default")
    if default in (None, "", [], {}):
        return _told(text)
    value = default if isinstance(default, str) else orjson.dumps(default).decode()
    return _told(text, f"Default: `{value}`.")


def _told(*paragraphs: str) -> Schema:
    """A description in both forms; where there is no Markdown one, yaml-language-server prints the marks of the other."""
    return {"description": " ".join(paragraphs), "markdownDescription": "\n\n".join(paragraphs)}


def _renamed(part: Any, kind: str) -> Any:
    if isinstance(part, list):
        return [_renamed(item, kind) for item in part]
    if not isinstance(part, dict):
        return part.replace("#/$defs/", f"#/$defs/{kind}.") if isinstance(part, str) and part.startswith("#/$defs/") else part
    return {key: _renamed(value, kind) for key, value in part.items() if key != "$defs"}


def _without_siblings(part: Any, definitions: Schema) -> Any:
    if isinstance(part, list):
        return [_without_siblings(item, definitions) for item in part]
    if not isinstance(part, dict):
        return part
    if isinstance(part.get("$ref"), str) and len(part) > 1:
        target = definitions[part["$ref"].removeprefix("#/definitions/")]
        part = {**target, **{key: value for key, value in part.items() if key != "$ref"}}
    return {key: _without_siblings(value, definitions) for key, value in part.items()}
