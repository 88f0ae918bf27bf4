"""A policy and a waiver as the stage `check` works with them: validated documents with their defaults.

`where` quotes the line of the policy; it is worked out only when there is something to say.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from llmops.load.source import Document
from llmops.resources import Path

BASE_READERS = re.compile(r"\bold\b")
REFERENCE_READERS = re.compile(r"\brefs\b")
EVIDENCE_READERS = re.compile(r"\bevidence\b")
_STEPS = re.compile(r"[^.\[\]]+")


def steps(dotted: str) -> Path:
    """`spec.rules[0].id` as a path."""
    return tuple(int(step) if step.isdigit() else step for step in _STEPS.findall(dotted))


@dataclass(frozen=True, slots=True)
class Rule:
    """One policy. `enforcement` is the pack's with the workspace's changes; `shared` says that the pack is an installed package's."""

    document: Document
    metadata: Mapping[str, Any]
    spec: Mapping[str, Any]
    enforcement: Mapping[str, str]
    shared: bool = False

    @property
    def name(self) -> str:
        return str(self.metadata["name"])

    @property
    def kinds(self) -> list[str]:
        return list(self.spec["match"]["kinds"])

    @property
    def expressions(self) -> dict[str, str]:
        """Field of `spec` → CEL text, in the order of evaluation."""
        return {name: self.spec[name] for name in ("when", "assert") if name in self.spec}

    @property
    def at(self) -> Path:
        return steps(self.spec["at"]) if "at" in self.spec else ()

    @property
    def each(self) -> Path:
        """The list whose items are judged one by one; empty where the resource is judged as a whole."""
        return steps(self.spec["each"]) if "each" in self.spec else ()

    @property
    def compares(self) -> bool:
        """Whether it looks at changes, and so needs a base."""
        return len(self.spec["match"]["on"]) == 1 or self._reads(BASE_READERS)

    @property
    def follows_references(self) -> bool:
        return self._reads(REFERENCE_READERS)

    @property
    def reads_evidence(self) -> bool:
        """Whether it looks at what evaluations have shown of a release."""
        return self._reads(EVIDENCE_READERS)

    def _reads(self, name: re.Pattern[str]) -> bool:
        return any(name.search(text) for text in self.expressions.values())

    def effect(self, environment: str) -> str:
        """`block`, `warn`, `audit` or `off`. What nobody named blocks."""
        return self.enforcement.get(environment, "block")

    def looks_at(self, kind: str, labels: Mapping[str, str], environment: str) -> bool:
        match = self.spec["match"]
        return (
            kind in match["kinds"]
            and environment in match.get("environments", (environment,))
            and all(labels.get(key) == value for key, value in match["labels"].items())
        )


@dataclass(frozen=True, slots=True)
class Waiver:
    document: Document
    spec: Mapping[str, Any]
    owner: str

    def covers(self, policy: str, resource: str) -> bool:
        """A target without a version covers every version."""
        target = self.spec["target"]
        return bool(self.spec["policy"] == policy and target in (resource, resource.partition("@")[0]))

    def is_for(self, environment: str) -> bool:
        return environment in self.spec.get("environments", (environment,))
