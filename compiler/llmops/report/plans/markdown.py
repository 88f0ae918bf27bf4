"""A plan as GitHub-flavoured Markdown: the comment of a pull request, below GitHub's limit whatever the plan.

It may hold what strangers wrote, so that it is made of HTML blocks in which nothing of a plan is read as Markdown or HTML.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from llmops.report.plans import phrases
from llmops.report.plans.comment import Parts
from llmops.report.plans.markup import code, prose
from llmops.report.plans.sections import Section, fitted

MARKER = "<!-- llmops-plan -->"
"""The first line, by which the comment is found again and updated in place."""
LIMIT = 60_000
"""Characters. GitHub takes 65,536."""

SECTIONS: tuple[tuple[int, Callable[[Parts], Section]], ...] = (
    (1, Parts.changes),
    (7, Parts.texts),
    (0, Parts.findings),
    (2, Parts.indexes),
    (4, Parts.policies),
    (5, Parts.evaluations),
    (6, Parts.costs),
    (3, Parts.reviewers),
    (9, Parts.reach),
    (8, Parts.releases),
    (12, Parts.matrix),
    (10, Parts.moves),
    (11, Parts.stays),
    (14, Parts.gone),
    (13, Parts.lock),
    (15, Parts.evidence),
)
"""In the order of the comment, each with its rank: where there is too little room, the one with the highest is cut first."""


def report(plan: Mapping[str, Any], *, colour: bool = False, width: int | None = None, mention: bool = False) -> str:
    """The comment, the same whatever the terminal is like. With `mention`, the handles of reviewers notify them.

    Leave `mention` out for a plan from a fork: it would let a stranger notify anybody.
    """
    if phrases.is_empty(plan):
        return f"{MARKER}\n\n<p>llmops plan: {prose(phrases.headline(plan))}: {prose(phrases.compared(plan))}</p>\n"
    parts = Parts(plan, mention)
    made = [(rank, section) for rank, section in ((rank, make(parts)) for rank, make in SECTIONS) if section.total]
    head, foot = _head(plan), _foot(plan)
    texts = fitted(made, LIMIT - len(head) - len(foot) - 10)
    return "\n\n".join([head, *texts, foot]) + "\n"


def _head(plan: phrases.Plan) -> str:
    sentences = [prose(phrases.compared(plan)), prose(phrases.outlook(plan))]
    return f"{MARKER}\n\n<h3>llmops plan: {prose(phrases.headline(plan))}</h3>\n<p>{'<br>'.join(filter(None, sentences))}</p>"


def _foot(plan: phrases.Plan) -> str:
    return f"<p><sub>workspace {code(plan['workspace'], 80)}, llmops {code(plan['llmops_version'], 80)}</sub></p>"
