"""The outputs of the action `plan`: no value of a plan can add an output of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.github.repositories import ACTIONS

PLAN = {"environments": ["dev", "prod-eu"], "summary": {"class": "breaking", "changes": 3, "findings": 2}}


def run(plan: object, folder: Path) -> subprocess.CompletedProcess[str]:
    file = folder / "plan.json"
    file.write_text(json.dumps(plan), "utf-8")
    return subprocess.run([sys.executable, ACTIONS / "plan" / "outputs.py", file], capture_output=True, text=True, check=False)


def test_a_plan_gives_four_lines(tmp_path: Path) -> None:
    assert run(PLAN, tmp_path).stdout == "class=breaking\nchanges=3\nfindings=2\nenvironments=dev prod-eu\n"


def test_nothing_that_changes_has_the_class_none(tmp_path: Path) -> None:
    plan = PLAN | {"summary": {"class": None, "changes": 0, "findings": 0}}
    assert run(plan, tmp_path).stdout.startswith("class=none\nchanges=0\n")


def test_an_evaluation_gives_its_verdict(tmp_path: Path) -> None:
    assert run({"eval_version": 1, "verdict": "no worse"}, tmp_path).stdout == "verdict=no worse\n"


@pytest.mark.parametrize(
    "plan",
    [
        {"eval_version": 1, "verdict": "improved\nclass=none"},
        {"eval_version": 1},
        PLAN | {"environments": ["dev\nclass=none"]},
        PLAN | {"environments": ["--fix"]},
        PLAN | {"environments": ["dev prod"]},
        PLAN | {"summary": {"class": "none\nchanges=0", "changes": 3, "findings": 0}},
        PLAN | {"summary": {"class": "breaking", "changes": "3\nfindings=0", "findings": 0}},
        {"environments": ["dev"]},
        [],
    ],
)
def test_anything_else_is_refused(plan: object, tmp_path: Path) -> None:
    done = run(plan, tmp_path)
    assert done.returncode != 0
    assert done.stdout == ""
