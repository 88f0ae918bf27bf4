"""An evaluation as people read it in a terminal: for each run the numbers, why the verdict fell, and the answers behind it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from llmops.report.evaluations import phrases
from llmops.report.evaluations.cases import Case, cases, failing, worst_of
from llmops.report.evaluations.plot import difference_plot, strip
from llmops.report.excerpt import cells, crop
from llmops.report.palette import Palette
from llmops.report.plans.values import one_line
from llmops.report.plans.wrap import Span, flow

Row = Mapping[str, Any]

NARROWEST = 80
MOST_CASES = 3
"""Cases of a metric that are shown; the page has all of them."""
STYLES = {
    "failed": "error",
    "regressed": "error",
    "unproven": "warning",
    "no worse": "note",
    "improved": "help",
    "passed": "help",
    "unchanged": "dim",
}
"""Verdict → style of the palette."""
LEGEND = "[━●━] the difference with its 95 % interval   │ none   ┊ the margin"
_QUOTED = 240
"""Characters of a text that are looked at where no terminal says its width; with one, a text takes one line."""
_VERDICT = max(map(len, STYLES)) + 4
"""Columns to the left of a metric's name."""


def report(document: Mapping[str, Any], *, colour: bool = False, width: int | None = None) -> str:
    """Every run, what was skipped, and the verdict. `width` is the terminal's, 80 at least; None leaves sentences on one line."""
    page = _Page(Palette(colour), max(NARROWEST, width) if width else None)
    return "\n".join(page.lines(document)) + "\n"


@dataclass(frozen=True, slots=True)
class _Page:
    """Wraps and paints lines."""

    palette: Palette
    width: int | None

    def lines(self, document: Row) -> Iterator[str]:
        yield from self._wrapped([("dim", phrases.compared(document))])
        yield ""
        for run in document["runs"]:
            lines = [*self._run(run)]
            yield from [*lines, ""] if lines[-1] else lines
        for row in document["skipped"]:
            yield from self._wrapped([("dim", f"skipped: {phrases.title(row)}: {row['why']}")], hang=2)
        if document["skipped"]:
            yield ""
        if any(difference_plot(metric) for run in document["runs"] for metric in run["metrics"]):
            yield self.palette.paint("dim", LEGEND)
        verdict, colon, rest = phrases.headline(document).partition(":")
        yield from self._wrapped([(STYLES[document["verdict"]], verdict), ("bold", f"{colon}{rest}.")])
        yield from self._wrapped([("", phrases.closing(document))])

    def _run(self, run: Row) -> Iterator[str]:
        title = [("bold", phrases.title(run)), ("bold", ": "), (STYLES[run["verdict"]], run["verdict"])]
        yield from self._wrapped(title, hang=2)
        for text in filter(None, (phrases.facts(run), phrases.place(run), phrases.evidence(run), phrases.judge(run))):
            yield from self._wrapped([("dim", text)], 2, 2)
        found, columns = cases(run), _columns(run["metrics"])
        for metric in phrases.gravest_first(run["metrics"]):
            yield from self._metric(metric, columns)
            yield from self._cases(metric, found)

    def _metric(self, metric: Row, columns: tuple[int, int]) -> Iterator[str]:
        verdict, name, values = metric["verdict"], _name(metric), phrases.values(metric)
        row = [("", "  "), (STYLES[verdict], verdict), ("", " " * (_VERDICT - 2 - len(verdict))), ("bold", name)]
        row += [("", " " * (columns[0] - cells(name) + 2)), ("", values)]
        yield from self._beside(row, " " * (columns[1] - cells(values) + 2), phrases.difference(metric))
        plot = difference_plot(metric)
        drawn = f"worse {strip(plot)} better" if plot else ""
        indent = [("", " " * _VERDICT), ("frame", drawn)] if drawn else []
        yield from self._beside(indent, "  ", phrases.tally(metric))
        for note in phrases.notes(metric):
            yield from self._wrapped([("", f"- {note}")], _VERDICT, 2)

    def _beside(self, row: Sequence[Span], gap: str, text: str) -> Iterator[str]:
        """A text to the right of a row, or below where it would be wider than the page."""
        used = sum(cells(part) for _, part in row) + cells(gap + text)
        if self.width is None or used <= self.width:
            yield from self._wrapped([*row, ("", gap), ("", text)], hang=_VERDICT) if row or text else ()
            return
        yield from self._wrapped(row, hang=_VERDICT)
        yield from self._wrapped([("", text)], _VERDICT)

    def _cases(self, metric: Row, found: Sequence[Case]) -> Iterator[str]:
        """What broke a rule, or lost most: only where the verdict asks for a look."""
        broken = failing(found, metric["name"], MOST_CASES)
        lost = worst_of(found, metric["name"], MOST_CASES) if metric["verdict"] == "regressed" else []
        for case in broken or lost:
            yield from self._case(case, metric["name"])
        yield from [""] if broken or lost else []

    def _case(self, case: Case, metric: str) -> Iterator[str]:
        row, repeat = case.row, f", repeat {case.row['repeat'] + 1}" if case.row["repeat"] else ""
        score = next((score for score in case.scores if score.name == metric), None)
        moved = "" if score is None else score.head if not score.base else f"{score.base} → {score.head}"
        yield from self._wrapped([("warning", f"line {row['line']}{repeat}"), ("dim", f"  {moved}")], _VERDICT)
        for label, text in (("asked", row["question"]), ("expected", row["expected"]), *_answers(row)):
            yield from self._quoted(label, text)

    def _quoted(self, label: str, text: str) -> Iterator[str]:
        head = " " * (_VERDICT + 2) + f"{label:<10}"
        room = _QUOTED if self.width is None else self.width - len(head)
        shown = one_line(text, _QUOTED)
        yield self.palette.paint("dim", head) + crop(shown, 1, 1, room).line if text else self.palette.paint("dim", f"{head}(nothing)")

    def _wrapped(self, spans: Sequence[Span], indent: int = 0, hang: int = 0) -> Iterator[str]:
        """Painted, indented, and no wider than the page; nothing that stands in it steers the terminal."""
        room = None if self.width is None else self.width - indent
        visible = [(style, one_line(text, 1000)) for style, text in spans if text]
        for number, line in enumerate(flow(visible, room, hang)):
            text = "".join(self.palette.paint(style, part) if style else part for style, part in _trimmed(line))
            yield " " * (indent + (hang if number else 0)) + text


def _trimmed(line: Sequence[Span]) -> list[Span]:
    """Without the spaces at its end, which a painted text would keep."""
    kept = list(line)
    while kept and not kept[-1][1].strip(" "):
        kept.pop()
    return [*kept[:-1], *((style, text.rstrip(" ")) for style, text in kept[-1:])]


def _name(metric: Row) -> str:
    return one_line(metric["name"], 60)


def _columns(metrics: Sequence[Row]) -> tuple[int, int]:
    """Widths of the names and of the values."""
    texts = [(_name(metric), phrases.values(metric)) for metric in metrics]
    return max((cells(name) for name, _ in texts), default=0), max((cells(values) for _, values in texts), default=0)


def _answers(row: Row) -> Iterator[tuple[str, str]]:
    for label in ("base", "head"):
        side = row[label]
        if side:
            yield label, f"(blocked) {side['text']}" if side["blocked"] else side["text"]
