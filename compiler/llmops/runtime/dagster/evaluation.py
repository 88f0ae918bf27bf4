"""One evaluation of a release, as the results of its asset checks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import dagster as dg

from llmops.errors import RuntimeUnavailable
from llmops.evaluate.metrics import METRICS
from llmops.evaluate.observation import Embed
from llmops.evaluate.run import CaseScore, MetricResult, Subject, run_evaluation
from llmops.runtime.dagster.tables import table
from llmops.runtime.dagster.tasks.dataset import dataset_cases
from llmops.runtime.dagster.translator import Node
from llmops.runtime.dagster.workbench import Workbench

EVALUATION_LOG = ".llmops/evaluations"
"""Folder of the workspace that holds the log of questions asked by evaluations."""

WORST = 10
"""Cases in the table of the lowest scores."""

COLUMNS = ("score", "question", "expected", "got", "line")


def check_evaluation(bench: Workbench, application: str, checks: Sequence[tuple[Node, dg.AssetCheckKey]]) -> Iterator[dg.AssetCheckResult]:
    """Runs the evaluation that all `checks` name, only for their metrics, and yields one result each."""
    evaluation = bench.bundle.resource(checks[0][0]["evaluation"])
    (dataset,) = bench.bundle.referenced(evaluation, "Dataset")
    cases = dataset_cases(dataset, bench.place.root)
    chosen = {check["metric"] for check, _ in checks}
    spec = {**evaluation.spec, "metrics": [m for m in evaluation.spec["metrics"] if m["name"] in chosen]}
    results = run_evaluation(spec, cases, _subject(bench, application, chosen))
    release = bench.bundle.application(application).release
    for check, key in checks:
        yield _result(check, key, results[check["metric"]], release)


def _subject(bench: Workbench, application: str, metrics: set[str]) -> Subject:
    """Starts what these metrics need: retrieval is measured without the chat model."""
    from llmops.runtime.assistant import Assistant

    needed = bench.bundle.reach(f"Application/{application}")
    answers = any(METRICS[name].needs == "reply" for name in metrics)
    bench.start([id_ for id_, r in needed.items() if answers or not _is_chat_model(r.spec)])
    opened = Assistant.open(bench.bundle, application, bench.place.root)
    # Cases are not traffic: they are logged, but not where monitors look.
    assistant = replace(opened, root=bench.place.root / EVALUATION_LOG)
    return Subject(assistant, _embedder(bench, application), bench.progress)


def _is_chat_model(spec: Mapping[str, Any]) -> bool:
    return spec.get("task") == "chat"


def _embedder(bench: Workbench, application: str) -> Embed:
    """The embedding model of the application's first retrieval source, loaded when a metric first asks for it."""

    def embed(texts: list[str]) -> Sequence[Sequence[float]]:
        from haystack import Document

        documents = _document_embedder(bench, application).run(documents=[Document(content=text) for text in texts])["documents"]
        return [document.embedding for document in documents]

    return embed


def _document_embedder(bench: Workbench, application: str) -> Any:
    from llmops.runtime.pipelines import load_pipeline

    entry = bench.bundle.application(application)
    if not entry.retrieval:
        raise RuntimeUnavailable(f"answer_similarity needs an embedding model, and {application} has no retrieval source to name one")
    name = f"embedder_{bench.bundle.resource(entry.retrieval[0]).name.replace('-', '_')}"
    return load_pipeline(bench.bundle, entry.indexing, bench.place.root, lambda component: component == name).get_component(name)


def _result(check: Node, key: dg.AssetCheckKey, result: MetricResult, release: str) -> dg.AssetCheckResult:
    value = {} if result.mean is None else {"value": result.mean}
    worst = [_row(score) for score in result.worst(WORST)]
    return dg.AssetCheckResult(
        asset_key=key.asset_key,
        check_name=key.name,
        passed=result.passed,
        severity=dg.AssetCheckSeverity[check["severity"]],
        metadata={**value, "threshold": result.threshold, "n": result.n, "worst_cases": table(worst, COLUMNS), "release": release},
        description=_summary(result),
    )


def _summary(result: MetricResult) -> str:
    if result.mean is None:
        return f"{result.metric} applies to no case of the dataset: nothing was measured."
    sign = "≥" if result.passed else "<"
    return f"{result.metric} {result.mean:.3f} {sign} {result.threshold:g} over {result.n} cases"


def _row(score: CaseScore) -> dict[str, str | float | int]:
    case = score.case
    expected = case.answer or ", ".join(case.sources) or "(no answer)"
    return {"score": round(score.score, 4), "question": case.question, "expected": expected, "got": score.got, "line": case.line}
