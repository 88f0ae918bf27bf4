"""Evidence for the releases of a workspace, whatever they are: a policy's test workspace is another release with every edit."""

from __future__ import annotations

from pathlib import Path

from llmops.fingerprint import fingerprint
from llmops.load.tree import Disk
from llmops.lock.entries import Evidence, lock_of
from llmops.lock.lines import in_order
from llmops.lock.source import FILE
from llmops.lock.text import render_lock
from llmops.pipeline import front_half
from llmops.project import open_project

FRESH = {"judge": "-", "n": "60", "result": "pass", "date": "2026-05-20"}


def record_evidence(root: Path, **named: str) -> None:
    """Writes a lock in which every evaluation of every application has evidence in every environment; `named` are fields of it."""
    project, _ = open_project(Disk(root))
    assert project is not None
    entries = []
    for environment in project.environments:
        graph = fingerprint(front_half(project, environment).linked.graph)
        for application in graph.of_kind("Application"):
            for evaluation in graph.targets_of(application, "spec", "evaluations"):
                entries.append(Evidence(graph.releases[application.id], environment, evaluation.id, in_order({**FRESH, **named})))
    (root / FILE).write_text(render_lock(lock_of(entries)), "utf-8")
