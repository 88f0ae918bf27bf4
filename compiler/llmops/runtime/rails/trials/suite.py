"""A suite file: JSON Lines with a text, where it is seen, which rule or category it is for, and whether that is to hit it.

Input: the file's text and what the policies declare. Output: `Row`s and `Trial`s; every bad row is a located `Mistake`.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, get_args

import orjson

from llmops.runtime.rails.rails import STAGES
from llmops.runtime.rails.trials.trial import Expectation, Trial

FIELDS = ("text", "stage", "rule", "category", "expect", "context", "prompt", "note")
EXPECTATIONS: tuple[Expectation, ...] = get_args(Expectation)


@dataclass(frozen=True, slots=True)
class Mistake:
    """What is wrong with a row. `source` is `file:line`."""

    source: str
    message: str


@dataclass(frozen=True, slots=True)
class Row:
    """A row of a suite. Either `rule` or `category` is empty. `note` says what is hard about the text."""

    source: str
    text: str
    stage: str
    expect: Expectation
    rule: str = ""
    category: str = ""
    context: tuple[str, ...] = ()
    prompt: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Target:
    """A rule of a policy as a suite can name it. `categories` are its entries in catalogues, as `LLM01`."""

    policy: str
    rule: str
    stages: tuple[str, ...]
    engines: tuple[str, ...]
    categories: tuple[str, ...] = ()


def read_suite(name: str, content: str) -> tuple[list[Row], list[Mistake]]:
    """The rows of a suite; `name` is how the file is called in messages. An empty suite is a mistake: it would prove nothing."""
    rows: list[Row] = []
    mistakes: list[Mistake] = []
    for number, line in enumerate(content.splitlines(), 1):
        if not line.strip():
            continue
        source = f"{name}:{number}"
        data, wrong = _parsed(line)
        mistakes += [Mistake(source, message) for message in wrong]
        if not wrong:
            rows.append(Row(source, **data))
    if not rows and not mistakes:
        mistakes.append(Mistake(f"{name}:1", "the suite has no rows"))
    return rows, mistakes


def _parsed(line: str) -> tuple[dict[str, Any], list[str]]:
    try:
        data = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        return {}, [f"the row is not JSON: {error}"]
    if not isinstance(data, dict):
        return {}, ["the row is not a JSON object"]
    wrong = [*_unknown(data), *_mistyped(data), *_missing(data)]
    return ({**data, "context": tuple(data.get("context", ()))}, []) if not wrong else ({}, wrong)


def _unknown(data: Mapping[str, Any]) -> Iterator[str]:
    yield from (f"unknown field {key!r}{_near(key, FIELDS)}" for key in data if key not in FIELDS)


def _mistyped(data: Mapping[str, Any]) -> Iterator[str]:
    for key in FIELDS:
        value = data.get(key, "")
        if key == "context" and key in data:
            if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
                yield "'context' is not a list of texts"
        elif not isinstance(value, str):
            yield f"{key!r} is not a text"


def _missing(data: Mapping[str, Any]) -> Iterator[str]:
    """What a row needs: a text (it may be empty), a stage, an expectation, and one of rule and category."""
    if "text" not in data:
        yield "'text' is missing"
    if data.get("stage") not in STAGES:
        yield f"'stage' is none of {', '.join(STAGES)}"
    if data.get("expect") not in EXPECTATIONS:
        yield f"'expect' is none of {', '.join(EXPECTATIONS)}"
    if bool(data.get("rule")) == bool(data.get("category")):
        yield "a row names either a rule or a category"


def suite_trials(rows: Iterable[Row], targets: Sequence[Target]) -> tuple[list[Trial], list[Mistake]]:
    """Each row on every engine of each policy that has its rule or category at its stage. A row that nothing judges is a mistake."""
    trials: list[Trial] = []
    mistakes: list[Mistake] = []
    for row in rows:
        found = list(_trials(row, targets))
        trials += found
        if not found:
            mistakes.append(Mistake(row.source, _unjudged(row, targets)))
    return trials, mistakes


def _trials(row: Row, targets: Sequence[Target]) -> Iterator[Trial]:
    wanted = [target for target in _named(row, targets) if row.stage in target.stages]
    places = dict.fromkeys((target.policy, engine) for target in wanted for engine in target.engines)
    for policy, engine in places:
        rules = tuple(target.rule for target in wanted if target.policy == policy and engine in target.engines)
        subject = row.rule or row.category
        yield Trial(subject, policy, rules, engine, row.stage, row.expect, row.text, row.source, row.context, row.prompt, row.note)


def _named(row: Row, targets: Iterable[Target]) -> list[Target]:
    return [target for target in targets if (target.rule == row.rule if row.rule else row.category in target.categories)]


def _unjudged(row: Row, targets: Sequence[Target]) -> str:
    named = _named(row, targets)
    if named:
        stages = dict.fromkeys(stage for target in named for stage in target.stages)
        return f"{row.rule or row.category!r} is not at stage {row.stage}, but at {', '.join(stages)}"
    if row.rule:
        return f"no rule is called {row.rule!r}{_near(row.rule, [target.rule for target in targets])}"
    known = [category for target in targets for category in target.categories]
    return f"no rule has the category {row.category!r}{_near(row.category, known)}"


def _near(name: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(name, list(known), 1)
    return f"; did you mean {near[0]!r}?" if near else ""
