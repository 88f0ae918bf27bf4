"""YAML 1.2 core: the same values as another implementation, and no text that takes the machine down."""

from __future__ import annotations

import json
import subprocess
import sys
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from ruamel.yaml import YAML

from llmops.load.yaml_core import MAX_DEPTH, MAX_INTEGER, MAX_NODES, YamlProblem, build, compose, lines_of

ROOT = Path(__file__).parents[2]


def value_of(text: str) -> Any:
    (node,) = compose(text)
    return build(node)


def problem_of(text: str) -> YamlProblem:
    with pytest.raises(YamlProblem) as caught:
        for node in compose(text):
            build(node)
    return caught.value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("on", "on"),
        ("yes", "yes"),
        ("no", "no"),
        ("y", "y"),
        ("off", "off"),
        ("true", True),
        ("True", True),
        ("TRUE", True),
        ("tRUE", "tRUE"),
        ("false", False),
        ("null", None),
        ("~", None),
        ("Null", None),
        ("nULL", "nULL"),
        ("010", 10),
        ("0o10", 8),
        ("0x1F", 31),
        ("+7", 7),
        ("-0", 0),
        ("1_000", "1_000"),
        ("0b11", "0b11"),
        ("1.", 1.0),
        (".5", 0.5),
        ("-.5e3", -500.0),
        ("1e3", 1000.0),
        ("1e", "1e"),
        (".", "."),
        ("+", "+"),
        ("1:30", "1:30"),
        ("2026-01-01", "2026-01-01"),
        ("1.0.0", "1.0.0"),
        ("=", "="),
        ("'true'", "true"),
        ('"1"', "1"),
        ("''", ""),
        ("inf", "inf"),
        ("nan", "nan"),
        (".infinity", ".infinity"),
        (str(MAX_INTEGER), MAX_INTEGER),
        (str(-MAX_INTEGER), -MAX_INTEGER),
    ],
)
def test_scalars_follow_yaml_1_2(text: str, value: object) -> None:
    found = value_of(text)
    assert found == value and type(found) is type(value)


NUMBER = st.from_regex(r"[-+]?[0-9]{1,15}", fullmatch=True) | st.from_regex(
    r"[-+]?[0-9]{1,6}\.[0-9]{1,6}([eE][-+][0-9]{1,2})?", fullmatch=True
)
OTHER_BASE = st.from_regex(r"0o[0-7]{1,9}|0x[0-9a-fA-F]{1,9}", fullmatch=True)
WORD = st.sampled_from(
    ["true", "True", "TRUE", "false", "null", "Null", "NULL", "~", "yes", "no", "on", "off", "Yes", "tRue", "nul", "none"]
)
TEXT = st.from_regex(r"[A-Za-z][A-Za-z0-9 ./-]{0,20}[a-z]", fullmatch=True)
QUOTED = st.text(st.characters(exclude_categories=("Cs", "Cc"), exclude_characters="'\x85\u2028\u2029\ufeff\ufffe\uffff"), max_size=20).map(
    lambda t: f"'{t}'"
)


@given(st.lists(NUMBER | OTHER_BASE | WORD | TEXT | QUOTED, min_size=1, max_size=8))
def test_scalars_agree_with_ruamel(scalars: list[str]) -> None:
    text = "".join(f"- {scalar}\n" for scalar in scalars)
    reader = YAML(typ="safe", pure=True)
    reader.version = (1, 2)
    expected = reader.load(StringIO(text))
    found = value_of(text)
    assert found == expected
    assert [type(item) for item in found] == [type(item) for item in expected]


PLAIN = (
    st.none()
    | st.booleans()
    | st.integers(-MAX_INTEGER, MAX_INTEGER)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(max_codepoint=0xFFFF, exclude_categories=["Cs"]), max_size=12)
)
NAME = st.text(st.characters(max_codepoint=0xFFFF, exclude_categories=["Cs"]), min_size=1, max_size=8)
TREE = st.recursive(
    PLAIN, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAME.filter(lambda n: n != "<<"), inner, max_size=4), max_leaves=20
)


@given(TREE)
def test_json_is_read_as_json(tree: object) -> None:
    """But for characters beyond U+FFFF as a pair of escapes, which libyaml refuses."""
    assert value_of(json.dumps([tree])) == [tree]


@pytest.mark.parametrize(
    ("text", "code", "line", "column"),
    [
        ("a: 1\nb: *x", "LLM0004", 2, 4),
        ("a: &x 1", "LLM0004", 1, 4),
        ("[&x 1]", "LLM0004", 1, 2),
        ('{"a":*x}', "LLM0004", 1, 6),
        ("<<: {a: 1}", "LLM0004", 1, 1),
        ("a: !!str 1", "LLM0005", 1, 4),
        ("a: ! 12", "LLM0005", 1, 4),
        ("--- !x\na: 1", "LLM0005", 1, 5),
        ("!<tag:x> a", "LLM0005", 1, 1),
        ("a: .inf", "LLM0006", 1, 4),
        ("a: -.Inf", "LLM0006", 1, 4),
        ("a: .nan", "LLM0006", 1, 4),
        ("a: 1e999", "LLM0006", 1, 4),
        (f"a: {MAX_INTEGER + 1}", "LLM0006", 1, 4),
        ("a: 0xffffffffffffffff", "LLM0006", 1, 4),
        ("a: " + "9" * 10_000, "LLM0006", 1, 4),
        ("a: 1\na: 2", "LLM0003", 2, 1),
        ("? [a]\n: 1", "LLM0008", 1, 3),
        ("{1: a}", "LLM0008", 1, 2),
        ("true: a", "LLM0008", 1, 1),
        ("? \n: 1", "LLM0008", 1, 2),
        ("ü: 'é\nb: 1\n", "LLM0002", 1, 4),
        ("ü: \x07", "LLM0002", 1, 4),
        ("a: [1\n\nb: 2\n", "LLM0002", 1, 4),
        ("a: {b: 1\n", "LLM0002", 1, 4),
        ("a:\n\tb: 1", "LLM0002", 2, 1),
        ("a: @b", "LLM0002", 1, 4),
        ("[", "LLM0002", 1, 2),
    ],
)
def test_mistakes_have_a_code_and_a_place(text: str, code: str, line: int, column: int) -> None:
    problem = problem_of(text)
    assert (problem.code, problem.line + 1, problem.column + 1) == (code, line, column)
    assert problem.hint


def test_a_repeated_key_knows_the_first() -> None:
    assert problem_of("x:\n  a: 1\n  b: 2\n  a: 3").first == (1, 2)


def test_depth_and_number_of_values_are_capped() -> None:
    assert value_of("[" * MAX_DEPTH + "]" * MAX_DEPTH)
    assert problem_of("[" * (MAX_DEPTH + 2) + "]" * (MAX_DEPTH + 2)).code == "LLM0007"
    assert len(value_of("[" + "1," * (MAX_NODES - 10) + "]")) == MAX_NODES - 10
    assert problem_of("[" + "1," * (MAX_NODES + 10) + "]").code == "LLM0007"
    assert problem_of("{" + ",".join(f"k{i}: 1" for i in range(MAX_NODES + 1)) + "}").code == "LLM0007"


HOSTILE = {
    "brackets": "'[' * 200_000",
    "braces": "'{a: ' * 100_000",
    "dashes on one line": "'- ' * 499_999",
    "keys on one line": "'? ' * 499_999",
    "nested lines": "'\\n'.join(' ' * i + 'a:' for i in range(1_400))",
    "aliases": "'a: &a [x, x]\\n' + ''.join(f'{c}: &{c} [*a, *a, *a]\\n' for c in 'bcdefghijk')",
    "long line": "'a: ' + 'x' * 900_000 + ': y'",
    "quotes": "'\"' * 499_999",
    "comments": "'#' * 900_000 + '\\n['",
    "percent": "'%' * 900_000",
    "spaces": "' ' * 900_000 + '\\t['",
    "too large": "'x' * 2_000_000",
    "flat list": "'[' + '1,' * 400_000 + ']'",
    "many documents": "'--- [\\n' * 100_000",
    "tags": "'!a ' * 300_000",
    "anchors": "'&a ' * 300_000",
}

PROGRAM = """
from llmops.load.yaml_core import YamlProblem, build, compose
try:
    [build(node) for node in compose({text})]
except YamlProblem as problem:
    print(problem.code)
"""


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_texts_end_with_a_code(name: str) -> None:
    """In a process of its own: libyaml's recursion would end it without a Python error."""
    command = [sys.executable, "-c", PROGRAM.format(text=HOSTILE[name])]
    done = subprocess.run(command, cwd=ROOT / "compiler", capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() in ("LLM0002", "LLM0004", "LLM0005", "LLM0007")


@given(st.text(st.sampled_from("a:-[]{}&*!|>'\"#%@`,?<~ \n\t\r\ufeff\x85\u2028é0"), max_size=60))
def test_odd_texts_never_raise_anything_else(text: str) -> None:
    try:
        [build(node) for node in compose(text)]
    except YamlProblem as problem:
        lines = lines_of(text)
        assert 0 <= problem.line < len(lines)
        assert 0 <= problem.column <= len(lines[problem.line])


@given(st.text(max_size=80))
def test_any_text_never_raises_anything_else(text: str) -> None:
    try:
        [build(node) for node in compose(text)]
    except YamlProblem as problem:
        assert problem.code.startswith("LLM000")


@given(st.text(st.sampled_from("a:-[]{}&*!, \n'\"x"), max_size=40))
def test_the_cheap_search_misses_no_alias_anchor_or_tag(text: str) -> None:
    """`compose` looks at events only where a pattern finds something suspicious; the events must then find nothing else."""
    try:
        nodes = compose(text)
    except YamlProblem:
        return
    events = list(yaml.parse(text, Loader=yaml.CSafeLoader))
    assert not [e for e in events if getattr(e, "anchor", None) or getattr(e, "tag", None)]
    assert len(nodes) == sum(isinstance(e, yaml.DocumentStartEvent) for e in events)
