"""Codes of diagnostics: each that the source uses is explained, each explained one is used, none stands twice, none slows a check."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from llmops.codes import CODES, FAMILIES
from tests.architecture.sources import PACKAGE, Source, modules_in, sources

CODE = re.compile(r"\bLLM\d{4}\b")
NO_FAMILY = {"code"}


def codes_in_strings(tree: ast.Module) -> set[str]:
    strings = [node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)]
    return {code for text in strings for code in CODE.findall(text)}


def used_codes() -> set[str]:
    return set().union(*(codes_in_strings(s.tree) for s in sources() if s.part != "codes"))


def families() -> list[Source]:
    return [s for s in sources() if s.part == "codes" and s.module.partition(".")[2] in modules_in("codes") - NO_FAMILY]


def keys_of(tree: ast.Module) -> list[str]:
    """Keys of every dict that are codes, also those that stand twice in it."""
    keys = [key for node in ast.walk(tree) if isinstance(node, ast.Dict) for key in node.keys if isinstance(key, ast.Constant)]
    return [str(key.value) for key in keys if CODE.fullmatch(str(key.value))]


def test_every_used_code_is_explained() -> None:
    assert used_codes() - CODES.keys() == set()


def test_every_explained_code_is_used() -> None:
    assert CODES.keys() - used_codes() == set()


def test_a_code_that_stands_twice_is_seen() -> None:
    assert keys_of(ast.parse('{"LLM0001": 1, "LLM0001": 2, "specs": 3}')) == ["LLM0001", "LLM0001"]


def test_no_code_stands_twice() -> None:
    """A dict would keep the last one without a word."""
    counted = Counter(key for source in families() for key in keys_of(source.tree))
    assert [key for key, count in counted.items() if count > 1] == []
    assert counted.keys() == CODES.keys()


def test_every_family_is_registered() -> None:
    (registry,) = (s for s in sources() if s.module == "codes")
    for name in modules_in("codes") - NO_FAMILY:
        assert f"{name}.CODES" in registry.text
    assert len(FAMILIES) == len(families())


@pytest.mark.parametrize("code", CODES)
def test_code_is_explained_in_sentences(code: str) -> None:
    entry = CODES[code]
    assert CODE.fullmatch(code)
    assert not entry.title.endswith(".")
    assert entry.why.endswith(".")
    assert entry.fix.endswith(".")


def test_codes_stand_in_order() -> None:
    assert list(CODES) == sorted(CODES)


def test_a_check_does_not_read_the_codes(base: Path) -> None:
    program = (
        "import sys\nfrom llmops.cli.main import main\n"
        "try:\n    main(['check'])\nexcept SystemExit as end:\n    code = end.code\n"
        "print(code, *sorted(name for name in sys.modules if name.startswith('llmops.codes')))"
    )
    environment = {"PYTHONPATH": str(PACKAGE.parent), "PATH": "/usr/bin:/bin"}
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=base, env=environment)
    assert done.stdout.splitlines()[-1] == "0"
