"""What a token costs, and the table of prices that figures in dollars were worked out with.

Input: a graph. Output: a model's `Price`, and the table with its digest, as the bundle and the plan record it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from llmops.fingerprint import digest
from llmops.resources import Graph, Resource

DECLARED = "spec.price"
LOCAL_PROVIDERS = frozenset({"llama.cpp", "onnx"})
"""Providers that run on the machine that asks: nobody is paid for a token there."""
MILLION = 1_000_000


@dataclass(frozen=True, slots=True)
class Price:
    """US dollars for a million tokens read and written."""

    input: float
    output: float

    def dollars(self, read: float, written: float = 0) -> float:
        """US dollars for so many tokens."""
        return (read * self.input + written * self.output) / MILLION


FREE = Price(0.0, 0.0)


def price_of(model: Resource) -> Price | None:
    """What the spec declares; nothing for a model on this machine; None for an endpoint without a declared price."""
    declared = model.spec.get("price")
    if declared is not None:
        return Price(float(declared["input"]), float(declared["output"]))
    return FREE if model.spec["provider"] in LOCAL_PROVIDERS else None


def price_table(graph: Graph) -> dict[str, Any]:
    """The declared prices, `{"digest": "sha256:…", "models": {id: {"input", "output", "from"}}}`; SHA-256 over their canonical JSON."""
    models = {model.id: _row(model.spec["price"]) for model in graph.of_kind("Model") if model.spec.get("price") is not None}
    return {"digest": f"sha256:{digest(models)}", "models": models}


def _row(declared: Mapping[str, float]) -> dict[str, Any]:
    return {"input": float(declared["input"]), "output": float(declared["output"]), "from": DECLARED}
