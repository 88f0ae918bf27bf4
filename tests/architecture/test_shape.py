"""The style's limits that no linter holds: sizes, annotations, docstrings."""

from __future__ import annotations

import ast
from statistics import median

import pytest

from tests.architecture.sources import FunctionNode, Source, sources

LONGEST_FILE = 400
LONGEST_FUNCTION = 40
MEDIAN_FUNCTION = 8


def length(function: FunctionNode) -> int:
    return (function.end_lineno or function.lineno) - function.lineno + 1


def unannotated(function: FunctionNode) -> list[str]:
    arguments = function.args
    every = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs, *filter(None, (arguments.vararg, arguments.kwarg))]
    missing = [a.arg for a in every if a.annotation is None and a.arg not in {"self", "cls"}]
    return missing if function.returns is not None else [*missing, "return"]


def test_an_unannotated_function_is_seen() -> None:
    tree = ast.parse("def f(a, *b: int, c: int = 1, **d): ...\nclass A:\n    def g(self) -> None: ...")
    first, second = (node for node in ast.walk(tree) if isinstance(node, FunctionNode))
    assert unannotated(first) == ["a", "d", "return"]
    assert unannotated(second) == []


@pytest.mark.parametrize("source", sources(), ids=lambda s: s.module or "llmops")
def test_file_keeps_to_the_style(source: Source) -> None:
    assert len(source.text.splitlines()) <= LONGEST_FILE
    assert [f.name for f in source.functions() if length(f) > LONGEST_FUNCTION] == []
    assert {f.name: unannotated(f) for f in source.functions() if unannotated(f)} == {}


@pytest.mark.parametrize("source", [s for s in sources() if s.text.strip()], ids=lambda s: s.module or "llmops")
def test_module_says_what_it_is_for(source: Source) -> None:
    assert ast.get_docstring(source.tree)


def test_functions_are_short() -> None:
    assert median(length(f) for source in sources() for f in source.functions()) <= MEDIAN_FUNCTION
