"""`llmops.yaml` and the patches of an environment: settings of the workspace, not resources."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field

from llmops.kinds.base import KindName, Name, Path, Strict, values
from llmops.kinds.policy import Enforcement


class Target(Strict):
    """Which resources a patch changes; every given field must match."""

    model_config = ConfigDict(json_schema_extra={"minProperties": 1})

    kind: KindName | None = None
    """Kind of the resources."""
    name: Name | None = None
    """Name of the resource."""
    labels: Annotated[dict[str, str], Field(examples=[{"classification": "public"}])] | None = None
    """Labels that the resources carry, with these values."""


class Patch(Strict):
    """Maps are merged, `null` removes a field, lists of things with an `id` or a `name` are merged by it, other lists replaced."""

    apiVersion: Literal["llmops/v1"] | None = None  # noqa: N815 - Kubernetes' own spelling
    """Version of the spec language: always `llmops/v1`."""
    kind: Literal["Patch"] | None = None
    """Says that this document is a patch; may be left out."""
    target: Target
    """The resources that are changed; a patch that matches none is an error."""
    patch: Annotated[dict[Literal["metadata", "spec"], dict[str, Any]], Field(min_length=1, examples=[{"spec": {}}])]
    """What is changed under `metadata` and `spec`. `null` removes a field."""


class Environment(Strict):
    """A named overlay; more patches lie in `environments/<name>/*.yaml`."""

    patches: list[Patch] = []
    """Patches in order; those of `environments/<name>/` come after them."""


Handle = Annotated[str, Field(pattern=r"^(@[A-Za-z0-9][A-Za-z0-9-]*(/[A-Za-z0-9._-]+)?|[^@\s]+@[^@\s]+\.[^@\s]+)$")]


class Git(Strict):
    """Where this workspace lives, for links from Dagster to the YAML line."""

    url: Annotated[str, Field(pattern=r"^https://[^\s]+[^/\s]$", examples=["https://github.com/acme/assistants"])]
    """Address of the repository, without a slash at the end."""
    branch: Annotated[str, Field(examples=["develop"])] = "main"
    """The branch that links show."""
    directory: Annotated[str, Field(examples=["assistants"])] = ""
    """The workspace's folder inside the repository."""


class Pack(Strict):
    """A pack of policies: a folder of the workspace, or one that an installed Python package brings."""

    path: Annotated[Path, Field(examples=["policies"])] | None = None
    """A folder of this workspace."""
    package: Annotated[str, Field(pattern=r"^[A-Za-z_]\w*(\.[A-Za-z_]\w*)*$", examples=["llmops.packs.starter"])] | None = None
    """A Python package whose folder is the pack."""
    version: Annotated[str, Field(pattern=r"^\d+(\.\d+){0,2}$", examples=["1", "1.2", "1.2.0"])] | None = None
    """The version that the pack must have, or how it must begin."""
    enforcement: dict[Name, dict[Name, Enforcement]] = {}
    """Policy → environment → what a violation does there, instead of what the pack says."""


TargetName = Annotated[
    Literal["haystack", "guardrails", "nemoguardrails", "dagster", "prometheus", "grafana"],
    values(
        {
            "haystack": "Haystack pipelines, which answer questions.",
            "guardrails": "Configurations of guardrails-ai.",
            "nemoguardrails": "Configurations of NeMo Guardrails.",
            "dagster": "Dagster's component: assets, checks and schedules.",
            "prometheus": "Alerting rules from the monitors' limits.",
            "grafana": "A dashboard for each application.",
        }
    ),
]


class WorkspaceMetadata(Strict):
    """What the workspace is called."""

    name: Name
    """Name of the workspace: lower-case letters, digits and dashes, at most 63 characters."""
    description: str = ""
    """One or two sentences for people."""


class WorkspaceSpec(Strict):
    """Where specs lie, which environments there are, and what is rendered."""

    specs: Annotated[list[Path], Field(min_length=1, examples=[["specs"]])] = ["specs"]
    """Folders with specs, relative to this file."""
    environments: Annotated[dict[Name, Environment | None], Field(min_length=1)] = {"dev": None}
    """The environments, each with its patches; `prod:` alone is one without patches here."""
    default_environment: Name = "dev"
    """The environment taken when a command names none."""
    targets: list[TargetName] = ["haystack", "guardrails", "nemoguardrails", "dagster"]
    """What is rendered; `prometheus` and `grafana` only where they are named."""
    policies: list[Pack] | None = None
    """Packs of policies. When absent, the folder `policies` if there is one."""
    owners: Annotated[dict[str, Handle], Field(examples=[{"docs-team": "@acme/docs"}])] = {}
    """Who an owner is on GitHub: `@user`, `@organisation/team` or an e-mail address. For CODEOWNERS and the reviewers of a plan."""
    git: Git | None = None
    """Where this workspace lives, for links from Dagster to the line of YAML."""


class Workspace(Strict):
    """The settings of a workspace."""

    apiVersion: Literal["llmops/v1"]  # noqa: N815 - Kubernetes' own spelling
    """Version of the spec language: always `llmops/v1`."""
    kind: Literal["Workspace"]
    """Says that this file holds the settings of a workspace."""
    metadata: WorkspaceMetadata
    """What the workspace is called."""
    spec: Annotated[WorkspaceSpec, Field(default_factory=WorkspaceSpec)]
    """Where specs lie, which environments there are, and what is rendered."""
