"""This repository's own lock is up to date: whoever edits a page runs `llmops lock`."""

from __future__ import annotations

from tests.conftest import ROOT, Run


def test_the_lock_of_the_example_workspace_is_up_to_date(llmops: Run) -> None:
    done = llmops("lock", "--check", cwd=ROOT)
    assert done.returncode == 0, f"run `llmops lock`\n{done.stdout}{done.stderr}"
