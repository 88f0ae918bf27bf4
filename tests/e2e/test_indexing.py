"""The index follows the documents of the bundle, in the real store, and nothing is embedded twice."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import psycopg
import pytest

from llmops.errors import LlmopsError, RuntimeUnavailable, UsageError
from llmops.render.haystack import table_name
from llmops.runtime.bundle import Bundle
from llmops.runtime.indexing import IndexResult, check_index, index_source
from tests.bundles import documents, open_bundle
from tests.e2e.conftest import PAGES, Running
from tests.graphs import MINILM, application, graph, make, source

ID = "RetrievalSource/pages"


@pytest.fixture
def root(running: Running, tmp_path: Path) -> Iterator[Path]:
    """A workspace of its own, with the session's model and store; its tables are dropped again."""
    (tmp_path / ".llmops").mkdir()
    (tmp_path / ".llmops/models").symlink_to(running.root / ".llmops/models")
    yield tmp_path
    with psycopg.connect(os.environ["LLMOPS_EMBEDDED_STORE"]) as connection:
        names = connection.execute("SELECT tablename FROM pg_tables WHERE tablename LIKE 'llmops_pages_%'").fetchall()
        for (name,) in names:
            connection.execute(f'DROP TABLE "{name}"'.encode())


def compiled(root: Path, texts: Mapping[str, str]) -> Bundle:
    for old in (root / "docs").glob("*"):
        old.unlink()
    of = graph(source("pages", files=documents(root, texts)), application(sources=("pages",)))
    return open_bundle(of, root / f"build-{len(list(root.glob('build-*')))}")


def index(root: Path, texts: Mapping[str, str]) -> IndexResult:
    return index_source(compiled(root, texts), ID, root, lambda message: None)


def rows(column: str = "meta->>'file_path'") -> list[Any]:
    table = table_name(source("pages"), make("Model", "minilm", MINILM))
    with psycopg.connect(os.environ["LLMOPS_EMBEDDED_STORE"]) as connection:
        return [row[0] for row in connection.execute(f'SELECT {column} FROM "{table}" ORDER BY 1'.encode())]


def test_every_page_is_indexed_under_its_path(running: Running, root: Path) -> None:
    result = index(root, PAGES)
    assert (result.documents, result.indexed, result.removed) == (3, 3, 0)
    assert set(rows()) == set(PAGES)
    assert result.chunks == len(rows())


def test_vectors_have_the_models_length(root: Path) -> None:
    index(root, PAGES)
    assert set(rows("vector_dims(embedding)")) == {384}


def test_a_second_run_reads_nothing(root: Path) -> None:
    first = index(root, PAGES)
    second = index(root, PAGES)
    assert (second.indexed, second.removed, second.chunks) == (0, 0, first.chunks)


def test_a_changed_page_replaces_its_chunks(root: Path) -> None:
    index(root, PAGES)
    result = index(root, {**PAGES, "docs/support.md": "Support moved to Saturdays."})
    assert (result.indexed, result.removed, result.chunks) == (1, 1, 3)
    assert "Support moved to Saturdays." in rows("content")
    assert not any("Monday" in content for content in rows("content"))


def test_a_removed_page_leaves_the_index(root: Path) -> None:
    index(root, PAGES)
    result = index(root, {path: text for path, text in PAGES.items() if path != "docs/poison.md"})
    assert (result.documents, result.removed) == (2, 1)
    assert "docs/poison.md" not in rows()


def test_a_renamed_page_keeps_one_copy(root: Path) -> None:
    index(root, PAGES)
    index(root, {path.replace("support", "help"): text for path, text in PAGES.items()})
    assert set(rows()) == {"docs/refunds.md", "docs/help.md", "docs/poison.md"}


def test_two_pages_with_the_same_text_are_both_found(root: Path) -> None:
    result = index(root, {"docs/a.md": "The same words.", "docs/b.md": "The same words."})
    assert (result.chunks, set(rows())) == (2, {"docs/a.md", "docs/b.md"})


def test_a_long_page_is_cut_with_overlap(root: Path) -> None:
    words = " ".join(f"w{n}" for n in range(150))
    assert index(root, {"docs/long.md": words}).chunks == 3
    found = sorted((content.split() for content in rows("content")), key=lambda chunk: int(chunk[0][1:]))
    assert found[0][-10:] == found[1][:10]
    assert {word for chunk in found for word in chunk} == set(words.split())


def test_progress_names_source_and_count(root: Path) -> None:
    messages: list[str] = []
    pages = {f"docs/{n}.md": f"Page number {n}." for n in range(10)}
    index_source(compiled(root, pages), ID, root, messages.append)
    assert messages == ["pages: 8 of 10 files indexed", "pages: 10 of 10 files indexed"]


def test_a_file_changed_since_compiling_is_refused_before_anything_is_written(root: Path) -> None:
    index(root, PAGES)
    bundle = compiled(root, {**PAGES, "docs/new.md": "New."})
    (root / "docs/support.md").write_text("changed")
    with pytest.raises(LlmopsError, match=r"docs/support.md changed since") as caught:
        index_source(bundle, ID, root, lambda message: None)
    assert caught.value.hint == "llmops compile"
    assert "docs/new.md" not in rows()


def test_a_file_gone_since_compiling_is_refused(root: Path) -> None:
    bundle = compiled(root, PAGES)
    (root / "docs/support.md").unlink()
    with pytest.raises(LlmopsError, match=r"docs/support.md is gone"):
        index_source(bundle, ID, root, lambda message: None)


def test_a_page_without_text_is_refused(root: Path) -> None:
    with pytest.raises(LlmopsError, match=r"docs/blank.md holds no text"):
        index(root, {**PAGES, "docs/blank.md": " \n\n"})


def test_an_index_is_checked_against_the_bundle(root: Path) -> None:
    bundle = compiled(root, PAGES)
    with pytest.raises(RuntimeUnavailable, match="is empty"):
        check_index(bundle, ID, root)
    index_source(bundle, ID, root, lambda message: None)
    check_index(bundle, ID, root)
    with pytest.raises(RuntimeUnavailable, match=r"differs from the bundle in docs/new.md"):
        check_index(compiled(root, {**PAGES, "docs/new.md": "New."}), ID, root)


def test_a_source_that_no_application_uses_cannot_be_indexed(root: Path) -> None:
    bundle = open_bundle(graph(source("pages"), application(sources=())), root / "build")
    with pytest.raises(UsageError, match="No application uses RetrievalSource/pages"):
        index_source(bundle, ID, root, lambda message: None)
