"""A workspace with two applications, evaluations, monitors and a safety policy, rendered for every target."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from llmops.diagnostics import Location
from llmops.fingerprint import fingerprint
from llmops.render import render
from llmops.resources import File, Git, Graph, Reference, Resource
from tests.bundles import documents
from tests.graphs import PROMPT, SAFETY, application, graph, make, source

TARGETS = ("haystack", "guardrails", "nemoguardrails", "dagster")
GIT = Git("https://git.example.org/acme/assistants", "main", "apps/support")
FIELDS = {"question": "question", "answer": "answer", "sources": "sources", "answerable": "answerable"}
PAGES = {
    "docs/refunds.md": "# Refunds\n\nRefunds are issued within 14 days of purchase. Write to the billing team to ask for one.\n",
    "docs/support.md": "# Support\n\nSupport is open Monday to Friday from 9 to 17 CET. Premium customers can call at any time.\n",
}
CASES: tuple[dict[str, Any], ...] = (
    {"question": "Within how many days are refunds issued?", "answer": "Within 14 days", "sources": ["docs/refunds.md"]},
    {"question": "When is support open?", "answer": "Monday to Friday from 9 to 17", "sources": ["docs/support.md"]},
    {"question": "Who painted the Mona Lisa?", "answer": "", "sources": [], "answerable": False},
)
RETRIEVAL: tuple[dict[str, Any], ...] = (
    {"name": "retrieval_recall", "threshold": 0.5, "blocking": True},
    {"name": "retrieval_mrr", "threshold": 0.2, "blocking": False},
)
SIGNALS: tuple[dict[str, Any], ...] = (
    {"name": "interactions", "min": 1.0},
    {"name": "error_rate", "max": 0.05},
    {"name": "redacted_rate"},
)


@dataclass(frozen=True, slots=True)
class Workspace:
    root: Path
    bundle: Path

    @property
    def manifest(self) -> dict[str, Any]:
        content: dict[str, Any] = json.loads((self.bundle / "dagster/manifest.json").read_bytes())
        return content


def dataset(files: Sequence[File], name: str = "questions") -> Resource:
    spec = {"path": "../evals/questions.jsonl", "format": "jsonl", "licence": "CC0-1.0", "fields": FIELDS, "purpose": "evaluation"}
    return make("Dataset", name, spec, files=files)


def evaluation(name: str = "support-retrieval", metrics: Sequence[dict[str, Any]] = RETRIEVAL, **changes: Any) -> Resource:
    spec = {"dataset": "questions", "metrics": [{"margin": 0.05, **metric} for metric in metrics], "repeats": 1, **changes}
    return make("Evaluation", name, spec, {("spec", "dataset"): "Dataset/questions"})


def monitor(name: str = "quality", **changes: Any) -> Resource:
    return make("Monitor", name, {"window_hours": 24, "by": [], "min_n": 20, "signals": [dict(s) for s in SIGNALS], **changes})


def assistant(name: str, evaluations: Sequence[str] = (), monitors: Sequence[str] = (), safety: str | None = None) -> Resource:
    """An application over the source `handbook`, with its evaluations and monitors."""
    plain = application(name, safety=safety, evaluations=list(evaluations), monitors=list(monitors))
    edges = [Reference(("spec", "evaluations", i), f"Evaluation/{e}") for i, e in enumerate(evaluations)]
    edges += [Reference(("spec", "monitors", i), f"Monitor/{m}") for i, m in enumerate(monitors)]
    return replace(plain, references=(*plain.references, *edges))


def owned(resource: Resource, owner: str, description: str = "", **labels: str) -> Resource:
    metadata = {**resource.metadata, "owner": owner, "description": description, "labels": labels}
    return replace(resource, metadata=metadata, source=Location("specs/support.yaml", 14))


def linked(*resources: Resource) -> Graph:
    """A graph with hashes, for all targets, in a repository."""
    return fingerprint(replace(graph(*resources), targets=TARGETS, git=GIT))


def support_graph(
    root: Path, cases: Sequence[dict[str, Any]] = CASES, metrics: Sequence[dict[str, Any]] = RETRIEVAL, **watched: Any
) -> Graph:
    """Two applications over one index: `support-bot` with all parts, `plain-bot` with the least. Files are written under `root`.

    `watched` are fields of the monitor.
    """
    questions = documents(root, {"evals/questions.jsonl": "".join(json.dumps(case) + "\n" for case in cases)})
    both = {**SAFETY, "engines": ["guardrails-ai", "nemoguardrails"]}
    return linked(
        dataset(questions),
        owned(source(files=documents(root, PAGES), refresh={"schedule": "0 3 * * *"}), "ada@example.org", "Support pages.", tier="1"),
        make("Prompt", "answer", {**PROMPT, "variables": {name: {**v, "description": ""} for name, v in PROMPT["variables"].items()}}),
        make("SafetyPolicy", "public", both),
        evaluation(metrics=metrics, schedule="30 4 * * 1"),
        evaluation("support-answers", [{"name": "answer_f1", "threshold": 0.1, "blocking": False}], sample=2),
        monitor(schedule="0 * * * *", **watched),
        assistant("support-bot", ["support-retrieval", "support-answers"], ["quality"], "public"),
        assistant("plain-bot"),
    )


def write_workspace(root: Path, **changes: Any) -> Workspace:
    """`support_graph` rendered into `<root>/build/dev`."""
    (root / "llmops.yaml").parent.mkdir(parents=True, exist_ok=True)
    (root / "llmops.yaml").write_text("apiVersion: llmops/v1\nkind: Workspace\nmetadata: {name: tests}\n", "utf-8")
    bundle = root / "build/dev"
    for artifact in render(support_graph(root, **changes)):
        (bundle / artifact.path).parent.mkdir(parents=True, exist_ok=True)
        (bundle / artifact.path).write_bytes(artifact.content)
    return Workspace(root, bundle)
