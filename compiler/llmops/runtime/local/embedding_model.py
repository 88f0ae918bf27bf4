"""An ONNX embedding model as a folder that fastembed loads: weights from a package, tokenizer from our vocabulary."""

from __future__ import annotations

import json
import os
from importlib import resources
from pathlib import Path
from typing import Any

from llmops.errors import RuntimeUnavailable
from llmops.runtime.bundle import BundledResource
from llmops.runtime.local.weights import MODELS_FOLDER, materialise

VOCABULARIES = {"sentence-transformers/all-MiniLM-L6-v2": "minilm_vocab.txt"}
"""Vocabulary of each model whose weights' package has no tokenizer: all of them lower-case BERT word pieces."""

SPECIAL_TOKENS = {"unk_token": "[UNK]", "sep_token": "[SEP]", "pad_token": "[PAD]", "cls_token": "[CLS]", "mask_token": "[MASK]"}


def materialise_embedding_model(model: BundledResource, root: Path) -> Path:
    """Writes `<root>/.llmops/models/<name>/`, or verifies it, and returns the folder."""
    if model.spec["model"] not in VOCABULARIES:
        raise RuntimeUnavailable(
            f"llmops has no tokenizer for the embedding model {model.spec['model']} ({model.id}).",
            f"Use one of {', '.join(VOCABULARIES)}, or an endpoint with `provider: openai`.",
        )
    folder = root / MODELS_FOLDER / model.name
    materialise(model.spec["weights"], folder / "model.onnx")
    for name, text in _tokenizer_files(model.spec["model"], model.spec["max_input_tokens"]).items():
        _replace(folder / name, text)
    return folder


def _tokenizer_files(model: str, max_tokens: int) -> dict[str, str]:
    vocabulary = resources.files("llmops.runtime.local").joinpath(VOCABULARIES[model]).read_text("utf-8").splitlines()
    tokens = {token: i for i, token in enumerate(vocabulary)}
    config = {**SPECIAL_TOKENS, "do_lower_case": True, "tokenizer_class": "BertTokenizer", "model_max_length": max_tokens}
    return {
        "tokenizer.json": _tokenizer(tokens),
        "tokenizer_config.json": json.dumps(config),
        "special_tokens_map.json": json.dumps(SPECIAL_TOKENS),
        "config.json": json.dumps({"model_type": "bert", "pad_token_id": tokens["[PAD]"], "vocab_size": len(tokens)}),
    }


def _tokenizer(tokens: dict[str, int]) -> str:
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

    tokenizer = Tokenizer(models.WordPiece(tokens, unk_token="[UNK]"))  # noqa: S106 - a token of text
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    ends: Any = [("[CLS]", tokens["[CLS]"]), ("[SEP]", tokens["[SEP]"])]
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1", special_tokens=ends
    )
    tokenizer.add_special_tokens(sorted(SPECIAL_TOKENS.values()))
    return str(tokenizer.to_str())


def _replace(path: Path, text: str) -> None:
    """Writes only a changed file, and whole: another process may be reading it."""
    if path.is_file() and path.read_text("utf-8") == text:
        return
    copy = path.with_name(f".{path.name}.{os.getpid()}")
    copy.write_text(text, "utf-8")
    os.replace(copy, path)
