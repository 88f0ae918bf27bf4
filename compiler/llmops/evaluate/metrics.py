"""The registry of metrics. To add one: write it in its family's file, and add a line to `METRICS` and to `kinds/evaluation.py`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from llmops.evaluate import abstention, answer, retrieval
from llmops.evaluate.observation import Embed, Observation

Score = Callable[[Sequence[Observation], Embed], list[float]]


@dataclass(frozen=True, slots=True)
class Metric:
    """A number between 0 and 1 for each case it applies to; higher is better."""

    needs: Literal["passages", "reply"]
    """`passages` runs on every case without the language model; `reply` on the sampled ones."""
    applies: Callable[[Observation], bool]
    score: Score


def _each(function: Callable[[Observation], float]) -> Score:
    """Scores case by case, without embeddings."""
    return lambda observations, _embed: [function(o) for o in observations]


METRICS: Mapping[str, Metric] = {
    "retrieval_recall": Metric("passages", retrieval.has_sources, _each(retrieval.recall)),
    "retrieval_mrr": Metric("passages", retrieval.has_sources, _each(retrieval.reciprocal_rank)),
    "answer_f1": Metric("reply", answer.has_reference, _each(answer.f1)),
    "answer_similarity": Metric("reply", answer.has_reference, answer.similarities),
    "abstention": Metric("reply", abstention.is_unanswerable, _each(abstention.abstained)),
}
