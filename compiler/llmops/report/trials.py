"""What `llmops safety test` found: as text, Markdown and JSON. JUnit is in `trials_junit`.

A case of a rule that does not behave is an error. In a suite, a miss or a false alarm is a measurement; a failure is an error.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson

from llmops.report.excerpt import cells, plain
from llmops.report.palette import Palette

if TYPE_CHECKING:
    from llmops.runtime.rails.trials import Disagreement, Mistake, Rate, Result
    from llmops.runtime.rails.trials.rates import Share

QUOTED = 60
"""Characters of a text that a line quotes."""


@dataclass(frozen=True, slots=True)
class Summary:
    """A run. `rates` is empty where the rules' own cases were run; `warnings` are rules that show nothing."""

    results: Sequence[Result]
    rates: Sequence[Rate]
    disagreements: Sequence[Disagreement]
    warnings: Sequence[Mistake]

    @property
    def errors(self) -> list[Result]:
        """Results that fail the run."""
        suite = bool(self.rates)
        return [r for r in self.results if r.problem and (r.outcome == "failed" or not (suite or r.outcome == "covered"))]

    @property
    def measured(self) -> list[Result]:
        """Misses and false alarms of a suite."""
        return [r for r in self.results if self.rates and r.problem and r.outcome in ("hit", "pass")]

    @property
    def failed(self) -> bool:
        return bool(self.errors or self.disagreements)


def text_report(summary: Summary, *, colour: bool = False) -> str:
    """The rates or a line for each rule, engine and stage; then what is wrong, by file and line."""
    palette = Palette(colour)
    table = _rates_text(summary.rates) if summary.rates else _cases_text(summary.results, palette)
    return "".join(f"{line}\n" for line in [*table, *_findings_text(summary, palette), *_closing(summary)])


def _cases_text(results: Iterable[Result], palette: Palette) -> Iterator[str]:
    groups: dict[tuple[str, ...], list[Result]] = {}
    for result in results:
        trial = result.trial
        groups.setdefault((trial.policy, trial.subject, trial.engine, trial.stage), []).append(result)
    rows = [(*key, f"{sum(not r.problem for r in found)} of {len(found)} cases") for key, found in groups.items()]
    fine = [all(not r.problem for r in found) for found in groups.values()]
    for ok, line in zip(fine, _columns(rows), strict=True):
        yield f"{palette.paint('help', 'ok  ') if ok else palette.paint('error', 'FAIL')}  {line}"


def _rates_text(rates: Sequence[Rate]) -> list[str]:
    head = ("POLICY", "RULE OR CATEGORY", "ENGINE", "CAUGHT", "95 %", "FALSE ALARMS", "95 %", "NOT JUDGED")
    return _columns([head, *(tuple(_rate_row(rate)) for rate in rates)])


def _rate_row(rate: Rate) -> list[str]:
    shares = [part for share in (rate.caught, rate.alarms) for part in (f"{share.count} of {share.of}", interval(share))]
    return [plain(rate.policy), plain(rate.subject), rate.engine, *shares, str(rate.unjudged)]


def interval(share: Share) -> str:
    """Wilson's interval in percent, as `80-98 %`."""
    low, high = share.interval
    return f"{low * 100:.0f}-{high * 100:.0f} %"


def _columns(rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(cells(row[i]) for row in rows) for i in range(len(rows[0]))] if rows else []
    return ["  ".join(cell + " " * (width - cells(cell)) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]


def _findings_text(summary: Summary, palette: Palette) -> Iterator[str]:
    for style, source, message in findings(summary):
        yield f"{palette.paint('frame', plain(source))}: {palette.paint(style, style)}: {plain(message)}"


def findings(summary: Summary) -> Iterator[tuple[str, str, str]]:
    """Severity, `file:line` and message of everything there is to say, errors first."""
    yield from (("error", r.trial.source, describe(r)) for r in summary.errors)
    for found in summary.disagreements:
        yield "error", found.trial.source, f"{found.trial.subject}: the engines disagree on {quote(found.trial.text)}: {found.what}"
    covered = [r for r in summary.results if r.outcome == "covered" and not summary.rates]
    yield from (("warning", r.trial.source, describe(r)) for r in covered)
    yield from (("warning", w.source, w.message) for w in summary.warnings)
    for same in _together(summary.measured):
        kind = "miss" if same[0].outcome == "pass" else "false alarm"
        yield "note", same[0].trial.source, f"{kind}: {describe(*same)}"


def _together(results: Iterable[Result]) -> Iterable[list[Result]]:
    """Results of one text that differ in their engine only."""
    groups: dict[tuple[str, ...], list[Result]] = {}
    for result in results:
        trial = result.trial
        groups.setdefault((trial.source, trial.policy, trial.subject, trial.stage, result.problem), []).append(result)
    return groups.values()


def describe(*results: Result) -> str:
    """What came of one text, on one or several engines, in a line: subject, engines, stage, text, outcome."""
    trial = results[0].trial
    engines = " and ".join(result.trial.engine for result in results)
    note = f" ({trial.note})" if trial.note else ""
    return f"{trial.subject} on {engines} at {trial.stage}: {quote(trial.text)}{note} {results[0].problem}"


def quote(text: str) -> str:
    return repr(text if len(text) <= QUOTED else f"{text[:QUOTED]}…")


def _closing(summary: Summary) -> Iterator[str]:
    if summary.failed:
        yield f"{len(summary.errors)} of {len(summary.results)} trials failed, {len(summary.disagreements)} disagreements."
    else:
        outcome = "the engines agree" if summary.rates else "all as expected"
        yield f"{len(summary.results)} trials: {outcome}."


def markdown_report(summary: Summary) -> str:
    """The rates, or what each rule did, as a table; then the findings as a list."""
    lines = [*(_rates_markdown(summary.rates) if summary.rates else _cases_markdown(summary.results)), ""]
    lines += [f"- {severity}: `{plain(source)}` {_escaped(message)}" for severity, source, message in findings(summary)]
    return "\n".join([*lines, "", *_closing(summary)]) + "\n"


def _rates_markdown(rates: Iterable[Rate]) -> list[str]:
    head = [
        "| policy | rule or category | engine | caught | 95 % | false alarms | 95 % | not judged |",
        "|---|---|---|---|---|---|---|---|",
    ]
    return [*head, *(f"| {' | '.join(_escaped(cell) for cell in _rate_row(rate))} |" for rate in rates)]


def _cases_markdown(results: Iterable[Result]) -> list[str]:
    rows = [f"| {r.trial.subject} | {r.trial.engine} | {r.trial.stage} | {r.trial.expect} | {r.outcome} |" for r in results]
    return ["| rule | engine | stage | expected | found |", "|---|---|---|---|---|", *rows]


def _escaped(text: str) -> str:
    """A text that makes no table cell, link, image or tag of its own."""
    return "".join(f"\\{c}" if c in "\\`*_[]<>|!" else c for c in plain(text))


def json_report(summary: Summary) -> str:
    """`{failed, trials, rates, disagreements, warnings}`. Texts are quoted without secrets of a known form."""
    data = {
        "failed": summary.failed,
        "trials": [_trial_json(result) for result in summary.results],
        "rates": [_rate_json(rate) for rate in summary.rates],
        "disagreements": [{"source": d.trial.source, "subject": d.trial.subject, "what": d.what} for d in summary.disagreements],
        "warnings": [{"source": w.source, "message": w.message} for w in summary.warnings],
    }
    return orjson.dumps(data, option=orjson.OPT_INDENT_2).decode() + "\n"


def _trial_json(result: Result) -> dict[str, Any]:
    trial = result.trial
    return {
        "policy": trial.policy,
        "subject": trial.subject,
        "engine": trial.engine,
        "stage": trial.stage,
        "source": trial.source,
        "text": plain(trial.text),
        "note": trial.note,
        "expected": trial.expect,
        "outcome": result.outcome,
        "reason": plain(result.reason),
    }


def _rate_json(rate: Rate) -> dict[str, Any]:
    shares = {"caught": rate.caught, "false_alarms": rate.alarms}
    counted = {name: {"count": s.count, "of": s.of, "low": s.interval[0], "high": s.interval[1]} for name, s in shares.items()}
    return {"policy": rate.policy, "subject": rate.subject, "engine": rate.engine, **counted, "unjudged": rate.unjudged}
