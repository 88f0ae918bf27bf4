"""`Deployment`: how an application is spread over machines. Validated and linked; not rendered yet."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from llmops.kinds.base import Spec, Strict, reference


class Replicas(Strict):
    min: Annotated[int, Field(ge=0)] = 1
    max: Annotated[int, Field(ge=1)] = 1


class Resources(Strict):
    """What one replica asks for."""

    cpu: Annotated[str, Field(pattern=r"^\d+m?$")] = "1"
    """Cores, as Kubernetes writes them: `500m`, `2`."""
    memory: Annotated[str, Field(pattern=r"^\d+(Mi|Gi)$")] = "1Gi"
    gpus: Annotated[int, Field(ge=0)] = 0


class Rollout(Strict):
    """How a new release reaches users."""

    canary_percent: Annotated[int, Field(ge=1, le=100)] = 100
    """Share of users that get a new release first; 100 is everybody at once."""
    rollback: Literal["manual", "automatic"] = "manual"
    """`automatic` returns to the last release when a monitor's limit is crossed."""


class DeploymentSpec(Strict):
    application: Annotated[str, reference("Application", "What is deployed.")]
    replicas: Annotated[Replicas, Field(default_factory=Replicas)]
    resources: Annotated[Resources, Field(default_factory=Resources)]
    rollout: Rollout | None = None


class Deployment(Spec):
    """How an application is spread over machines."""

    kind: Literal["Deployment"]
    spec: DeploymentSpec
