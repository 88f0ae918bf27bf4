"""`Dataset`: evaluation cases or training rows in a file of the workspace."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from llmops.kinds.base import Licence, Path, Spec, Strict, values


class Fields(Strict):
    """Which column holds what."""

    question: Annotated[str, Field(examples=["prompt"])] = "question"
    """Column with the question."""
    answer: Annotated[str, Field(examples=["expected"])] = "answer"
    """Column with the reference answer."""
    sources: Annotated[str, Field(examples=["documents"])] = "sources"
    """Column with the list of documents that hold the answer, as paths relative to the workspace."""
    answerable: Annotated[str, Field(examples=["in_scope"])] = "answerable"
    """Column that is false where the right answer is to say that the documents don't have it."""


class DatasetSpec(Strict):
    path: Annotated[Path, Field(examples=["../evals/questions.jsonl"])]
    """The file, relative to this spec; it must not leave the workspace."""
    format: Annotated[
        Literal["jsonl", "csv"],
        values(
            {"jsonl": "One JSON object a line.", "csv": "Comma-separated, with a line of column names; sources separated by semicolons."}
        ),
    ] = "jsonl"
    """How the rows are written."""
    licence: Licence
    """Licence of the data, as an SPDX identifier."""
    fields: Annotated[Fields, Field(default_factory=Fields)]
    """Which column holds what, where the columns have names of their own."""
    purpose: Annotated[
        Literal["evaluation", "training"],
        values({"evaluation": "Cases that a release is measured on.", "training": "Rows to train on; llmops does not read them."}),
    ] = "evaluation"
    """What the rows are for."""


class Dataset(Spec):
    """Evaluation cases or training rows in a file of the workspace."""

    kind: Literal["Dataset"]
    """The kind of resource."""
    spec: DatasetSpec
    """The file, its format and its columns."""
