"""`llmops explain`: a page for every code, as wide as a terminal, with the example as it is tested."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from llmops.cli.explain import WIDTH, explained
from llmops.codes import CODES, FAMILIES, Side
from tests.conftest import Run

SIDES: tuple[Side, Side] = ("wrong", "right")
STYLE = re.compile(r"\x1b\[[0-9;]*m")
PAGE = """\
LLM0204: Unknown field

A misspelt field would be ignored, and the setting it stands for never apply.

To mend it: Correct the name.

wrong, in specs/source.yaml:

    kind: RetrievalSource
    spec:
      retrieve: {topk: 3}
                 ^^^^

right, in specs/source.yaml:

    kind: RetrievalSource
    spec:
      retrieve: {top_k: 3}

Page: docs/errors/LLM0204.md
"""


def test_a_page(llmops: Run, tmp_path: Path) -> None:
    done = llmops("explain", "llm0204", cwd=tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, PAGE, "")


def test_colours_change_nothing_but_colours(llmops: Run, tmp_path: Path) -> None:
    done = llmops("explain", "LLM0204", cwd=tmp_path, FORCE_COLOR="1")
    assert STYLE.sub("", done.stdout) == PAGE
    assert "\x1b[1mLLM0204: Unknown field\x1b[0m" in done.stdout
    assert "    \x1b[1;31m             ^^^^\x1b[0m\n" in done.stdout


def test_words_stand_where_there_is_no_example() -> None:
    page = explained("LLM0001", CODES["LLM0001"], colour=False)
    assert "For example: The spec was saved as Latin-1" in page
    assert "wrong" not in page and "right" not in page


def test_what_the_reader_must_know_is_said() -> None:
    code = CODES["LLM0402"]
    assert f"In the example: {code.given}" in explained("LLM0402", code, colour=False)


@pytest.mark.parametrize("name", CODES)
def test_every_page_fits_a_terminal(name: str) -> None:
    page = explained(name, CODES[name], colour=False)
    assert [line for line in page.splitlines() if len(line) > WIDTH] == []
    assert page.startswith(f"{name}: {CODES[name].title}\n")
    assert page.endswith(f"Page: docs/errors/{name}.md")


@pytest.mark.parametrize("name", CODES)
def test_no_line_breaks_within_backticks(name: str) -> None:
    page = explained(name, CODES[name], colour=False)
    prose = [line for line in page.splitlines() if not line.startswith("    ")]
    assert [line for line in prose if line.count("`") % 2] == []


@pytest.mark.parametrize("name", CODES)
def test_the_example_is_printed_as_it_is_tested(name: str) -> None:
    page = explained(name, CODES[name], colour=False)
    for side in SIDES:
        for part in CODES[name].parts(side):
            block = "\n".join(f"    {line}" for line in part.shown(side))
            assert f"{side}, in {part.place.file}:\n\n{block}\n" in page


@pytest.mark.parametrize("name", CODES)
def test_colours_are_closed_on_every_line(name: str) -> None:
    page = explained(name, CODES[name], colour=True)
    assert STYLE.sub("", page) == explained(name, CODES[name], colour=False)
    for line in page.splitlines():
        styles = STYLE.findall(line)
        assert not styles or styles[-1] == "\x1b[0m"


def test_all_codes_by_family(llmops: Run, tmp_path: Path) -> None:
    blocks = llmops("explain", cwd=tmp_path).stdout.removesuffix("\n").split("\n\n")
    expected = [[f.title, *(f"  {name}  {code.title}" for name, code in f.codes.items())] for f in FAMILIES.values()]
    assert [block.splitlines() for block in blocks] == expected


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("LLM041", "Did you mean LLM0401?"),
        ("llmo401", "Did you mean LLM0401?"),
        ("0401", "Did you mean LLM0401?"),
        ("LLM9999", "`llmops explain` lists all codes."),
        ("pinned-revision", "If it is a policy: llmops policy explain pinned-revision"),
    ],
)
def test_what_is_no_code(text: str, hint: str, llmops: Run, tmp_path: Path) -> None:
    done = llmops("explain", text, cwd=tmp_path)
    assert done.returncode == 2 and done.stdout == ""
    assert done.stderr.startswith(f"llmops: No code is called {text}\nhelp: {hint}")
