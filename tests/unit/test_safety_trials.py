"""Trials of safety rules without an engine: reading suites, comparing verdicts, rates with their intervals."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

import orjson
import pytest

from llmops.runtime.rails import Hit, Verdict
from llmops.runtime.rails.trials import Target, Trial, disagreements, rates_of, read_suite, run_trials, suite_trials
from llmops.runtime.rails.trials.rates import Share

GUARDRAILS, NEMO = "guardrails-ai", "nemoguardrails"
GOOD: dict[str, Any] = {"text": "x", "stage": "output", "rule": "a", "expect": "hit"}
TARGETS = [
    Target("p", "a", ("output",), (GUARDRAILS, NEMO), ("LLM02",)),
    Target("p", "b", ("input", "output"), (GUARDRAILS,), ("LLM01", "LLM02")),
    Target("q", "a", ("output",), (NEMO,)),
]


def suite(*rows: Any) -> str:
    return "\n".join(row if isinstance(row, str) else orjson.dumps(row).decode() for row in rows)


def mistakes_in(*rows: Any) -> list[tuple[str, str]]:
    return [(m.source, m.message) for m in read_suite("s.jsonl", suite(*rows))[1]]


def without(*keys: str) -> dict[str, Any]:
    return {key: value for key, value in GOOD.items() if key not in keys}


class Scripted:
    """Rails that say what they are told to, by text."""

    def __init__(self, **verdicts: Verdict) -> None:
        self.verdicts, self.seen = verdicts, []  # type: ignore[var-annotated]

    def check(self, stage: str, text: str, *, context: Sequence[str] = (), prompt: str = "") -> Verdict:
        self.seen.append((stage, text, context, prompt))
        return self.verdicts.get(text, Verdict(True, text, "", ()))


def hit(rule: str, reason: str = "found", engine: str = GUARDRAILS) -> Hit:
    values = {"rule": rule, "engine": engine, "action": "block", "mode": "enforce", "severity": "high", "score": None, "reason": reason}
    fields = {name: values.get(name, "") for name in Hit.__dataclass_fields__}
    return Hit(**fields)  # type: ignore[arg-type]


def stopped(text: str, *hits: Hit) -> Verdict:
    return Verdict(False, text, "No.", hits)


def trial(text: str, engine: str = GUARDRAILS, expect: Any = "hit", **fields: Any) -> Trial:
    return Trial(fields.pop("subject", "a"), "p", fields.pop("rules", ("a",)), engine, "output", expect, text, "s.jsonl:1", **fields)


def tried(rails: Any, *trials: Trial) -> list[Any]:
    return run_trials(trials, {("p", GUARDRAILS): rails, ("p", NEMO): rails}, lambda text: None)


def test_a_row_is_read_with_its_line() -> None:
    rows, mistakes = read_suite("s.jsonl", suite("", {**GOOD, "context": ["c"], "prompt": "p", "note": "n"}))
    assert mistakes == []
    assert (rows[0].source, rows[0].context, rows[0].prompt, rows[0].note) == ("s.jsonl:2", ("c",), "p", "n")


def test_an_empty_text_is_a_text() -> None:
    assert mistakes_in({**GOOD, "text": ""}) == []


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("{", "the row is not JSON"),
        ("[]", "the row is not a JSON object"),
        (without("text"), "'text' is missing"),
        (without("stage"), "'stage' is none of input, retrieval, output"),
        ({**GOOD, "stage": "tool"}, "'stage' is none of input, retrieval, output"),
        ({**GOOD, "expect": "miss"}, "'expect' is none of hit, pass"),
        (without("rule"), "a row names either a rule or a category"),
        ({**GOOD, "category": "LLM01"}, "a row names either a rule or a category"),
        ({**GOOD, "contxt": []}, "unknown field 'contxt'; did you mean 'context'?"),
        ({**GOOD, "context": "c"}, "'context' is not a list of texts"),
        ({**GOOD, "context": [1]}, "'context' is not a list of texts"),
        ({**GOOD, "text": 1}, "'text' is not a text"),
        ({**GOOD, "prompt": None}, "'prompt' is not a text"),
    ],
)
def test_a_bad_row_is_named_by_its_line(row: Any, message: str) -> None:
    found = mistakes_in(GOOD, row)
    assert [source for source, _ in found] == ["s.jsonl:2"]
    assert found[0][1].startswith(message)


def test_all_bad_rows_are_named_at_once() -> None:
    assert [source for source, _ in mistakes_in("{", GOOD, "[]", {**GOOD, "expect": ""})] == ["s.jsonl:1", "s.jsonl:3", "s.jsonl:4"]


@pytest.mark.parametrize("content", ["", "\n\n"])
def test_an_empty_suite_proves_nothing(content: str) -> None:
    assert [m.message for m in read_suite("s.jsonl", content)[1]] == ["the suite has no rows"]


def test_a_rule_is_tried_in_every_policy_and_engine_that_has_it() -> None:
    rows, _ = read_suite("s.jsonl", suite(GOOD))
    trials, mistakes = suite_trials(rows, TARGETS)
    assert mistakes == []
    assert [(t.policy, t.engine, t.rules) for t in trials] == [("p", GUARDRAILS, ("a",)), ("p", NEMO, ("a",)), ("q", NEMO, ("a",))]


def test_a_category_is_tried_with_all_its_rules_together() -> None:
    rows, _ = read_suite("s.jsonl", suite({**without("rule"), "category": "LLM02"}))
    trials, _ = suite_trials(rows, TARGETS)
    assert [(t.subject, t.engine, t.rules) for t in trials] == [("LLM02", GUARDRAILS, ("a", "b")), ("LLM02", NEMO, ("a",))]


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({**GOOD, "rule": "aa"}, "no rule is called 'aa'; did you mean 'a'?"),
        ({**GOOD, "stage": "input"}, "'a' is not at stage input, but at output"),
        ({**without("rule"), "category": "LLM1"}, "no rule has the category 'LLM1'; did you mean 'LLM01'?"),
        ({**without("rule"), "category": "zzz"}, "no rule has the category 'zzz'"),
    ],
)
def test_a_row_that_nothing_judges_is_a_mistake(row: dict[str, Any], message: str) -> None:
    rows, _ = read_suite("s.jsonl", suite(row))
    trials, mistakes = suite_trials(rows, TARGETS)
    assert (trials, [(m.source, m.message) for m in mistakes]) == ([], [("s.jsonl:1", message)])


def test_the_request_reaches_the_rails() -> None:
    rails = Scripted()
    tried(rails, trial("x", context=("c",), prompt="p"))
    assert rails.seen == [("output", "x", ("c",), "p")]


@pytest.mark.parametrize(
    ("verdict", "engine", "outcome", "problem"),
    [
        (stopped("x", hit("a")), GUARDRAILS, "hit", ""),
        (Verdict(True, "x", "", (hit("a"),)), GUARDRAILS, "hit", ""),
        (Verdict(True, "x", "", ()), GUARDRAILS, "pass", "was let through"),
        (stopped("x", hit("b")), GUARDRAILS, "pass", "was let through"),
        (stopped("x", hit("b")), NEMO, "covered", "was stopped by rule b"),
        (Verdict(True, "x", "", (hit("b"),)), NEMO, "pass", "was let through"),
        (stopped("x", hit("b"), hit("a")), NEMO, "hit", ""),
        (stopped("x", hit("a", "the detector failed: no memory")), GUARDRAILS, "failed", "a: the detector failed: no memory"),
        (stopped("x", hit("a", "the engine failed: queue")), GUARDRAILS, "failed", "a: the engine failed: queue"),
        (Verdict(True, "x", "", (hit("b", "the detector failed: x"),)), GUARDRAILS, "pass", "was let through"),
        (stopped("x", hit("b", "the detector failed: x")), NEMO, "covered", "was stopped by rule b"),
    ],
)
def test_what_comes_of_a_trial(verdict: Verdict, engine: str, outcome: str, problem: str) -> None:
    result = tried(Scripted(x=verdict), trial("x", engine))[0]
    assert (result.outcome, result.problem) == (outcome, problem)


def test_a_false_alarm_says_why() -> None:
    assert tried(Scripted(x=stopped("x", hit("a", "contains 'x'"))), trial("x", expect="pass"))[0].problem == "was found: contains 'x'"


def test_rails_that_are_missing_are_no_pass() -> None:
    with pytest.raises(KeyError):
        run_trials([trial("x")], {}, lambda text: None)


@pytest.mark.parametrize(
    ("first", "second", "what"),
    [
        (stopped("x", hit("a")), stopped("x", hit("a")), None),
        (stopped("x", hit("a")), Verdict(True, "x", "", ()), f"{GUARDRAILS}: hit, {NEMO}: pass"),
        (stopped("x", hit("a")), Verdict(True, "x", "", (hit("a"),)), f"{GUARDRAILS}: stops it, {NEMO}: lets it pass"),
        (Verdict(True, "y", "", (hit("a"),)), Verdict(True, "x", "", (hit("a"),)), "another text is left"),
        (stopped("x", hit("a"), hit("b")), stopped("x", hit("b")), None),
        (stopped("x", hit("b")), Verdict(True, "x", "", ()), None),
    ],
    ids=["agree", "one misses", "one lets pass", "another redaction", "covered on the second", "a rule that one engine lacks"],
)
def test_engines_that_disagree(first: Verdict, second: Verdict, what: str | None) -> None:
    rails = {("p", GUARDRAILS): Scripted(x=first), ("p", NEMO): Scripted(x=second)}
    found = list(disagreements(run_trials([trial("x"), trial("x", NEMO)], rails, lambda text: None)))  # type: ignore[arg-type]
    assert [what in one.what for one in found] == ([True] if what else []) if what else found == []


def test_texts_of_other_lines_are_not_compared() -> None:
    rails = {("p", GUARDRAILS): Scripted(x=stopped("x", hit("a"))), ("p", NEMO): Scripted()}
    results = run_trials([trial("x"), trial("y", NEMO)], rails, lambda text: None)  # type: ignore[arg-type]
    assert list(disagreements(results)) == []


def test_rates_leave_out_what_was_not_judged() -> None:
    rails = Scripted(
        x=stopped("x", hit("a")), w=stopped("w", hit("a", "the detector failed: x")), v=stopped("v", hit("b")), u=stopped("u", hit("a"))
    )
    results = tried(
        rails, *(trial(t, NEMO, e) for t, e in (("x", "hit"), ("y", "hit"), ("w", "hit"), ("v", "hit"), ("u", "pass"), ("z", "pass")))
    )
    (rate,) = rates_of(results)
    assert (rate.caught, rate.alarms, rate.unjudged) == (Share(1, 2), Share(1, 2), 2)
    assert (rate.policy, rate.subject, rate.engine) == ("p", "a", NEMO)


@pytest.mark.parametrize(
    ("count", "of", "low", "high"),
    [
        (0, 10, 0.0, 0.2775),
        (10, 10, 0.7225, 1.0),
        (5, 10, 0.2366, 0.7634),
        (15, 15, 0.7961, 1.0),
        (1, 100, 0.0018, 0.0545),
        (0, 0, 0.0, 1.0),
    ],
)
def test_wilsons_interval_is_that_of_the_tables(count: int, of: int, low: float, high: float) -> None:
    assert Share(count, of).interval == pytest.approx((low, high), abs=5e-5)


def test_the_interval_holds_the_truth_as_often_as_it_says() -> None:
    chance = random.Random(7)
    held = 0
    for _ in range(2000):
        truth = chance.uniform(0.05, 0.95)
        low, high = Share(sum(chance.random() < truth for _ in range(40)), 40).interval
        held += low <= truth <= high
    assert 0.935 <= held / 2000 <= 0.965
