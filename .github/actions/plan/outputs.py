"""What a workflow can ask of a plan or an evaluation: reads plan.json or evaluation.json, prints `name=value` lines for $GITHUB_OUTPUT.

The plan may come from a stranger's specs: a value that is not of the expected form would add outputs of its own, and is refused.
"""
# Printing is what it is for.
# ruff: noqa: T201

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

CLASSES = {None: "none", "metadata": "metadata", "behaviour": "behaviour", "breaking": "breaking"}
VERDICTS = frozenset({"failed", "improved", "no worse", "passed", "regressed", "unchanged", "unproven"})
ENVIRONMENT = re.compile(r"[a-z0-9][a-z0-9-]*")


def outputs(plan: Any) -> dict[str, str]:
    """`findings` are the new ones. Raises `KeyError`, `TypeError` or `ValueError` for what is neither."""
    if "eval_version" in plan:
        if plan["verdict"] not in VERDICTS:
            raise ValueError(f"not a verdict: {plan['verdict']!r}")
        return {"verdict": plan["verdict"]}
    summary = plan["summary"]
    environments = plan["environments"]
    if not all(ENVIRONMENT.fullmatch(name) for name in environments):
        raise ValueError(f"not names of environments: {environments!r}")
    return {
        "class": CLASSES[summary["class"]],
        "changes": str(int(summary["changes"])),
        "findings": str(int(summary["findings"])),
        "environments": " ".join(environments),
    }


if __name__ == "__main__":
    for name, value in outputs(json.loads(Path(sys.argv[1]).read_text("utf-8"))).items():
        print(f"{name}={value}")
