"""`Policy`, `Waiver`, `PolicyPack`: the organisation's own rules about specs, held when the specs are compiled.

They stand in packs, not among the specs, and no overlay changes them.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field

from llmops.kinds.base import LABEL_PATTERN, OWNER_PATTERN, VERSION_PATTERN, Date, Metadata, Name, Strict

KindName = Literal["Model", "Prompt", "Dataset", "RetrievalSource", "SafetyPolicy", "Evaluation", "Monitor", "Application", "Deployment"]
Enforcement = Literal["block", "warn", "audit", "off"]
Operation = Literal["create", "update"]

Expression = Annotated[
    str,
    Field(min_length=1, max_length=4000, examples=["has(r.spec.revision)"]),
]
FieldPath = Annotated[
    str,
    Field(
        pattern=r"^(metadata|spec)(\.[A-Za-z_][A-Za-z0-9_-]*|\[\d+\])*$",
        description="A field, as `spec.parameters.temperature` or `spec.rules[0].action`.",
        examples=["spec.revision"],
    ),
]
ItemPath = Annotated[
    str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_-]*(\.[A-Za-z_][A-Za-z0-9_-]*|\[\d+\])*$", examples=["spec.revision", "action"])
]
Catalogue = Annotated[list[Annotated[str, Field(min_length=1)]], Field(min_length=1)]


class Match(Strict):
    """Which resources a policy is about; every given field must match."""

    kinds: Annotated[list[KindName], Field(min_length=1)]
    """Kinds of resource. The expressions are type-checked against the schema of each."""
    labels: dict[str, Annotated[str, Field(pattern=LABEL_PATTERN)]] = {}
    """Labels that the resource must carry."""
    environments: Annotated[list[Name], Field(min_length=1)] | None = None
    """Environments in which the policy is evaluated; all when absent."""
    on: Annotated[list[Operation], Field(min_length=1)] = ["create", "update"]
    """`create` is a resource that the base (`llmops check --base REF`) does not have, `update` one that differs from it. A policy with
    only one of them, or one that reads `old`, is evaluated only where there is a base."""


class Remediation(Strict):
    """How a violation is mended."""

    text: Annotated[str, Field(min_length=1)]
    """What the author should do, in one sentence."""
    set: Annotated[dict[str, Any], Field(min_length=1)] | None = None
    """Field → value that `llmops check --fix` writes. With `each`, fields of the item."""


class Frameworks(Strict):
    """Where the policy belongs in public catalogues."""

    owasp_llm: Catalogue | None = None
    """OWASP Top 10 for LLM Applications (2025), as `LLM01`."""
    nist_ai_rmf: Catalogue | None = None
    """NIST AI Risk Management Framework 1.0, as `MEASURE 2.7`."""
    eu_ai_act: Catalogue | None = None
    """Regulation (EU) 2024/1689, as `Art. 14`."""
    iso_42001: Catalogue | None = None
    """ISO/IEC 42001:2023, as `A.6.2.4`."""


class CaseResource(Strict):
    """The fields of a resource that matter to a case. Required fields may be left out; defaults are filled in."""

    model_config = ConfigDict(json_schema_extra={"minProperties": 1})

    metadata: dict[str, Any] = {}
    spec: dict[str, Any] = {}
    files: list[str] = []
    """Paths of the files it uses, relative to the workspace."""


class Case(Strict):
    """One resource and what the policy must say of it."""

    name: Annotated[str, Field(min_length=1)]
    expect: Literal["pass", "fail", "no match"]
    """`no match`: the policy does not look at this resource, because of `match` or `when`."""
    at: FieldPath | None = None
    """Where the violation must point; only with `fail`."""
    kind: KindName | None = None
    """Kind of the resource; the policy's first kind when absent."""
    resource: CaseResource
    old: CaseResource | None = None
    """The base version, which makes the case an update. Without it, the case is a create."""
    refs: dict[KindName, list[CaseResource]] = {}
    """Resources that it reaches, by kind."""
    environment: Name = "prod"
    today: Date = "2026-01-01"


class PolicyMetadata(Metadata):
    title: Annotated[str, Field(min_length=1, max_length=120)]
    """What the policy holds, in one line."""


class PolicySpec(Strict):
    why: Annotated[str, Field(min_length=1)]
    """What goes wrong without it; for `llmops policy explain`."""
    severity: Literal["low", "medium", "high", "critical"] = "medium"
    """How bad a violation is. What it does to a check is said by `enforcement`."""
    enforcement: dict[Name, Enforcement] = {}
    """By environment: `block` is an error, `warn` a warning, `audit` a note, `off` nothing. An environment that is not named blocks."""
    match: Match
    when: Expression | None = None
    """CEL, true or false: the policy looks only at resources for which it is true."""
    each: FieldPath | None = None
    """A list of the resource: `assert` is held for each `item`, and the caret goes under the item that breaks it."""
    assert_: Annotated[Expression, Field(alias="assert")]
    """CEL, true or false: what must hold. It reads `r` (the resource), `item`, `old`, `refs`, `env` and `today`."""
    at: ItemPath | None = None
    """The field where the caret goes; with `each`, a field of the item."""
    message: Annotated[str, Field(min_length=1, examples=["{{name}} has no revision"])]
    """What is wrong. `{{name}}`, `{{kind}}`, `{{env}}` and `{{value}}` (the value at `at`) are filled in."""
    remediation: Remediation
    frameworks: Annotated[Frameworks, Field(default_factory=Frameworks)]
    tests: Annotated[list[Case], Field(min_length=1)]
    """At least one case that passes and one that fails; `llmops policy test` runs them."""


class Policy(Strict):
    """A rule of the organisation about specs. One a file, in a policy pack."""

    apiVersion: Literal["llmops/v1"]  # noqa: N815 - Kubernetes' own spelling
    kind: Literal["Policy"]
    metadata: PolicyMetadata
    spec: PolicySpec


class WaiverSpec(Strict):
    policy: Name
    """The policy that is waived."""
    target: Annotated[str, Field(pattern=r"^[A-Z][A-Za-z]+/[a-z0-9][a-z0-9-]*(@\d+\.\d+\.\d+)?$", examples=["Model/support-llm"])]
    """The one resource that it is waived for: `Kind/name`, or `Kind/name@1.2.0`."""
    environments: Annotated[list[Name], Field(min_length=1)] | None = None
    """Environments in which it is waived; all when absent."""
    reason: Annotated[str, Field(min_length=10)]
    """Why, for whoever reads the report."""
    expires: Date
    """Last day on which the waiver holds."""
    approved_by: Annotated[str, Field(pattern=OWNER_PATTERN, examples=["risk"])]
    """Who allowed it: not the waiver's owner."""


class Waiver(Strict):
    """An exception from a policy, for one resource and for a time."""

    apiVersion: Literal["llmops/v1"]  # noqa: N815 - Kubernetes' own spelling
    kind: Literal["Waiver"]
    metadata: Metadata
    spec: WaiverSpec


class PolicyPackSpec(Strict):
    version: Annotated[str, Field(pattern=VERSION_PATTERN)]
    """Version of the pack, for workspaces that pin it."""
    licence: str | None = None
    """Licence of the policies, as an SPDX identifier."""


class PolicyPack(Strict):
    """What a folder of policies is called, in its `pack.yaml`."""

    apiVersion: Literal["llmops/v1"]  # noqa: N815 - Kubernetes' own spelling
    kind: Literal["PolicyPack"]
    metadata: Metadata
    spec: PolicyPackSpec
