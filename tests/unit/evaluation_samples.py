"""Evaluations to draw reports from: one of each verdict, one with everything, a hostile one, a huge one."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from typing import Any

from llmops.report.evaluations.phrases import GRAVITY
from tests.unit.plan_samples import EVIL

Document = dict[str, Any]
Row = dict[str, Any]

COMMIT = "475e2bd1f0aa4c02b7b1c5d6e7f8091a2b3c4d5e"
RTL = "كم عدد أنواع الموارد؟ \u202egnihton\u202c"
EVIL_ANSWER = f"{EVIL}\r\n\x00\x9b31m\ufffe <style>*{{display:none}}</style><svg onload=document.title='owned'> {RTL} NaN"
"""Beside what a stranger may do to a comment: what may break XML, and a page."""
VOCABULARY = frozenset(
    {"verdict", "direction", "unit", "limit_side", "limit_outcome", "evidence", "release", "base_release", "commit", "environment"}
)
"""Fields whose values the program itself writes."""


def interval(value: float, spread: float = 0.1) -> Row:
    return {"value": value, "low": value - spread, "high": value + spread}


def difference(value: float, spread: float = 0.05, p: float = 0.2, p_adjusted: float | None = None) -> Row:
    return {**interval(value, spread), "p": p, "p_adjusted": p if p_adjusted is None else p_adjusted}


def metric(name: str = "answer_f1", verdict: str = "no worse", **known: Any) -> Row:
    """A score that stays where it was."""
    row = {
        "name": name,
        "direction": "higher",
        "unit": "",
        "n": 8,
        "clusters": 8,
        "margin": 0.05,
        "head": interval(0.512),
        "base": interval(0.506),
        "difference": difference(0.006, 0.02, 0.7),
        "better": 1,
        "worse": 1,
        "same": 6,
        "minimum_effect": 0.028,
        "needed": None,
        "limit": None,
        "limit_side": "min",
        "limit_outcome": None,
        "case_threshold": None,
        "case_failures": [],
        "preference": None,
        "blocking": False,
        "verdict": verdict,
        "note": "",
    }
    return {**row, **known}


def latency(verdict: str = "no worse", **known: Any) -> Row:
    moved = {"head": interval(1340.2, 90), "base": interval(1233.8, 80), "difference": difference(106.4, 126.2, 0.1)}
    form = {"direction": "lower", "unit": "ms", "margin": 123.4, "minimum_effect": 180.0}
    return metric("latency_ms", verdict, **{**form, **moved, **known})


def side(text: str, f1: float | None = 0.5, **known: Any) -> Row:
    scores = {} if f1 is None else {"answer_f1": f1}
    return {"text": text, "blocked": False, "sources": ["docs/model.md"], "scores": scores, **known}


def answer(line: int = 12, base: Row | None = None, head: Row | None = None, **known: Any) -> Row:
    row = {
        "case": f"c{line}",
        "line": line,
        "cluster": f"c{line}",
        "repeat": 0,
        "question": "How long may a name be?",
        "expected": "at most 63 characters",
        "head": head or side("At most 63 characters."),
        "base": base,
    }
    return {**row, **known}


def overall(rows: Sequence[Row]) -> str:
    """The gravest verdict; an improvement beside what is no worse is one."""
    found = {row["verdict"] for row in rows}
    return "improved" if found == {"improved", "no worse"} else next((word for word in GRAVITY if word in found), "unchanged")


def run(*metrics: Row, **known: Any) -> Row:
    row = {
        "application": "handbook-assistant",
        "evaluation": "handbook-answers",
        "source": {"file": "specs/quality.yaml", "line": 21},
        "dataset": "evals/questions.jsonl",
        "release": f"sha256:{'b' * 64}",
        "base_release": f"sha256:{'a' * 64}",
        "cases": 10,
        "clusters": 10,
        "repeats": 1,
        "asked": 20,
        "cached": 0,
        "tuning": 0,
        "stopped_early": False,
        "seconds": 12.34,
        "judge": None,
        "verdict": overall(metrics),
        "reasons": [],
        "evidence": "pass",
        "metrics": list(metrics),
        "answers": [answer(base=side("At most 63 characters."))],
    }
    return {**row, **known}


def document(*runs: Row, **known: Any) -> Document:
    row = {
        "eval_version": 1,
        "workspace": "handbook",
        "environment": "dev",
        "base": {"name": "origin/main", "commit": COMMIT},
        "verdict": overall(runs),
        "runs": list(runs),
        "skipped": [],
    }
    return {**row, **known}


LONG = "A name has letters, digits and hyphens, begins with a letter, and " + "goes on with what a careful reader would expect " * 12


def regressed() -> Document:
    lost = metric(
        "answer_f1",
        "regressed",
        head=interval(0.4, 0.04),
        base=interval(0.512, 0.04),
        difference=difference(-0.112, 0.089, 0.005, 0.02),
        better=1,
        worse=3,
        same=4,
        limit=0.45,
        limit_outcome="missed",
    )
    dear = metric(
        "cost_usd",
        "improved",
        direction="lower",
        unit="USD",
        head=interval(0.000412, 0.00001),
        base=interval(0.000501, 0.00001),
        difference=difference(-0.000089, 0.00002, 0.0001),
        margin=0.00005,
        minimum_effect=0.00003,
    )
    answers = [
        answer(
            3,
            side("A bundle is everything that was rendered for one environment.", 0.9),
            side("A bundle is a file.", 0.2),
            question="What is a bundle?",
            expected="everything that is rendered for one environment",
        ),
        answer(
            7,
            side("llmops init --minimal", 1.0),
            side("I don't know.", 0.0),
            question="How do I start the smallest workspace?",
            expected="llmops init --minimal",
        ),
        answer(12, side("At most 63 characters.", 1.0), side(LONG, 0.3)),
        answer(15, side("60 seconds", 0.5), side("60 seconds, by default.", 0.8), question="What is the default timeout?"),
        answer(17, side("256", 1.0), side("256", 1.0), question="What is the default of max_output_tokens?"),
        answer(21, side("It is 4.", 0.6), side("The message of a rule.", None, blocked=True), question="What is the default of top_k?"),
    ]
    return document(
        run(lost, latency("unproven", needed=240), dear, reasons=["answer_f1 regressed by 0.112"], answers=answers, evidence="fail")
    )


def improved() -> Document:
    better = metric(
        "answer_f1", "improved", head=interval(0.6), difference=difference(0.094, 0.04, 0.0004, 0.0008), better=5, same=3, worse=0
    )
    return document(run(better, metric("retrieval_recall"), repeats=3, asked=60, cached=30, tuning=4, clusters=8))


def unproven() -> Document:
    vague = metric("answer_f1", "unproven", head=interval(0.476), difference=difference(-0.03, 0.12, 0.4), minimum_effect=0.17, needed=1240)
    unmeasured = metric("abstention", "unproven", difference=None, base=None, head=None)
    return document(run(vague, unmeasured, evidence=None, stopped_early=True))


def no_worse() -> Document:
    return document(run(metric("answer_f1", limit=0.45, limit_outcome="held"), latency()))


def unchanged() -> Document:
    skipped = [{"application": f"assistant-{i}", "evaluation": "answers", "why": "its release is unchanged"} for i in (1, 2)]
    return document(skipped=skipped)


ALONE: Row = {"base": None, "difference": None, "better": 0, "worse": 0, "same": 0, "minimum_effect": None}
"""What a metric has without a base."""


def passed() -> Document:
    held = latency("passed", **ALONE, limit=2000, limit_side="max", limit_outcome="held")
    return document(run(metric("answer_f1", "passed", **ALONE), held, base_release=None, asked=10), base=None)


def unproven_limit() -> Document:
    """A limit in the middle of an interval, and a mean of one case, which has no interval."""
    vague = metric("answer_f1", "unproven", **ALONE, limit=0.5, limit_outcome="unproven", needed=240)
    single = {**ALONE, "head": {"value": 1340.2, "low": None, "high": None}, "n": 1, "clusters": 1}
    slow = latency("unproven", **single, limit=2000, limit_side="max", limit_outcome="unproven")
    return document(run(vague, slow, base_release=None, asked=10, evidence="unproven"), base=None)


def without_base() -> Document:
    metrics = [
        metric("answer_f1", "failed", **ALONE, limit=0.65, limit_outcome="missed"),
        metric("answer_exact", "failed", **ALONE, case_threshold=1.0, case_failures=[12, 31]),
        metric("abstention", "passed", **ALONE, limit=0.1, limit_outcome="held"),
        metric("retrieval_mrr", "unproven", **ALONE, limit=0.5, limit_outcome="unproven"),
        latency("passed", **ALONE, limit=2000, limit_side="max", limit_outcome="held"),
        metric("output_tokens", "unproven", **{**ALONE, "head": None}, unit="tokens", direction="lower", note="no case reached the model"),
    ]
    answers = [
        answer(12, None, side("At most 64 characters.", 0.75, scores={"answer_f1": 0.75, "answer_exact": 0.0})),
        answer(
            31, None, side("", 0.0, scores={"answer_f1": 0.0, "answer_exact": 0.0}), question="What is the default of top_k?", expected="4"
        ),
        answer(
            33, None, side("9", 1.0, scores={"answer_f1": 1.0, "answer_exact": 1.0}), question="How many kinds are there?", expected="nine"
        ),
    ]
    reasons = ["answer_f1 misses its limit 0.65", "2 cases are below answer_exact 1"]
    return document(run(*metrics, base_release=None, asked=10, reasons=reasons, answers=answers, evidence="fail"), base=None)


JUDGE = {"model": "Model/judge", "digest": "9ab1c0ffee", "kappa": 0.52, "low": 0.31, "high": 0.71, "n": 80}


def judged() -> Document:
    """One run with a judge that is calibrated and a preference, one with a judge that is not."""
    won = {"wins": 5, "ties": 2, "losses": 1, "strength": 0.8, "low": -0.1, "high": 1.7}
    known = {"base": None, "head": interval(0.75), "difference": difference(0.25, 0.3), "minimum_effect": 0.4}
    preference = metric("judge_preference", "unproven", **known, better=5, worse=1, same=2, preference=won, needed=90)
    rubric = metric("judge_rubric", "unproven", note="the judge is not calibrated", needed=None)
    unknown = {**JUDGE, "kappa": None, "low": None, "high": None, "n": None}
    first = answer(12, side("64 characters.", None, scores={"judge_rubric": 0.25}), side("63.", None, scores={"judge_preference": 1.0}))
    return document(
        run(preference, judge=JUDGE, evaluation="answers-preferred", answers=[first]),
        run(rubric, judge=unknown, evaluation="answers-by-rubric", evidence=None),
    )


def everything() -> Document:
    """Runs of every sort in one document."""
    runs = [row for make in (no_worse, regressed, improved, unproven, judged) for row in make()["runs"]]
    for number, row in enumerate(runs):
        row["evaluation"] = f"{row['evaluation']}-{number}"
    return document(*runs, skipped=unchanged()["skipped"])


def map_texts(value: Any, write: Callable[[str], str]) -> Any:
    """The document with every text but the words of its own vocabulary replaced; the keys stay."""
    if isinstance(value, dict):
        return {key: item if key in VOCABULARY else map_texts(item, write) for key, item in value.items()}
    if isinstance(value, list):
        return [map_texts(item, write) for item in value]
    return write(value) if isinstance(value, str) else value


def hostile(text: str = EVIL_ANSWER) -> Document:
    """Everything, with `text` wherever a text may stand, and as the key of a score."""
    made: Document = map_texts(copy.deepcopy(everything()), lambda _: text)
    for row in made["runs"]:
        for number, each in enumerate(row["answers"]):
            each["case"] = f"c{number}"
            for name in ("head", "base"):
                if each[name]:
                    each[name]["scores"] = {text: 0.4 if name == "head" else 0.9}
    return made


def huge(count: int = 1000, words: int = 400) -> Document:
    """A thousand cases whose answers are long and differ in a few words."""
    text = " ".join(f"word{i % 97}" for i in range(words))
    answers = [
        answer(
            i + 1,
            side(f"{text} {i} {text}", 0.5 + (i % 3) / 10),
            side(f"{text} {i + 1} {text}", 0.6),
            question=f"Question {i}: {text[:80]}?",
        )
        for i in range(count)
    ]
    return document(run(metric(n=count), cases=count, clusters=count, asked=2 * count, answers=answers))
