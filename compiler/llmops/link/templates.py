"""Reads a Jinja template without running it: the variables it uses, and what a sandbox would refuse.

Jinja is imported when the first prompt is met.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from llmops.validate.explain import nearest

if TYPE_CHECKING:
    from jinja2 import Environment, nodes

MAX_CHARACTERS = 100_000
MAX_PLAIN = 100
"""Nodes of a template that is not compiled to know its names. A tree of so few is never too deep for Jinja's compiler."""


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
def _environment() -> Environment:
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
        return TemplateProblem(
            "LLM0501", f"The template has {len(content):,} characters, at most {MAX_CHARACTERS:,} are read", "Shorten it."
        )
    if "{" not in content:
        return Template(frozenset(), len(content))
    from jinja2 import TemplateSyntaxError

    try:
        tree = _environment().parse(content)
        parts = _parts(tree)
        return _refusal(parts) or _unknown(parts) or Template(_free_names(tree, parts), _literal_length(parts))
    except TemplateSyntaxError as error:
        return TemplateProblem(
            "LLM0501",
            f"Template line {error.lineno}: {str(error.message).rstrip('.')}",
            "Check the braces: {{ variable }}, {% for … %} … {% endfor %}.",
        )
    except RecursionError:
        return TemplateProblem("LLM0501", "The template is nested too deeply", "Flatten it.")


def _parts(tree: nodes.Template) -> list[nodes.Node]:
    """Every node below the root, in the order of the text. Walking a tree costs half as much as parsing it, so it is done once."""
    from jinja2 import nodes

    return list(tree.find_all(nodes.Node))


def _only(parts: list[nodes.Node], *types: type[Any]) -> Iterator[Any]:
    return (part for part in parts if isinstance(part, types))


def _refusal(parts: list[nodes.Node]) -> TemplateProblem | None:
    from jinja2 import nodes

    for loader in _only(parts, nodes.Include, nodes.Import, nodes.FromImport, nodes.Extends):
        tag = type(loader).__name__.lower()
        return TemplateProblem(
            "LLM0508", f"Template line {loader.lineno}: {tag} reads other files", "Write the text here, or name one file in content_file."
        )
    for power in _only(parts, nodes.Pow):
        # Jinja works out constant powers while it compiles: {{ 9**9**9 }} would never end.
        return TemplateProblem("LLM0508", f"Template line {power.lineno}: ** can compute for ever", "Give the value as a variable.")
    for access in _only(parts, nodes.Getattr, nodes.Getitem):
        name = _accessed(access)
        if name.startswith("_"):
            return TemplateProblem(
                "LLM0508",
                f"Template line {access.lineno}: {name} is private",
                "Templates reach only public fields, as d.content or d.meta.",
            )
    return None


def _accessed(access: Any) -> str:
    from jinja2 import nodes

    if isinstance(access, nodes.Getattr):
        return access.attr
    argument = access.arg
    return argument.value if isinstance(argument, nodes.Const) and isinstance(argument.value, str) else ""


def _unknown(parts: list[nodes.Node]) -> TemplateProblem | None:
    """Jinja finds these only when it compiles; a template that fails then fails in production."""
    from jinja2 import nodes

    for node_type, known, what in ((nodes.Filter, _environment().filters, "filter"), (nodes.Test, _environment().tests, "test")):
        for node in _only(parts, node_type):
            if node.name not in known:
                return TemplateProblem(
                    "LLM0509", f"Template line {node.lineno}: no {what} is called {node.name!r}", nearest(node.name, known, "Known")
                )
    return None


def _free_names(tree: nodes.Template, parts: list[nodes.Node]) -> frozenset[str]:
    from jinja2 import meta, nodes

    names = {part.name for part in _only(parts, nodes.Name)}
    if not _binds_nothing(parts) or "self" in names:
        names = meta.find_undeclared_variables(tree)  # compiles the template: four times the cost of parsing it
    return frozenset(names - set(_environment().globals))


def _binds_nothing(parts: list[nodes.Node]) -> bool:
    """Whether every name comes from outside: nothing here opens a scope or sets a name, and Jinja is sure to compile it."""
    from jinja2 import nodes as n

    plain = {n.Output, n.TemplateData, n.Name, n.Const, n.Getattr, n.Getitem, n.Filter, n.Test, n.If, n.CondExpr}
    plain |= {n.Compare, n.Operand, n.And, n.Or, n.Not}
    return len(parts) <= MAX_PLAIN and all(part.__class__ in plain and getattr(part, "ctx", "load") == "load" for part in parts)


def _literal_length(parts: list[nodes.Node]) -> int:
    from jinja2 import nodes

    return sum(len(part.data) for part in _only(parts, nodes.TemplateData))
