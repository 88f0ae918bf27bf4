"""JSON Schema errors → mistakes that people can mend: what is wrong, what was expected, how to put it right.

Used by `validate` for broken documents only.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from llmops.resources import Path
from llmops.validate.elsewhere import bare, right_place

if TYPE_CHECKING:
    import jsonschema_rs


TYPE_NAMES = {
    "string": "text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "array": "a list",
    "object": "a map",
    "null": "nothing",
}

SECRET_FIELDS = ("api_key", "connection")


@dataclass(frozen=True, slots=True)
class Mistake:
    """A finding inside one document. `at_key` puts the caret under the field's name instead of its value."""

    code: str
    path: Path
    message: str
    hint: str = ""
    at_key: bool = False


WORDS = {
    "agent": "Application",
    "app": "Application",
    "assistant": "Application",
    "azure": "openai",
    "completion": "chat",
    "deny": "block",
    "eval": "Evaluation",
    "generation": "chat",
    "guardrail": "SafetyPolicy",
    "guardrails": "SafetyPolicy",
    "index": "RetrievalSource",
    "knowledgebase": "RetrievalSource",
    "llm": "Model",
    "mask": "redact",
    "ollama": "openai",
    "postgres": "pgvector",
    "postgresql": "pgvector",
    "reject": "refuse",
    "vllm": "openai",
    "vectorstore": "RetrievalSource",
}
"""Words of other tools → ours, offered where ours is known."""


def nearest(word: str, known: Iterable[str], otherwise: str = "Known") -> str:
    """`Did you mean …?`, or the list of what is known. Case and dashes are not taken into account."""
    names = sorted(known)
    near = _nearest(bare(word), {bare(name): name for name in reversed(names)})
    return f"Did you mean {near}?" if near else f"{otherwise}: {', '.join(names)}."


def _nearest(word: str, plain: Mapping[str, str]) -> str | None:
    """`plain` maps bare names to names. A name that is alike, a word of another tool, a name that begins the word or holds it."""
    if WORDS.get(word) in plain.values():
        return WORDS[word]
    near = get_close_matches(word, plain, n=1, cutoff=0.66) or [name for name in plain if len(name) > 2 and word.startswith(name)]
    holding = [name for name in plain if len(word) > 1 and word in name]
    found = near or (holding if len(holding) == 1 else [])
    return plain[found[0]] if found else None


def explain(errors: Iterable[jsonschema_rs.ValidationError], data: Any, schema: Mapping[str, Any]) -> list[Mistake]:
    """One mistake for each thing to mend, in the order of the document. `schema` is the whole document's."""
    mistakes = [_placed(mistake, schema) for mistake in _mistakes(errors, data, schema)]
    renamed = {(*m.path[:-1], _MEANT.sub(r"\1", m.hint)) for m in mistakes if m.code == "LLM0204"}
    return [m for m in mistakes if m.code != "LLM0207" or m.path not in renamed]


_MEANT = re.compile(r"^Did you mean (.*)\?$")


def _mistakes(errors: Iterable[jsonschema_rs.ValidationError], data: Any, schema: Mapping[str, Any]) -> list[Mistake]:
    return list(dict.fromkeys(mistake for error in errors for mistake in _explain(error, data, schema)))


def _placed(mistake: Mistake, schema: Mapping[str, Any]) -> Mistake:
    """An unknown field that another place of the document has belongs there, unless its name is only written otherwise."""
    name = str(mistake.path[-1]) if mistake.path else ""
    # Inside a field for secrets the unknown name is kept quiet: `name` is then the field's own.
    if mistake.code != "LLM0204" or name not in mistake.message or bare(_MEANT.sub(r"\1", mistake.hint)) == bare(name):
        return mistake
    return replace(mistake, hint=right_place(mistake.path, schema) or mistake.hint)


@dataclass(frozen=True, slots=True)
class _Error:
    """One error of the validator: `rule` of `part`, a piece of `schema`, does not hold for `value` at `path`."""

    rule: str
    path: Path
    value: Any
    part: Mapping[str, Any]
    schema: Mapping[str, Any]
    message: str

    @property
    def expected(self) -> Any:
        return self.part[self.rule]

    @property
    def found(self) -> str:
        """The value as a message may quote it; what stands in a field for secrets may be one."""
        return "something else" if self.is_secret and self.value is not None else shown(self.value)

    @property
    def is_secret(self) -> bool:
        return not set(SECRET_FIELDS).isdisjoint(self.path)


def _explain(error: jsonschema_rs.ValidationError, data: Any, schema: Mapping[str, Any]) -> Iterator[Mistake]:
    path, steps = tuple(error.instance_path), list(error.schema_path)
    if "propertyNames" in steps:  # a rule about the names: the map itself is what to look at
        steps = steps[: steps.index("propertyNames") + 1]
    found = _Error(str(steps[-1]), path, value_at(data, path), value_at(schema, steps[:-1]), schema, error.message)
    return _EXPLAINERS.get(found.rule, _other)(found)


def value_at(part: Any, path: Iterable[str | int]) -> Any:
    """The part of a document or a schema that `path` leads to."""
    for step in path:
        part = part[int(step) if isinstance(part, list) else step]
    return part


def _branch(error: _Error) -> Iterator[Mistake]:
    """Of several shapes, explains the one that the discriminating field names."""
    path, value, discriminator = error.path, error.value, error.part.get("discriminator")
    maps = [option["$ref"] for option in error.expected if "$ref" in option]
    if discriminator is None and isinstance(value, dict) and len(maps) == 1:
        yield from _inside_branch(error, maps[0])
        return
    if discriminator is None:
        yield Mistake("LLM0205", path, f"Expected {_types(error.expected)}, found {shown(value)}", "Change the value, or remove the field.")
        return
    field, mapping = discriminator["propertyName"], discriminator["mapping"]
    if not isinstance(value, dict):
        kind = _nearest(bare(value), {bare(name): name for name in mapping}) if isinstance(value, str) else None
        hint = f"Write `{field}: {kind or next(iter(mapping))}` and its fields."
        yield Mistake("LLM0205", path, f"Expected a map with `{field}`, found {shown(value)}", hint)
    elif field not in value:
        yield Mistake("LLM0207", path, f"`{field}` is missing", _missing_kind(field, mapping, value), at_key=True)
    elif not isinstance(value[field], str):
        yield Mistake("LLM0205", (*path, field), f"Expected text, found {shown(value[field])}", f"Write one of {', '.join(mapping)}.")
    elif value[field] not in mapping:
        yield Mistake("LLM0206", (*path, field), f"Unknown {field} {shown(value[field])}", nearest(value[field], mapping))
    else:
        yield from _inside_branch(error, mapping[value[field]])


def _missing_kind(field: str, mapping: Mapping[str, str], value: Mapping[str, Any]) -> str:
    """`type: pii` where `kind: pii` is meant, or the kinds there are."""
    for name, given in value.items():
        if isinstance(given, str) and given in mapping:
            return f"Did you mean `{field}: {given}` in place of `{name}: {given}`?"
    return f"Add one of {', '.join(mapping)}."


def _inside_branch(error: _Error, reference: str) -> Iterator[Mistake]:
    branch = {"$ref": reference, "$defs": error.schema["$defs"]}
    import jsonschema_rs

    for mistake in _mistakes(jsonschema_rs.validator_for(branch).iter_errors(error.value), error.value, branch):
        yield Mistake(mistake.code, (*error.path, *mistake.path), mistake.message, mistake.hint, mistake.at_key)


def _unknown_fields(error: _Error) -> Iterator[Mistake]:
    """Fields that the map does not have; in a map with free names, names of a wrong form."""
    patterns = list(error.part.get("patternProperties", {}))
    known = [*error.part.get("properties", {}), *error.part.get("propertyNames", {}).get("enum", ())]
    for name in error.value:
        if name in known or any(re.search(pattern, name) for pattern in patterns):
            continue
        if error.is_secret:
            yield Mistake("LLM0204", error.path, "A field that is not known here", f"Fields here: {', '.join(known)}.", at_key=True)
        elif patterns:
            yield Mistake("LLM0208", (*error.path, name), f"{shown(name)} is no valid name here", _form(name, {}, patterns[0]), at_key=True)
        else:
            yield Mistake("LLM0204", (*error.path, name), f"Unknown field {shown(name)}", nearest(name, known, "Fields here"), at_key=True)


def _missing(error: _Error) -> Iterator[Mistake]:
    for name in error.expected:
        if name not in error.value:
            description = _description(error.part.get("properties", {}).get(name, {}))
            yield Mistake("LLM0207", (*error.path, name), f"`{name}` is missing", f"Add `{name}: …`. {description}".strip(), at_key=True)


def _description(part: Mapping[str, Any]) -> str:
    """The first line of what the schema says about a field."""
    return str(part.get("description", "")).partition("\n")[0]


def _wrong_type(error: _Error) -> Iterator[Mistake]:
    path, value, expected = error.path, error.value, error.expected
    if expected == "object" and path and path[-1] in SECRET_FIELDS and value is not None:
        yield Mistake("LLM0210", path, "A secret is written into the spec", "Write {env: NAME} and keep the value outside git.")
        return
    names = [expected] if isinstance(expected, str) else expected
    yield Mistake(
        "LLM0205",
        path,
        f"Expected {_joined(TYPE_NAMES[name] for name in names)}, found {error.found}",
        _type_hint(value, expected, error.part),
    )


def _type_hint(value: Any, expected: Any, part: Mapping[str, Any]) -> str:
    if value is None:
        return "Give it a value, or remove the field."
    if expected == "string" and isinstance(value, bool | int | float):
        return f'Quote it: "{str(value).lower() if isinstance(value, bool) else value}".'
    if expected == "object" and "properties" in part:
        return f"Write a map with its fields: {', '.join(part['properties'])}."
    if expected == "array":
        return "Write a list: [item] or one `- item` a line."
    if expected in ("number", "integer") and isinstance(value, str):
        return "Write it without quotes." if re.fullmatch(r"[-+]?[0-9]+(\.[0-9]+)?", value) else "Write a number."
    return "Change the value, or remove the field."


def _not_allowed(error: _Error) -> Iterator[Mistake]:
    allowed = [str(item) for item in (error.expected if isinstance(error.expected, list) else [error.expected])]
    yield Mistake("LLM0206", error.path, f"{shown(error.value)} is not allowed here", nearest(str(error.value), allowed, "Allowed"))


def _bad_pattern(error: _Error) -> Iterator[Mistake]:
    message = "The variable's name does not have the right form" if error.is_secret else f"{error.found} does not have the right form"
    yield Mistake("LLM0208", error.path, message, _form(error.value, error.part, error.expected))


def _form(value: str, part: Mapping[str, Any], pattern: str) -> str:
    """A corrected value where one is at hand, otherwise the form in words, by example or as a pattern."""
    if "x-llmops-ref" in part:
        return "Write a name, or name@1.2.0 to pin a version."
    for corrected in (re.sub(r"[^a-z0-9]+", mark, value.lower()).strip(mark) for mark in "-_"):
        if re.search(pattern, corrected):
            return f"Did you mean {corrected}?"
    example = f"Example: {part['examples'][0]}" if "examples" in part else f"It must match {pattern}"
    return f"{_description(part)} {example}".strip()


def _out_of_limits(error: _Error) -> Iterator[Mistake]:
    limit = {"minimum": "at least", "maximum": "at most", "exclusiveMinimum": "more than", "exclusiveMaximum": "less than"}[error.rule]
    yield Mistake("LLM0209", error.path, f"{error.value} is out of range", f"It must be {limit} {error.expected}.")


def _wrong_length(error: _Error) -> Iterator[Mistake]:
    limit = "at least" if error.rule.startswith("min") else "at most"
    thing = {"Items": "item", "Length": "character", "Properties": "field"}[error.rule[3:]]
    count = len(error.value)
    subject = f"`{error.path[-1]}`" if error.path and isinstance(error.path[-1], str) else "It"
    yield Mistake(
        "LLM0209", error.path, f"{subject} has {count} {thing}{'' if count == 1 else 's'}", f"It must have {limit} {error.expected}."
    )


def _other(error: _Error) -> Iterator[Mistake]:
    yield Mistake("LLM0205", error.path, error.message.rstrip("."), "See the field's description: `llmops schema`.")


_EXPLAINERS: dict[str, Callable[[_Error], Iterator[Mistake]]] = {
    "type": _wrong_type,
    "enum": _not_allowed,
    "const": _not_allowed,
    "pattern": _bad_pattern,
    "required": _missing,
    **dict.fromkeys(("oneOf", "anyOf"), _branch),
    **dict.fromkeys(("additionalProperties", "propertyNames"), _unknown_fields),
    **dict.fromkeys(("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"), _out_of_limits),
    **dict.fromkeys(("minItems", "maxItems", "minLength", "maxLength", "minProperties", "maxProperties"), _wrong_length),
}


def _types(options: Iterable[Mapping[str, Any]]) -> str:
    return _joined(TYPE_NAMES.get(option.get("type", ""), "another form") for option in options)


def _joined(words: Iterable[str]) -> str:
    *first, last = words
    return f"{', '.join(first)} or {last}" if first else last


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
