"""An evaluation as GitHub-flavoured Markdown: the comment of a pull request or the summary of a job, below GitHub's limit.

It may hold what strangers and models wrote, so that it is made of HTML blocks in which nothing of that is read as Markdown or HTML.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from llmops.report.evaluations import phrases
from llmops.report.evaluations.cases import Case, cases, failing, worst_of
from llmops.report.plans.cells import NAME, small
from llmops.report.plans.markup import code, prose
from llmops.report.plans.phrases import counted

Row = Mapping[str, Any]

MARKER = "<!-- llmops-eval -->"
"""The first line, by which the comment is found again and updated in place."""
LIMIT = 60_000
"""Characters. GitHub takes 65,536."""
MOST_CASES = 5
"""Cases of a metric that are shown."""
_COLUMNS = ("metric", "value", "difference", "verdict")
_QUOTED = 600
"""Characters of a question or an answer."""
_MOST_SKIPPED = 50
_ELSEWHERE = "see the report as a page or as JSON"


def report(document: Mapping[str, Any], *, colour: bool = False, width: int | None = None) -> str:
    """The comment, the same whatever the terminal is like."""
    runs = phrases.gravest_first(document["runs"])
    head = f"{MARKER}\n\n<h3>llmops eval: {prose(phrases.headline(document))}</h3>\n<p>{_summary(document)}</p>"
    # Numbers of all runs matter more than the answers of the first one.
    ranked = [(rank, block) for run in runs for rank, block in ((0, _numbers(run)), *((1, text) for text in _answers(run)))]
    ranked += [(2, block) for block in _skipped(document["skipped"])]
    return "\n\n".join([head, *_fitted(ranked, LIMIT - len(head))]) + "\n"


def _summary(document: Row) -> str:
    return f"{prose(phrases.closing(document))}<br>{prose(phrases.compared(document))}"


def _fitted(ranked: Sequence[tuple[int, str]], room: int) -> Iterator[str]:
    """Blocks in their order, those of the lowest rank first in the room; what finds none is counted."""
    chosen: set[int] = set()
    free = room - 200
    for index in sorted(range(len(ranked)), key=lambda index: ranked[index][0]):
        size = len(ranked[index][1]) + 2
        if size <= free:
            chosen.add(index)
            free -= size
    yield from (block for index, (_, block) in enumerate(ranked) if index in chosen)
    if len(chosen) < len(ranked):
        yield f"<p>and {counted(len(ranked) - len(chosen), 'more part')}: {_ELSEWHERE}</p>"


def _numbers(run: Row) -> str:
    """The table of one run."""
    columns = "".join(f"<th>{name}</th>" for name in _COLUMNS)
    rows = "\n".join(_metric(metric) for metric in phrases.gravest_first(run["metrics"]))
    title = f"<h4>{_title(run)}: {run['verdict']}</h4>"
    return f"{title}\n<table><thead><tr>{columns}</tr></thead><tbody>\n{rows}\n</tbody></table>\n<p><sub>{_about(run)}</sub></p>"


def _title(run: Row) -> str:
    return f"{code(run['evaluation'], NAME)} of {code(run['application'], NAME)}"


def _about(run: Row) -> str:
    sentences = (phrases.facts(run), phrases.judge(run), phrases.evidence(run))
    return "<br>".join([code(phrases.place(run), NAME), *(prose(text) for text in sentences if text)])


def _metric(metric: Row) -> str:
    notes = "<br>".join(prose(note, _QUOTED) for note in phrases.notes(metric))
    verdict = f"<strong>{metric['verdict']}</strong>" if metric["verdict"] in phrases.FAILING else metric["verdict"]
    moved = code(phrases.difference(metric)) + small(prose(phrases.tally(metric))) if metric["difference"] else ""
    cells = (code(metric["name"], NAME) + small(notes), _values(metric), moved, verdict)
    return f"<tr>{''.join(f'<td>{cell}</td>' for cell in cells)}</tr>"


def _values(metric: Row) -> str:
    text = phrases.values(metric)
    return prose(text) if metric["head"] is None else code(text)


def _answers(run: Row) -> Iterator[str]:
    """The worst cases of what failed or regressed, each folded."""
    found = cases(run)
    for metric in phrases.gravest_first(run["metrics"]):
        broken = failing(found, metric["name"], MOST_CASES)
        lost = worst_of(found, metric["name"], MOST_CASES) if metric["verdict"] == "regressed" else []
        yield from (_case(case, metric["name"]) for case in broken or lost)


def _case(case: Case, metric: str) -> str:
    row = case.row
    moved = "; ".join(f"{code(score.name, NAME)} {_moved(score.base, score.head)}" for score in case.scores if score.name == metric)
    repeat = f", repeat {row['repeat'] + 1}" if row["repeat"] else ""
    title = f"<summary>line {row['line']}{repeat}: {moved}</summary>"
    texts = f"<p>{prose(row['question'], _QUOTED)}</p>\n<p><sub>expected</sub> {prose(row['expected'], _QUOTED)}</p>"
    return f"<details>{title}\n{texts}\n{_side_by_side(row)}\n</details>"


def _moved(base: str, head: str) -> str:
    return prose(f"{base} → {head}" if base else head)


def _side_by_side(row: Row) -> str:
    sides = [name for name in ("base", "head") if row[name]]
    texts = _cells("td", (_text(row[side]) for side in sides))
    return f"<table><thead><tr>{_cells('th', sides)}</tr></thead><tbody>\n<tr>{texts}</tr>\n</tbody></table>"


def _cells(tag: str, texts: Iterable[str]) -> str:
    return "".join(f"<{tag}>{text}</{tag}>" for text in texts)


def _text(side: Row) -> str:
    blocked = "<strong>blocked</strong> " if side["blocked"] else ""
    return blocked + (prose(side["text"], _QUOTED) if side["text"] else "<sub>nothing</sub>")


def _skipped(rows: Sequence[Row]) -> Iterator[str]:
    if not rows:
        return
    made = [f"<li>{_title(row)}: {prose(row['why'])}</li>" for row in rows]
    more = len(rows) - _MOST_SKIPPED
    rest = [f"<li>and {more:,} more</li>"] if more > 0 else []
    items = "\n".join([*made[:_MOST_SKIPPED], *rest])
    yield f"<details><summary>Skipped ({len(rows):,})</summary>\n<ul>\n{items}\n</ul>\n</details>"
