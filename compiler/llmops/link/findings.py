"""What a cross-check reports: a finding about one field of one resource. `link` turns it into a located diagnostic."""

from __future__ import annotations

from dataclasses import dataclass

from llmops.diagnostics import Severity
from llmops.resources import Path


@dataclass(frozen=True, slots=True)
class Finding:
    """`related` are further fields to look at: (resource id, path, what is there)."""

    resource: str
    path: Path
    code: str
    message: str
    hint: str = ""
    severity: Severity = "error"
    at_key: bool = False
    related: tuple[tuple[str, Path, str], ...] = ()
