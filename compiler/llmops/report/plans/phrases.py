"""What a plan says in sentences, the same in every form: the headline, amounts, what is to be done.

Input: the document or one of its rows. Output: text that still holds other people's words: whoever prints it escapes it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

Plan = Mapping[str, Any]
Row = Mapping[str, Any]

CLASSES = ("breaking", "behaviour", "metadata")
"""The gravest first."""
SIGNS = {"create": "+", "add": "+", "update": "~", "change": "~", "remove": "-"}
"""How an operation is drawn."""
SHORT_COMMIT = 8
_PLURALS = {"index": "indexes"}
_UNITS = ((90, 1, "s"), (90 * 60, 60, "min"), (48 * 3600, 3600, "h"), (float("inf"), 86400, "days"))
"""Seconds below which a unit is used, how many it has, its name."""


def is_empty(plan: Plan) -> bool:
    """Whether there is nothing to tell: no resource, policy, finding or lock entry differs, and nothing moves."""
    lists = ("changes", "reach", "applications", "indexes", "policies", "costs")
    moves = plan["promotion"]["moves"] if plan["promotion"] else ()
    return not (any(plan[name] for name in lists) or any(plan["findings"].values()) or any(plan["lock"].values()) or moves)


def headline(plan: Plan) -> str:
    """`breaking: 2 changes reach 1 application in dev, staging, prod`."""
    summary, where = plan["summary"], listed(plan["environments"])
    if plan["blocked"]:
        errors = sum(row["severity"] == "error" and not row["waived"] for row in plan["findings"]["new"])
        return f"not known: {counted(errors, 'new error')} hide{'s' if errors == 1 else ''} what changes in {where}"
    if is_empty(plan):
        return f"nothing changes in {where}"
    if summary["class"] is None:
        return f"no resource changes in {where}"
    verb = "reaches" if summary["changes"] == 1 else "reach"
    reached = counted(summary["applications"], "application") if summary["applications"] else "no application"
    return f"{summary['class']}: {counted(summary['changes'], 'change')} {verb} {reached} in {where}"


def compared(plan: Plan) -> str:
    """Which two things the plan is about."""
    if plan["head"]["environment"] and plan["base"]["environment"]:
        return f"{plan['head']['environment']} promoted to {plan['base']['environment']}"
    return f"{_named(plan['head'])} against {_named(plan['base'])}"


def _named(side: Row) -> str:
    name, commit = side["name"], side["commit"]
    return name if commit is None or commit.startswith(name) else f"{name} ({commit[:SHORT_COMMIT]})"


def outlook(plan: Plan) -> str:
    """What has to be done or decided, in one sentence; empty where there is nothing."""
    return "; ".join(_tasks(plan))


def _tasks(plan: Plan) -> Iterator[str]:
    errors = [row for row in plan["findings"]["new"] if row["severity"] == "error" and not row["waived"]]
    warnings = [row for row in plan["findings"]["new"] if row["severity"] == "warning" and not row["waived"]]
    chunks, dollars = sum(row["chunks"] for row in plan["indexes"]), [row["dollars"] for row in plan["indexes"]]
    yield from _several(len(errors), "new error")
    yield from _several(len(warnings), "new warning")
    if plan["indexes"]:
        cost = f" for {money(sum(dollars))}" if None not in dollars else ""
        yield f"{counted(len(plan['indexes']), 'index')} to fill with {counted(chunks, 'chunk')}{cost}"
    yield from (f"{tasks} to run" for tasks in _several(len(plan["evaluations"]), "evaluation"))
    yield from (f"{people} to review" for people in _several(len(plan["reviewers"]), "owner"))


def _several(count: int, word: str) -> Iterator[str]:
    if count:
        yield counted(count, word)


def counted(count: int, word: str) -> str:
    """`1 chunk`, `60,900 tokens`, `2 indexes`."""
    return f"{count:,} {word if count == 1 else _PLURALS.get(word, f'{word}s')}"


def listed(names: Iterable[str]) -> str:
    return ", ".join(names)


def capped(names: Sequence[str], most: int, between: str = ", ") -> str:
    """A list of which the end is left out and counted."""
    more = len(names) - most
    return between.join(names[:most]) + (f" and {more:,} more" if more > 0 else "")


def only_in(row: Row, plan: Plan) -> str:
    """`only in prod`, where a row is not about every planned environment."""
    return "" if set(row["environments"]) >= set(plan["environments"]) else f"only in {listed(row['environments'])}"


def joined(*parts: str) -> str:
    """The parts that are not empty, as one sentence."""
    return "; ".join(part for part in parts if part)


def money(dollars: float) -> str:
    """`$0.0012`, `$1.50`, `$1,200`."""
    sign, amount = "-" if dollars < 0 else "", abs(dollars)
    if amount >= 0.1:
        return f"{sign}${amount:,.2f}" if amount < 1000 else f"{sign}${amount:,.0f}"
    digits = f"{float(f'{amount:.2g}'):.6f}".rstrip("0").rstrip(".")
    return "$0" if digits == "0" else f"{sign}${digits}"


def duration(seconds: float) -> str:
    """`21 s`, `4 min`, `3.5 h`, `12 days`."""
    if seconds < 1:
        return "less than 1 s"
    _, size, unit = next(row for row in _UNITS if seconds < row[0])
    amount = seconds / size
    return f"{amount:,.1f} {unit}" if amount < 10 and unit != "s" else f"{amount:,.0f} {unit}"


def short(digest: str | None) -> str:
    """The first digits of a hash."""
    return "none" if digest is None else digest.removeprefix("sha256:")[:12]


def release(both: Mapping[str, str | None]) -> tuple[str, ...]:
    """The hashes of a release that changes, before and after; one word where it does not, or where one is missing."""
    before, after = both["before"], both["after"]
    if before == after:
        return ("unchanged",) if after else ("none",)
    return short(before), short(after)


def rebuild(row: Row) -> str:
    """`re-embeds 812 chunks of 33 documents, about 21 s, $0.0012`."""
    amounts = [f"re-embeds {counted(row['chunks'], 'chunk')} of {counted(row['documents'], 'document')}"]
    amounts.append(f"{row['tokens']:,} tokens")
    amounts.append("time not known" if row["seconds"] is None else f"about {duration(row['seconds'])}")
    amounts.append("price not known" if row["dollars"] is None else money(row["dollars"]))
    return ", ".join(amounts)


def evaluation(row: Row, most: int) -> str:
    """`10 cases, 3 repeats for Application/x, $0.02, blocks a release`."""
    often = f", {row['repeats']} repeats" if row["repeats"] > 1 else ""
    price = "price not known" if row["dollars"] is None else money(row["dollars"])
    names = capped(row["applications"], most)
    return f"{counted(row['cases'], 'case')}{often} for {names}, {price}, {'blocks a release' if row['blocking'] else 'blocks nothing'}"


def cost(row: Row) -> str:
    """`$0.46 → $0.58 (+$0.12)`, or what is known of it."""
    sides = " → ".join("none" if side is None else _price(side["dollars"]) for side in (row["before"], row["after"]))
    delta = row["delta"]
    if delta is None:
        return sides
    return f"{sides} ({'+' if delta > 0 else ''}{money(delta)})" if delta else f"{sides} (the same)"


def _price(dollars: float | None) -> str:
    return "not known" if dollars is None else money(dollars)


def load(row: Row) -> str:
    """What the cost of a day comes from: `5,000 requests of 900 → 950 input and 64 output tokens`."""
    sides = [side for side in (row["before"], row["after"]) if side]
    if not sides:
        return ""
    amounts = {name: list(dict.fromkeys(f"{side[name]:,}" for side in sides)) for name in ("requests", "input_tokens", "output_tokens")}
    requests, given, got = (" → ".join(amount) for amount in amounts.values())
    return f"{requests} requests of {given} input and {got} output tokens"


def former(row: Row) -> str:
    """What a changed resource was called; for another version of the same name the version."""
    if not row["was"]:
        return ""
    name, _, version = row["was"].partition("@")
    return f"was {version}" if version and name == row["resource"].partition("@")[0] else f"was {row['was']}"


def breaking_first(changes: Iterable[Row]) -> list[Row]:
    return sorted(changes, key=lambda row: CLASSES.index(row["class"]))


def result(entry: Row) -> str:
    """`Evaluation/x: pass, 60 cases, 2026-11-24`, or what is missing of it: one evaluation that a release must pass."""
    if entry["n"] is None:
        return f"{entry['evaluation']}: no evidence yet"
    judged = "" if entry["judge"] == "-" else f", judged by {entry['judge'].partition('@')[0]}"
    void = "; void, since the judge has moved" if entry["judge_moved"] else ""
    return f"{entry['evaluation']}: {entry['result']}, {counted(entry['n'], 'case')}, {entry['date']}{judged}{void}"


def name_of(finding: Row) -> str:
    """The policy that is violated, or the code."""
    return str(finding["policy"] or finding["code"])


def kind_of(finding: Row) -> str:
    return "waived" if finding["waived"] else str(finding["severity"])


def gravest_first(findings: Iterable[Row]) -> list[Row]:
    """Errors, warnings, notes, and what is waived."""
    order = ("error", "warning", "note", "waived")
    return sorted(findings, key=lambda row: order.index(kind_of(row)))


def values_by_environment(row: Row, plan: Plan, text: Callable[[Any], str]) -> list[tuple[str, str]]:
    """Environments that share a value, and the value; `text` writes one."""
    found: dict[str, list[str]] = {}
    for environment in plan["environments"]:
        values = row["values"]
        found.setdefault(text(values[environment]) if environment in values else "absent", []).append(environment)
    return [(listed(names), value) for value, names in found.items()]


def kept(row: Row, text: Callable[[Any], str]) -> tuple[str, str]:
    """The value that an environment keeps in a promotion, and the one that the other has; `text` writes one."""
    return (
        "absent" if row["operation"] == "add" else text(row["old"]),
        "absent" if row["operation"] == "remove" else text(row["new"]),
    )
