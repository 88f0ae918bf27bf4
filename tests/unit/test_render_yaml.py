"""`yaml_file` writes what PyYAML's own dumper writes, and what is read back is what was given."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from llmops.render.base import yaml_file

TEXTS = st.one_of(
    st.text(max_size=30),
    st.sampled_from(["yes", "1.0", "~", "null", "on", "0x1f", "1e3", "2026-11-23", "=", "<<", "a: b", "- a", "#", "é\nb ", ""]),
)
SCALARS = st.one_of(TEXTS, st.integers(), st.floats(allow_nan=False, allow_infinity=False), st.booleans(), st.none())
VALUES = st.recursive(
    SCALARS, lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(TEXTS, inner, max_size=4)), max_leaves=12
)


class Plain(yaml.CSafeDumper):
    """The way PyYAML documents: representers, without anchors."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def style(text: str) -> str | None:
    if "\n" not in text:
        return None
    return "|" if text.strip() else '"'


Plain.add_representer(str, lambda dumper, text: dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style(text)))


def dump(value: Any) -> str:
    return yaml.dump(value, Dumper=Plain, sort_keys=False, allow_unicode=True, width=120)


@settings(max_examples=300)
@given(VALUES)
def test_the_bytes_are_those_of_pyyaml(value: Any) -> None:
    assert yaml_file("a.yaml", value, "").content.decode() == dump(value)


def test_the_comment_comes_first() -> None:
    artifact = yaml_file("folder/a.yaml", {"a": [1, 2.5, True, None]}, "one\ntwo")

    assert artifact.path == "folder/a.yaml"
    assert artifact.content == b"# one\n# two\na:\n- 1\n- 2.5\n- true\n- null\n"


def test_a_value_that_is_used_twice_is_written_twice() -> None:
    shared = {"type": "env_var", "env_vars": ["KEY"]}
    content = yaml_file("a.yaml", {"first": shared, "second": shared, "third": [shared]}, "").content

    assert b"&" not in content
    assert b"*" not in content
    assert yaml.safe_load(content) == {"first": shared, "second": shared, "third": [shared]}


def test_tuples_are_lists() -> None:
    assert yaml_file("a.yaml", {"a": ("b", "c")}, "").content == b"a:\n- b\n- c\n"


@pytest.mark.parametrize("value", ["text", "two\nlines", "yes", "010", "1_000", "12:30:45", "@at", "trailing "])
def test_text_stays_text(value: str) -> None:
    assert yaml.safe_load(yaml_file("a.yaml", {"key": value, value: 1}, "").content) == {"key": value, value: 1}
