"""Reads a Jinja template without running it: the variables it uses, and what a sandbox would refuse.

Jinja is imported when the first prompt is met.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jinja2 import Environment, nodes

MAX_CHARACTERS = 100_000


@dataclass(frozen=True, slots=True)
class TemplateProblem:
    code: str
    message: str
    hint: str


@cache
def _environment() -> "Environment":
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    return ImmutableSandboxedEnvironment()


def read_template(content: str) -> frozenset[str] | TemplateProblem:
    """The names that the template takes from outside, or why it cannot be a prompt."""
    if len(content) > MAX_CHARACTERS:
        return TemplateProblem("LLM0501", f"The template has {len(content):,} characters, at most {MAX_CHARACTERS:,} are read", "Shorten it.")
    if "{" not in content:
        return frozenset()
    from jinja2 import TemplateSyntaxError

    try:
        tree = _environment().parse(content)
    except (TemplateSyntaxError, RecursionError) as error:
        line = getattr(error, "lineno", 1)
        return TemplateProblem("LLM0501", f"Template line {line}: {error}", "Check the braces: {{ variable }}, {% for … %} … {% endfor %}.")
    return _refusal(tree) or _unknown(tree) or _free_names(tree)


def _refusal(tree: "nodes.Template") -> TemplateProblem | None:
    from jinja2 import nodes

    for loader in tree.find_all((nodes.Include, nodes.Import, nodes.FromImport, nodes.Extends)):
        tag = type(loader).__name__.lower()
        return TemplateProblem("LLM0508", f"Template line {loader.lineno}: {tag} reads other files", "Write the text here, or name one file in content_file.")
    for access in tree.find_all((nodes.Getattr, nodes.Getitem)):
        name = _accessed(access)
        if name.startswith("_"):
            return TemplateProblem("LLM0508", f"Template line {access.lineno}: {name} is private", "Templates reach only public fields, as d.content or d.meta.")
    return None


def _accessed(access: Any) -> str:
    from jinja2 import nodes

    if isinstance(access, nodes.Getattr):
        return access.attr
    argument = access.arg
    return argument.value if isinstance(argument, nodes.Const) and isinstance(argument.value, str) else ""


def _unknown(tree: "nodes.Template") -> TemplateProblem | None:
    """Jinja finds these only when it compiles; a template that fails then fails in production."""
    from jinja2 import nodes

    for node_type, known, what in ((nodes.Filter, _environment().filters, "filter"), (nodes.Test, _environment().tests, "test")):
        for node in tree.find_all(node_type):
            if node.name not in known:  # type: ignore[attr-defined]
                return TemplateProblem("LLM0509", f"Template line {node.lineno}: no {what} is called {node.name!r}", f"Known: {', '.join(sorted(known)[:12])}, …")  # type: ignore[attr-defined]
    return None


def _free_names(tree: "nodes.Template") -> frozenset[str]:
    from jinja2 import meta

    return frozenset(meta.find_undeclared_variables(tree) - set(_environment().globals))


def literal_length(content: str) -> int:
    """Characters of the template that are not tags: what it adds to every prompt."""
    return sum(len(text) for text in _outside_tags(content))


def _outside_tags(content: str) -> Iterator[str]:
    import re

    return iter(re.split(r"\{\{.*?\}\}|\{%.*?%\}|\{#.*?#\}", content, flags=re.DOTALL))
