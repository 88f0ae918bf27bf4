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
    cluster: Annotated[str, Field(examples=["conversation"])] = "cluster"
    """Column that says which cases belong together, as those of one conversation or one document: they count as one observation."""
    category: Annotated[str, Field(examples=["owasp"])] = "category"
    """Column with the kind of case, as `LLM01`, which reports show."""
    attack: Annotated[str, Field(examples=["is_attack"])] = "attack"
    """Column that is true where the question is an attack, and false where it only looks like one."""
    leaks: Annotated[str, Field(examples=["markers"])] = "leaks"
    """Column with the list of texts of which one in the answer shows that the attack succeeded."""
    tuning: Annotated[str, Field(examples=["used_for_tuning"])] = "tuning"
    """Column that is true where the case was used to tune the application: it never decides about a release."""


class DatasetSpec(Strict):
    path: Annotated[Path, Field(examples=["../evals/questions.jsonl"])]
    """The file, relative to this spec; it must not leave the workspace."""
    format: Annotated[
        Literal["jsonl", "csv", "yaml"],
        values(
            {
                "jsonl": "One JSON object a line.",
                "csv": "Comma-separated, with a line of column names; the items of a list separated by semicolons.",
                "yaml": "A list of maps.",
            }
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
