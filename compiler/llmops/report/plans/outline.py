"""The sections of a plan as lines for a terminal: what changes and what follows from it.

Input: the document. Output: `Line`s of styled spans; `text.py` beside this file wraps and paints them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby

from llmops.report.plans import phrases
from llmops.report.plans.phrases import SIGNS, Plan, Row
from llmops.report.plans.values import SHORT, is_long, one_line, value_text
from llmops.report.plans.wrap import Span, word_spans

FEW = 8
"""Names of a list that are shown before it is cut."""


@dataclass(frozen=True, slots=True)
class Line:
    """Spans that belong together. What does not fit the width goes on `hang` cells further in."""

    indent: int
    spans: tuple[Span, ...]
    hang: int = 2


Lines = Iterator[Line]


def _line(indent: int, *spans: Span | str) -> Line:
    return Line(indent, tuple(("", span) if isinstance(span, str) else span for span in spans))


def _dim(indent: int, text: str) -> Lines:
    if text:
        yield _line(indent, ("dim", text))


def _names(names: list[str]) -> str:
    return one_line(phrases.capped(names, FEW), 2000)


def changes(plan: Plan) -> Lines:
    for row in phrases.breaking_first(plan["changes"]):
        was = f", {phrases.former(row)}" if row["was"] else ""
        sign = SIGNS[row["operation"]]
        yield _line(2, (sign, f"{sign} "), ("bold", row["resource"]), f"{was}: ", (row["class"], row["class"]), ", direct")
        yield from _dim(4, one_line(phrases.joined(row["owner"], f"{row['file']}:{row['line']}", phrases.only_in(row, plan)), 2000))
        for field in row["fields"]:
            yield from _field(field, "" if field["class"] == row["class"] else field["class"])
        yield from _files(row["files"])


def _files(files: list[Row]) -> Lines:
    for row in files[:FEW]:
        sign = SIGNS[row["operation"]]
        yield _line(4, (sign, f"{sign} "), one_line(row["path"]))
    if len(files) > FEW:
        yield _line(4, f"and {phrases.counted(len(files) - FEW, 'more file')}")


def _field(row: Row, level: str) -> Lines:
    """One field: its values beside it where they are short, else below it."""
    sign = SIGNS[row["operation"]]
    head: list[Span | str] = [(sign, f"{sign} "), one_line(row["path"])]
    marks: list[Span | str] = [" (", (level, level), ")"] if level else []
    note: list[Span | str] = [", ", ("warning", one_line(row["note"]))] if row["note"] else []
    if not is_long(row):
        yield _line(4, *head, ": ", *_pair(row), *marks, *note)
        return
    yield _line(4, *head, *marks, *note)
    if row["words"]:
        yield Line(6, tuple(word_spans(row["words"])), 0)
        return
    yield from (_line(6, (style, text)) for style, text in _sides(row))


def _sides(row: Row) -> list[Span]:
    """The values that a field has or had, by what happens to them."""
    shown: list[Span] = []
    if row["operation"] != "add":
        shown.append(("removed", value_text(row["old"])))
    if row["operation"] != "remove":
        shown.append(("added", value_text(row["new"])))
    return shown


def _pair(row: Row) -> list[Span | str]:
    first, *rest = ((f"plain {style}", text) for style, text in _sides(row))
    return [first, *(part for span in rest for part in (" → ", span))]


def reach(plan: Plan) -> Lines:
    for row in phrases.breaking_first(plan["reach"]):
        yield _line(2, ("bold", row["resource"]), ": ", (row["class"], row["class"]), ", indirect")
        through = f"through {_names(row['through'])}" if row["through"] else ""
        yield from _dim(4, phrases.joined(one_line(row["owner"]), phrases.only_in(row, plan), through))


def releases(plan: Plan) -> Lines:
    width = max(map(len, plan["environments"]), default=0)
    for row in plan["applications"]:
        level: list[Span | str] = [": ", (row["class"], row["class"])] if row["class"] else []
        yield _line(2, ("bold", row["application"]), *level)
        for name in [name for name in plan["environments"] if name in row["environments"]]:
            sides = phrases.release(row["environments"][name])
            yield _line(4, f"{name.ljust(width)}  ", ("" if len(sides) > 1 else "dim", " → ".join(sides)))


def indexes(plan: Plan) -> Lines:
    for row in plan["indexes"]:
        yield _line(2, ("bold", row["source"]), f", {row['mode']}: {one_line(row['why'], 1000)}")
        yield _line(4, phrases.joined(phrases.rebuild(row), phrases.only_in(row, plan)))
        yield from _dim(4, one_line(row["basis"], 1000))


def evaluations(plan: Plan) -> Lines:
    for row in plan["evaluations"]:
        sentence = phrases.joined(phrases.evaluation(row, FEW), phrases.only_in(row, plan))
        yield _line(2, ("bold", row["evaluation"]), f": {sentence}")


def findings(plan: Plan) -> Lines:
    for row in phrases.gravest_first(plan["findings"]["new"]):
        yield from _finding(row, plan)
    for row in phrases.gravest_first(plan["findings"]["gone"]):
        yield _line(2, ("dim", f"gone: {phrases.kind_of(row)}[{phrases.name_of(row)}]: {one_line(row['message'], 1000)}"))


def _finding(row: Row, plan: Plan) -> Lines:
    kind = phrases.kind_of(row)
    yield _line(2, (kind, f"{kind}[{phrases.name_of(row)}]"), ("bold", f": {one_line(row['message'], 1000)}"))
    because = "the policy changed, not the resource" if row["because"] == "policy" else ""
    about = f"{row['resource']} {row['path']}".strip()
    place = f"--> {row['file']}:{row['line']}"
    yield from _dim(4, one_line(phrases.joined(place, about, phrases.only_in(row, plan), because), 2000))
    advice = ("waived", row["waived"]) if row["waived"] else ("help", row["hint"])
    if advice[1]:
        yield _line(4, ("help", f"{advice[0]}: "), one_line(advice[1], 1000))


def policies(plan: Plan) -> Lines:
    for row in plan["policies"]:
        sign = SIGNS[row["operation"]]
        where = phrases.only_in(row, plan)
        yield _line(2, (sign, f"{sign} "), ("bold", row["policy"]), f" {where}".rstrip())
        for style, words, names in (("error", "starts to fail", row["starts"]), ("help", "fails no longer", row["stops"])):
            if names:
                yield _line(4, (style, f"{words}: "), _names(names))
        if not row["starts"] and not row["stops"]:
            yield from _dim(4, "no resource starts or stops failing")


def costs(plan: Plan) -> Lines:
    for row in plan["costs"]:
        yield _line(2, ("bold", row["application"]), f": {phrases.joined(phrases.cost(row), phrases.only_in(row, plan))}")
        yield from _dim(4, phrases.load(row))


def reviewers(plan: Plan) -> Lines:
    for row in plan["reviewers"]:
        handle = f" ({row['handle']})" if row["handle"] and row["handle"] != row["owner"] else ""
        yield _line(2, ("bold", one_line(f"{row['owner']}{handle}")), f": {one_line(phrases.capped(row['why'], FEW, '; '), 2000)}")


def matrix(plan: Plan) -> Lines:
    for resource, rows in groupby(plan["matrix"], lambda row: row["resource"]):
        yield _line(2, ("bold", resource))
        for row in rows:
            shared = phrases.values_by_environment(row, plan, lambda value: value_text(value, SHORT))
            spans = [part for names, value in shared for part in ("; ", ("dim", f"{names} "), value)][1:]
            yield _line(4, f"{one_line(row['path'])}: ", *spans)


def moves(plan: Plan) -> Lines:
    """Fields only: their values stand among the changes."""
    for resource, rows in groupby(plan["promotion"]["moves"] if plan["promotion"] else (), lambda row: row["resource"]):
        yield _line(2, ("bold", resource), f": {_names([row['path'] for row in rows])}")


def stays(plan: Plan) -> Lines:
    for resource, rows in groupby(plan["promotion"]["stays"] if plan["promotion"] else (), lambda row: row["resource"]):
        yield _line(2, ("bold", resource))
        for row in rows:
            kept, other = phrases.kept(row, lambda value: value_text(value, SHORT))
            yield _line(4, f"{one_line(row['path'])}: {kept}", ("dim", f"; {plan['head']['environment']} has {other}"))


def lock(plan: Plan) -> Lines:
    for words, style in (("published", "help"), ("rewritten", "error"), ("removed", "error")):
        if plan["lock"][words]:
            yield _line(2, (style, f"{words}: "), one_line(phrases.capped(plan["lock"][words], 50), 5000))


def evidence(plan: Plan) -> Lines:
    for application, rows in groupby(plan["evidence"], lambda row: row["application"]):
        yield _line(2, ("bold", application))
        for row in rows:
            found = [phrases.result(entry) for entry in row["entries"]] or ["it names no evaluation"]
            yield from (_line(4, f"{row['environment']} {phrases.short(row['release'])}: {one_line(text, 1000)}") for text in found)


SECTIONS: Mapping[str, Callable[[Plan], Lines]] = {
    "Changes": changes,
    "Also reached": reach,
    "Releases": releases,
    "Indexes to fill": indexes,
    "Evaluations to run": evaluations,
    "Findings": findings,
    "Policies that change": policies,
    "Cost a day": costs,
    "Reviewers": reviewers,
    "What differs between the environments": matrix,
    "Promoted": moves,
    "Stays as the environment has it": stays,
    "llmops.lock": lock,
    "Evaluation gate": evidence,
}
"""Title → its lines; one without lines does not appear."""
