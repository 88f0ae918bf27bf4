"""The sections of a plan as HTML for a comment on GitHub: tables, lists and word diffs.

Input: the document. Output: `Section`s with their ranks. Whatever stands in the document goes through `markup`.
"""

from __future__ import annotations

from dataclasses import dataclass

from llmops.report.plans import phrases
from llmops.report.plans.cells import (
    FEW,
    NAME,
    WORDS,
    cost_of,
    evidence_of,
    field_of,
    level_of,
    listed,
    long_values,
    names_of,
    release_of,
    results_of,
    small,
    value_in,
    what,
)
from llmops.report.plans.markup import code, mention, prose
from llmops.report.plans.phrases import Plan, Row
from llmops.report.plans.sections import Section, blocks, bullets, table
from llmops.report.plans.values import SHORT, is_long, value_text

_COLUMN = 24
"""Characters of an environment's name above its column."""


@dataclass(frozen=True, slots=True)
class Parts:
    """Makes the sections. `mention` lets the handles of reviewers notify people."""

    plan: Plan
    mention: bool = False

    def changes(self) -> Section:
        rows = phrases.breaking_first(self.plan["changes"])
        return table("Changes", ("class", "resource", "what"), map(self._change, rows), len(rows))

    def _change(self, row: Row) -> tuple[str, str, str]:
        was = f", {prose(phrases.former(row))}" if row["was"] else ""
        place = listed(code(row["owner"], NAME), code(f"{row['file']}:{row['line']}", NAME), self._where(row))
        name = f"<strong>{code(row['resource'], NAME)}</strong>{was}<br><sub>{place}</sub>"
        return level_of(row["class"], "direct"), name, what(row)

    def _where(self, row: Row) -> str:
        return prose(phrases.only_in(row, self.plan))

    def texts(self) -> Section:
        """What is too long for a cell; open where there are few."""
        found = [(row, field) for row in phrases.breaking_first(self.plan["changes"]) for field in row["fields"] if is_long(field)]
        opened = " open" if len(found) <= 3 else ""
        made = (
            f"<details{opened}><summary>{code(row['resource'], NAME)} {code(field['path'], NAME)}</summary>{long_values(field)}</details>"
            for row, field in found
        )
        return blocks("Texts and long values", made, len(found))

    def reach(self) -> Section:
        rows = phrases.breaking_first(self.plan["reach"])
        return table("Also reached", ("class", "resource", "through"), map(self._reached, rows), len(rows), folded=True)

    def _reached(self, row: Row) -> tuple[str, str, str]:
        place = listed(code(row["owner"], NAME), self._where(row))
        name = f"{code(row['resource'], NAME)}<br><sub>{place}</sub>"
        return level_of(row["class"], "indirect"), name, names_of(row["through"])

    def releases(self) -> Section:
        names = self.plan["environments"][:FEW]
        rows = self.plan["applications"]
        columns = ("application", *(code(name, _COLUMN) for name in names))
        made = ((self._application(row), *(release_of(row["environments"].get(name)) for name in names)) for row in rows)
        return table("Releases", columns, made, len(rows), folded=True)

    def _application(self, row: Row) -> str:
        return code(row["application"], NAME) + small(row["class"] or "")

    def indexes(self) -> Section:
        rows = self.plan["indexes"]
        made = ((self._index(row), prose(phrases.rebuild(row)) + small(prose(row["basis"]))) for row in rows)
        return table("Indexes to fill", ("index", "work"), made, len(rows))

    def _index(self, row: Row) -> str:
        return f"{code(row['source'], NAME)}<br><sub>{listed(prose(row['mode']), self._where(row), prose(row['why']))}</sub>"

    def evaluations(self) -> Section:
        rows = self.plan["evaluations"]
        made = (f"{code(row['evaluation'], NAME)}: {listed(prose(phrases.evaluation(row, FEW), 600), self._where(row))}" for row in rows)
        return bullets("Evaluations to run", made, len(rows))

    def findings(self) -> Section:
        rows = phrases.gravest_first(self.plan["findings"]["new"])
        return table("New findings", ("", "finding", "where"), map(self._finding, rows), len(rows))

    def _finding(self, row: Row) -> tuple[str, str, str]:
        advice = prose(f"waived: {row['waived']}" if row["waived"] else row["hint"])
        because = "the policy changed, not the resource" if row["because"] == "policy" else ""
        name = f"<strong>{code(phrases.name_of(row), NAME)}</strong> {prose(row['message'])}"
        about = code(f"{row['resource']} {row['path']}".strip(), NAME) if row["resource"] or row["path"] else ""
        kind = "<strong>error</strong>" if phrases.kind_of(row) == "error" else phrases.kind_of(row)
        place = small(listed(about, self._where(row), because))
        return kind, name + small(advice), code(f"{row['file']}:{row['line']}", NAME) + place

    def gone(self) -> Section:
        rows = phrases.gravest_first(self.plan["findings"]["gone"])
        made = (f"{phrases.kind_of(row)} {code(phrases.name_of(row), NAME)} {prose(row['message'])}" for row in rows)
        return bullets("Findings that are gone", made, len(rows), folded=True)

    def policies(self) -> Section:
        rows = self.plan["policies"]
        made = ((self._policy(row), names_of(row["starts"]), names_of(row["stops"])) for row in rows)
        return table("Policies that change", ("policy", "starts to fail", "fails no longer"), made, len(rows))

    def _policy(self, row: Row) -> str:
        return code(row["policy"], NAME) + small(listed(WORDS[row["operation"]], self._where(row)))

    def costs(self) -> Section:
        rows = self.plan["costs"]
        made = ((code(row["application"], NAME) + small(self._where(row)), cost_of(row)) for row in rows)
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
        return shown if handle == owner else f"{shown} ({code(owner, NAME)})"

    def matrix(self) -> Section:
        names, rows = self.plan["environments"][:FEW], self.plan["matrix"]
        columns = ("field", *(code(name, _COLUMN) for name in names))
        made = ((field_of(row), *(value_in(row["values"], name) for name in names)) for row in rows)
        return table("What differs between the environments", columns, made, len(rows), folded=True)

    def moves(self) -> Section:
        rows = self.plan["promotion"]["moves"] if self.plan["promotion"] else []
        return bullets("Promoted", (field_of(row, " ") for row in rows), len(rows), folded=True)

    def stays(self) -> Section:
        rows = self.plan["promotion"]["stays"] if self.plan["promotion"] else []
        sides = (phrases.kept(row, lambda data: value_text(data, SHORT)) for row in rows)
        made = ((field_of(row), *(code(text) for text in both)) for row, both in zip(rows, sides, strict=False))
        return table("Stays as the environment has it", ("field", "stays", "not taken over"), made, len(rows), folded=True)

    def lock(self) -> Section:
        found = [(words, names) for words, names in self.plan["lock"].items() if names]
        return bullets("<code>llmops.lock</code>", (f"{words}: {names_of(names)}" for words, names in found), len(found), folded=True)

    def evidence(self) -> Section:
        rows = self.plan["evidence"]
        made = ((evidence_of(row), results_of(row)) for row in rows)
        return table("Evaluation gate", ("release", "evidence"), made, len(rows), folded=True)
