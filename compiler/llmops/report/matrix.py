"""The enforcement matrix as people and programs read it: rule x engine x stage of a workspace, or every cell there is."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass

import orjson

from llmops.enforcement import ACTIONS, Cell
from llmops.report.excerpt import cells, visible
from llmops.report.palette import Palette

WIDTH = 100
SHOWN = {"native": "native", "adapted": "adapted", "impossible": "no"}
PAINTED = {"native": "help", "adapted": "bold", "impossible": "error"}
LEFT_OUT = "-"
"""Stands where the rule's own field `engines` leaves an engine out."""


@dataclass(frozen=True, slots=True)
class Place:
    """How one engine enforces a rule at one stage. `level` is empty where the rule leaves the engine out."""

    engine: str
    stage: str
    level: str
    reason: str
    remedy: str


@dataclass(frozen=True, slots=True)
class RuleLine:
    """A rule with its places. `source` is `file:line`."""

    policy: str
    rule: str
    detector: str
    action: str
    mode: str
    source: str
    places: tuple[Place, ...]


def text_matrix(rules: Sequence[RuleLine], *, colour: bool = False) -> str:
    """A table a policy, then why a part is adapted or impossible; no line is wider than 100 columns where names are short."""
    palette = Palette(colour)
    return "\n".join(part for policy in _policies(rules) for part in _policy_text(policy, palette))


def _policies(rules: Sequence[RuleLine]) -> Iterator[list[RuleLine]]:
    for name in dict.fromkeys(rule.policy for rule in rules):
        yield [rule for rule in rules if rule.policy == name]


def _policy_text(rules: Sequence[RuleLine], palette: Palette) -> Iterator[str]:
    engines = list(dict.fromkeys(place.engine for rule in rules for place in rule.places))
    rows = [["RULE", "DETECTOR", "ACTION", "STAGE", *(engine.upper() for engine in engines)]]
    rows += [row for rule in rules for row in _rule_rows(rule, engines)]
    yield palette.paint("bold", f"SafetyPolicy/{visible(rules[0].policy)}")
    yield _table(rows, palette)
    yield _reasons(_explained(rules), palette)


def _rule_rows(rule: RuleLine, engines: Sequence[str]) -> Iterator[list[str]]:
    action = f"{rule.action} (monitor)" if rule.mode == "monitor" else rule.action
    for number, stage in enumerate(dict.fromkeys(place.stage for place in rule.places)):
        first = [visible(rule.rule), rule.detector, action] if number == 0 else ["", "", ""]
        levels = {place.engine: place.level for place in rule.places if place.stage == stage}
        yield [*first, stage, *(SHOWN.get(levels.get(engine, ""), LEFT_OUT) for engine in engines)]


def _table(rows: Sequence[Sequence[str]], palette: Palette) -> str:
    widths = [max(cells(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = [
        "  ".join(_padded(cell, width, palette, header=number == 0) for cell, width in zip(row, widths, strict=True)).rstrip()
        for number, row in enumerate(rows)
    ]
    return "\n".join(f"  {line}" for line in lines) + "\n"


def _padded(cell: str, width: int, palette: Palette, *, header: bool) -> str:
    style = "dim" if header else next((PAINTED[level] for level, shown in SHOWN.items() if shown == cell), "")
    painted = palette.paint(style, cell) if style else cell
    return painted + " " * (width - cells(cell))


def _explained(rules: Iterable[RuleLine]) -> Iterator[tuple[str, str]]:
    for rule in rules:
        for place in rule.places:
            yield f"{rule.detector} on {place.engine}", f"{place.reason} {place.remedy}".strip()


def _reasons(reasons: Iterable[tuple[str, str]], palette: Palette) -> str:
    """Each reason once, under what it is about."""
    lines = []
    for subject, reason in dict.fromkeys(reasons):
        lines += textwrap.wrap(f"{subject}: {visible(reason)}", WIDTH, initial_indent="  ", subsequent_indent="      ")
    return palette.paint("dim", "\n".join(lines)) + "\n"


def markdown_matrix(rules: Sequence[RuleLine]) -> str:
    """One table; the reason stands beside each level."""
    head = ["| policy | rule | detector | action | stage | engine | enforced | why |", "|---|---|---|---|---|---|---|---|"]
    rows = [_markdown_row(rule, place) for rule in rules for place in rule.places]
    return "\n".join([*head, *rows]) + "\n"


def _markdown_row(rule: RuleLine, place: Place) -> str:
    names = (rule.policy, rule.rule, rule.detector, rule.action, place.stage, place.engine, SHOWN.get(place.level, LEFT_OUT))
    return f"| {' | '.join([*(visible(name) for name in names), _cell(f'{place.reason} {place.remedy}')])} |"


def _cell(text: str) -> str:
    return visible(text).strip().replace("|", "\\|")


def json_matrix(rules: Sequence[RuleLine]) -> str:
    """A list of rules, each with its `places`."""
    return orjson.dumps([asdict(rule) for rule in rules], option=orjson.OPT_INDENT_2).decode() + "\n"


def all_text(matrix: Iterable[Cell], *, colour: bool = False) -> str:
    """Every detector x engine x stage x action; stages with equal cells share a line."""
    palette, every = Palette(colour), list(matrix)
    rows = [["DETECTOR", "ENGINE", "STAGES", *(action.upper() for action in ACTIONS)], *_all_rows(every)]
    reasons = _reasons(((f"{c.kind} on {c.engine}", f"{c.support.reason} {c.support.remedy}".strip()) for c in every), palette)
    return f"{_table(rows, palette)}\n{reasons}"


def _all_rows(every: Sequence[Cell]) -> list[list[str]]:
    found: dict[tuple[str, str], dict[str, list[str]]] = {}
    for cell in every:
        found.setdefault((cell.kind, cell.engine), {}).setdefault(cell.stage, []).append(SHOWN[cell.support.level])
    rows = []
    for kind, engine in sorted(found):
        stages = found[kind, engine]
        for levels in dict.fromkeys(tuple(levels) for levels in stages.values()):
            rows.append([kind, engine, ", ".join(stage for stage in stages if tuple(stages[stage]) == levels), *levels])
    return rows


def all_markdown(matrix: Iterable[Cell]) -> str:
    head = [f"| detector | engine | stages | {' | '.join(ACTIONS)} |", "|---" * (3 + len(ACTIONS)) + "|"]
    return "\n".join([*head, *(f"| {' | '.join(row)} |" for row in _all_rows(list(matrix)))]) + "\n"


def all_json(matrix: Iterable[Cell]) -> str:
    """A list of `{engine, kind, stage, action, level, reason, remedy}`."""
    cells_ = [{"engine": c.engine, "kind": c.kind, "stage": c.stage, "action": c.action, **asdict(c.support)} for c in matrix]
    return orjson.dumps(cells_, option=orjson.OPT_INDENT_2).decode() + "\n"
