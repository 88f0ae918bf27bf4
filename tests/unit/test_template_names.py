"""The names a template takes are Jinja's own answer, also where the template is not compiled to know them."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jinja2 import meta
from jinja2.sandbox import ImmutableSandboxedEnvironment

from llmops.link import templates
from llmops.link.templates import MAX_PLAIN, Template, read_template

ENVIRONMENT = ImmutableSandboxedEnvironment()
NAMES = st.sampled_from(["a", "b", "documents", "question", "self", "loop", "caller", "range", "dict", "true", "none"])


def _expressions(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    two = st.tuples(inner, inner)
    return st.one_of(
        inner.map("({}).content".format),
        inner.map("({})['key']".format),
        inner.map("({} | upper)".format),
        two.map(lambda pair: f"({pair[0]} | default({pair[1]}))"),
        inner.map("({} is defined)".format),
        two.map(lambda pair: f"({pair[0]} == {pair[1]})"),
        two.map(lambda pair: f"({pair[0]} and not {pair[1]})"),
        two.map(lambda pair: f"({pair[0]} if {pair[1]} else 'x')"),
        inner.map("(a({}))".format),
    )


EXPRESSIONS = st.recursive(st.one_of(NAMES, st.sampled_from(["1", "'text'"])), _expressions, max_leaves=6)


def _statements(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.one_of(
        st.tuples(EXPRESSIONS, inner, inner).map(lambda t: f"{{% if {t[0]} %}}{t[1]}{{% else %}}{t[2]}{{% endif %}}"),
        st.tuples(EXPRESSIONS, inner).map(lambda t: f"{{% for a in {t[0]} %}}{t[1]}{{% endfor %}}"),
        EXPRESSIONS.map("{{% set b = {} %}}".format),
        st.tuples(inner, inner).map("".join),
    )


TEMPLATES = st.recursive(st.one_of(EXPRESSIONS.map("text {{{{ {} }}}} text".format), st.just("text")), _statements, max_leaves=6)


def free_names(content: str) -> set[str]:
    return meta.find_undeclared_variables(ENVIRONMENT.parse(content)) - set(ENVIRONMENT.globals)


@settings(max_examples=500)
@given(TEMPLATES)
def test_names_are_those_jinja_looks_up(content: str) -> None:
    found = read_template(content)

    assert isinstance(found, Template)
    assert found.names == free_names(content)


@pytest.mark.parametrize(
    ("content", "compiled"),
    [
        ("You are {{ tone }}. {% if documents | length == 0 %}Say so.{% endif %}", False),
        ("{{ a if b is defined else c.d['e'] }}", False),
        ("{% for d in documents %}{{ d.content }}{% endfor %}", True),
        ("{% set a = b %}{{ a }}", True),
        ("{% macro m(a) %}{{ a }}{% endmacro %}{{ m(b) }}", True),
        ("{{ self }}", True),
        ("{{ a }}" * MAX_PLAIN, True),
    ],
)
def test_only_a_template_that_binds_nothing_is_not_compiled(content: str, compiled: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[object] = []
    answer = meta.find_undeclared_variables
    monkeypatch.setattr(meta, "find_undeclared_variables", lambda tree: asked.append(tree) or answer(tree))
    templates.read_template.cache_clear()

    found = read_template(content)
    assert isinstance(found, Template)
    assert bool(asked) is compiled
    assert found.names == free_names(content)


@pytest.mark.parametrize("content", ["{{ " + "not " * depth + "a }}" for depth in (5, 90, 110, 180)])
def test_what_is_accepted_compiles(content: str) -> None:
    found = read_template(content)

    assert isinstance(found, Template)
    ENVIRONMENT.compile(content)
