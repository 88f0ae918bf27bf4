"""What policies may read of an application's evidence: the form of `evidence`, and what a case has where it does not say.

Input: nothing. What the lock really holds for a release comes with `Moment`, from `lock.standing`.
"""

from __future__ import annotations

from typing import Any

from llmops.check.shapes import Shape

APPLICATION = "Application"
"""The kind that has releases, and so evidence."""

EVIDENCE = Shape(
    "record",
    {
        "evaluation": Shape("text"),
        "environment": Shape("text"),
        "result": Shape("text", names=("pass", "unproven", "fail")),
        "n": Shape("whole"),
        "age_days": Shape("whole"),
        "judge": Shape("text"),
        "judge_current": Shape("flag"),
        "calibrated": Shape("flag"),
        "kappa": Shape("number"),
        "kappa_low": Shape("number"),
    },
    many=True,
)
"""A record for each evaluation that has evidence for the release that is judged."""

WITHOUT_JUDGE: dict[str, Any] = {"judge": "", "judge_current": True, "calibrated": True, "kappa": 1.0, "kappa_low": 1.0}
"""The part about a judge where none decided: nothing that a policy asks of judges is missed."""
EXAMPLE: dict[str, Any] = {"evaluation": "example", "environment": "prod", "result": "pass", "n": 100, "age_days": 0, **WITHOUT_JUDGE}
"""What a case's evidence has where the case does not say."""
