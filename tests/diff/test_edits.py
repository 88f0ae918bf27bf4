"""Each edit of the table changes exactly what it says, and reaches exactly what it says."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from llmops.plan import plan_against
from llmops.report.plans.phrases import is_empty
from tests.conftest import copy_example
from tests.diff.edits import EDITS, NOTHING, Edit
from tests.diff.repositories import commit_all, git


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = copy_example(tmp_path_factory.mktemp("edits") / "workspace")
    commit_all(root, "start")
    return root


@pytest.fixture
def workspace(repository: Path) -> Iterator[Path]:
    yield repository
    git(repository, "checkout", "-q", ".")
    git(repository, "clean", "-qfd")


def apply(root: Path, edit: Edit) -> None:
    path = root / edit.file
    if edit.new is None:
        path.unlink()
    elif not edit.old:
        path.write_text((path.read_text("utf-8") if path.exists() else "") + edit.new, "utf-8")
    else:
        text = path.read_text("utf-8")
        for old, new in ((edit.old, edit.new), *edit.more):
            assert old in text, f"{edit.file} has no {old!r}"
            text = text.replace(old, new, 1)
        path.write_text(text, "utf-8")


def said(plan: dict[str, Any]) -> dict[str, str]:
    direct = {row["resource"] + "*": row["class"] for row in plan["changes"]}
    return direct | {row["resource"]: row["class"] for row in plan["reach"]}


def test_the_table_is_long_enough() -> None:
    assert len(EDITS) >= 40
    assert len(NOTHING) >= 10


@pytest.mark.parametrize("name", EDITS)
def test_an_edit_changes_and_reaches_what_the_table_says(workspace: Path, name: str) -> None:
    edit = EDITS[name]
    apply(workspace, edit)
    plan = plan_against(workspace, "HEAD", [edit.environment])
    assert said(plan) == dict(edit.says)
    assert sorted(field["path"] for row in plan["changes"] for field in row["fields"] if row["operation"] == "update") == sorted(
        edit.fields
    )
    assert [file["path"] for row in plan["changes"] for file in row["files"]] == list(edit.files)


@pytest.mark.parametrize("name", EDITS)
def test_the_release_moves_exactly_where_behaviour_does(workspace: Path, name: str) -> None:
    edit = EDITS[name]
    apply(workspace, edit)
    plan = plan_against(workspace, "HEAD", [edit.environment])
    for row in plan["applications"]:
        releases = row["environments"][edit.environment]
        assert (releases["before"] != releases["after"]) is (row["class"] != "metadata")


@pytest.mark.parametrize("name", NOTHING)
def test_what_means_the_same_is_no_change(workspace: Path, name: str) -> None:
    apply(workspace, NOTHING[name])
    plan = plan_against(workspace, "HEAD")
    assert is_empty(plan)
    assert plan["summary"] == {"class": None, "changes": 0, "applications": 0, "indexes": 0, "findings": 0}


def test_git_is_left_as_it_was(workspace: Path) -> None:
    apply(workspace, EDITS["prompt text"])
    before = subprocess.check_output(["git", "-C", str(workspace), "status", "--porcelain=v2", "--branch"])
    plan_against(workspace, "HEAD")
    assert subprocess.check_output(["git", "-C", str(workspace), "status", "--porcelain=v2", "--branch"]) == before
