"""What the page shows, ready to be placed: texts cleaned and cut, answers of base and head beside each other with their differences.

Input: the document. Output: plain data for the template, which escapes every text.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from llmops.plan.words import word_diff
from llmops.report.evaluations import phrases
from llmops.report.evaluations.cases import Case, Score, cases, worst_first
from llmops.report.evaluations.figures import figures
from llmops.report.evaluations.plot import Plot, difference_plot, value_plot
from llmops.report.excerpt import visible
from llmops.report.plans.phrases import counted
from llmops.report.plans.values import one_line
from llmops.validate.secrets import hide_secrets

Row = Mapping[str, Any]
View = dict[str, Any]

MOST_ANSWERS = 1000
"""Answers on one page; the JSON has all of them."""
LONGEST = 4000
"""Characters of one answer."""
WORK = 40_000_000
"""Pairs of equal words of all word diffs of a page: what a diff walks through, and a model that repeats itself has many. Some seconds."""
_OVERLAP = 500
"""Characters beyond a cut in which a secret may end that began before it."""
_RELEASES = {"release": "release", "base": "base_release"}
_FILTERS = {"changed": "Changed", "worse": "Worse", "better": "Better", "failed": "Broke a rule"}
_MARKS = {"failed": "✕", "regressed": "▼", "unproven": "?", "no worse": "≈", "improved": "▲", "passed": "✓", "unchanged": "="}
"""Seen where colours are not."""
_DRAWING = 240
"""Units of the width of a drawing."""
_WORD = re.compile(r"\w+|\W")


@dataclass(slots=True)
class _Left:
    """What may still be put on the page; it shrinks as the page grows."""

    answers: int
    work: int

    def take(self, found: Sequence[Case]) -> Sequence[Case]:
        taken = found[: self.answers]
        self.answers -= len(taken)
        return taken

    def compares(self, base: str, head: str) -> bool:
        ours, theirs = (Counter(_WORD.findall(text)) for text in (base, head))
        pairs = sum(count * theirs[word] for word, count in ours.items())
        fits = pairs <= self.work
        # What is short may still fit after what was too long.
        self.work -= pairs if fits else 0
        return fits


def view(document: Row) -> View:
    """Everything that the template names."""
    left = _Left(MOST_ANSWERS, WORK)
    runs = [_run(run, number, left) for number, run in enumerate(phrases.gravest_first(document["runs"]), 1)]
    return {
        "title": one_line(f"{document['workspace']}: {document['verdict']}"),
        "verdict": _verdict(document["verdict"]),
        "headline": one_line(phrases.headline(document)).partition(": ")[2],
        "compared": one_line(phrases.compared(document)),
        "closing": phrases.closing(document),
        "has_base": document["base"] is not None,
        "runs": runs,
        "filters": _filters([answer for run in runs for answer in run["answers"]]),
        "skipped": [{"name": one_line(phrases.title(row)), "why": one_line(row["why"])} for row in document["skipped"]],
    }


def _verdict(word: str) -> View:
    return {"word": word, "style": word.replace(" ", "-"), "mark": _MARKS[word]}


def _filters(answers: Sequence[View]) -> list[View]:
    """What may be filtered by, with how many answers each finds; nothing that finds none."""
    counts = {flag: sum(flag in answer["flags"] for answer in answers) for flag in _FILTERS}
    every = {"flag": "all", "name": "All", "count": f"{len(answers):,}"}
    return [every, *({"flag": flag, "name": _FILTERS[flag], "count": f"{count:,}"} for flag, count in counts.items() if count)]


def _run(run: Row, number: int, left: _Left) -> View:
    found = worst_first(cases(run))
    taken = left.take(found)
    sentences = (phrases.facts(run), phrases.judge(run), phrases.evidence(run), _left_out(len(found) - len(taken)))
    return {
        "id": f"run-{number}",
        "title": one_line(phrases.title(run)),
        "verdict": _verdict(run["verdict"]),
        "place": one_line(phrases.place(run)),
        "facts": [one_line(text) for text in sentences if text],
        "releases": [one_line(f"{name} {run[key]}") for name, key in _RELEASES.items() if run[key]],
        "reasons": [one_line(reason) for reason in run["reasons"]],
        "metrics": [_metric(metric) for metric in phrases.gravest_first(run["metrics"])],
        "compares": any(metric["difference"] for metric in run["metrics"]),
        "answers": [_answer(case, order, left) for order, case in _placed(taken, run["answers"])],
    }


def _left_out(count: int) -> str:
    """Said of the run and not among its answers, which a filter hides."""
    return f"{count:,} more answers are not on this page: see the report as JSON" if count else ""


def _placed(found: Sequence[Case], rows: Sequence[Row]) -> Iterable[tuple[int, Case]]:
    """Each case with its place in the dataset."""
    places = {id(row): place for place, row in enumerate(rows)}
    return [(places[id(case.row)], case) for case in found]


def _metric(metric: Row) -> View:
    plot = difference_plot(metric) or value_plot(metric)
    row, form = metric["difference"], figures(metric)
    return {
        "name": one_line(metric["name"]),
        "verdict": _verdict(metric["verdict"]),
        "measured": phrases.values(metric),
        "difference": form.signed(row["value"]) if row else "",
        "interval": form.interval(row, "+") if row else "",
        "tally": phrases.tally(metric),
        "counts": counted(metric["n"], "case"),
        "wants": "less is better" if metric["direction"] == "lower" else "",
        "notes": [one_line(note) for note in phrases.notes(metric)],
        "plot": _drawn(plot) if plot else None,
    }


def _drawn(plot: Plot) -> View:
    at = [round(share * _DRAWING, 1) for share in (plot.low, plot.value, plot.high)]
    marks = [round(mark * _DRAWING, 1) for mark in plot.marks]
    return {"low": at[0], "value": at[1], "high": at[2], "zero": None if plot.zero is None else plot.zero * _DRAWING, "marks": marks}


def _answer(case: Case, order: int, left: _Left) -> View:
    row = case.row
    return {
        "line": row["line"],
        "repeat": row["repeat"] + 1 if row["repeat"] else None,
        "order": order,
        "question": _clean(row["question"]),
        "expected": _clean(row["expected"]),
        "flags": " ".join(case.flags),
        "failed": [one_line(name) for name in case.failed],
        "sides": _sides(case, left),
        "scores": [_score(score) for score in case.scores],
    }


def _score(score: Score) -> View:
    trend = "" if not score.shift or not score.counts else "worse" if score.shift < 0 else "better"
    return {"name": one_line(score.name), "base": score.base, "head": score.head, "trend": trend}


def _sides(case: Case, left: _Left) -> list[View]:
    """Base and head beside each other, or one of them where they say the same."""
    row = case.row
    texts = {name: _clean(row[name]["text"]) for name in ("base", "head") if row[name]}
    if len(texts) < 2:
        return [_side(row[name], name, text) for name, text in texts.items()]
    if not case.changed and row["base"]["sources"] == row["head"]["sources"]:
        return [{**_side(row["head"], "head", texts["head"]), "title": "base and head, word for word"}]
    differ = texts["base"] != texts["head"]
    segments = word_diff(*texts.values()) if differ and left.compares(*texts.values()) else None
    unmarked = differ and not segments
    return [{**_side(row[name], name, text, segments), "unmarked": unmarked} for name, text in texts.items()]


def _side(row: Row, name: str, text: str, segments: Sequence[Sequence[str]] | None = None) -> View:
    """One answer as parts: text that stays, text that only this side has, and a gap where both sides say the same at length."""
    own = {"base": "removed", "head": "added"}[name]
    parts = [(kind, part) for kind, part in segments if kind in ("same", "gap", own)] if segments else [("same", text)]
    return {
        "title": name,
        "parts": parts if text else [],
        "unmarked": False,
        "blocked": row["blocked"],
        "sources": [one_line(source) for source in row["sources"]],
        "cut": f"the first {LONGEST:,} of {len(row['text']):,} characters" if len(row["text"]) > LONGEST else "",
    }


def _clean(text: str) -> str:
    """Without secrets of a known form and characters that hide or turn text; line ends stay."""
    shown = hide_secrets(text[: LONGEST + _OVERLAP])[:LONGEST]
    return "\n".join(map(visible, shown.replace("\r\n", "\n").split("\n")))
