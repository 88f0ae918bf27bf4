"""Retrieval metrics: how many of the right documents are found, and how far up. No language model is needed."""

from __future__ import annotations

from llmops.evaluate.observation import Observation


def has_sources(observation: Observation) -> bool:
    """Whether the case says which documents hold the answer."""
    return observation.case.answerable and bool(observation.case.sources)


def recall(observation: Observation) -> float:
    """Share of the case's documents that are among the passages found."""
    wanted = set(observation.case.sources)
    return len(wanted.intersection(observation.found or ())) / len(wanted)


def reciprocal_rank(observation: Observation) -> float:
    """1 / rank of the first right document, counted over distinct documents; 0 where none was found."""
    documents = dict.fromkeys(observation.found or ())
    ranks = (rank for rank, path in enumerate(documents, start=1) if path in observation.case.sources)
    return 1 / next(ranks, float("inf"))
