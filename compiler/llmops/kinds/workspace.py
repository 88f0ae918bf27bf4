"""`llmops.yaml` and the patches of an environment: settings of the workspace, not resources."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field

from llmops.kinds.base import Name, Path, Strict
from llmops.kinds.policy import Enforcement


class Target(Strict):
    """Which resources a patch changes; every given field must match."""

    model_config = ConfigDict(json_schema_extra={"minProperties": 1})

    kind: (
        Literal["Model", "Prompt", "Dataset", "RetrievalSource", "SafetyPolicy", "Evaluation", "Monitor", "Application", "Deployment"]
        | None
    ) = None
    name: Name | None = None
    labels: dict[str, str] | None = None


class Patch(Strict):
    """Maps are merged, `null` removes a field, lists of things with an `id` or a `name` are merged by it, other lists replaced."""

    apiVersion: Literal["llmops/v1"] | None = None  # noqa: N815 - Kubernetes' own spelling
    kind: Literal["Patch"] | None = None
    target: Target
    patch: Annotated[dict[Literal["metadata", "spec"], dict[str, Any]], Field(min_length=1)]


class Environment(Strict):
    """A named overlay; more patches lie in `environments/<name>/*.yaml`."""

    patches: list[Patch] = []


class Git(Strict):
    """Where this workspace lives, for links from Dagster to the YAML line."""

    url: Annotated[str, Field(pattern=r"^https://[^\s]+[^/\s]$", examples=["https://github.com/acme/assistants"])]
    branch: str = "main"
    directory: str = ""
    """The workspace's folder inside the repository."""


class Pack(Strict):
    """A pack of policies: a folder of the workspace, or one that an installed Python package brings."""

    model_config = ConfigDict(json_schema_extra={"oneOf": [{"required": ["path"]}, {"required": ["package"]}]})

    path: Path | None = None
    """A folder of this workspace."""
    package: Annotated[str, Field(pattern=r"^[A-Za-z_]\w*(\.[A-Za-z_]\w*)*$", examples=["llmops.packs.starter"])] | None = None
    """A Python package whose folder is the pack."""
    version: Annotated[str, Field(pattern=r"^\d+(\.\d+){0,2}$", examples=["1", "1.2", "1.2.0"])] | None = None
    """The version that the pack must have, or how it must begin."""
    enforcement: dict[Name, dict[Name, Enforcement]] = {}
    """Policy → environment → what a violation does there, instead of what the pack says."""


class WorkspaceMetadata(Strict):
    name: Name
    description: str = ""


class WorkspaceSpec(Strict):
    specs: Annotated[list[Path], Field(min_length=1)] = ["specs"]
    """Folders with specs."""
    environments: Annotated[dict[Name, Environment | None], Field(min_length=1)] = {"dev": None}
    default_environment: Name = "dev"
    """The environment taken when a command names none."""
    targets: list[Literal["haystack", "guardrails", "nemoguardrails", "dagster"]] = ["haystack", "guardrails", "nemoguardrails", "dagster"]
    """What is rendered."""
    policies: list[Pack] | None = None
    """Packs of policies. When absent, the folder `policies` if there is one."""
    git: Git | None = None


class Workspace(Strict):
    """The settings of a workspace."""

    apiVersion: Literal["llmops/v1"]  # noqa: N815 - Kubernetes' own spelling
    kind: Literal["Workspace"]
    metadata: WorkspaceMetadata
    spec: Annotated[WorkspaceSpec, Field(default_factory=WorkspaceSpec)]
