"""What an evaluation says in sentences, the same in every form: headlines, what was done, why a verdict fell and what comes next.

Input: the document or one of its rows. Output: text that still holds other people's words: whoever prints it escapes it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from llmops.report.evaluations.figures import NOTHING, Figures, duration, figures, probability
from llmops.report.plans.phrases import counted

Document = Mapping[str, Any]
Row = Mapping[str, Any]

GRAVITY = ("failed", "regressed", "unproven", "no worse", "improved", "passed", "unchanged")
"""Verdicts, the gravest first."""
FAILING = ("failed", "regressed")
"""Verdicts that end `llmops eval` with exit code 1."""
MEANINGS = {
    "failed": "A rule about single cases or a limit failed.",
    "regressed": "Something is worse, and chance does not explain it.",
    "unproven": "Nothing failed, but there are too few cases to be certain.",
    "no worse": "Nothing is worse by more than its margin.",
    "improved": "Something is better, not by chance, and nothing is worse.",
    "passed": "Every limit held.",
    "unchanged": "No release differs from its base.",
}
UNBOUNDED = "(no interval)"
"""Instead of an interval."""
_FEW = 10
"""Lines that a sentence names."""
_SHORT_HASH = 8


def headline(document: Document) -> str:
    """`regressed: 1 of 3 evaluations`."""
    verdict, runs = document["verdict"], document["runs"]
    same = sum(run["verdict"] == verdict for run in runs)
    if not runs:
        return f"{verdict}: nothing was evaluated"
    return f"{verdict}: {'' if same == len(runs) else f'{same:,} of '}{counted(len(runs), 'evaluation')}"


def compared(document: Document) -> str:
    """Which two things the evaluation is about."""
    where, base = f"{document['workspace']} in {document['environment']}", document["base"]
    if base is None:
        return f"{where}, compared with nothing"
    name, commit = base["name"], base["commit"] or ""
    return f"{where} against {name}" + ("" if not commit or commit.startswith(name) else f" ({commit[:_SHORT_HASH]})")


def closing(document: Document) -> str:
    """What the verdict means, and the exit code that follows."""
    verdict = document["verdict"]
    return f"{MEANINGS[verdict]} Exit code {int(verdict in FAILING)}."


def gravest_first(rows: Sequence[Row]) -> list[Row]:
    """Runs or metrics; those of one verdict keep their order."""
    return sorted(rows, key=lambda row: GRAVITY.index(row["verdict"]))


def title(run: Row) -> str:
    return f"{run['evaluation']} of {run['application']}"


def place(run: Row) -> str:
    """Where the evaluation is written, and the file of its cases, whose lines the report names."""
    return f"{run['source']['file']}:{run['source']['line']}, cases of {run['dataset']}"


def facts(run: Row) -> str:
    """`10 cases, 2 repeats each; 20 answers asked for, 0 from the cache; 12.3 s`."""
    return "; ".join(_facts(run))


def _facts(run: Row) -> Iterator[str]:
    grouped = f" in {counted(run['clusters'], 'group')}" if run["clusters"] != run["cases"] else ""
    repeated = f", {run['repeats']} repeats each" if run["repeats"] > 1 else ""
    yield f"{counted(run['cases'], 'case')}{grouped}{repeated}"
    yield f"{counted(run['asked'], 'answer')} asked for, {run['cached']:,} from the cache"
    yield duration(run["seconds"])
    if run["tuning"]:
        yield f"{counted(run['tuning'], 'case')} left out that served for tuning"
    if run["stopped_early"]:
        yield "stopped early"


def judge(run: Row) -> str:
    """Who judged, and how well it agrees with people; empty where nobody did."""
    row = run["judge"]
    if row is None:
        return ""
    who = f"judge {row['model']} ({row['digest'].removeprefix('sha256:')[:_SHORT_HASH]})"
    if row["kappa"] is None:
        return f"{who}: not calibrated: decides nothing"
    form = Figures("", 2)
    return f"{who}: agrees with people at kappa {form.bare(row['kappa'])} ({_range(form, row)}, {counted(row['n'], 'answer')})"


def evidence(run: Row) -> str:
    """What may be recorded for the release; empty where nothing may."""
    return f"evidence for this release: {run['evidence']}" if run["evidence"] else ""


def tally(metric: Row) -> str:
    """Cases by which way they went; empty without a base."""
    if metric["difference"] is None:
        return ""
    return f"{metric['better']:,} better, {metric['worse']:,} worse, {metric['same']:,} same"


def values(metric: Row) -> str:
    """`0.512 → 0.400`, or the one value with its interval where there is no other."""
    form = figures(metric)
    if metric["head"] is None:
        return NOTHING
    if metric["base"] is None:
        return f"{form.value(metric['head']['value'])} {_interval(form, metric['head'])}"
    return form.change(metric["base"]["value"], metric["head"]["value"])


def difference(metric: Row) -> str:
    """`-0.112 [-0.201, -0.023]`; empty without a base."""
    row, form = metric["difference"], figures(metric)
    return f"{form.signed(row['value'])} {_interval(form, row, '+')}" if row else ""


def _interval(form: Figures, row: Row, sign: str = "") -> str:
    """One answer, or answers that all belong together, have a mean and no interval."""
    return UNBOUNDED if _is_unbounded(row) else form.interval(row, sign)


def _range(form: Figures, row: Row, sign: str = "") -> str:
    return UNBOUNDED.strip("()") if _is_unbounded(row) else f"{form.bare(row['low'], sign)} to {form.bare(row['high'], sign)}"


def _is_unbounded(row: Row) -> bool:
    return row["low"] is None and row["high"] is None


def notes(metric: Row) -> list[str]:
    """Why a metric has its verdict, and what would change it; sentences without their full stops."""
    form = figures(metric)
    found = [*_unmeasured(metric), *_worse(metric), *_limit(metric, form), *_unproven(metric, form)]
    found += [*_case_failures(metric), *_preference(metric)]
    return found if metric["head"] is None or not metric["note"] else [*found, metric["note"]]


def _unmeasured(metric: Row) -> Iterator[str]:
    if metric["head"] is None:
        yield metric["note"] or "it applies to no case"


def _worse(metric: Row) -> Iterator[str]:
    row = metric["difference"]
    if row and metric["verdict"] in ("regressed", "improved"):
        p, adjusted = probability(row["p"]), probability(row["p_adjusted"])
        corrected = "" if p == adjusted else f" ({adjusted} corrected for several metrics)"
        yield f"p {p} of so much by chance alone{corrected}"


def _unproven(metric: Row, form: Figures) -> Iterator[str]:
    if metric["verdict"] != "unproven":
        return
    effect, needed = metric["minimum_effect"], metric["needed"]
    if metric["difference"]:
        seen = f"would have seen a true difference of {form.value(effect)} or more" if effect is not None else "cannot tell"
        yield f"{counted(metric['n'], 'case')} {seen}; the margin is {form.value(metric['margin'])}"
    if needed:
        yield f"to settle it: {counted(needed, 'case')}"
    elif metric["difference"]:
        yield "to settle it: more repeats, or people"


def _limit(metric: Row, form: Figures) -> Iterator[str]:
    if metric["limit_outcome"] is None:
        return
    side = "at least" if metric["limit_side"] == "min" else "at most"
    outcome = _uncertain(metric) if metric["limit_outcome"] == "unproven" else metric["limit_outcome"]
    # Without a base a missed limit fails whether it blocks or not.
    is_harmless = metric["limit_outcome"] == "missed" and not metric["blocking"] and metric["verdict"] != "failed"
    harmless = ", not blocking" if is_harmless else ""
    yield f"limit {side} {form.value(metric['limit'])}: {outcome}{harmless}"


def _uncertain(metric: Row) -> str:
    row = metric["head"]
    if row is None or row["low"] is None or row["high"] is None or not row["low"] <= metric["limit"] <= row["high"]:
        return "not certain"
    return "not certain, the interval reaches over it"


def _case_failures(metric: Row) -> Iterator[str]:
    lines = metric["case_failures"]
    if lines:
        named, more = ", ".join(map(str, lines[:_FEW])), len(lines) - _FEW
        word = "line" if len(lines) == 1 else "lines"
        rest = f" and {more:,} more" if more > 0 else ""
        yield f"{counted(len(lines), 'case')} below {metric['case_threshold']:g}, which none may be: {word} {named}{rest} of the dataset"


def _preference(metric: Row) -> Iterator[str]:
    row = metric["preference"]
    if row:
        form = Figures("", 2)
        counts = f"head won {row['wins']}, lost {row['losses']}, tied {row['ties']}"
        yield f"{counts}; strength {form.signed(row['strength'])} ({_range(form, row, '+')}) in log-odds"
