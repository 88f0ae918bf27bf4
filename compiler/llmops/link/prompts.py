"""Cross-check: templates that render in a sandbox, from variables that are declared and that the application supplies."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from llmops.link.findings import Finding
from llmops.link.templates import Template, TemplateProblem, read_template
from llmops.resources import Graph, Path, Resource

BUILT_IN = {"question": "string", "documents": "documents"}
"""What every application supplies: the user's question and, with a retrieval source, the passages."""


def check_templates(graph: Graph) -> Iterator[Finding]:
    for prompt in graph.of_kind("Prompt"):
        templates = [read_template(message["content"]) for message in prompt.spec["messages"] if "content" in message]
        read = [template for template in templates if isinstance(template, Template)]
        yield from _template_findings(prompt)
        if len(read) == len(prompt.spec["messages"]):
            yield from _unused(prompt, {name for template in read for name in template.names})


def _template_findings(prompt: Resource) -> Iterator[Finding]:
    for index, message in enumerate(prompt.spec["messages"]):
        path: Path = ("spec", "messages", index, "content_file" if "content_file" in message else "content")
        template = read_template(message["content"]) if "content" in message else None
        if isinstance(template, TemplateProblem):
            yield Finding(prompt.id, path, template.code, template.message, template.hint)
        elif template:
            yield from _undeclared(prompt, path, template.names)
            yield from _not_filled_in(prompt, path, message)


def _not_filled_in(prompt: Resource, path: Path, message: Mapping[str, Any]) -> Iterator[Finding]:
    """Haystack's prompt builder copies an assistant's message as it stands."""
    if message["role"] == "assistant" and any(mark in message["content"] for mark in ("{{", "{%")):
        hint = "Write plain text here, or put the template into a user or system message."
        yield Finding(prompt.id, path, "LLM0510", "An assistant's message is not filled in: the model would read the braces", hint)


def _undeclared(prompt: Resource, path: Path, names: frozenset[str]) -> Iterator[Finding]:
    for name in sorted(names - set(prompt.spec["variables"])):
        hint = f"Add `{name}: {{type: {BUILT_IN.get(name, 'string')}}}` under spec.variables."
        yield Finding(prompt.id, path, "LLM0502", f"The template uses {name!r}, which is not declared", hint)


def _unused(prompt: Resource, used: set[str]) -> Iterator[Finding]:
    for name in sorted(set(prompt.spec["variables"]) - used):
        yield Finding(
            prompt.id,
            ("spec", "variables", name),
            "LLM0503",
            f"No template uses the variable {name!r}",
            "Use it or remove it.",
            "warning",
            at_key=True,
        )


def check_supply(graph: Graph) -> Iterator[Finding]:
    """Every variable of an application's prompts has a source, of the right type."""
    for application in graph.of_kind("Application"):
        supplied = _supplied(application)
        prompts = [
            (reference.path, graph[reference.target]) for reference in application.references if graph[reference.target].kind == "Prompt"
        ]
        for path, prompt in prompts:
            yield from _missing(application, path, prompt, supplied)
        yield from _reserved(application)
        if len(prompts) == len(application.spec.get("variants", [""])):  # otherwise a prompt that is not known may use them
            yield from _not_taken(application, {name for _, prompt in prompts for name in prompt.spec["variables"]})


def _supplied(application: Resource) -> Mapping[str, str]:
    built_in = BUILT_IN if application.spec["retrieval"] else {"question": "string"}
    return {**{name: _type(value) for name, value in application.spec["variables"].items()}, **built_in}


def _missing(application: Resource, path: Path, prompt: Resource, supplied: Mapping[str, str]) -> Iterator[Finding]:
    for name, variable in prompt.spec["variables"].items():
        related = ((prompt.id, ("spec", "variables", name), "declared here"),)
        if name not in supplied:
            yield Finding(
                application.id,
                path,
                "LLM0504",
                f"{prompt.name} needs {name!r}, which the application does not supply",
                _way_out(name),
                related=related,
            )
        elif variable["type"] != supplied[name]:
            message = f"{prompt.name} takes {name!r} as {variable['type']}, the application supplies {supplied[name]}"
            yield Finding(application.id, path, "LLM0505", message, f"Declare it as {supplied[name]}.", related=related)


def _reserved(application: Resource) -> Iterator[Finding]:
    for name in sorted(set(application.spec["variables"]) & set(BUILT_IN)):
        path: Path = ("spec", "variables", name)
        yield Finding(application.id, path, "LLM0506", f"{name!r} is supplied with each request", "Remove it here.", at_key=True)


def _not_taken(application: Resource, used: set[str]) -> Iterator[Finding]:
    for name in sorted(set(application.spec["variables"]) - set(BUILT_IN) - used):
        path: Path = ("spec", "variables", name)
        yield Finding(
            application.id, path, "LLM0503", f"No prompt of the application uses {name!r}", "Use it or remove it.", "warning", at_key=True
        )
    if application.spec["retrieval"] and "documents" not in used:
        message = "The prompt does not use the retrieved documents"
        yield Finding(
            application.id,
            ("spec", "retrieval"),
            "LLM0507",
            message,
            "Declare `documents: {type: documents}` in the prompt and loop over it.",
            "warning",
            at_key=True,
        )


def _way_out(name: str) -> str:
    if name == "documents":
        return "Name a retrieval source under spec.retrieval."
    return f"Give it a value under spec.variables: `{name}: …`."


def _type(value: Any) -> str:
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, str):
        return "string"
    return "list" if isinstance(value, list) else "number"
