"""`Policy`, `Waiver`, `PolicyPack`: the organisation's own rules about specs, held when the specs are compiled.

They stand in packs, not among the specs, and no overlay changes them.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field

from llmops.kinds.base import LABEL_PATTERN, OWNER_PATTERN, VERSION_PATTERN, Date, KindName, Licence, Metadata, Name, Strict, values

Enforcement = Annotated[
    Literal["block", "warn", "audit", "off"],
    values(
        {
            "block": "A violation is an error: the check fails.",
            "warn": "A violation is a warning.",
            "audit": "A violation is a note; it never fails a check.",
            "off": "The policy is not evaluated.",
        }
    ),
]
Operation = Annotated[
    Literal["create", "update"],
    values({"create": "A resource that the base does not have.", "update": "A resource that differs from its base version."}),
]

Expression = Annotated[
    str,
    Field(min_length=1, max_length=4000, examples=["has(r.spec.revision)"]),
]
FieldPath = Annotated[
    str,
    Field(
        pattern=r"^(metadata|spec)(\.[A-Za-z_][A-Za-z0-9_-]*|\[\d+\])*$",
        examples=["spec.revision", "spec.rules[0].action"],
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
    labels: Annotated[dict[str, Annotated[str, Field(pattern=LABEL_PATTERN)]], Field(examples=[{"classification": "public"}])] = {}
    """Labels that the resource must carry."""
    environments: Annotated[list[Name], Field(min_length=1, examples=[["prod"]])] | None = None
    """Environments in which the policy is evaluated; all when absent."""
    on: Annotated[list[Operation], Field(min_length=1)] = ["create", "update"]
    """`create` is a resource that the base (`llmops check --base REF`) does not have, `update` one that differs from it. A policy with
    only one of them, or one that reads `old`, is evaluated only where there is a base."""


class Remediation(Strict):
    """How a violation is mended."""

    text: Annotated[str, Field(min_length=1, examples=["Name the revision of the weights."])]
    """What the author should do, in one sentence."""
    set: Annotated[dict[str, Any], Field(min_length=1, examples=[{"spec.audience": "internal"}])] | None = None
    """Field → value that `llmops check --fix` writes. With `each`, fields of the item."""


class Frameworks(Strict):
    """Where the policy belongs in public catalogues."""

    owasp_llm: Annotated[Catalogue, Field(examples=[["LLM03"]])] | None = None
    """OWASP Top 10 for LLM Applications (2025), as `LLM01`."""
    nist_ai_rmf: Annotated[Catalogue, Field(examples=[["MEASURE 2.7"]])] | None = None
    """NIST AI Risk Management Framework 1.0, as `MEASURE 2.7`."""
    eu_ai_act: Annotated[Catalogue, Field(examples=[["Art. 14"]])] | None = None
    """Regulation (EU) 2024/1689, as `Art. 14`."""
    iso_42001: Annotated[Catalogue, Field(examples=[["A.6.2.4"]])] | None = None
    """ISO/IEC 42001:2023, as `A.6.2.4`."""


class CaseResource(Strict):
    """The fields of a resource that matter to a case. Required fields may be left out; defaults are filled in."""

    model_config = ConfigDict(json_schema_extra={"minProperties": 1})

    metadata: Annotated[dict[str, Any], Field(examples=[{"name": "case"}])] = {}
    """Fields of its `metadata`."""
    spec: Annotated[dict[str, Any], Field(examples=[{"revision": "v1"}])] = {}
    """Fields of its `spec`."""
    files: Annotated[list[str], Field(examples=[["docs/page.md"]])] = []
    """Paths of the files it uses, relative to the workspace."""


class CaseEvidence(Strict):
    """What the lock holds of one evaluation for the release; a field that is left out is that of fresh evidence that passes."""

    evaluation: Annotated[str, Field(examples=["answers"])] | None = None
    """Name of the evaluation."""
    environment: Annotated[Name, Field(examples=["staging"])] | None = None
    """Where it was recorded."""
    result: (
        Annotated[
            Literal["pass", "unproven", "fail"],
            values({"pass": "Every limit is held.", "unproven": "Some limit is not proven.", "fail": "A limit is missed."}),
        ]
        | None
    ) = None
    """What the evaluation showed."""
    n: Annotated[int, Field(ge=1, examples=[60])] | None = None
    """Number of cases."""
    age_days: Annotated[int, Field(ge=0, examples=[3])] | None = None
    """Days since its oldest answer."""
    judge: Annotated[str, Field(examples=["judge"])] | None = None
    """Name of the model that judged; empty where none did."""
    judge_current: bool | None = None
    """Whether the judge is still the one that the evaluation names, with its rubrics."""
    calibrated: bool | None = None
    """Whether just this judge has been held against people."""
    kappa: Annotated[float, Field(ge=-1, le=1, examples=[0.55])] | None = None
    """Its agreement with people, Cohen's kappa."""
    kappa_low: Annotated[float, Field(ge=-1, le=1, examples=[0.4])] | None = None
    """The low end of the agreement's 95 % interval."""


class Case(Strict):
    """One resource and what the policy must say of it."""

    name: Annotated[str, Field(min_length=1, examples=["a model with a revision passes"])]
    """What the case shows, in a few words."""
    expect: Annotated[
        Literal["pass", "fail", "no match"],
        values({"pass": "It holds.", "fail": "It is violated.", "no match": "The policy does not look at this resource."}),
    ]
    """What the policy must say. `no match`: the policy does not look at this resource, because of `match` or `when`."""
    at: FieldPath | None = None
    """Where the violation must point; only with `fail`."""
    kind: KindName | None = None
    """Kind of the resource; the policy's first kind when absent."""
    resource: CaseResource
    """The resource: only the fields that matter."""
    old: CaseResource | None = None
    """The base version, which makes the case an update. Without it, the case is a create."""
    refs: Annotated[dict[KindName, list[CaseResource]], Field(examples=[{"Model": [{"spec": {"data_residency": "eu"}}]}])] = {}
    """Resources that it reaches, by kind."""
    evidence: list[CaseEvidence] = []
    """What the lock holds for the application's release: `evidence` of the expressions."""
    environment: Annotated[Name, Field(examples=["dev"])] = "prod"
    """The environment that is checked: `env` of the expressions."""
    today: Date = "2026-01-01"
    """The day on which it is checked: `today` of the expressions, as 2027-01-31."""


class PolicyMetadata(Metadata):
    """Name, title and owner of a policy."""

    title: Annotated[str, Field(min_length=1, max_length=120, examples=["Production models name a revision"])]
    """What the policy holds, in one line."""


class PolicySpec(Strict):
    why: Annotated[str, Field(min_length=1, examples=["Without a revision the weights change under a release."])]
    """What goes wrong without it; for `llmops policy explain`."""
    severity: Annotated[
        Literal["low", "medium", "high", "critical"],
        values({"low": "Untidy.", "medium": "Should be mended soon.", "high": "Must not reach users.", "critical": "Harms somebody."}),
    ] = "medium"
    """How bad a violation is. What it does to a check is said by `enforcement`."""
    enforcement: dict[Name, Enforcement] = {}
    """By environment: `block` is an error, `warn` a warning, `audit` a note, `off` nothing. An environment that is not named blocks."""
    match: Match
    """Which resources the policy is about."""
    when: Expression | None = None
    """CEL, true or false: the policy looks only at resources for which it is true."""
    each: FieldPath | None = None
    """A list of the resource: `assert` is held for each `item`, and the caret goes under the item that breaks it."""
    assert_: Annotated[Expression, Field(alias="assert")]
    """CEL, true or false: what must hold. It reads `r` (the resource), `item`, `old`, `refs`, `evidence`, `env` and `today`."""
    at: ItemPath | None = None
    """The field where the caret goes; with `each`, a field of the item."""
    message: Annotated[str, Field(min_length=1, examples=["{{name}} has no revision"])]
    """What is wrong. `{{name}}`, `{{kind}}`, `{{env}}` and `{{value}}` (the value at `at`) are filled in."""
    remediation: Remediation
    """How a violation is mended, in words and where possible as values."""
    frameworks: Annotated[Frameworks, Field(default_factory=Frameworks)]
    """Where the policy belongs in public catalogues."""
    tests: Annotated[list[Case], Field(min_length=1)]
    """At least one case that passes and one that fails; `llmops policy test` runs them."""


class Policy(Strict):
    """A rule of the organisation about specs. One a file, in a policy pack."""

    apiVersion: Literal["llmops/v1"]  # noqa: N815 - Kubernetes' own spelling
    """Version of the spec language: always `llmops/v1`."""
    kind: Literal["Policy"]
    """The kind of document."""
    metadata: PolicyMetadata
    """Name, title and owner of the policy."""
    spec: PolicySpec
    """What must hold, for which resources, and the cases that prove it."""


class WaiverSpec(Strict):
    policy: Annotated[Name, Field(examples=["model-revision"])]
    """The policy that is waived."""
    target: Annotated[str, Field(pattern=r"^[A-Z][A-Za-z]+/[a-z0-9][a-z0-9-]*(@\d+\.\d+\.\d+)?$", examples=["Model/support-llm"])]
    """The one resource that it is waived for: `Kind/name`, or `Kind/name@1.2.0`."""
    environments: Annotated[list[Name], Field(min_length=1, examples=[["staging"]])] | None = None
    """Environments in which it is waived; all when absent."""
    reason: Annotated[str, Field(min_length=10, examples=["The vendor names its revisions from March on."])]
    """Why, for whoever reads the report; at least 10 characters."""
    expires: Date
    """Last day on which the waiver holds, as 2027-01-31."""
    approved_by: Annotated[str, Field(pattern=OWNER_PATTERN, examples=["risk"])]
    """Who allowed it: not the waiver's owner."""


class Waiver(Strict):
    """An exception from a policy, for one resource and for a time."""

    apiVersion: Literal["llmops/v1"]  # noqa: N815 - Kubernetes' own spelling
    """Version of the spec language: always `llmops/v1`."""
    kind: Literal["Waiver"]
    """The kind of document."""
    metadata: Metadata
    """Name and owner of the waiver."""
    spec: WaiverSpec
    """What is waived, for which resource, why and until when."""


class PolicyPackSpec(Strict):
    version: Annotated[str, Field(pattern=VERSION_PATTERN, examples=["1.0.0"])]
    """Semantic version of the pack, for workspaces that pin it."""
    licence: Licence | None = None
    """Licence of the policies, as an SPDX identifier."""


class PolicyPack(Strict):
    """What a folder of policies is called, in its `pack.yaml`."""

    apiVersion: Literal["llmops/v1"]  # noqa: N815 - Kubernetes' own spelling
    """Version of the spec language: always `llmops/v1`."""
    kind: Literal["PolicyPack"]
    """The kind of document."""
    metadata: Metadata
    """Name and owner of the pack."""
    spec: PolicyPackSpec
    """Version and licence."""
