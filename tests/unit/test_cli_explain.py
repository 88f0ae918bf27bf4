"""`llmops explain`: a page for every code, and each page's examples are what they claim to be."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from llmops.codes import CODES
from llmops.load.source import Source, load
from tests.conftest import ROOT, Run


def test_a_page(llmops: Run, tmp_path: Path) -> None:
    done = llmops("explain", "llm0204", cwd=tmp_path)
    assert done.returncode == 0
    assert done.stdout.startswith("LLM0204: Unknown field\n") and "To mend it:" in done.stdout and "wrong:\n    topk: 3" in done.stdout


def test_all_codes(llmops: Run, tmp_path: Path) -> None:
    lines = llmops("explain", cwd=tmp_path).stdout.splitlines()
    assert [line.split("  ")[0] for line in lines] == list(CODES)


def test_an_unknown_code(llmops: Run, tmp_path: Path) -> None:
    done = llmops("explain", "LLM9999", cwd=tmp_path)
    assert done.returncode == 2 and "No code is called LLM9999" in done.stderr


def test_codes_are_in_order_and_complete() -> None:
    assert list(CODES) == sorted(CODES) and all(re.fullmatch(r"LLM\d{4}", code) for code in CODES)
    assert all(code.title and code.why.endswith(".") and code.fix.endswith(".") for code in CODES.values())


def test_every_code_that_the_source_names_is_explained() -> None:
    used = {
        code
        for path in (ROOT / "compiler" / "llmops").rglob("*.py")
        if path.name != "codes.py"
        for code in re.findall(r"\bLLM\d{4}\b", path.read_text())
    }
    assert used <= set(CODES) and set(CODES) <= used


YAML_CODES = [code for code in CODES if code.startswith("LLM000") and CODES[code].wrong]


@pytest.mark.parametrize("code", YAML_CODES)
def test_examples_of_yaml_mistakes(code: str) -> None:
    assert [d.code for d in load([Source("a.yaml", CODES[code].wrong)])[1]] == [code]
    assert not load([Source("a.yaml", CODES[code].right)])[1]
