"""Counting chunks: each unit, the ends of a text, overlaps. `tests/e2e/test_plan_chunks.py` compares with Haystack itself."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmops.kinds import schema
from llmops.plan.chunks import DELIMITERS, Cut, chunk_count, cut
from llmops.render.haystack import SPLIT_BY


def by(unit: str, length: int, overlap: int = 0) -> dict[str, Any]:
    return {"by": unit, "length": length, "overlap": overlap}


def numbers(count: int, between: str = " ") -> str:
    return between.join(f"{number:03}" for number in range(count))


@pytest.mark.parametrize(
    ("text", "chunking", "chunks"),
    [
        ("", by("word", 5), 0),
        (" \n\t\f ", by("word", 5), 0),
        (" \n\t\f ", by("passage", 5, 4), 0),
        ("one", by("word", 5), 1),
        ("one", by("word", 5, 4), 1),
        (numbers(10), by("word", 5), 2),
        (numbers(11), by("word", 5), 3),
        (numbers(10), by("word", 10, 9), 1),
        (numbers(11), by("word", 10, 9), 2),
        (numbers(12), by("word", 10, 9), 3),
        (numbers(18), by("word", 10, 2), 2),
        (numbers(19), by("word", 10, 2), 3),
        ("one\ntwo\nthree", by("word", 1), 1),  # Haystack's words end at spaces only
        ("one  two", by("word", 1), 2),
        ("one \n two", by("word", 1), 2),
        ("A. B. C.", by("sentence", 1), 3),
        ("A. B. C", by("sentence", 1), 3),
        ("Version 1.2 is out.", by("sentence", 1), 2),
        ("A. B. C.", by("sentence", 2, 1), 2),
        ("a\n\nb\n\nc", by("passage", 1), 3),
        ("a\n\n\n\nb", by("passage", 1), 3),  # an empty passage is one too
        ("a\nb\n\nc\n", by("passage", 1), 2),
        ("a\n \nb", by("passage", 1), 1),  # the blank line is not empty
        ("a\nb\n\n\nc\n", by("line", 1), 3),
        ("a\r\nb", by("line", 1), 2),
        ("a\fb\nc", by("line", 1), 2),
        ("a\n\n\n", by("line", 2, 1), 1),
        ("a\n \nb", by("line", 1), 2),
        ("a \f b", by("word", 1), 1),
    ],
)
def test_chunks_of_a_text(text: str, chunking: dict[str, Any], chunks: int) -> None:
    assert chunk_count(text, chunking) == chunks


@pytest.mark.parametrize(
    ("text", "chunking", "expected"),
    [
        (numbers(10), by("word", 5), Cut(2, 39)),
        (numbers(10), by("word", 5, 1), Cut(3, 39 + 4 + 4)),
        (numbers(10), by("word", 5, 4), Cut(6, 39 + 5 * 16)),
        (numbers(11), by("word", 5, 3), Cut(4, 43 + 3 * 12)),
        ("é. é.", by("sentence", 1), Cut(2, 7)),
        ("é. é.", by("sentence", 2, 1), Cut(1, 7)),
        (numbers(3, "\n\n"), by("passage", 2, 1), Cut(2, 13 + 5)),
        ("  one   two  \n", by("word", 9), Cut(1, 7)),
        ("  one   two  \n", by("line", 9), Cut(1, 9)),
    ],
)
def test_what_overlaps_is_embedded_again(text: str, chunking: dict[str, Any], expected: Cut) -> None:
    assert cut(text, chunking) == expected


def test_an_overlap_may_be_left_out() -> None:
    assert cut(numbers(10), {"by": "word", "length": 5}) == cut(numbers(10), by("word", 5))


@given(text=st.text(), unit=st.sampled_from(sorted(DELIMITERS)), length=st.integers(1, 9))
def test_longer_chunks_are_never_more(text: str, unit: str, length: int) -> None:
    assert chunk_count(text, by(unit, length + 1)) <= chunk_count(text, by(unit, length))


@given(text=st.text(), unit=st.sampled_from(sorted(DELIMITERS)), length=st.integers(2, 9))
def test_an_overlap_never_makes_fewer_chunks_nor_less_to_embed(text: str, unit: str, length: int) -> None:
    without, with_one = cut(text, by(unit, length)), cut(text, by(unit, length, 1))
    assert with_one.chunks >= without.chunks and with_one.size >= without.size
    assert with_one.size - without.size <= with_one.chunks * len(text.encode())


def test_every_unit_of_the_specs_is_counted() -> None:
    declared = schema("RetrievalSource")["$defs"]["Chunking"]["properties"]["by"]["enum"]
    assert set(declared) == DELIMITERS.keys() == SPLIT_BY.keys()


def test_counting_loads_no_engine() -> None:
    code = "import sys, llmops.plan.chunks, llmops.plan.indexes; print({'haystack', 'pydantic', 'dagster'} & sys.modules.keys())"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "set()"
