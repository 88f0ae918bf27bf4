"""Puts a plan together: plain data, from which every report is drawn.

Input: both sides, compared. Output: the plan's document, described in docs/plan.md.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from llmops.plan.changes import Change, changes
from llmops.plan.classes import gravest
from llmops.plan.costs import price_table
from llmops.plan.fields import Row, shown
from llmops.plan.findings import gone_findings, is_blocked, new_findings, preview
from llmops.plan.impact import cost_rows, evaluation_rows, index_rows
from llmops.plan.locked import evidence_rows, lock_row
from llmops.plan.matrix import matrix
from llmops.plan.people import reviewers
from llmops.plan.reach import Reached, reached, releases
from llmops.plan.sides import Comparison, Sides
from llmops.version import VERSION

PLAN_VERSION = 1
Plan = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Point:
    """One end of a comparison: what people call it, its commit where it is one, its environment where that is what differs."""

    name: str
    commit: str | None = None
    environment: str | None = None

    @property
    def row(self) -> Row:
        return {"name": self.name, "commit": self.commit, "environment": self.environment}


@dataclass(frozen=True, slots=True)
class Part:
    """One environment's share of a plan."""

    comparison: Comparison
    changed: list[Change]
    found: list[Reached]


def document(sides: Sides, base: Point, head: Point) -> Plan:
    """The plan. Every list is sorted; rows that are the same in several environments are one."""
    parts = [_part(comparison) for comparison in sides.comparisons]
    project = sides.after.project
    assert project is not None  # `compare` refuses what is no workspace
    rows = _rows(parts, sides)
    blocked = any(is_blocked(part.comparison) for part in parts)
    if blocked:
        rows = {**{name: [] for name in rows}, "findings": rows["findings"]}
    owners = _policy_owners(sides)
    people = reviewers(rows["changes"], rows["reach"], owners, project.settings["owners"])
    graphs = {part.comparison.environment: part.comparison.after.graph for part in parts}
    affected = [row["application"] for row in rows["applications"]]
    return {
        "plan_version": PLAN_VERSION,
        "llmops_version": VERSION,
        "workspace": project.name,
        "base": base.row,
        "head": head.row,
        "environments": [part.comparison.environment for part in parts],
        "blocked": blocked,
        "summary": _summary(rows),
        **rows,
        "prices": _prices(parts),
        "reviewers": people,
        "matrix": matrix(graphs, affected) if affected and len(graphs) > 1 else [],
        "promotion": None,
        "lock": lock_row(sides.before.tree, sides.after.tree),
        "evidence": [] if blocked else evidence_rows(sides.after.tree, sides.comparisons),
    }


def _part(comparison: Comparison) -> Part:
    changed = changes(comparison)
    return Part(comparison, changed, reached(comparison, changed))


def _rows(parts: list[Part], sides: Sides) -> dict[str, Any]:
    def of(rows: Callable[[Part], Iterable[Row]]) -> list[Row]:
        return merged({part.comparison.environment: list(rows(part)) for part in parts})

    return {
        "changes": of(lambda part: (change.row for change in part.changed)),
        "reach": of(lambda part: (each.row for each in part.found if each.direct is None)),
        "applications": _applications(parts),
        "indexes": of(lambda part: index_rows(part.comparison, part.changed, part.found)),
        "evaluations": of(lambda part: evaluation_rows(part.comparison, part.found)),
        "findings": {
            "new": of(lambda part: new_findings(part.comparison, sides.policies)),
            "gone": of(lambda part: gone_findings(part.comparison, sides.policies)),
        },
        "policies": of(lambda part: _previews(part, sides)),
        "costs": of(lambda part: cost_rows(part.comparison)),
    }


def merged(rows: Mapping[str, list[Row]]) -> list[Row]:
    """Rows of several environments; equal ones become one, which names its environments."""
    found: dict[bytes, Row] = {}
    for environment, of_one in rows.items():
        for row in of_one:
            known = found.setdefault(orjson.dumps(row, option=orjson.OPT_SORT_KEYS), {**row, "environments": []})
            if environment not in known["environments"]:
                known["environments"].append(environment)
    return sorted(found.values(), key=_order)


def _order(row: Row) -> tuple[str, ...]:
    named = ("resource", "source", "evaluation", "application", "policy", "code", "path")
    return tuple(str(row.get(field, "")) for field in named)


def _applications(parts: list[Part]) -> list[Row]:
    """One row an application, with its releases in every environment that has it."""
    rows: dict[str, Row] = {}
    for part in parts:
        for each in part.found:
            if each.resource.kind != "Application":
                continue
            row = rows.setdefault(each.resource.id, {"application": each.resource.id, "owner": shown(each.resource.owner), "class": None})
            row["class"] = gravest([level for level in (row["class"], each.level) if level])
    for id_, row in rows.items():
        row["environments"] = {part.comparison.environment: releases(part.comparison, id_) for part in parts}
    return [rows[id_] for id_ in sorted(rows)]


def _previews(part: Part, sides: Sides) -> Iterable[Row]:
    before, after = (frozenset(rule.name for rule in side.packs.rules) for side in (sides.before, sides.after))
    for policy in sides.policies:
        operation = "create" if policy not in before else "remove" if policy not in after else "update"
        yield {"policy": policy, "operation": operation, **preview(part.comparison, policy)}


def _policy_owners(sides: Sides) -> dict[str, str]:
    known = {rule.name: str(rule.metadata["owner"]) for side in (sides.before, sides.after) for rule in side.packs.rules}
    return {policy: known[policy] for policy in sides.policies}


def _prices(parts: list[Part]) -> Row:
    """The declared prices of the environment that declares most: as a rule production, whose overlay names what is paid for."""
    tables = [price_table(part.comparison.after.graph) for part in parts]
    return max(tables, key=lambda table: len(table["models"]), default={"digest": None, "models": {}})


def _summary(rows: Mapping[str, Any]) -> Row:
    levels = [row["class"] for name in ("changes", "reach") for row in rows[name]]
    return {
        "class": gravest(levels),
        "changes": len(rows["changes"]),
        "applications": len(rows["applications"]),
        "indexes": len(rows["indexes"]),
        "findings": len(rows["findings"]["new"]),
    }
