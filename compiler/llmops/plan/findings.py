"""What checking says on one side and not on the other, and which policies' own changes are the reason.

Input: a `Comparison`. Output: rows of the plan's document.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

from llmops.diagnostics import Diagnostic
from llmops.plan.fields import Row, shown
from llmops.plan.sides import Comparison

POLICY_CODES = ("LLM09", "LLM10")
"""Findings about policies and the lock: the specs themselves are understood."""
Identity = tuple[str, str, str, str, str, str, bool]


def _identity(found: Diagnostic) -> Identity:
    """What makes a finding the same one, wherever its line has moved to and whatever version its resource has now."""
    resource = found.resource.partition("@")[0]
    return found.code, found.policy, resource, found.path, found.message, found.severity, bool(found.waived)


def new_findings(comparison: Comparison, policies: Iterable[str]) -> list[Row]:
    """Findings of the new side that the old one does not have, and what stops a release that is another than before.

    That the old release has no evidence excuses no other.
    """
    here, changed = comparison.after.findings, frozenset(policies)
    new = frozenset(_new(here, comparison.before.findings))
    return [_row(found, changed) for found in here if found in new or _stops_new_release(found, comparison)]


def gone_findings(comparison: Comparison, policies: Iterable[str]) -> list[Row]:
    """Findings of the old side that the new one does not have."""
    return [_row(found, frozenset(policies)) for found in _new(comparison.before.findings, comparison.after.findings)]


def is_blocked(comparison: Comparison) -> bool:
    """Whether the new side has mistakes that hide what it says: whatever a plan told of it would be a guess."""
    new = _new(comparison.after.findings, comparison.before.findings)
    return any(found.severity == "error" and not found.code.startswith(POLICY_CODES) for found in new)


def _stops_new_release(found: Diagnostic, comparison: Comparison) -> bool:
    """Whether it says that a new release lacks evidence. A note stops nothing; the evaluation gate of the plan has it all the same."""
    before, after = (view.graph.releases.get(found.resource) for view in (comparison.before, comparison.after))
    return found.policy in comparison.after.gates and found.severity != "note" and before != after


def _new(here: Iterable[Diagnostic], there: Iterable[Diagnostic]) -> Iterator[Diagnostic]:
    """Those of `here` that `there` does not have, or has less often."""
    left = Counter(map(_identity, there))
    for found in here:
        if left[_identity(found)] > 0:
            left[_identity(found)] -= 1
        else:
            yield found


def _row(found: Diagnostic, policies: frozenset[str]) -> dict[str, Any]:
    return {
        "code": found.code,
        "policy": found.policy,
        "severity": found.severity,
        "waived": shown(found.waived),
        "resource": found.resource,
        "path": found.path,
        "message": shown(found.message),
        "hint": shown(found.hint),
        "file": found.location.file,
        "line": found.location.line,
        "because": "policy" if found.policy in policies else "change",
    }


def preview(comparison: Comparison, policy: str) -> dict[str, list[str]]:
    """Resources that start and stop violating one policy, whose own change may be the reason; waived ones do not count."""
    before, after = (_violators(view.findings, policy) for view in (comparison.before, comparison.after))
    return {"starts": sorted(after - before), "stops": sorted(before - after)}


def _violators(findings: Iterable[Diagnostic], policy: str) -> set[str]:
    return {found.resource for found in findings if found.policy == policy and found.resource and not found.waived}
