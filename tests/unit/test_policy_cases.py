"""The cases inside a policy: what counts as passing, failing, not matching, and what is wrong with a case itself."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from llmops.check.cases import Result, run_cases
from llmops.check.judge import judge
from llmops.pipeline import open_pack
from tests.policy_texts import CASES, policy


def results(folder: Path, *cases: dict[str, Any], **changes: Any) -> list[Result]:
    (folder / "p.yaml").write_text(policy(tests=[*CASES, *({"name": "it", **case} for case in cases)], **changes))
    found, _ = run_cases(open_pack(folder).packs.rules)
    return found[len(CASES) :]


def result(folder: Path, case: dict[str, Any], **changes: Any) -> Result:
    (one,) = results(folder, case, **changes)
    return one


@pytest.mark.parametrize(
    ("spec", "expect", "right"),
    [
        ({"revision": "v1"}, "pass", True),
        ({"revision": "v1"}, "fail", False),
        ({"revision": "latest"}, "fail", True),
        ({"revision": "latest"}, "pass", False),
        ({}, "fail", True),
        ({"revision": "v1"}, "no match", False),
    ],
)
def test_the_verdict_is_compared(tmp_path: Path, spec: dict[str, Any], expect: str, right: bool) -> None:
    found = result(tmp_path, {"expect": expect, "resource": {"spec": spec}})
    assert (not found.problem) is right


def test_the_place_is_compared(tmp_path: Path) -> None:
    case = {"expect": "fail", "resource": {"spec": {"revision": "latest"}}}
    assert not result(tmp_path, {**case, "at": "spec.revision"}).problem
    assert "found it at spec.revision" in result(tmp_path, {**case, "at": "spec.model"}).problem


def test_the_place_of_an_item_is_compared(tmp_path: Path) -> None:
    changes = {"match": {"kinds": ["SafetyPolicy"]}, "each": "spec.rules", "at": "action", "assert": "item.action == 'block'"}
    rules = [{"id": "a", "action": "block"}, {"id": "b", "action": "log"}]
    case = {"expect": "fail", "resource": {"spec": {"rules": rules}}}
    (folder := tmp_path / "pack").mkdir()
    (folder / "p.yaml").write_text(policy(tests=[{"name": "it", "at": "spec.rules[1].action", **case}], **changes))
    (right,), _ = run_cases(open_pack(folder).packs.rules)
    assert not right.problem
    (folder / "p.yaml").write_text(policy(tests=[{"name": "it", "at": "spec.rules[0].action", **case}], **changes))
    (wrong,), _ = run_cases(open_pack(folder).packs.rules)
    assert wrong.problem


def test_when_and_labels_make_no_match(tmp_path: Path) -> None:
    chat = {"expect": "no match", "resource": {"spec": {"task": "chat"}}}
    assert not result(tmp_path, chat, when="has(r.spec.task) && r.spec.task == 'embedding'").problem
    match = {"kinds": ["Model"], "labels": {"tier": "1"}}
    assert not result(tmp_path, {"expect": "no match", "resource": {"metadata": {"labels": {"tier": "2"}}}}, match=match).problem
    assert not result(tmp_path, {"expect": "fail", "resource": {"metadata": {"labels": {"tier": "1"}}}}, match=match).problem


def test_environment_and_operation_make_no_match(tmp_path: Path) -> None:
    resource = {"resource": {"spec": {"revision": "latest"}}}
    match = {"kinds": ["Model"], "environments": ["prod"]}
    assert not result(tmp_path, {"expect": "no match", "environment": "dev", **resource}, match=match).problem
    assert not result(tmp_path, {"expect": "fail", "environment": "prod", **resource}, match=match).problem
    updates = {"kinds": ["Model"], "on": ["update"]}
    assert not result(tmp_path, {"expect": "no match", **resource}, match=updates).problem
    assert not result(tmp_path, {"expect": "fail", "old": {"spec": {"revision": "v1"}}, **resource}, match=updates).problem


def test_old_refs_and_today_are_given(tmp_path: Path) -> None:
    expression = "old != null && old.spec.revision == 'v0' && refs.Dataset.size() == 1 && today == timestamp('2026-05-06T00:00:00Z')"
    case = {
        "expect": "pass",
        "resource": {"spec": {"revision": "v1"}},
        "old": {"spec": {"revision": "v0"}},
        "refs": {"Dataset": [{"spec": {"path": "x.csv"}}]},
        "today": "2026-05-06",
    }
    assert not result(tmp_path, case, **{"assert": expression}).problem
    assert result(tmp_path, {**case, "today": "2026-05-07"}, **{"assert": expression}).problem


def test_defaults_are_filled_in(tmp_path: Path) -> None:
    case = {"expect": "pass", "resource": {"spec": {"task": "chat", "revision": "v1"}}}
    assert not result(tmp_path, case, **{"assert": "r.spec.max_output_tokens == 256 && r.metadata.labels.size() == 0"}).problem


@pytest.mark.parametrize(
    ("resource", "path", "problem"),
    [
        ({"spec": {"revison": "v1"}}, ("resource", "spec", "revison"), "Unknown field 'revison'"),
        ({"spec": {"parameters": {"temprature": 1}}}, ("resource", "spec", "parameters", "temprature"), "Unknown field 'temprature'"),
        ({"spec": {"context_window": "big"}}, ("resource", "spec", "context_window"), "Expected a whole number"),
        ({"spec": {"task": "chatt"}}, ("resource", "spec", "task"), "Expected one of chat, embedding"),
        ({"spec": {"parameters": []}}, ("resource", "spec", "parameters"), "Expected a map"),
        ({"spec": {"parameters": {"stop": "x"}}}, ("resource", "spec", "parameters", "stop"), "Expected a list"),
        ({"spec": {"parameters": {"temperature": True}}}, ("resource", "spec", "parameters", "temperature"), "Expected a number"),
        ({"metadata": {"labels": {"tier": 1}}}, ("resource", "metadata", "labels", "tier"), "Expected a text"),
    ],
)
def test_a_slip_in_a_case_is_found(tmp_path: Path, resource: dict[str, Any], path: tuple[str, ...], problem: str) -> None:
    found = result(tmp_path, {"expect": "pass", "resource": resource})
    assert (found.path, found.problem, found.verdict) == (path, problem, None)


def test_a_case_of_another_kind_is_a_slip(tmp_path: Path) -> None:
    assert result(tmp_path, {"expect": "pass", "kind": "Prompt", "resource": {"spec": {}}}).problem == "The policy does not look at Prompt"


def test_a_rule_that_fails_on_a_case_is_a_problem(tmp_path: Path) -> None:
    found = result(tmp_path, {"expect": "fail", "resource": {"spec": {}}}, **{"assert": "r.spec.revision == 'v1'"})
    assert found.verdict == "error"
    assert found.problem == "The field 'revision' is absent here"


def test_a_rule_that_does_not_compile_has_no_verdicts(tmp_path: Path) -> None:
    (tmp_path / "p.yaml").write_text(policy(**{"assert": "r.spec.revison == ''"}))
    found, judgements = run_cases(open_pack(tmp_path).packs.rules)
    assert [r.verdict for r in found] == [None, None]
    assert judgements[0].flaws[0].field == "assert"


def test_nothing_is_judged_for_no_rules() -> None:
    assert run_cases([]) == ([], [])
    assert judge([], []) == []
