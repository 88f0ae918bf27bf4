"""What embedding again costs: chunks, tokens, time, money, and what the row says about how they were worked out."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from llmops.fingerprint import fingerprint, index_identity
from llmops.kinds import schema
from llmops.load.files import FileProblem, Files
from llmops.load.tree import Disk
from llmops.pipeline import check_workspace
from llmops.plan import indexes
from llmops.plan.chunks import cut
from llmops.plan.indexes import IndexCost, index_cost
from llmops.render.haystack import table_name
from llmops.resources import File, Graph, Resource
from tests.bundles import documents
from tests.conftest import ROOT
from tests.graphs import MINILM, graph, make, source

WORDS = {"by": "word", "length": 10, "overlap": 2}
HOSTED: dict[str, Any] = {
    "task": "embedding",
    "provider": "openai",
    "model": "text-embedding-3-small",
    "endpoint": {"url": "https://llm.example.org/v1"},
    "dimension": 1536,
    "max_input_tokens": 8191,
}


class Shelf:
    """Documents by path, which notes what is read."""

    def __init__(self, **texts: str) -> None:
        self.contents = {f"docs/{name}.md": text.encode() for name, text in texts.items()}
        self.read_paths: list[str] = []

    @property
    def files(self) -> list[File]:
        return [File(path, hashlib.sha256(content).hexdigest(), len(content)) for path, content in self.contents.items()]

    def read(self, path: str) -> bytes | FileProblem:
        self.read_paths.append(path)
        return self.contents.get(path, FileProblem("LLM0802", "gone", ""))


@pytest.fixture(autouse=True)
def nothing_remembered() -> Iterator[None]:
    indexes._cuts.clear()
    yield
    indexes._cuts.clear()


def embedder(**changes: Any) -> Resource:
    return make("Model", "minilm", {**MINILM, **changes})


def hosted(**changes: Any) -> Resource:
    return make("Model", "minilm", {**HOSTED, **changes})


def cost_of(shelf: Shelf, *models: Resource, chunking: dict[str, Any] = WORDS) -> IndexCost:
    page = source(files=shelf.files, chunking=chunking)
    return index_cost(graph(page, *models), page, page.files, shelf.read)


def words(count: int) -> str:
    return " ".join(f"{number:03}" for number in range(count))


class TestCounts:
    def test_documents_chunks_and_tokens(self) -> None:
        """10 words are 39 bytes in one chunk; 19 are 75 in three, which repeat 2 words of 4 bytes twice; a quarter are tokens."""
        cost = cost_of(Shelf(a=words(10), b=words(19)))
        assert (cost.documents, cost.chunks, cost.tokens) == (2, 4, (39 + 75 + 2 * 8 + 3) // 4)

    def test_a_copy_is_embedded_too_and_read_once(self) -> None:
        shelf = Shelf(a=words(19), b=words(19))
        cost = cost_of(shelf)
        assert (cost.documents, cost.chunks) == (2, 6)
        assert shelf.read_paths == ["docs/a.md"]

    def test_sources_that_share_documents_read_them_once(self) -> None:
        shelf = Shelf(**{f"page{number}": f"{number} {words(20)}" for number in range(20)})
        costs = {cost_of(shelf) for _ in range(50)}
        assert len(costs) == 1
        assert len(shelf.read_paths) == 20

    def test_another_chunking_is_counted_anew(self) -> None:
        shelf = Shelf(a=words(19))
        chunkings = [WORDS, {**WORDS, "length": 9}, {**WORDS, "overlap": 0}, {**WORDS, "by": "line"}]
        assert [cost_of(shelf, chunking=chunking).chunks for chunking in chunkings] == [3, 3, 2, 1]
        assert len(shelf.read_paths) == 4

    def test_what_is_remembered_is_bounded(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(indexes, "MEMORY", 3)
        shelf = Shelf(**{f"page{number}": str(number) for number in range(8)})
        assert cost_of(shelf).chunks == 8
        assert len(indexes._cuts) <= 3

    def test_a_part_of_the_files_is_a_part_of_the_cost(self) -> None:
        shelf = Shelf(a=words(10), b=words(19))
        page = source(files=shelf.files, chunking=WORDS)
        cost = index_cost(graph(page), page, page.files[:1], shelf.read)
        assert (cost.mode, cost.documents, cost.chunks) == ("changed files", 1, 1)
        assert cost_of(shelf).mode == "full"

    def test_a_byte_order_mark_is_no_text(self) -> None:
        assert cost_of(Shelf(a="\ufeff" + words(10))) == cost_of(Shelf(a=words(10)))

    def test_no_files_cost_nothing(self) -> None:
        cost = cost_of(Shelf())
        assert (cost.documents, cost.chunks, cost.tokens, cost.seconds, cost.dollars) == (0, 0, 0, 0.0, 0.0)


class TestUnread:
    """A file that is not here counts by its size, and the row says "about"."""

    POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:%s\nsize 60000\n"

    def test_a_pointer_of_a_large_file(self) -> None:
        """60,000 bytes are 15,000 tokens, in chunks of 10 words of 1.5 tokens."""
        shelf = Shelf(a=self.POINTER % ("e" * 64), b=words(10))
        files = [File("docs/a.md", "e" * 64, 60_000), shelf.files[1]]
        page = source(files=files, chunking=WORDS)
        cost = index_cost(graph(page), page, files, shelf.read)
        assert (cost.documents, cost.chunks, cost.tokens) == (2, 1000 + 1, 15_000 + 10)
        assert cost.basis.endswith("about: 1 file is not here and counted by size")

    def test_a_file_that_cannot_be_read_is_not_remembered(self) -> None:
        shelf = Shelf(a=words(19), b=words(10))
        page = source(files=shelf.files, chunking=WORDS)
        hidden = Shelf()
        assert "about: 2 files are not here" in index_cost(graph(page), page, page.files, hidden.read).basis
        assert "about" not in index_cost(graph(page), page, page.files, shelf.read).basis

    def test_files_that_are_here_need_no_caution(self) -> None:
        assert "about" not in cost_of(Shelf(a=words(10))).basis


class TestTimeAndMoney:
    TEXT = words(1_000)  # 3,999 bytes in chunks without overlap: 1,000 tokens

    def cost(self, model: Resource) -> IndexCost:
        cost = cost_of(Shelf(a=self.TEXT), model, chunking={"by": "word", "length": 100})
        assert (cost.chunks, cost.tokens) == (10, 1_000)
        return cost

    def test_a_local_model_costs_time_only(self) -> None:
        cost = self.cost(embedder())
        assert (cost.seconds, cost.dollars) == (0.3, 0.0)
        assert cost.basis == (
            "4 bytes of text a token; 3,000 tokens a second, measured with MiniLM on two cores; "
            "Model/minilm runs on this machine and has no price"
        )

    def test_a_local_model_may_declare_both(self) -> None:
        cost = self.cost(embedder(tokens_per_second=500, price={"input": 2, "output": 0}))
        assert (cost.seconds, cost.dollars) == (2.0, 0.002)
        assert cost.basis.endswith("500 tokens a second, declared by Model/minilm; 2 US dollars a million tokens, declared by Model/minilm")

    def test_an_endpoint_that_declares_nothing_is_unknown_and_says_what_to_declare(self) -> None:
        cost = self.cost(hosted())
        assert (cost.seconds, cost.dollars) == (None, None)
        assert "for the time, declare spec.tokens_per_second in Model/minilm" in cost.basis
        assert "for the cost, declare spec.price in Model/minilm" in cost.basis

    def test_an_endpoint_that_declares_both(self) -> None:
        cost = self.cost(hosted(tokens_per_second=12_500, price={"input": 0.02, "output": 0}))
        assert (cost.seconds, cost.dollars) == (0.1, 0.00002)
        assert "12,500 tokens a second" in cost.basis and "0.02 US dollars a million tokens" in cost.basis

    def test_what_a_model_writes_is_not_paid_for_vectors(self) -> None:
        assert self.cost(hosted(price={"input": 0.02, "output": 99})).dollars == 0.00002

    def test_a_price_of_nothing_is_a_price(self) -> None:
        assert self.cost(hosted(price={"input": 0, "output": 0})).dollars == 0.0

    def test_a_source_whose_model_did_not_resolve(self) -> None:
        page = make("RetrievalSource", "lost", dict(source(chunking=WORDS).spec), files=Shelf(a="one").files)
        cost = index_cost(graph(page), page, page.files, Shelf(a="one").read)
        assert (cost.chunks, cost.seconds, cost.dollars) == (1, None, None)
        assert cost.basis.endswith("the embedding model is not known")


def test_the_handbook_itself() -> None:
    """This repository's own workspace, read as the plan reads it."""
    linked = check_workspace(ROOT).graph
    assert linked is not None
    handbook = linked["RetrievalSource/handbook"]
    cost = index_cost(linked, handbook, handbook.files, Files(Disk(ROOT)).read)
    texts = [(ROOT / file.path).read_text("utf-8") for file in handbook.files]
    assert cost.documents == len(list((ROOT / "docs").rglob("*.md")))
    assert cost.chunks == sum(cut(text, handbook.spec["chunking"]).chunks for text in texts) > 200
    assert sum(map(len, texts)) / 4 < cost.tokens < sum(map(len, texts)) / 2


def test_files_come_as_the_linker_digests_them(tmp_path: Path) -> None:
    files = documents(tmp_path, {"docs/a.md": words(19), "docs/b.md": words(10)})
    page = source(files=files, chunking=WORDS)
    cost = index_cost(graph(page), page, page.files, Files(Disk(tmp_path)).read)
    assert (cost.documents, cost.chunks) == (2, 4) and "about" not in cost.basis


class TestTheDeclaredSpeed:
    """`tokens_per_second` says how long it takes, and changes nothing of what is built."""

    def test_it_changes_no_release_and_no_table(self) -> None:
        def of(model: Resource) -> tuple[Graph, dict[str, Any], str]:
            page = source()
            return fingerprint(graph(page, model)), index_identity(page, model), table_name(page, model)

        plain, fast = of(embedder()), of(embedder(tokens_per_second=9))
        assert plain[0].behaviour == fast[0].behaviour
        assert plain[1:] == fast[1:]
        assert of(embedder(revision="fp32"))[2] != plain[2]

    def test_only_embedding_models_have_it(self) -> None:
        having = {name for name, each in schema("Model")["$defs"].items() if "tokens_per_second" in each.get("properties", {})}
        assert having == {"EmbeddingModel"}

    @pytest.mark.parametrize("value", ["0", "-1", "many"])
    def test_it_is_more_than_nothing(self, base: Path, value: str) -> None:
        insert(base, value)
        assert {d.path for d in check_workspace(base).diagnostics} == {"spec.tokens_per_second"}

    def test_it_is_accepted(self, base: Path) -> None:
        insert(base, "20000")
        assert check_workspace(base).diagnostics == ()


def insert(base: Path, value: str) -> None:
    (path,) = (path for path in (base / "specs").rglob("*.yaml") if "task: embedding" in path.read_text())
    path.write_text(path.read_text().replace("task: embedding", f"task: embedding\n  tokens_per_second: {value}"))
