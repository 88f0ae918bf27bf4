"""Findings as people read them in a terminal: a block each, and a closing line that counts them and says what to do next."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from llmops.diagnostics import Diagnostic, Severity
from llmops.report.block import Painter
from llmops.report.excerpt import secret_places
from llmops.report.findings import Findings, Lines, counted, explanation_of, is_fixable, is_shown, name_of, tally
from llmops.report.palette import Palette


def report(findings: Findings) -> str:
    """Without colour, and sentences on one line."""
    return text_report(findings.diagnostics, findings.text_of, colour=False, least=findings.least)


def text_report(
    diagnostics: Iterable[Diagnostic], text_of: Lines, *, colour: bool, width: int | None = None, least: Severity = "note"
) -> str:
    """A block for each finding that is shown, the waived ones last, and a closing line; empty where there are no findings at all.

    Findings below `least` are counted only. `width` is the terminal's, 80 at least; None where there is none.
    """
    found = list(diagnostics)
    if not found:
        return ""
    painter = Painter(text_of, secret_places(found), Palette(colour), max(80, width) if width else None)
    counting = [d for d in found if not d.waived and is_shown(d, least)]
    waived = [d for d in found if d.waived]
    hidden = [d for d in found if not d.waived and not is_shown(d, least)]
    shown = [*counting, *waived]
    total = f"{_listed(tally(shown))}." if shown else ""
    closing = "\n".join(painter.wrapped(" ".join([total, *_advice(counting, hidden)]).strip()))
    bold = painter.palette.paint("bold", total)
    return "\n\n".join([*(painter.block(d) for d in shown), bold + closing.removeprefix(total)]) + "\n"


def _advice(counting: Sequence[Diagnostic], hidden: Sequence[Diagnostic]) -> Iterator[str]:
    """What is not shown, and what to do next."""
    if hidden:
        least = "note" if any(d.severity == "note" for d in hidden) else "warning"
        yield f"Not shown: {_listed(tally(hidden))} (`--severity {least}`)."
    fixable = sum(map(is_fixable, counting))
    if fixable:
        yield f"`llmops check --fix` can mend {fixable}."
    coded = next((d for d in counting if name_of(d) == d.code), None)
    if coded:
        yield f"`{explanation_of(coded)}` says more."


def _listed(numbers: dict[str, int]) -> str:
    """`1 error, 2 warnings and 1 waived`."""
    *most, last = [counted(count, word) for word, count in numbers.items()]
    return f"{', '.join(most)} and {last}" if most else last
