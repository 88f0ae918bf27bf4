"""Templates are read, never run: what they take, what a sandbox would refuse, and that reading always ends."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jinja2 import TemplateError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from llmops.link.templates import MAX_CHARACTERS, Template, TemplateProblem, read_template


@pytest.mark.parametrize(
    ("content", "names"),
    [
        ("plain", []),
        ("{{ a }}{{ b.c }}", ["a", "b"]),
        ("{% for d in documents %}{{ d.content }}{{ loop.index }}{% endfor %}", ["documents"]),
        ("{% set x = y %}{{ x }}", ["y"]),
        ("{% if a is defined %}{{ b | default(c) }}{% endif %}", ["a", "b", "c"]),
        ("{% macro m(p) %}{{ p }}{{ q }}{% endmacro %}{{ m(r) }}", ["q", "r"]),
        ("{{ range(n) }}{{ namespace() }}", ["n"]),
        ("{% raw %}{{ a }}{% endraw %}", []),
        ("{# {{ a }} #}", []),
        ("{ a } { { b } }", []),
        ("{{ a['b'] }}{{ c[0] }}{{ d['_x' ~ e] }}", ["a", "c", "d", "e"]),
    ],
)
def test_names(content: str, names: list[str]) -> None:
    template = read_template(content)
    assert isinstance(template, Template) and sorted(template.names) == names


@pytest.mark.parametrize(
    ("content", "code"),
    [
        ("{{ a", "LLM0501"),
        ("{% if a %}", "LLM0501"),
        ("{% for %}", "LLM0501"),
        ("{{ a }", "LLM0501"),
        ("{% trans %}x{% endtrans %}", "LLM0501"),
        ("{% include 'x' %}", "LLM0508"),
        ("{% import 'x' as y %}", "LLM0508"),
        ("{% from 'x' import y %}", "LLM0508"),
        ("{% extends 'x' %}", "LLM0508"),
        ("{{ a.__class__ }}", "LLM0508"),
        ("{{ a['__class__'] }}", "LLM0508"),
        ("{{ a._b }}", "LLM0508"),
        ("{{ ''.__class__.__mro__ }}", "LLM0508"),
        ("{{ a | nope }}", "LLM0509"),
        ("{{ a is nope }}", "LLM0509"),
        ("{% filter nope %}x{% endfilter %}", "LLM0509"),
        ("x" * (MAX_CHARACTERS + 1), "LLM0501"),
    ],
)
def test_problems(content: str, code: str) -> None:
    problem = read_template(content)
    assert isinstance(problem, TemplateProblem)
    assert problem.code == code and problem.hint and not problem.message.endswith(".")


def test_the_line_is_named() -> None:
    problem = read_template("a\nb\n{{ c | nope }}")
    assert isinstance(problem, TemplateProblem) and problem.message == "Template line 3: no filter is called 'nope'"


@pytest.mark.parametrize(
    "content",
    [
        "{{ 9 ** 9 ** 9 ** 9 }}",
        "{{ 'a' * 10 ** 12 }}",
        "{{ 'a' | center(10 ** 12) }}",
        "{{ '%999999999999d' % 1 }}",
        "{% set x = 9 ** 9 ** 9 %}",
        "{{ [0] * 10 ** 12 }}",
        "{% if 9 ** 9 ** 9 %}{% endif %}",
        "{{ 2 ** 9999999999 is odd }}",
        "{% for x in 'a' * 10 ** 12 %}{% endfor %}",
    ],
)
def test_nothing_is_computed(content: str) -> None:
    """Jinja folds constants when it compiles: this would use up all memory, or never end. Powers are refused."""
    read = read_template(content)
    assert isinstance(read, TemplateProblem) == ("**" in content)
    assert isinstance(read, Template) or read.code == "LLM0508"


@pytest.mark.parametrize(
    "content",
    [
        "{{ " + "(" * 20_000,
        "{{ a" + ".b" * 30_000 + " }}",
        "{{ 1" + " + 1" * 20_000 + " }}",
        "{{ " + "not " * 20_000 + "a }}",
        "{% if a %}" * 5_000,
        "{{" * 40_000,
    ],
)
def test_deep_templates_are_refused(content: str) -> None:
    problem = read_template(content)
    assert isinstance(problem, TemplateProblem) and problem.code == "LLM0501"


@pytest.mark.parametrize(
    ("content", "length"),
    [
        ("abc", 3),
        ("a{{ b }}c", 2),
        ("{# no #}a", 1),
        ("{% raw %}{{{{{% endraw %}", 4),
        ("{% if a %}bc{% else %}def{% endif %}", 5),
        ("{{ '}}' }}x", 1),
    ],
)
def test_literal_length(content: str, length: int) -> None:
    template = read_template(content)
    assert isinstance(template, Template) and template.literal_length == length


@given(st.text(st.sampled_from("{}%#ab|.( )_'\"[]is for in\n1*-"), max_size=40))
def test_reading_agrees_with_jinja(content: str) -> None:
    """What is read compiles, and what does not compile is a problem."""
    found = read_template(content)
    try:
        ImmutableSandboxedEnvironment().compile(content, raw=True)
    except TemplateError:
        assert isinstance(found, TemplateProblem)
    else:
        assert isinstance(found, Template) or found.code in ("LLM0508", "LLM0509")
