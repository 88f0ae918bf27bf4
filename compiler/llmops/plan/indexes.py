"""What it takes to embed files of a retrieval source again.

Input: the source, its files and how to read them. Output: `IndexCost`: chunks, tokens, seconds, US dollars, and how they were worked out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from typing import Any

from llmops.link.models import chunk_tokens
from llmops.plan.chunks import NOTHING, Cut, cut
from llmops.plan.contents import Read, content_of
from llmops.prices import price_of
from llmops.resources import File, Graph, Resource

BYTES_PER_TOKEN = 4
"""Of UTF-8. The common tokenizers take 3.4 (MiniLM's word pieces, over this project's handbook) to 4.5 for English text."""
LOCAL_TOKENS_PER_SECOND = 3_000
"""What `provider: onnx` embeds of the tokens counted here: int8 MiniLM in fastembed on two cores, batches of 8. Measured over this
project's handbook: chunks of 60 words 4,400, of 100 words 3,400, of 180 words 3,000. The slowest is taken."""
MEMORY = 100_000
"""Documents whose cut is remembered."""

_cuts: dict[tuple[str, str, int, int], Cut] = {}
"""By the digest of the content and the chunking: sources that share documents read and cut each once."""


@dataclass(frozen=True, slots=True)
class IndexCost:
    """`mode` is `full` where all files of the source are embedded, else `changed files`; `basis` says how the figures were worked out.

    `tokens` are an estimate of what is embedded, overlaps each time. `seconds` of embedding and US `dollars` are None where nobody
    declares what it takes.
    """

    mode: str
    documents: int
    chunks: int
    tokens: int
    seconds: float | None
    dollars: float | None
    basis: str


def index_cost(graph: Graph, source: Resource, files: Sequence[File], read: Read) -> IndexCost:
    """The cost of embedding `files` of `source`. A file that cannot be read here counts by its size, and `basis` says so."""
    cuts = [_cut_of(source, file, read) for file in files]
    unread = [file for file, found in zip(files, cuts, strict=True) if found is None]
    chunks = sum(found.chunks for found in cuts if found) + sum(_guessed_chunks(source, file) for file in unread)
    size = sum(found.size for found in cuts if found) + sum(file.size for file in unread)
    tokens = ceil(size / BYTES_PER_TOKEN)
    model = graph.target_of(source, "spec", "embedding")
    speed, price = _speed(model), price_of(model) if model else None
    return IndexCost(
        mode="full" if len(files) == len(source.files) else "changed files",
        documents=len(files),
        chunks=chunks,
        tokens=tokens,
        seconds=round(tokens / speed, 1) if speed else None,
        dollars=round(price.dollars(tokens), 6) if price else None,
        basis="; ".join([f"{BYTES_PER_TOKEN} bytes of text a token", *_basis(model), *_caution(unread)]),
    )


def _cut_of(source: Resource, file: File, read: Read) -> Cut | None:
    """None for a file whose content is not here."""
    chunking = source.spec["chunking"]
    key = file.sha256, str(chunking["by"]), int(chunking["length"]), int(chunking.get("overlap", 0))
    if key not in _cuts:
        content = content_of(file, read)
        if content is None:
            return None
        if len(_cuts) >= MEMORY:
            _cuts.clear()
        _cuts[key] = _cut(content, chunking)
    return _cuts[key]


def _cut(content: bytes, chunking: Mapping[str, Any]) -> Cut:
    try:
        return cut(content.decode("utf-8-sig"), chunking)
    except UnicodeDecodeError:
        return NOTHING  # Haystack's converter leaves out what is not UTF-8


def _guessed_chunks(source: Resource, file: File) -> int:
    return ceil(file.size / BYTES_PER_TOKEN / chunk_tokens(source))


def _speed(model: Resource | None) -> float | None:
    """Tokens a second, where they are declared or were measured."""
    if model is None:
        return None
    declared = model.spec.get("tokens_per_second")
    if declared is not None:
        return float(declared)
    return LOCAL_TOKENS_PER_SECOND if model.spec["provider"] == "onnx" else None


def _basis(model: Resource | None) -> list[str]:
    if model is None:
        return ["the embedding model is not known"]
    return [_time_basis(model), _money_basis(model)]


def _time_basis(model: Resource) -> str:
    speed = _speed(model)
    if speed is None:
        return f"for the time, declare spec.tokens_per_second in {model.id}"
    where = f"declared by {model.id}" if "tokens_per_second" in model.spec else "measured with MiniLM on two cores"
    return f"{speed:,.10g} tokens a second, {where}"


def _money_basis(model: Resource) -> str:
    price = price_of(model)
    if price is None:
        return f"for the cost, declare spec.price in {model.id}"
    if model.spec.get("price") is None:
        return f"{model.id} runs on this machine and has no price"
    return f"{price.input:g} US dollars a million tokens, declared by {model.id}"


def _caution(unread: Sequence[File]) -> list[str]:
    count = len(unread)
    return [f"about: {count} {'file is' if count == 1 else 'files are'} not here and counted by size"] if unread else []
