"""JSON Schema errors → mistakes that people can mend: what is wrong, what was expected, how to put it right.

Used by `validate` for broken documents only.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

import jsonschema_rs

from llmops.resources import Path

TYPE_NAMES = {"string": "text", "integer": "a whole number", "number": "a number", "boolean": "true or false", "array": "a list", "object": "a map", "null": "nothing"}

SECRET_FIELDS = ("api_key", "connection")


@dataclass(frozen=True, slots=True)
class Mistake:
    """A finding inside one document. `at_key` puts the caret under the field's name instead of its value."""

    code: str
    path: Path
    message: str
    hint: str = ""
    at_key: bool = False


def nearest(word: str, known: Iterable[str], otherwise: str = "Known") -> str:
    """`Did you mean …?`, or the list of what is known. Case and dashes are not taken into account."""
    names = sorted(known)
    plain = {re.sub(r"[^a-z0-9]", "", name.lower()): name for name in reversed(names)}
    near = get_close_matches(re.sub(r"[^a-z0-9]", "", word.lower()), plain, n=1, cutoff=0.6)
    return f"Did you mean {plain[near[0]]}?" if near else f"{otherwise}: {', '.join(names)}."


def explain(errors: Iterable[jsonschema_rs.ValidationError], data: Any, schema: Mapping[str, Any]) -> list[Mistake]:
    """One mistake for each thing to mend, in the order of the document."""
    mistakes = [mistake for error in errors for mistake in _explain(error, data, schema)]
    return list(dict.fromkeys(mistakes))


def _explain(error: jsonschema_rs.ValidationError, data: Any, schema: Mapping[str, Any]) -> Iterator[Mistake]:
    path = tuple(error.instance_path)
    rule = str(error.kind.name)
    expected = value_at(schema, error.schema_path)
    value = value_at(data, path)
    if rule in ("oneOf", "anyOf"):
        yield from _branch(value, path, schema, value_at(schema, error.schema_path[:-1]))
        return
    explainer = _EXPLAINERS.get(rule, _other)
    if rule == "additionalProperties":
        yield from _unknown_fields(value, path, schema, error)
    elif rule == "propertyNames":
        yield Mistake("LLM0206", path, f"Not a valid name here: {error.message}", "Use lower-case letters, digits and underscores.")
    elif rule == "required":
        yield from _missing(value, path, expected)
    else:
        yield explainer(value, path, expected, error)


def value_at(part: Any, path: Iterable[str | int]) -> Any:
    """The part of a document or a schema that `path` leads to."""
    for step in path:
        part = part[int(step) if isinstance(part, list) else step]
    return part


def _branch(value: Any, path: Path, schema: Mapping[str, Any], union: Mapping[str, Any]) -> Iterator[Mistake]:
    """Of several shapes, explains the one that the discriminating field names."""
    discriminator = union.get("discriminator")
    if discriminator is None:
        yield Mistake("LLM0205", path, f"{shown(value)} has the wrong type", f"Expected {_types(union)}.")
        return
    field, mapping = discriminator["propertyName"], discriminator["mapping"]
    if not isinstance(value, dict):
        yield Mistake("LLM0205", path, f"Expected a map with `{field}`, found {shown(value)}", f"Write `{field}: {next(iter(mapping))}` and its fields.")
    elif field not in value:
        yield Mistake("LLM0207", path, f"`{field}` is missing", f"Add one of {', '.join(mapping)}.", at_key=True)
    elif not isinstance(value[field], str) or value[field] not in mapping:
        yield Mistake("LLM0206", (*path, field), f"Unknown {field} {shown(value[field])}", nearest(str(value[field]), mapping))
    else:
        yield from _inside_branch(value, path, schema, mapping[value[field]])


def _inside_branch(value: Any, path: Path, schema: Mapping[str, Any], reference: str) -> Iterator[Mistake]:
    branch = {"$ref": reference, "$defs": schema["$defs"]}
    for mistake in explain(jsonschema_rs.validator_for(branch).iter_errors(value), value, branch):
        yield Mistake(mistake.code, (*path, *mistake.path), mistake.message, mistake.hint, mistake.at_key)


def _unknown_fields(value: Any, path: Path, schema: Mapping[str, Any], error: jsonschema_rs.ValidationError) -> Iterator[Mistake]:
    known = list(value_at(schema, error.schema_path[:-1]).get("properties", {}))
    for name in value:
        if name not in known:
            yield Mistake("LLM0204", (*path, name), f"Unknown field {name!r}", nearest(str(name), known, "Fields here"), at_key=True)


def _missing(value: Any, path: Path, required: Any) -> Iterator[Mistake]:
    names = [required] if isinstance(required, str) else list(required)
    for name in names:
        if name not in value:
            yield Mistake("LLM0207", path, f"`{name}` is missing", f"Add `{name}:`.", at_key=True)


def _wrong_type(value: Any, path: Path, expected: Any, _: jsonschema_rs.ValidationError) -> Mistake:
    if expected == "object" and path and path[-1] in SECRET_FIELDS:
        return Mistake("LLM0210", path, "A secret is written into the spec", "Write {env: NAME} and keep the value outside git.")
    wanted = " or ".join(TYPE_NAMES[name] for name in ([expected] if isinstance(expected, str) else expected))
    return Mistake("LLM0205", path, f"Expected {wanted}, found {shown(value)}", _type_hint(value, expected))


def _type_hint(value: Any, expected: Any) -> str:
    if value is None:
        return "Give it a value, or remove the field."
    if expected == "string" and isinstance(value, bool | int | float):
        return f'Quote it: "{str(value).lower() if isinstance(value, bool) else value}".'
    if expected == "array":
        return "Write a list: [item] or one `- item` a line."
    if expected in ("number", "integer") and isinstance(value, str):
        return "Write it without quotes." if re.fullmatch(r"[-+]?\d+(\.\d+)?", value) else "Write a number."
    return "Change the value, or remove the field."


def _not_allowed(value: Any, path: Path, expected: Any, _: jsonschema_rs.ValidationError) -> Mistake:
    allowed = [str(item) for item in (expected if isinstance(expected, list) else [expected])]
    return Mistake("LLM0206", path, f"{shown(value)} is not one of {', '.join(allowed)}", nearest(str(value), allowed, "Allowed"))


def _bad_pattern(value: Any, path: Path, expected: Any, _: jsonschema_rs.ValidationError) -> Mistake:
    return Mistake("LLM0208", path, f"{shown(value)} does not have the right form", f"It must match {expected}")


def _out_of_range(value: Any, path: Path, expected: Any, error: jsonschema_rs.ValidationError) -> Mistake:
    name = str(error.kind.name)
    limit = {"minimum": "at least", "maximum": "at most", "exclusiveMinimum": "more than", "exclusiveMaximum": "less than"}.get(name)
    if limit:
        return Mistake("LLM0209", path, f"{value} is out of range", f"It must be {limit} {expected}.")
    limit = "at least" if name.startswith("min") else "at most"
    thing = {"Items": "items", "Length": "characters", "Properties": "fields"}[name[3:]]
    return Mistake("LLM0209", path, f"It has {len(value)} {thing}", f"It must have {limit} {expected}.")


def _other(_value: Any, path: Path, _expected: Any, error: jsonschema_rs.ValidationError) -> Mistake:
    return Mistake("LLM0205", path, error.message, "See the field's description: `llmops schema`.")


_EXPLAINERS = {
    "type": _wrong_type,
    "enum": _not_allowed,
    "const": _not_allowed,
    "pattern": _bad_pattern,
    **dict.fromkeys(("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"), _out_of_range),
    **dict.fromkeys(("minItems", "maxItems", "minLength", "maxLength", "minProperties", "maxProperties"), _out_of_range),
}


def _types(union: Mapping[str, Any]) -> str:
    return " or ".join(TYPE_NAMES.get(option.get("type", ""), "another form") for option in union.get("anyOf", union.get("oneOf", [])))


def shown(value: Any) -> str:
    """A value as a message quotes it: short."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict | list):
        return "a map" if isinstance(value, dict) else "a list"
    text = f"{value!r}"
    return text if len(text) <= 60 else f"{text[:57]}..."
