"""What stands in a cell of the comment, as finished HTML: names, values, fields, word diffs.

Input: rows of the plan's document. Whatever stands in them goes through `markup`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from llmops.report.plans import phrases
from llmops.report.plans.markup import code, diff, prose, value
from llmops.report.plans.phrases import Row
from llmops.report.plans.values import SHORT, is_long, value_text
from llmops.report.plans.wrap import Span, word_spans

FEW = 8
"""Names, fields and environments that stand in one cell."""
NAME = 120
"""Characters of a name, a path or a file that are shown."""
LONGEST_DIFF = 6000
WORDS = {"create": "new", "update": "changed", "add": "added", "change": "changed", "remove": "removed"}
"""How an operation is called."""


def listed(*parts: str) -> str:
    return "; ".join(part for part in parts if part)


def small(text: str) -> str:
    return f"<br><sub>{text}</sub>" if text else ""


def names_of(names: Sequence[str]) -> str:
    if not names:
        return "none"
    more = len(names) - FEW
    shown = ", ".join(code(name, NAME) for name in names[:FEW])
    return f"{shown} and {more:,} more" if more > 0 else shown


def level_of(level: str, way: str) -> str:
    return f"<strong>{level}</strong><br><sub>{way}</sub>" if level == "breaking" else f"{level}<br><sub>{way}</sub>"


def what(row: Row) -> str:
    """Fields and files of a change, a line each."""
    fields = [_short(field, row["class"]) for field in row["fields"][:FEW]]
    files = [f"{WORDS[file['operation']]} {code(file['path'], NAME)}" for file in row["files"][:FEW]]
    left = [(len(row["fields"]) - FEW, "more field"), (len(row["files"]) - FEW, "more file")]
    more = [f"and {phrases.counted(count, word)}" for count, word in left if count > 0]
    return "<br>".join([*([] if row["operation"] == "update" else [WORDS[row["operation"]]]), *fields, *files, *more])


def _short(row: Row, level: str) -> str:
    """A field with its values, or with what happens to them where they are long."""
    what = f"{WORDS[row['operation']]}, see below" if is_long(row) else _values(row)
    mark = "" if row["class"] == level else f" ({row['class']})"
    note = f", <strong>{prose(row['note'])}</strong>" if row["note"] else ""
    return f"{code(row['path'], NAME)}: {what}{mark}{note}"


def _values(row: Row) -> str:
    if row["operation"] == "change":
        return f"{value(row['old'], SHORT)} → {value(row['new'], SHORT)}"
    side = "new" if row["operation"] == "add" else "old"
    return f"{WORDS[row['operation']]} {value(row[side], SHORT)}"


def long_values(row: Row) -> str:
    if row["words"]:
        return diff(_cut(list(word_spans(row["words"]))))
    old = [] if row["operation"] == "add" else [("removed", value_text(row["old"]))]
    new = [] if row["operation"] == "remove" else [("added", value_text(row["new"]))]
    return diff([*old, *([("", "\n")] if old and new else []), *new])


def _cut(spans: list[Span]) -> Iterator[Span]:
    """The spans up to the longest diff, and how much of it there is."""
    total, used = sum(len(text) for _, text in spans), 0
    for style, text in spans:
        yield style, text[: LONGEST_DIFF - used]
        used += len(text)
        if used > LONGEST_DIFF:
            yield "", f"… ({total:,} characters)"
            return


def release_of(both: Mapping[str, str | None] | None) -> str:
    sides = phrases.release(both or {"before": None, "after": None})
    return " → ".join(map(_hash, sides))


def _hash(text: str) -> str:
    return text if text in ("none", "unchanged") else code(text)


def cost_of(row: Row) -> str:
    return prose(phrases.cost(row)) + small(prose(phrases.load(row)))


def field_of(row: Row, between: str = "<br>") -> str:
    return f"{code(row['resource'], NAME)}{between}{code(row['path'], NAME)}"


def value_in(values: Mapping[str, Any], name: str) -> str:
    return value(values[name], SHORT) if name in values else "absent"


def evidence_of(row: Row) -> str:
    return f"{code(row['application'], NAME)}<br><sub>{code(row['environment'], NAME)}, {code(phrases.short(row['release']))}</sub>"


def results_of(row: Row) -> str:
    return "<br>".join(prose(phrases.result(entry), 600) for entry in row["entries"][:FEW]) or "it names no evaluation"
