"""Retrieval metrics: how many of the right documents are found, and how far up. No language model is needed.

Ranks are of distinct documents: a document that was found with three passages is one. Relevance is 0 or 1, as trec_eval has it.
"""

from __future__ import annotations

import math

from llmops.evaluate.cases import Case
from llmops.evaluate.observation import Declared, Observation


def has_sources(case: Case, _declared: Declared) -> bool:
    """Whether the case says which documents hold the answer."""
    return case.answerable and bool(case.sources)


def recall(observation: Observation) -> float:
    """Share of the case's documents that are among the passages found."""
    wanted = set(observation.case.sources)
    return len(wanted.intersection(observation.found or ())) / len(wanted)


def precision(observation: Observation) -> float:
    """Share of the documents found that are among the case's; 0 where none was found."""
    documents = _documents(observation)
    return sum(path in observation.case.sources for path in documents) / len(documents) if documents else 0.0


def reciprocal_rank(observation: Observation) -> float:
    """1 / rank of the first right document; 0 where none was found."""
    ranks = (rank for rank, path in enumerate(_documents(observation), start=1) if path in observation.case.sources)
    return 1 / next(ranks, float("inf"))


def ndcg(observation: Observation) -> float:
    """Discounted gain beside that of the best order: 1 / log2(rank + 1) for each right document (Järvelin and Kekäläinen 2002)."""
    wanted = set(observation.case.sources)
    gained = sum(_gain(rank) for rank, path in enumerate(_documents(observation), start=1) if path in wanted)
    return gained / sum(_gain(rank) for rank in range(1, len(wanted) + 1))


def _gain(rank: int) -> float:
    return 1 / math.log2(rank + 1)


def _documents(observation: Observation) -> list[str]:
    return list(dict.fromkeys(observation.found or ()))
