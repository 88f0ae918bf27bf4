"""Policies and waivers as texts, for tests of the stage `check`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

CASES = [
    {"name": "pinned", "expect": "pass", "resource": {"spec": {"revision": "v1"}}},
    {"name": "floating", "expect": "fail", "at": "spec.revision", "resource": {"spec": {"revision": "latest"}}},
]


def policy(name: str = "pinned-revision", **changes: Any) -> str:
    """A policy about models, with fields of its `spec` replaced; None removes one."""
    spec: dict[str, Any] = {
        "why": "A model that floats changes its answers without a change in git.",
        "match": {"kinds": ["Model"]},
        "assert": "has(r.spec.revision) && r.spec.revision != 'latest'",
        "at": "spec.revision",
        "message": "{{name}} is not pinned: {{value}}",
        "remediation": {"text": "Name the exact revision."},
        "tests": CASES,
    }
    spec = {key: value for key, value in {**spec, **changes}.items() if value is not None}
    metadata = {"name": name, "title": "Models are pinned", "owner": "ml-platform"}
    return document("Policy", metadata, spec)


def waiver(**changes: Any) -> str:
    spec = {
        "policy": "pinned-revision",
        "target": "Model/chatter",
        "reason": "The vendor publishes no revisions before March.",
        "expires": "2026-03-31",
        "approved_by": "risk",
        **changes,
    }
    return document("Waiver", {"name": "chatter-floats", "owner": "ml-platform"}, spec)


def document(kind: str, metadata: dict[str, Any], spec: dict[str, Any]) -> str:
    data = {"apiVersion": "llmops/v1", "kind": kind, "metadata": metadata, "spec": spec}
    return yaml.safe_dump(data, sort_keys=False, width=4000)


def put(folder: Path, **texts: str) -> Path:
    """Writes each text as a file of the folder `policies`; `_` in a name is a dash."""
    for name, text in texts.items():
        file = folder / "policies" / f"{name.replace('_', '-')}.yaml"
        file.parent.mkdir(exist_ok=True)
        file.write_text(text)
    return folder
