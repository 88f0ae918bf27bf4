"""One evaluation of a release, as the results of its asset checks: an interval, what it shows of the limit, the worst cases."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import dagster as dg

from llmops.evaluate.gate import Measured, judge_runs
from llmops.evaluate.metrics import METRICS
from llmops.evaluate.questions import Question, choose, questions
from llmops.evaluate.scoring import CaseScore, Material, MetricScores, Result, Sides, score
from llmops.runtime.dagster.tables import table
from llmops.runtime.dagster.tasks.dataset import dataset_cases
from llmops.runtime.dagster.translator import Node
from llmops.runtime.dagster.workbench import Workbench
from llmops.runtime.measuring.session import Subject, opened
from llmops.runtime.measuring.tools import tools

WORST = 10
"""Cases in the table of the worst scores."""
BARS = 10
"""Bars of the histogram of scores."""

COLUMNS = ("score", "question", "expected", "got", "line")

Checks = Sequence[tuple[Node, dg.AssetCheckKey]]


def check_evaluation(bench: Workbench, application: str, checks: Checks) -> Iterator[dg.AssetCheckResult]:
    """Runs the evaluation that all `checks` name, only for their metrics, and yields one result each. Every answer is asked for anew."""
    subject = Subject(bench.bundle, bench.place.root, application)
    evaluation = bench.bundle.resource(checks[0][0]["evaluation"])
    (dataset,) = bench.bundle.referenced(evaluation, "Dataset")
    wanted = {check["metric"] for check, _ in checks}
    spec = {**evaluation.spec, "metrics": [m for m in evaluation.spec["metrics"] if m["name"] in wanted]}
    chosen = choose(spec, dataset_cases(dataset, bench.place.root))
    material = Material(_answers(bench, subject, questions(spec, chosen)))
    with tools(subject, evaluation, bench.progress) as borrowed:
        scores = score(spec, Sides(chosen, material), borrowed)
    (run,) = judge_runs([Measured({"application": application}, spec, chosen, scores)])
    rows = {row["name"]: (row, found) for row, found in zip(run["metrics"], scores, strict=True)}
    for check, key in checks:
        row, found = rows[check["metric"]]
        yield _result(key, row, _shown(found, material), subject.release)


def _answers(bench: Workbench, subject: Subject, wanted: Sequence[Question]) -> dict[Question, Result]:
    """Starts what is needed: retrieval is measured without the chat model."""
    needed = bench.bundle.reach(f"Application/{subject.application}")
    chat = any(question.needs == "reply" for question in wanted)
    bench.start([id_ for id_, r in needed.items() if chat or r.spec.get("task") != "chat"])
    results: dict[Question, Result] = {}

    def keep(question: Question, result: Result) -> None:
        results[question] = result
        done = "answered" if question.needs == "reply" else "retrieved for"
        bench.progress(f"{done} case {len(results)} of {len(wanted)}")

    opened(subject).ask(wanted, keep)
    return results


def _result(key: dg.AssetCheckKey, row: Mapping[str, Any], shown: Mapping[str, Any], release: str) -> dg.AssetCheckResult:
    head = row["head"] or {}
    numbers = {name: round(head[name], 6) for name in ("value", "low", "high") if head.get(name) is not None}
    limit = {} if row["limit"] is None else {"threshold" if row["limit_side"] == "min" else "max": row["limit"]}
    counts = {"n": row["n"], "clusters": row["clusters"], "cases_below": len(row["case_failures"])}
    said = {"outcome": row["limit_outcome"] or row["verdict"], **({"note": row["note"]} if row["note"] else {})}
    return dg.AssetCheckResult(
        asset_key=key.asset_key,
        check_name=key.name,
        passed=_passes(row),
        severity=dg.AssetCheckSeverity.ERROR if row["blocking"] and _is_certain(row) else dg.AssetCheckSeverity.WARN,
        metadata={**numbers, **limit, **counts, **said, **shown, "release": release},
        description=describe(row),
    )


def _passes(row: Mapping[str, Any]) -> bool:
    """A mean on the right side of its limit passes though the interval reaches over it: the outcome says that it is not proven."""
    if row["head"] is None or row["case_failures"]:
        return False
    if row["limit"] is None or row["limit_outcome"] == "held":
        return True
    value = row["head"]["value"]
    return row["limit_outcome"] == "unproven" and bool(value >= row["limit"] if row["limit_side"] == "min" else value <= row["limit"])


def _is_certain(row: Mapping[str, Any]) -> bool:
    """What only may be missed warns, also where the metric is blocking: chance stops no release. What was not measured stops it."""
    return row["head"] is None or bool(row["case_failures"]) or row["limit_outcome"] == "missed"


def describe(row: Mapping[str, Any]) -> str:
    """A result in a sentence."""
    if row["head"] is None:
        return f"{row['name']}: nothing was measured; {row['note']}."
    head, unit = row["head"], f" {row['unit']}" if row["unit"] else ""
    interval = "" if head["low"] is None else f" [{head['low']:.3g}, {head['high']:.3g}]"
    said = f"{row['name']} {head['value']:.3g}{unit}{interval} over {row['n']} cases"
    if row["case_failures"]:
        lines = ", ".join(map(str, row["case_failures"][:WORST]))
        return f"{said}: {len(row['case_failures'])} below {row['case_threshold']:g} (lines {lines})"
    if row["limit"] is None:
        return said
    sign = "≥" if row["limit_side"] == "min" else "≤"
    words = {"held": "holds", "missed": "misses", "unproven": "neither proves nor refutes"}
    return f"{said} {words[row['limit_outcome']]} {sign} {row['limit']:g}"


def _shown(scores: MetricScores, material: Material) -> dict[str, Any]:
    """The worst cases as a table, all scores as bars, and the mean of each category where the cases have some."""
    known = [case for case in scores.cases if case.value is not None]
    lower_is_better = bool(METRICS[scores.name].unit)
    worst = sorted(known, key=_value, reverse=lower_is_better)[:WORST]
    found: dict[str, Any] = {"worst_cases": table([_row(case, material, scores.name) for case in worst], COLUMNS)}
    if known:
        found["distribution"] = dg.MetadataValue.md(histogram([_value(case) for case in known], scale=None if lower_is_better else 1.0))
    categories = _categories(known)
    if categories:
        found["by_category"] = table(categories, ("category", "mean", "n"))
    return found


def _value(case: CaseScore) -> float:
    assert case.value is not None  # only known ones are shown
    return case.value


def histogram(values: Sequence[float], scale: float | None) -> str:
    """Cases by their score, as a Markdown block of bars from low to high; up to `scale`, or the largest value."""
    most = scale or max(values) or 1.0
    counts = [0] * BARS
    for value in values:
        counts[min(BARS - 1, int(value / most * BARS))] += 1
    longest = max(counts)
    lines = [f"{most * i / BARS:>9.4g} │{'█' * round(30 * count / longest):<30} {count}" for i, count in enumerate(counts)]
    return "\n".join(["```text", *lines, "```"])


def _categories(known: Sequence[CaseScore]) -> list[dict[str, str | float | int]]:
    groups: dict[str, list[float]] = defaultdict(list)
    for case in known:
        if case.case.category:
            groups[case.case.category].append(_value(case))
    return [{"category": name, "mean": round(sum(v) / len(v), 4), "n": len(v)} for name, v in sorted(groups.items())]


def _row(score: CaseScore, material: Material, metric: str) -> dict[str, str | float | int]:
    case = score.case
    passages = METRICS[metric].needs == "passages"
    got = ", ".join(dict.fromkeys(material.found(case.question))) if passages else material.reply(case.question, 0).text
    return {"score": round(_value(score), 4), "question": case.question, "expected": case.expected, "got": got, "line": case.line}
