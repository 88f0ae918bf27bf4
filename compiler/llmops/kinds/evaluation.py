"""`Evaluation`: cases, metrics and the limits that a release must hold."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from llmops.kinds.base import Cron, Share, Spec, Strict, reference, values

MetricName = Annotated[
    Literal["retrieval_recall", "retrieval_mrr", "answer_f1", "answer_similarity", "abstention"],
    values(
        {
            "retrieval_recall": "Share of a case's sources that are among the passages found. Needs no language model.",
            "retrieval_mrr": "One divided by the rank of the first right document, 0 where none was found. Needs no language model.",
            "answer_f1": "Share of words that the answer and the reference answer have in common, as SQuAD counts them.",
            "answer_similarity": "Cosine of the embeddings of the answer and the reference answer.",
            "abstention": "Share of unanswerable cases where the assistant said that it does not know, or a safety rule refused.",
        }
    ),
]


class Metric(Strict):
    """One figure over all cases, and what it must reach."""

    name: MetricName
    """What is measured; each lies between 0 and 1, and higher is better."""
    threshold: Annotated[Share, Field(examples=[0.7])]
    """Lowest mean that passes, between 0 and 1."""
    blocking: bool = False
    """Whether a miss stops what comes after the release in Dagster."""


class EvaluationSpec(Strict):
    dataset: Annotated[str, reference("Dataset", "The Dataset with the cases.")]
    metrics: Annotated[list[Metric], Field(min_length=1)]
    """What is measured; each metric once."""
    sample: Annotated[int, Field(ge=1, examples=[20])] | None = None
    """Number of cases that are answered by the model, spread evenly over the dataset; all when absent."""
    schedule: Cron | None = None
    """When the evaluation runs again, as five cron fields in UTC; otherwise with each release."""


class Evaluation(Spec):
    """Cases, metrics and the limits that a release must hold."""

    kind: Literal["Evaluation"]
    """The kind of resource."""
    spec: EvaluationSpec
    """Cases, metrics and thresholds."""
