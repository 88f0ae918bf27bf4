"""`Deployment`: how an application is spread over machines. Validated and linked; not rendered yet."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from llmops.kinds.base import Spec, Strict, reference, values


class Replicas(Strict):
    """How many copies run."""

    min: Annotated[int, Field(ge=0, examples=[2])] = 1
    """Fewest copies; not more than `max`."""
    max: Annotated[int, Field(ge=1, examples=[4])] = 1
    """Most copies."""


class Resources(Strict):
    """What one replica asks for."""

    cpu: Annotated[str, Field(pattern=r"^\d+m?$", examples=["500m", "2"])] = "1"
    """Cores, as Kubernetes writes them: `500m`, `2`."""
    memory: Annotated[str, Field(pattern=r"^\d+(Mi|Gi)$", examples=["512Mi", "2Gi"])] = "1Gi"
    """Main memory, in `Mi` (mebibytes) or `Gi` (gibibytes)."""
    gpus: Annotated[int, Field(ge=0, examples=[1])] = 0
    """GPUs of one replica."""


class Rollout(Strict):
    """How a new release reaches users."""

    canary_percent: Annotated[int, Field(ge=1, le=100, examples=[10])] = 100
    """Share of users that get a new release first, in percent; 100 is everybody at once."""
    rollback: Annotated[
        Literal["manual", "automatic"],
        values(
            {"manual": "People return to the last release.", "automatic": "A monitor's limit that is crossed returns to the last release."}
        ),
    ] = "manual"
    """How a release is taken back; `automatic` returns to the last release when a monitor's limit is crossed."""


class DeploymentSpec(Strict):
    application: Annotated[str, reference("Application", "What is deployed.")]
    replicas: Annotated[Replicas, Field(default_factory=Replicas)]
    """How many copies run."""
    resources: Annotated[Resources, Field(default_factory=Resources)]
    """What one replica asks for."""
    rollout: Rollout | None = None
    """How a new release reaches users; declared for policies, nothing is rendered from it yet."""


class Deployment(Spec):
    """How an application is spread over machines."""

    kind: Literal["Deployment"]
    """The kind of resource."""
    spec: DeploymentSpec
    """What is deployed, and how widely."""
