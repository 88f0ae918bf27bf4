"""Cross-check: templates that render in a sandbox, from variables that are declared and that the application supplies."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from llmops.link.findings import Finding
from llmops.link.templates import TemplateProblem, read_template
from llmops.resources import Graph, Path, Resource

BUILT_IN = {"question": "string", "documents": "documents"}
"""What every application supplies: the user's question and, with a retrieval source, the passages."""


@cache
def _uses(content: str) -> frozenset[str] | TemplateProblem:
    return read_template(content)


def check_templates(graph: Graph) -> Iterator[Finding]:
    for prompt in graph.of_kind("Prompt"):
        used: set[str] = set()
        for index, message in enumerate(prompt.spec["messages"]):
            path: Path = ("spec", "messages", index, "content_file" if "content_file" in message else "content")
            names = _uses(message["content"])
            if isinstance(names, TemplateProblem):
                yield Finding(prompt.id, path, names.code, names.message, names.hint)
            else:
                used |= names
                yield from _undeclared(prompt, path, names)
        yield from _unused(prompt, used)


def _undeclared(prompt: Resource, path: Path, names: frozenset[str]) -> Iterator[Finding]:
    for name in sorted(names - set(prompt.spec["variables"])):
        hint = f"Add `{name}: {{type: {BUILT_IN.get(name, 'string')}}}` under spec.variables."
        yield Finding(prompt.id, path, "LLM0502", f"The template uses {name!r}, which is not declared", hint)


def _unused(prompt: Resource, used: set[str]) -> Iterator[Finding]:
    for name in sorted(set(prompt.spec["variables"]) - used):
        yield Finding(prompt.id, ("spec", "variables", name), "LLM0503", f"No template uses the variable {name!r}", "Use it or remove it.", "warning", at_key=True)


def check_supply(graph: Graph) -> Iterator[Finding]:
    """Every variable of an application's prompts has a source, of the right type."""
    for application in graph.of_kind("Application"):
        supplied = _supplied(application)
        used: set[str] = set()
        for reference in application.references:
            prompt = graph[reference.target]
            if prompt.kind == "Prompt":
                used |= set(prompt.spec["variables"])
                yield from _missing(application, reference.path, prompt, supplied)
        yield from _not_taken(application, used)


def _supplied(application: Resource) -> Mapping[str, str]:
    built_in = BUILT_IN if application.spec["retrieval"] else {"question": "string"}
    return {**{name: _type(value) for name, value in application.spec["variables"].items()}, **built_in}


def _missing(application: Resource, path: Path, prompt: Resource, supplied: Mapping[str, str]) -> Iterator[Finding]:
    for name, variable in prompt.spec["variables"].items():
        related = ((prompt.id, ("spec", "variables", name), "declared here"),)
        if name not in supplied:
            yield Finding(application.id, path, "LLM0504", f"{prompt.name} needs {name!r}, which the application does not supply", _way_out(name), related=related)
        elif variable["type"] != supplied[name]:
            message = f"{prompt.name} takes {name!r} as {variable['type']}, the application supplies {supplied[name]}"
            yield Finding(application.id, path, "LLM0505", message, f"Declare it as {supplied[name]}.", related=related)


def _not_taken(application: Resource, used: set[str]) -> Iterator[Finding]:
    for name in application.spec["variables"]:
        path: Path = ("spec", "variables", name)
        if name in BUILT_IN:
            yield Finding(application.id, path, "LLM0506", f"{name!r} is supplied with each request", "Remove it here.", at_key=True)
        elif name not in used:
            yield Finding(application.id, path, "LLM0503", f"No prompt of the application uses {name!r}", "Use it or remove it.", "warning", at_key=True)
    if application.spec["retrieval"] and "documents" not in used and used:
        message = "The prompt does not use the retrieved documents"
        yield Finding(application.id, ("spec", "retrieval"), "LLM0507", message, "Declare `documents: {type: documents}` in the prompt and loop over it.", "warning", at_key=True)


def _way_out(name: str) -> str:
    if name == "documents":
        return "Name a retrieval source under spec.retrieval."
    return f"Give it a value under spec.variables: `{name}: …`."


def _type(value: Any) -> str:
    if isinstance(value, bool):
        return "boolean"
    return {str: "string", list: "list"}.get(type(value), "number")
