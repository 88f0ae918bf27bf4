"""What every kind shares: strict models, names, owners, references, secrets.

The pydantic models in this package are written once, for people; `generate.py` turns them into the JSON Schemas beside
them, and only those are read when the compiler runs (pydantic stays off the hot path).
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

NAME_PATTERN = r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$"
VERSION_PATTERN = r"^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)$"
REFERENCE_PATTERN = r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(@\d+\.\d+\.\d+)?$"
OWNER_PATTERN = r"^([A-Za-z0-9][A-Za-z0-9_-]{0,59}|[^@\s]+@[^@\s]+\.[^@\s]+)$"
LABEL_PATTERN = r"^[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$"

Name = Annotated[str, Field(pattern=NAME_PATTERN, description="Lower-case letters, digits and dashes, at most 63 characters.")]
Version = Annotated[str, Field(pattern=VERSION_PATTERN, description="A semantic version: major.minor.patch.", examples=["1.2.0"])]
Cron = Annotated[
    str,
    Field(
        description="Five fields: minute hour day month weekday, in UTC.",
        examples=["0 3 * * *"],
        json_schema_extra={"x-llmops-format": "cron"},
    ),
]
Date = Annotated[
    str,
    Field(
        description="A day, as 2027-01-31.",
        examples=["2027-01-31"],
        json_schema_extra={"x-llmops-format": "date"},
    ),
]
Path = Annotated[
    str,
    Field(
        min_length=1,
        description="Relative to this spec's file; it must not leave the workspace.",
        json_schema_extra={"x-llmops-format": "path"},
    ),
]
Share = Annotated[float, Field(ge=0, le=1, description="A share between 0 and 1.")]


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
    owner: Annotated[str, Field(pattern=OWNER_PATTERN, examples=["docs-team", "ada@example.org"])]
    """The team or e-mail address that answers for this resource."""
    labels: Annotated[dict[str, Annotated[str, Field(pattern=LABEL_PATTERN)]], Field(default_factory=dict)]
    """Free labels, for overlays, policies and Dagster tags."""
    description: str = ""
    """One or two sentences for people."""


class Spec(Strict):
    """One YAML document declaring one resource."""

    apiVersion: Literal["llmops/v1"]  # noqa: N815 - Kubernetes' own spelling, which every GitOps user knows
    metadata: Metadata
