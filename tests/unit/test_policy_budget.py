"""Hostile rules end with a code of their own, and nothing of them passes or stops the others.

How long they take is measured in `bench/`; here each must end, which an endless one would not.
"""

from __future__ import annotations

import gc
import os
import signal
from datetime import UTC, datetime
from pathlib import Path

import pytest

from llmops.check import budget
from llmops.check.budget import Exhausted, each_within_budget
from llmops.check.judge import Judgement, Subject, judge
from llmops.check.rules import Rule
from llmops.load.source import Document
from llmops.pipeline import check_workspace
from tests.policy_texts import policy, put

FILES = [f"docs/{i}.md" for i in range(5000)]
SPEC = {"model": "a" * 100_000}
SUBJECT = Subject(
    "Model",
    {"kind": "Model", "metadata": {"name": "m", "labels": {}}, "spec": SPEC, "files": FILES},
    {},
    None,
    "dev",
    datetime(2026, 1, 1, tzinfo=UTC),
)


def rule(expression: str) -> Rule:
    spec = {"match": {"kinds": ["Model"], "labels": {}, "on": ["create", "update"]}, "assert": expression, "remediation": {"text": "-"}}
    return Rule(Document("policies/x.yaml", 0, 1, {}), {"name": "x"}, spec, {})


def judged(*expressions: str) -> list[Judgement]:
    rules = [rule(expression) for expression in expressions]
    return judge(rules, [[SUBJECT]] * len(rules), thorough=True)


def nested(depth: int, items: str = "r.files") -> str:
    return f"{items}.all(f{depth}, {nested(depth - 1, items) if depth else 'true'})"


def grown(times: int, text: str = "r.spec.model") -> str:
    """A text that is ten times as long after each round."""
    return f"[{text}]" + f".map(t, {' + '.join(['t'] * 10)})" * times + ".size() > 0"


ENDED_BY_CEL = {
    "nested loops": nested(4),
    "loops over times": "r.files.all(a, !r.files.exists(b, today + duration('1s') < today || b == 'x'))",
    "deep parentheses": "(" * 200 + "true" + ")" * 200,
    "deep lists": "[" * 40 + "]" * 40 + " == []",
}
ENDED_BY_THE_PROCESS = {
    "text that grows": grown(5),
    "long texts in a long list": "r.files.map(f, r.spec.model + f + r.spec.model).size() > 0",
    "lists of lists": "r.files.map(a, r.files.map(b, r.files)).size() > 0",
    "lists that grow": "r.files.map(f, r.files + r.files + r.files).map(l, l + l + l).map(l, l + l).size() > 0",
    "slow pattern many times": "r.files.all(f, !r.spec.model.matches('(a|b|ab)*(.*a){12}c' + f))",
    "filters in maps": "r.files.map(a, r.files.filter(b, a != b).size()).size() == 0",
}


@pytest.mark.parametrize("hostile", ENDED_BY_CEL)
def test_the_runtime_ends_it(hostile: str) -> None:
    (judgement,) = judged(ENDED_BY_CEL[hostile])
    faults = [flaw.fault for flaw in judgement.flaws] + [outcome.fault for outcome in judgement.outcomes]
    assert [fault.over_budget for fault in faults if fault] == [True]


@pytest.mark.parametrize("hostile", ENDED_BY_THE_PROCESS)
def test_its_process_is_ended(hostile: str) -> None:
    assert judged(ENDED_BY_THE_PROCESS[hostile]) == [Judgement(exhausted=True)]


@pytest.mark.parametrize("pattern", ["(a*)*b", "(a|aa)+$b", "(.*)(.*)(.*)(.*)(.*)(.*)(.*)(.*)x", "(a?){30}(a){30}b", "^(a+)+$c"])
def test_a_pattern_that_backtracks_elsewhere_is_answered(pattern: str) -> None:
    """RE2 takes time in proportion to the text, so there is nothing to end."""
    (judgement,) = judged(f"!r.spec.model.matches('{pattern}')")
    assert [outcome.verdict for outcome in judgement.outcomes] == ["pass"]


@pytest.mark.parametrize("broken", ["1 / 0 == 1", "9223372036854775807 + 1 > 0", "r.files[6000] == ''", "r.spec.model.matches('(')"])
def test_what_fails_never_passes(broken: str) -> None:
    (judgement,) = judged(broken)
    assert [outcome.verdict for outcome in judgement.outcomes] == ["error"]


def test_rules_beside_a_hostile_one_are_judged() -> None:
    fine, hostile, other, worse, last = judged("true", grown(5), "false", ENDED_BY_THE_PROCESS["filters in maps"], "true")
    assert [o.verdict for part in (fine, other, last) for o in part.outcomes] == ["pass", "fail", "pass"]
    assert hostile.exhausted
    assert worse.exhausted


@pytest.mark.parametrize("hostile", [nested(4, "[1,2,3,4,5,6,7,8,9]"), grown(9, "'ten times as long'"), "(" * 200 + "true" + ")" * 200])
def test_the_report_says_so(hostile: str, base: Path) -> None:
    put(base, hostile=policy("hostile", **{"assert": hostile}), fine=policy())
    diagnostics = check_workspace(base).diagnostics
    assert sorted(d.code for d in diagnostics) == ["LLM0901", "LLM0901", "LLM0904"]
    (ended,) = (d for d in diagnostics if d.code == "LLM0904")
    assert (ended.policy, ended.location.file, ended.severity) == ("hostile", "policies/hostile.yaml", "error")


def test_a_process_that_dies_is_a_rule_ended() -> None:
    def prepare() -> budget.Work:
        return lambda index: os.kill(os.getpid(), signal.SIGKILL) if index == 1 else [index]

    assert [answer if not isinstance(answer, Exhausted) else None for answer in each_within_budget([1.0] * 3, prepare)] == [[0], None, [2]]


def test_a_mistake_of_ours_is_not_blamed_on_the_rule() -> None:
    def prepare() -> budget.Work:
        return lambda index: [1 // index]

    with pytest.raises(RuntimeError, match="ZeroDivisionError"):
        list(each_within_budget([1.0], prepare))


def test_memory_is_given_back() -> None:
    """The limit is the child's alone: the compiler may go on."""
    judged(grown(5))
    assert len(bytearray(600 * 1024 * 1024)) == 600 * 1024 * 1024


def test_a_rule_does_not_pay_for_what_the_process_holds() -> None:
    """A collection in the child would walk the whole heap of a process that holds much, such as a test run or Dagster."""
    assert list(each_within_budget([1.0], lambda: lambda _: [gc.isenabled()])) == [[False]]
    assert gc.isenabled()
