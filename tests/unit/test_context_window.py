"""The account of a context window: what is counted, when it is a finding, and the way out that is offered."""

from __future__ import annotations

from pathlib import Path

import pytest

from llmops.diagnostics import Diagnostic
from llmops.pipeline import check_workspace


def findings(base: Path, **changes: tuple[str, str]) -> list[Diagnostic]:
    for file, (old, new) in changes.items():
        path = base / "specs" / f"{file}.yaml"
        assert old in path.read_text()
        path.write_text(path.read_text().replace(old, new))
    return list(check_workspace(base).diagnostics)


def test_the_account_is_exact(base: Path) -> None:
    """3 passages of 100 words at 1.5 tokens, 256 for the question, 128 for the answer: 834."""
    assert findings(base, model=("context_window: 2048", "context_window: 834")) == []
    (found,) = findings(base, model=("context_window: 834", "context_window: 833"))
    assert found.code == "LLM0603"
    assert found.message == "About 834 tokens do not fit chatter's window of 833 (context 450, question 256, answer 128)"


def test_the_prompt_counts_by_its_literal_text(base: Path) -> None:
    assert (
        findings(base, prompt=("{{ question }}", "{{ question }}" + "word " * 800), model=("context_window: 2048", "context_window: 1834"))
        == []
    )
    (found,) = findings(base, model=("context_window: 1834", "context_window: 1833"))
    assert "prompt 1,000" in found.message


@pytest.mark.parametrize(("unit", "length", "tokens"), [("word", 100, 150), ("line", 10, 200), ("sentence", 5, 150), ("passage", 1, 150)])
def test_chunks_count_by_their_unit(base: Path, unit: str, length: int, tokens: int) -> None:
    changed = {"source": ("by: word, length: 100, overlap: 10", f"by: {unit}, length: {length}")}
    (found,) = findings(base, **changed, model=("context_window: 2048", "context_window: 128"))
    assert found.code == "LLM0604", "the answer alone fills it"
    (found,) = findings(base, model=("context_window: 128", "context_window: 129"))
    assert f"context {3 * tokens}" in found.message


def test_the_top_k_that_is_offered_fits(base: Path) -> None:
    (found,) = findings(base, source=("top_k: 3", "top_k: 50"))
    fitting = int(found.hint.partition("top_k: ")[2].partition(" ")[0])
    assert findings(base, source=("top_k: 50", f"top_k: {fitting}")) == []
    assert len(findings(base, source=(f"top_k: {fitting}", f"top_k: {fitting + 1}"))) == 1


def test_both_places_are_shown(base: Path) -> None:
    (found,) = findings(base, source=("top_k: 3", "top_k: 50"))
    assert [place.file for place in found.locations] == ["specs/application.yaml", "specs/model.yaml"]


@pytest.mark.parametrize(("length", "codes"), [(170, []), (171, ["LLM0602"])])
def test_a_chunk_fits_the_embedder(base: Path, length: int, codes: list[str]) -> None:
    """256 tokens are read; 170 words are 255."""
    assert [d.code for d in findings(base, source=("length: 100", f"length: {length}"))] == codes


@pytest.mark.parametrize(("dimension", "codes"), [(384, []), (385, ["LLM0601"])])
def test_a_store_of_another_dimension(base: Path, dimension: int, codes: list[str]) -> None:
    assert [d.code for d in findings(base, source=("{kind: embedded}", f"{{kind: embedded, dimension: {dimension}}}"))] == codes


def test_without_retrieval_the_prompt_is_to_be_shortened(base: Path) -> None:
    (base / "specs" / "source.yaml").unlink()
    (base / "specs" / "embedder.yaml").unlink()
    (found,) = findings(
        base,
        application=("  retrieval: [handbook]\n", ""),
        prompt=("    documents: {type: documents}\n", ""),
        model=("context_window: 2048", "context_window: 300"),
    )[-1:]
    assert {d.code for d in findings(base)} == {"LLM0502", "LLM0603"}
    (base / "specs" / "prompt.yaml").write_text(
        (base / "specs" / "prompt.yaml").read_text().replace("{% for d in documents %}{{ d.content }} {% endfor %}", "")
    )
    (found,) = findings(base)
    assert found.hint == "Shorten the prompt, or take a model with a larger window."
