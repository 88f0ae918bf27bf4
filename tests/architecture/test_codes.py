"""Codes of diagnostics: each that the source uses is explained, each explained one is used, none stands twice."""

from __future__ import annotations

import ast
import re

import pytest

from llmops.codes import CODES
from tests.architecture.sources import PACKAGE, sources

CODE = re.compile(r"\bLLM\d{4}\b")


def codes_in_strings(tree: ast.Module) -> set[str]:
    strings = [node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)]
    return {code for text in strings for code in CODE.findall(text)}


def used_codes() -> set[str]:
    return set().union(*(codes_in_strings(s.tree) for s in sources() if s.module != "codes"))


def test_every_used_code_is_explained() -> None:
    assert used_codes() - CODES.keys() == set()


def test_every_explained_code_is_used() -> None:
    assert CODES.keys() - used_codes() == set()


def test_no_code_stands_twice() -> None:
    """A dict would keep the last one without a word."""
    keys = re.findall(r'^    "(LLM\d{4})":', (PACKAGE / "codes.py").read_text("utf-8"), re.MULTILINE)
    assert keys == sorted(set(keys))
    assert set(keys) == CODES.keys()


@pytest.mark.parametrize("code", CODES)
def test_code_is_explained_in_sentences(code: str) -> None:
    entry = CODES[code]
    assert CODE.fullmatch(code)
    assert not entry.title.endswith(".")
    assert entry.why.endswith(".")
    assert entry.fix.endswith((".", "`"))
