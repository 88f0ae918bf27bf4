"""`Evaluation`: cases, metrics and the limits that a release must hold."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from llmops.kinds.base import Cron, Share, Spec, Strict, reference

MetricName = Literal["retrieval_recall", "retrieval_mrr", "answer_f1", "answer_similarity", "abstention"]


class Metric(Strict):
    name: MetricName
    """What is measured; each lies between 0 and 1."""
    threshold: Share
    """Lowest mean that passes."""
    blocking: bool = False
    """Whether a miss stops what comes after the release in Dagster."""


class EvaluationSpec(Strict):
    dataset: Annotated[str, reference("Dataset", "The cases.")]
    metrics: Annotated[list[Metric], Field(min_length=1)]
    sample: Annotated[int, Field(ge=1)] | None = None
    """Cases that are answered by the model, spread evenly over the dataset; all when absent."""
    schedule: Cron | None = None
    """When the evaluation runs again; otherwise with each release."""


class Evaluation(Spec):
    """Cases, metrics and the limits that a release must hold."""

    kind: Literal["Evaluation"]
    spec: EvaluationSpec
