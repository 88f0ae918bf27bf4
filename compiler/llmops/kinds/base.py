"""What every kind shares: strict models, names, owners, references, secrets.

The pydantic models in this package are written once, for people; `generate.py` turns them into the JSON Schemas beside
them, and only those are read when the compiler runs (pydantic stays off the hot path).
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field


def values(meaning: dict[str, str]) -> Any:
    """What each value of a `Literal` means. Only the schemas for editors carry it."""
    return Field(json_schema_extra={"x-llmops-values": dict(meaning)})


NAME_PATTERN = r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$"
VERSION_PATTERN = r"^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)$"
REFERENCE_PATTERN = r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(@\d+\.\d+\.\d+)?$"
OWNER_PATTERN = r"^([A-Za-z0-9][A-Za-z0-9_-]{0,59}|[^@\s]+@[^@\s]+\.[^@\s]+)$"
LABEL_PATTERN = r"^[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$"

Name = Annotated[
    str,
    Field(pattern=NAME_PATTERN, examples=["support-answer"]),
]
Version = Annotated[str, Field(pattern=VERSION_PATTERN, examples=["1.2.0"])]
Cron = Annotated[
    str,
    Field(
        examples=["0 3 * * *"],
        json_schema_extra={"x-llmops-format": "cron"},
    ),
]
Date = Annotated[
    str,
    Field(
        examples=["2027-01-31"],
        json_schema_extra={"x-llmops-format": "date"},
    ),
]
Path = Annotated[
    str,
    Field(
        min_length=1,
        json_schema_extra={"x-llmops-format": "path"},
    ),
]
Share = Annotated[float, Field(ge=0, le=1, examples=[0.5])]
Licence = Annotated[str, Field(examples=["Apache-2.0", "CC-BY-4.0", "LicenseRef-internal"])]
KindName = Annotated[
    Literal["Model", "Prompt", "Dataset", "RetrievalSource", "SafetyPolicy", "Evaluation", "Monitor", "Application", "Deployment"],
    values(
        {
            "Model": "A language model or an embedding model, and where it is reached.",
            "Prompt": "Versioned messages with typed variables.",
            "Dataset": "Cases of an evaluation, or training rows, in a file.",
            "RetrievalSource": "Documents, how they are cut, embedded, stored and found.",
            "SafetyPolicy": "What an application may take in and say, as rules for a guardrail engine.",
            "Evaluation": "Cases, metrics and the thresholds that a release must hold.",
            "Monitor": "Signals over the logged interactions, with limits.",
            "Application": "The assistant that users reach, put together from the other kinds.",
            "Deployment": "How an application is spread over machines.",
        }
    ),
]


def reference(kind: str, description: str) -> Any:
    """A field naming another resource, `name` or `name@1.2.0`. The linker reads `x-llmops-ref`."""
    return Field(pattern=REFERENCE_PATTERN, description=description, json_schema_extra={"x-llmops-ref": kind})


class Strict(BaseModel):
    """Unknown fields and silent conversions are errors."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, use_attribute_docstrings=True)


class EnvironmentVariable(Strict):
    """A secret or an address that lives outside git."""

    env: Annotated[str, Field(pattern=r"^[A-Z][A-Z0-9_]*$", examples=["OPENAI_API_KEY"])]
    """Name of the environment variable that holds the value when the bundle runs."""


class Metadata(Strict):
    """Who and what; changing it never changes behaviour."""

    name: Name
    """What other specs call this resource: lower-case letters, digits and dashes, at most 63 characters."""
    owner: Annotated[str, Field(pattern=OWNER_PATTERN, examples=["docs-team", "ada@example.org"])]
    """The team or e-mail address that answers for this resource."""
    labels: Annotated[
        dict[str, Annotated[str, Field(pattern=LABEL_PATTERN, examples=["public"])]],
        Field(default_factory=dict, examples=[{"classification": "public"}]),
    ]
    """Free labels, for overlays, policies and Dagster tags. Values are text: a number needs quotes."""
    description: str = ""
    """One or two sentences for people."""


class Spec(Strict):
    """One YAML document declaring one resource."""

    apiVersion: Literal["llmops/v1"]  # noqa: N815 - Kubernetes' own spelling, which every GitOps user knows
    """Version of the spec language: always `llmops/v1`."""
    metadata: Metadata
    """Who and what; changing it never changes behaviour."""
