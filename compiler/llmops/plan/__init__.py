"""`llmops plan`: what a change of the specs will do, before anybody merges it.

    two trees → compare (scope, overlay, link, check, fingerprint on both sides) → changes → reach → impact → document

Input: a workspace and a git ref, or two environments. Output: the plan's document, plain data.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from pathlib import Path

from llmops.load.git_tree import WorkingTree, changed_paths, tree_at
from llmops.load.tree import Tree
from llmops.plan.document import Plan, Point, document
from llmops.plan.promotion import promote
from llmops.plan.sides import compare

HERE = "the working tree"

__all__ = ["Plan", "plan_against", "plan_promotion", "plan_trees"]


def plan_against(root: Path, base: str, environments: Sequence[str] | None = None, today: date | None = None) -> Plan:
    """What the working tree changes against a git ref, in all environments when None.

    Raises `UsageError` for a ref or an environment that does not exist, and where the working tree holds no workspace.
    """
    twin = WorkingTree(root)
    with tree_at(root, base, twin) as tree:
        changed = changed_paths(root, tree.commit)
        return plan_trees((tree, twin), changed, (Point(base, tree.commit), Point(HERE)), environments, today)


def plan_trees(
    trees: tuple[Tree, Tree], changed: frozenset[str], ends: tuple[Point, Point], environments: Sequence[str] | None, today: date | None
) -> Plan:
    """What the second tree changes against the first. `changed` are the paths that differ."""
    sides = compare(trees, changed, environments, today or date.today())
    return document(sides, *ends)


def plan_promotion(root: Path, source: str, target: str, today: date | None = None) -> Plan:
    """What happens to the environment `target` when it gets what `source` has; the values that belong to an environment stay.

    Raises `UsageError` for an environment that does not exist.
    """
    return promote(WorkingTree(root), source, target, today or date.today())
