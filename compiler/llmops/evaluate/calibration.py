"""Calibration: how far a judge's grades agree with people's labels.

Input: labelled answers and what the judge said of each. Output: Cohen's kappa with its interval, and the two kinds of error.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from llmops.evaluate.cases import CasesError
from llmops.evaluate.judging import grade_of, rubric_prompt
from llmops.evaluate.statistics import Kappa, kappa

GOOD_FROM = 0.75
"""Grade from which on a judge calls an answer good: 4 of 5."""


@dataclass(frozen=True, slots=True)
class Label:
    """An answer that a person has judged: `good` or not."""

    line: int
    question: str
    answer: str
    reference: str
    good: bool


@dataclass(frozen=True, slots=True)
class Agreement:
    """`true_good` of the `good` answers were called good, `true_bad` of the `bad` ones bad. A grade that cannot be read disagrees."""

    kappa: Kappa
    good: int
    true_good: int
    bad: int
    true_bad: int
    unreadable: int


def read_labels(path: Path) -> list[Label]:
    """Labels from JSON Lines. Raises `CasesError` with file and line."""
    try:
        text = path.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise CasesError(f"{path}: cannot be read: {error}", "Name a file with JSON Lines.") from error
    labels = list(_labels(path, text))
    if len({label.good for label in labels}) < 2:
        raise CasesError(f"{path}: labels of one kind only", "Agreement shows only where people called some answers good and some bad.")
    return labels


def _labels(path: Path, text: str) -> Iterator[Label]:
    for line, raw in enumerate(text.split("\n"), start=1):
        if not raw.strip():
            continue
        try:
            row = json.loads(raw)
        except json.JSONDecodeError as error:
            raise CasesError(f"{path}:{line}:{error.colno}: not JSON: {error.msg}", hint="one JSON object a line") from error
        texts = [row.get(name) if isinstance(row, dict) else None for name in ("question", "answer", "reference")]
        if not all(isinstance(each, str) and each.strip() for each in texts) or row.get("label") not in (0, 1):
            raise CasesError(f"{path}:{line}: a label has the texts question, answer and reference, and a label that is 1 or 0")
        question, answer, reference = map(str, texts)
        yield Label(line, question, answer, reference, bool(row["label"]))


def prompts_of(labels: Sequence[Label], rubric: str) -> list[str]:
    """What the judge is asked, in the order of the labels: the very prompts of `judge_rubric`."""
    return [rubric_prompt(rubric, label.question, label.answer, label.reference) for label in labels]


def agreement_of(labels: Sequence[Label], said: Sequence[str]) -> Agreement:
    grades = [grade_of(text) for text in said]
    # What cannot be read is counted against the judge, as the opposite of what people said.
    called = [not label.good if grade is None else grade >= GOOD_FROM for label, grade in zip(labels, grades, strict=True)]
    pairs = list(zip((label.good for label in labels), called, strict=True))
    return Agreement(
        kappa=kappa([int(good) for good, _ in pairs], [int(call) for _, call in pairs]),
        good=sum(good for good, _ in pairs),
        true_good=sum(good and call for good, call in pairs),
        bad=sum(not good for good, _ in pairs),
        true_bad=sum(not good and not call for good, call in pairs),
        unreadable=grades.count(None),
    )
