"""A plan as JSON: the document itself, which `llmops plan --read` takes again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from llmops.report.plans.document import write_plan


def report(plan: Mapping[str, Any], *, colour: bool = False, width: int | None = None) -> str:
    """The same whatever the terminal is like."""
    return write_plan(plan)
