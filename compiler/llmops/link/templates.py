"""Reads a Jinja template without running it: the variables it uses, and what a sandbox would refuse.

Jinja is imported when the first prompt is met.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from llmops.validate.explain import nearest

if TYPE_CHECKING:
    from jinja2 import Environment, nodes

MAX_CHARACTERS = 100_000


@dataclass(frozen=True, slots=True)
class Template:
    """A template that parses. `names` is what it takes from outside, `literal_length` what it adds to every prompt, in characters."""

    names: frozenset[str]
    literal_length: int


@dataclass(frozen=True, slots=True)
class TemplateProblem:
    code: str
    message: str
    hint: str


@cache
def _environment() -> "Environment":
    """Jinja computes constants when it compiles, and `{{ 9 ** 9 ** 9 }}` would take for ever: here nothing can be computed."""
    from jinja2 import pass_context
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    environment = ImmutableSandboxedEnvironment()
    environment.intercepted_binops = frozenset(environment.binop_table)
    environment.filters = dict.fromkeys(environment.filters, pass_context(_never))
    environment.tests = dict.fromkeys(environment.tests, pass_context(_never))
    return environment


def _never(*_: object) -> None:
    raise AssertionError("a template is read, not run")


@cache
def read_template(content: str) -> Template | TemplateProblem:
    """What is known about a template without running it, or why it cannot be a prompt."""
    if len(content) > MAX_CHARACTERS:
        return TemplateProblem("LLM0501", f"The template has {len(content):,} characters, at most {MAX_CHARACTERS:,} are read", "Shorten it.")
    if "{" not in content:
        return Template(frozenset(), len(content))
    from jinja2 import TemplateSyntaxError

    try:
        tree = _environment().parse(content)
        return _refusal(tree) or _unknown(tree) or Template(_free_names(tree), _literal_length(tree))
    except TemplateSyntaxError as error:
        return TemplateProblem("LLM0501", f"Template line {error.lineno}: {error.message}", "Check the braces: {{ variable }}, {% for … %} … {% endfor %}.")
    except RecursionError:
        return TemplateProblem("LLM0501", "The template is nested too deeply", "Flatten it.")


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
                return TemplateProblem("LLM0509", f"Template line {node.lineno}: no {what} is called {node.name!r}", nearest(node.name, known, "Known"))  # type: ignore[attr-defined]
    return None


def _free_names(tree: "nodes.Template") -> frozenset[str]:
    from jinja2 import meta

    return frozenset(meta.find_undeclared_variables(tree) - set(_environment().globals))


def _literal_length(tree: "nodes.Template") -> int:
    from jinja2 import nodes

    return sum(len(part.data) for part in tree.find_all(nodes.TemplateData))
