"""`Dataset`: evaluation cases or training rows in a file of the workspace."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from llmops.kinds.base import Path, Spec, Strict


class Fields(Strict):
    """Which column holds what."""

    question: str = "question"
    answer: str = "answer"
    sources: str = "sources"
    """A list of documents that hold the answer, as paths relative to the workspace."""
    answerable: str = "answerable"
    """False where the right answer is to say that the documents don't have it."""


class DatasetSpec(Strict):
    path: Path
    format: Literal["jsonl", "csv"] = "jsonl"
    licence: str
    """Licence of the data, as an SPDX identifier."""
    fields: Annotated[Fields, Field(default_factory=Fields)]
    purpose: Literal["evaluation", "training"] = "evaluation"


class Dataset(Spec):
    """Evaluation cases or training rows in a file of the workspace."""

    kind: Literal["Dataset"]
    spec: DatasetSpec
