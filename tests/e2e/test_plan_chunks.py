"""The plan counts chunks exactly as the rendered pipeline makes them, with Haystack's own components, and as the store then holds them."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from haystack.components.converters.txt import TextFileToDocument
from haystack.components.preprocessors import DocumentCleaner, DocumentSplitter
from haystack.dataclasses import ByteStream, Document
from hypothesis import example, given, settings
from hypothesis import strategies as st

from llmops.load.files import Files
from llmops.load.tree import Disk
from llmops.plan.chunks import Cut, cut
from llmops.plan.indexes import index_cost
from llmops.render.haystack import render
from tests.bundles import documents
from tests.conftest import ROOT
from tests.e2e.conftest import PAGES, Running
from tests.graphs import application, graph, source

UNITS = ("word", "sentence", "passage", "line")
STAGES: dict[str, Any] = {"converter": TextFileToDocument, "cleaner": DocumentCleaner, "splitter": DocumentSplitter}
PIECES = (
    *("word", "two words", "a.b", "é", "漢字。", "😀", "0", "-"),
    *(" ", "  ", "   ", "\t", "\n", "\n\n", "\n\n\n", "\n \n", "\r\n", "\r", "\f", "\f\n", " \f ", ".", "..", ". ", ".\n"),
    *("\u00a0", "\u2003", "\u2028", "\u2029", "\u3000", "\u200b", "\ufeff", "\x0b", "\x1c", "\x1f", "\x85", "\x00"),
)
"""What texts are made of: words, everything that ends a unit, everything that some Python function takes for white space."""

pieces = st.lists(st.sampled_from(PIECES), max_size=40).map("".join)
texts = st.one_of(pieces, pieces, st.text(max_size=60))
sizes = st.integers(1, 12).flatmap(lambda length: st.tuples(st.just(length), st.integers(0, length - 1)))


@cache
def rendered(by: str) -> dict[str, dict[str, Any]]:
    """The init parameters of each stage, as the compiler writes them into the bundle."""
    of = graph(source(chunking={"by": by, "length": 5, "overlap": 1}), application())
    (indexing,) = (artifact for artifact in render(of) if artifact.path.endswith("indexing.yaml"))
    components = yaml.safe_load(indexing.content)["components"]
    return {stage: components[f"{stage}_handbook"]["init_parameters"] for stage in STAGES}


def really_cut(content: bytes, chunking: dict[str, Any]) -> Cut:
    """What Haystack makes of a file's bytes."""
    parameters = rendered(chunking["by"])
    sizes = {"split_length": chunking["length"], "split_overlap": chunking.get("overlap", 0)}
    assert sizes.keys() <= parameters["splitter"].keys()
    made: list[Document] = STAGES["converter"](**parameters["converter"]).run(sources=[ByteStream(content)])["documents"]
    made = STAGES["cleaner"](**parameters["cleaner"]).run(documents=made)["documents"]
    made = STAGES["splitter"](**{**parameters["splitter"], **sizes}).run(documents=made)["documents"]
    return Cut(len(made), sum(len((document.content or "").encode()) for document in made))


def same(text: str, chunking: dict[str, Any]) -> None:
    content = text.encode()
    assert cut(content.decode("utf-8-sig"), chunking) == really_cut(content, chunking)


def pages() -> Iterator[Path]:
    return (path for folder in ("docs", "evals", "specs", "compiler/llmops/plan") for path in sorted((ROOT / folder).rglob("*.*")))


@pytest.mark.parametrize("by", UNITS)
@pytest.mark.parametrize(("length", "overlap"), [(60, 15), (180, 30), (7, 0), (3, 2), (1, 0)])
def test_this_repositorys_own_files(by: str, length: int, overlap: int) -> None:
    read = [path.read_text("utf-8") for path in pages() if path.suffix in (".md", ".yaml", ".jsonl", ".py")]
    assert len(read) > 40
    for text in read:
        same(text, {"by": by, "length": length, "overlap": overlap})


@settings(max_examples=500)
@given(text=texts, by=st.sampled_from(UNITS), size=sizes)
@example(text="", by="word", size=(3, 1))
@example(text=" \n\f ", by="line", size=(3, 1))
@example(text="\ufeff", by="word", size=(1, 0))
@example(text="word", by="word", size=(12, 11))
@example(text=".", by="sentence", size=(1, 0))
@example(text="a.b.", by="sentence", size=(2, 0))
@example(text="a.b.", by="sentence", size=(2, 1))
@example(text="a.b.c.", by="sentence", size=(3, 2))
@example(text="a\n\n\n\n\nb", by="passage", size=(1, 0))
@example(text="a\n\n\n\nb\n\nc", by="passage", size=(2, 1))
@example(text="a \n b\n\n \n\u00a0\nc", by="line", size=(2, 1))
@example(text="a\f\fb \f c", by="word", size=(1, 0))
@example(text="one  two\n three\n\n\nfour", by="word", size=(2, 1))
def test_nasty_texts(text: str, by: str, size: tuple[int, int]) -> None:
    same(text, {"by": by, "length": size[0], "overlap": size[1]})


@given(unit=st.sampled_from(UNITS), count=st.integers(1, 60), size=sizes)
def test_every_remainder_of_a_length_and_an_overlap(unit: str, count: int, size: tuple[int, int]) -> None:
    between = {"word": " ", "sentence": ".", "passage": "\n\n", "line": "\n"}[unit]
    for end in ("", between, between * 2):
        same(between.join(f"u{number}" for number in range(count)) + end, {"by": unit, "length": size[0], "overlap": size[1]})


@pytest.mark.parametrize("by", UNITS)
def test_an_overlap_may_be_left_out(by: str) -> None:
    same("a. b. c\n\nd\ne", {"by": by, "length": 2})


@pytest.mark.parametrize("content", [b"\xff\xfehello", b"caf\xe9 au lait"])
def test_a_file_that_is_not_utf8_gives_no_chunks(content: bytes, tmp_path: Path) -> None:
    assert really_cut(content, {"by": "word", "length": 5}) == Cut(0, 0)
    (tmp_path / "page.md").write_bytes(content)
    files = Files(Disk(tmp_path))
    page = source(files=[files.digest("page.md")])  # type: ignore[list-item]
    cost = index_cost(graph(page), page, page.files, files.read)
    assert (cost.documents, cost.chunks, cost.tokens) == (1, 0, 0)


def test_the_store_holds_as_many_chunks_as_were_planned(running: Running, tmp_path: Path) -> None:
    handbook = source(files=documents(tmp_path, PAGES))
    cost = index_cost(graph(handbook), handbook, handbook.files, Files(Disk(tmp_path)).read)
    assert (cost.documents, cost.chunks) == (running.indexed.documents, running.indexed.chunks)
