"""Who must look at a change: the owners of what changes, of the applications that it reaches, and of the policies that change.

Input: the plan's rows. Output: one row an owner.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from llmops.owners import handle_of
from llmops.plan.classes import METADATA
from llmops.plan.fields import Row, shown


def reviewers(changes: Iterable[Row], reach: Iterable[Row], policies: Mapping[str, str], handles: Mapping[str, str]) -> list[Row]:
    """`policies` are those that change, with their owners; `handles` are the workspace's `owners`."""
    why: dict[str, list[str]] = {}
    for row in changes:
        why.setdefault(row["owner"], []).append(f"owns {row['resource']}")
    for row in reach:
        if row["resource"].startswith("Application/") and row["class"] != METADATA:
            why.setdefault(row["owner"], []).append(f"owns {row['resource']}, which it reaches")
    for policy, owner in policies.items():
        why.setdefault(shown(owner), []).append(f"owns the policy {policy}")
    return [_row(owner, handles, reasons) for owner, reasons in sorted(why.items())]


def _row(owner: str, handles: Mapping[str, str], reasons: Iterable[str]) -> Row:
    return {"owner": owner, "handle": handle_of(owner, handles), "why": sorted(dict.fromkeys(reasons))}
