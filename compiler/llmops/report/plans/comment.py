"""The sections of a plan as HTML for a comment on GitHub: tables, lists and word diffs.

Input: the document. Output: `Section`s with their ranks. Whatever stands in the document goes through `markup`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from llmops.report.plans import phrases
from llmops.report.plans.markup import code, diff, mention, prose, value
from llmops.report.plans.phrases import SIGNS, Plan, Row
from llmops.report.plans.sections import Section, bullets, table
from llmops.report.plans.values import SHORT, is_long, value_text
from llmops.report.plans.wrap import Span, word_spans

FEW = 8
"""Names, fields and environments that stand in one cell."""
NAME = 120
"""Characters of a name, a path or a file that are shown."""
_LONGEST_DIFF = 6000
_SIGNS = {"+": "added", "~": "changed", "-": "removed"}


@dataclass(frozen=True, slots=True)
class Parts:
    """Makes the sections. `mention` lets the handles of reviewers notify people."""

    plan: Plan
    mention: bool = False

    def changes(self) -> Section:
        rows = phrases.breaking_first(self.plan["changes"])
        return table("Changes", ("resource", "what", "class"), map(self._change, rows), len(rows))

    def _change(self, row: Row) -> tuple[str, str, str]:
        was = f", {prose(phrases.former(row))}" if row["was"] else ""
        place = _lines(code(row["owner"], NAME), code(f"{row['file']}:{row['line']}", NAME), self._where(row))
        return f"<strong>{code(row['resource'], NAME)}</strong>{was}<br><sub>{place}</sub>", _what(row), _level(row["class"], "direct")

    def _where(self, row: Row) -> str:
        return prose(phrases.only_in(row, self.plan))

    def texts(self) -> Section:
        """What is too long for a cell; open where there are few."""
        found = [(row, field) for row in phrases.breaking_first(self.plan["changes"]) for field in row["fields"] if is_long(field)]
        opened = " open" if len(found) <= 3 else ""
        made = (
            f"<details{opened}><summary>{code(row['resource'], NAME)} {code(field['path'], NAME)}</summary>{_long(field)}</details>"
            for row, field in found
        )
        return _blocks("Texts and long values", made, len(found))

    def reach(self) -> Section:
        rows = phrases.breaking_first(self.plan["reach"])
        return table("Also reached", ("resource", "through", "class"), map(self._reached, rows), len(rows), folded=True)

    def _reached(self, row: Row) -> tuple[str, str, str]:
        place = _lines(code(row["owner"], NAME), self._where(row))
        return f"{code(row['resource'], NAME)}<br><sub>{place}</sub>", _names(row["through"]), _level(row["class"], "indirect")

    def releases(self) -> Section:
        names = self.plan["environments"][:FEW]
        rows = self.plan["applications"]
        columns = ("application", *(code(name, NAME) for name in names))
        made = ((code(row["application"], NAME), *(_release(row["environments"].get(name)) for name in names)) for row in rows)
        return table("Releases", columns, made, len(rows), folded=True)

    def indexes(self) -> Section:
        rows = self.plan["indexes"]
        made = ((self._index(row), prose(phrases.rebuild(row)) + _small(prose(row["basis"]))) for row in rows)
        return table("Indexes to fill", ("index", "work"), made, len(rows))

    def _index(self, row: Row) -> str:
        return f"{code(row['source'], NAME)}<br><sub>{_lines(prose(row['mode']), self._where(row), prose(row['why']))}</sub>"

    def evaluations(self) -> Section:
        rows = self.plan["evaluations"]
        made = (f"{code(row['evaluation'], NAME)}: {_lines(prose(phrases.evaluation(row, FEW), 600), self._where(row))}" for row in rows)
        return bullets("Evaluations to run", made, len(rows))

    def findings(self) -> Section:
        rows = phrases.gravest_first(self.plan["findings"]["new"])
        return table("New findings", ("", "finding", "where"), map(self._finding, rows), len(rows))

    def _finding(self, row: Row) -> tuple[str, str, str]:
        advice = prose(f"waived: {row['waived']}" if row["waived"] else row["hint"])
        because = "the policy changed, not the resource" if row["because"] == "policy" else ""
        name = f"<strong>{code(phrases.name_of(row), NAME)}</strong> {prose(row['message'])}"
        about = code(f"{row['resource']} {row['path']}".strip(), NAME) if row["resource"] or row["path"] else ""
        place = _small(_lines(about, self._where(row), because))
        return phrases.kind_of(row), name + _small(advice), code(f"{row['file']}:{row['line']}", NAME) + place

    def gone(self) -> Section:
        rows = phrases.gravest_first(self.plan["findings"]["gone"])
        made = (f"{phrases.kind_of(row)} {code(phrases.name_of(row), NAME)} {prose(row['message'])}" for row in rows)
        return bullets("Findings that are gone", made, len(rows), folded=True)

    def policies(self) -> Section:
        rows = self.plan["policies"]
        made = ((self._policy(row), _names(row["starts"]), _names(row["stops"])) for row in rows)
        return table("Policies that change", ("policy", "starts to fail", "fails no longer"), made, len(rows))

    def _policy(self, row: Row) -> str:
        return code(row["policy"], NAME) + _small(_lines(_SIGNS[SIGNS[row["operation"]]], self._where(row)))

    def costs(self) -> Section:
        rows = self.plan["costs"]
        made = ((code(row["application"], NAME) + _small(self._where(row)), _cost(row)) for row in rows)
        return table("Cost a day", ("application", "cost"), made, len(rows))

    def reviewers(self) -> Section:
        rows = self.plan["reviewers"]
        made = (f"{self._person(row)}: {prose(phrases.capped(row['why'], FEW, '; '), 600)}" for row in rows)
        return bullets("Reviewers", made, len(rows))

    def _person(self, row: Row) -> str:
        owner, handle = row["owner"], row["handle"]
        if not handle:
            return code(owner, NAME)
        shown = mention(handle) if self.mention else code(handle, NAME)
        return shown if handle == owner else f"{shown} (<code>{code(owner, NAME)[6:]})"

    def matrix(self) -> Section:
        names, rows = self.plan["environments"][:FEW], self.plan["matrix"]
        columns = ("field", *(code(name, NAME) for name in names))
        made = ((_field_of(row), *(_cell(row["values"], name) for name in names)) for row in rows)
        return table("What differs between the environments", columns, made, len(rows), folded=True)

    def moves(self) -> Section:
        rows = self.plan["promotion"]["moves"] if self.plan["promotion"] else []
        return bullets("Promoted", (_field_of(row, " ") for row in rows), len(rows), folded=True)

    def stays(self) -> Section:
        rows = self.plan["promotion"]["stays"] if self.plan["promotion"] else []
        sides = (phrases.kept(row, lambda data: value_text(data, SHORT)) for row in rows)
        made = ((_field_of(row), *(code(text) for text in both)) for row, both in zip(rows, sides, strict=False))
        return table("Stays as the environment has it", ("field", "stays", "not taken over"), made, len(rows), folded=True)

    def lock(self) -> Section:
        found = [(words, names) for words, names in self.plan["lock"].items() if names]
        return bullets("<code>llmops.lock</code>", (f"{words}: {_names(names)}" for words, names in found), len(found), folded=True)

    def evidence(self) -> Section:
        rows = self.plan["evidence"]
        made = ((_evidence_of(row), _results(row)) for row in rows)
        return table("Evaluation gate", ("release", "evidence"), made, len(rows), folded=True)


def _lines(*parts: str) -> str:
    return ", ".join(part for part in parts if part)


def _small(text: str) -> str:
    return f"<br><sub>{text}</sub>" if text else ""


def _names(names: list[str]) -> str:
    more = len(names) - FEW
    shown = ", ".join(code(name, NAME) for name in names[:FEW])
    return f"{shown} and {more:,} more" if more > 0 else shown


def _level(level: str, way: str) -> str:
    return f"<strong>{level}</strong><br><sub>{way}</sub>" if level == "breaking" else f"{level}<br><sub>{way}</sub>"


def _what(row: Row) -> str:
    """Fields and files of a change, a line each."""
    words = {"create": "new", "remove": "gone", "update": ""}[row["operation"]]
    fields = [_short(field, row["class"]) for field in row["fields"][:FEW]]
    files = [f"{_SIGNS[SIGNS[file['operation']]]} {code(file['path'], NAME)}" for file in row["files"][:FEW]]
    left = [(len(row["fields"]) - FEW, "more field"), (len(row["files"]) - FEW, "more file")]
    more = [f"and {phrases.counted(count, word)}" for count, word in left if count > 0]
    return "<br>".join([*([words] if words else []), *fields, *files, *more])


def _short(row: Row, level: str) -> str:
    """A field with its values, or with what happens to them where they are long."""
    what = f"{_SIGNS[SIGNS[row['operation']]]}, see below" if is_long(row) else " → ".join(_sides(row))
    mark = "" if row["class"] == level else f" ({row['class']})"
    note = f", <strong>{prose(row['note'])}</strong>" if row["note"] else ""
    return f"{code(row['path'], NAME)}: {what}{mark}{note}"


def _sides(row: Row) -> Iterator[str]:
    if row["operation"] != "add":
        yield f"<del>{value(row['old'], SHORT)}</del>"
    if row["operation"] != "remove":
        yield f"<ins>{value(row['new'], SHORT)}</ins>"


def _long(row: Row) -> str:
    if row["words"]:
        return diff(_cut(list(word_spans(row["words"]))))
    old = [] if row["operation"] == "add" else [("removed", value_text(row["old"]))]
    new = [] if row["operation"] == "remove" else [("added", value_text(row["new"]))]
    return diff([*old, *([("", "\n")] if old and new else []), *new])


def _cut(spans: list[Span]) -> Iterator[Span]:
    """The spans up to the longest diff, and how much of it there is."""
    total, used = sum(len(text) for _, text in spans), 0
    for style, text in spans:
        yield style, text[: _LONGEST_DIFF - used]
        used += len(text)
        if used > _LONGEST_DIFF:
            yield "", f"… ({total:,} characters)"
            return


def _blocks(title: str, made: Iterator[str], total: int) -> Section:
    listed = bullets(title, made, total)
    rows = tuple(row.removeprefix("<li>").removesuffix("</li>") for row in listed.rows)
    return Section(title, rows, total, "<div>", "</div>", False)


def _release(both: Mapping[str, str | None] | None) -> str:
    sides = phrases.release(both or {"before": None, "after": None})
    return " → ".join(map(_hash, sides))


def _hash(text: str) -> str:
    return text if text in ("none", "unchanged") else code(text)


def _cost(row: Row) -> str:
    return prose(phrases.cost(row)) + _small(prose(phrases.load(row)))


def _field_of(row: Row, between: str = "<br>") -> str:
    return f"{code(row['resource'], NAME)}{between}{code(row['path'], NAME)}"


def _cell(values: Mapping[str, Any], name: str) -> str:
    return value(values[name], SHORT) if name in values else "absent"


def _evidence_of(row: Row) -> str:
    return f"{code(row['application'], NAME)}<br><sub>{code(row['environment'], NAME)}, {code(phrases.short(row['release']))}</sub>"


def _results(row: Row) -> str:
    made = [", ".join(f"{prose(name)} {code(text, SHORT)}" for name, text in list(entry.items())[:FEW]) for entry in row["entries"][:FEW]]
    return "<br>".join(made) or "no evidence yet"


RANKS: Mapping[str, tuple[int, Callable[[Parts], Section]]] = {}
