"""Policies that read `evidence`: what they may read, what their cases say of it, and which records a lock gives for a release."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from llmops.check.cases import Result, run_cases
from llmops.check.evidence import EVIDENCE, EXAMPLE, WITHOUT_JUDGE
from llmops.diagnostics import Diagnostic
from llmops.fingerprint import fingerprint, judge_identity
from llmops.kinds.policy import CaseEvidence
from llmops.lock.entries import Calibration, Entry, Evidence, lock_of
from llmops.lock.lines import in_order
from llmops.lock.standing import NEVER, standing
from llmops.pipeline import check_workspace, open_pack
from llmops.resources import Graph, Reference
from tests.graphs import GEMMA, application, graph, make, source
from tests.policy_texts import policy, put

CASES: list[dict[str, Any]] = [
    {"name": "passes", "expect": "pass", "resource": {"spec": {"audience": "internal"}}, "evidence": [{"evaluation": "answers"}]},
    {"name": "fails", "expect": "fail", "resource": {"spec": {"audience": "internal"}}},
]
KINDS = {"kinds": ["Application"]}
APP, TODAY = "Application/assistant", date(2026, 6, 1)


def rule(text: str = "evidence.exists(e, e.result == 'pass')", **changes: Any) -> str:
    """A policy about applications; `text` is what it asserts."""
    return policy(**{"match": KINDS, "assert": text, "at": "spec.evaluations", "tests": CASES, **changes})


def found(base: Path) -> list[Diagnostic]:
    return [d for d in check_workspace(base, today=TODAY).diagnostics if d.code.startswith("LLM09")]


def result(folder: Path, case: Mapping[str, Any], text: str) -> Result:
    case = {"name": "it", "resource": {"spec": {"audience": "internal"}}, **case}
    (folder / "p.yaml").write_text(rule(text, tests=[case, *CASES]), "utf-8")
    results, _ = run_cases(open_pack(folder).packs.rules)
    return results[0]


class TestTypes:
    @pytest.mark.parametrize("name", EVIDENCE.fields)
    def test_every_field_can_be_read(self, name: str, tmp_path: Path) -> None:
        case = {"expect": "pass", "evidence": [{}]}
        assert result(tmp_path, case, f"evidence.all(e, has(e.{name}) && e.{name} == e.{name})").problem == ""

    @pytest.mark.parametrize(
        ("text", "message", "hint"),
        [
            ("evidence.all(e, e.resutl == 'pass')", "There is no field 'resutl'", "result"),
            ("evidnce.size() > 0", "Nothing is called 'evidnce'", "evidence"),
            ("evidence.all(e, e.n >= 20.5)", ">= does not take (int, double)", "double"),
            ("evidence.all(e, e.kappa >= 1)", ">= does not take (double, int)", "double"),
            ("evidence.result == 'pass'", "type 'list(evidence)' cannot be the operand of a select", ""),
        ],
    )
    def test_a_mistake_is_the_rules(self, base: Path, text: str, message: str, hint: str) -> None:
        (wrong,) = found(put(base, a=rule(text)))
        assert wrong.code == "LLM0902" and message in wrong.message and hint in wrong.hint

    @pytest.mark.parametrize("kinds", [["Model"], ["Application", "Deployment"]])
    def test_other_kinds_have_no_evidence(self, base: Path, kinds: list[str]) -> None:
        (wrong,) = found(put(base, a=rule(match={"kinds": kinds}, at="metadata.owner")))
        assert (wrong.code, wrong.path) == ("LLM0912", "spec.match.kinds")
        assert wrong.message == "Only an Application has `evidence`: match.kinds must be [Application]"
        assert "Only applications have releases" in wrong.hint

    def test_the_mistake_is_told_where_the_rule_is_off(self, base: Path) -> None:
        assert found(put(base, a=rule("evidence.all(e, e.x)", enforcement={"dev": "off"})))


class TestCases:
    def test_no_evidence_is_an_empty_list(self, tmp_path: Path) -> None:
        assert result(tmp_path, {"expect": "pass"}, "evidence.size() == 0").problem == ""

    def test_a_field_that_is_left_out_is_that_of_fresh_evidence(self, tmp_path: Path) -> None:
        text = "evidence.all(e, e.result == 'pass' && e.age_days == 0 && e.judge_current && e.calibrated && e.kappa_low == 1.0)"
        assert result(tmp_path, {"expect": "pass", "evidence": [{"evaluation": "answers"}]}, text).problem == ""

    def test_whole_numbers_serve_as_decimals(self, tmp_path: Path) -> None:
        assert result(tmp_path, {"expect": "pass", "evidence": [{"kappa_low": 0}]}, "evidence.all(e, e.kappa_low < 0.5)").problem == ""

    @pytest.mark.parametrize(
        "entry",
        [{"resutl": "pass"}, {"result": "passed"}, {"n": 0}, {"n": "many"}, {"kappa": 1.5}, {"age_days": -1}, {"judge_current": "yes"}, []],
    )
    def test_a_mistake_in_a_case_is_told(self, tmp_path: Path, entry: Any) -> None:
        (tmp_path / "p.yaml").write_text(rule(tests=[*CASES, {**CASES[0], "name": "it", "evidence": [entry]}]), "utf-8")
        assert [d.location.file for d in open_pack(tmp_path).diagnostics] == ["p.yaml"]

    def test_what_a_case_may_say_is_what_a_rule_may_read(self) -> None:
        assert set(CaseEvidence.model_fields) == set(EVIDENCE.fields) == set(EXAMPLE)


def evaluated(judge: str | None = None) -> Graph:
    """An application with two evaluations; `tone` may have a judge."""
    metrics = [{"name": "judge_rubric", "rubric": "It is kind."}]
    tone = make("Evaluation", "tone", {"metrics": metrics}, {("spec", "judge"): f"Model/{judge}"} if judge else {})
    plain = application()
    edges = (Reference(("spec", "evaluations", index), id_) for index, id_ in enumerate(("Evaluation/answers", tone.id)))
    assistant = replace(plain, references=(*plain.references, *edges))
    others = [make("Evaluation", "answers", {"metrics": []}), make("Evaluation", "other", {"metrics": []})]
    return fingerprint(graph(source(), tone, *others, assistant, make("Model", "grader", GEMMA)))


def piece(of: Graph, evaluation: str = "answers", *, environment: str = "prod", release: str | None = None, **named: str) -> Evidence:
    fields = {"judge": "-", "n": "60", "result": "pass", "date": "2026-05-20", **named}
    return Evidence(release or of.releases[APP], environment, f"Evaluation/{evaluation}", in_order(fields))


def records(of: Graph, *entries: Entry) -> list[dict[str, Any]]:
    return standing(lock_of(entries), of, TODAY)[APP]


class TestRecords:
    def test_a_record_for_each_evaluation_that_has_evidence(self) -> None:
        of = evaluated()
        found = records(of, piece(of), piece(of, "tone", environment="staging"), piece(of, "other"))
        common = {"result": "pass", "n": 60, "age_days": 12, **WITHOUT_JUDGE}
        assert found == [
            {"evaluation": "answers", "environment": "prod", **common},
            {"evaluation": "tone", "environment": "staging", **common},
        ]
        assert all(record.keys() == EVIDENCE.fields.keys() for record in found)

    def test_another_release_says_nothing(self) -> None:
        of = evaluated()
        assert records(of, piece(of, release=f"sha256:{'0' * 64}")) == []
        assert records(of) == []

    @pytest.mark.parametrize(
        ("day", "age"),
        [("2026-06-01", 0), ("2026-05-31", 1), ("2025-06-01", 365), ("2026-06-02", 0), ("2026-06-03", NEVER), ("9999-12-31", NEVER)],
    )
    def test_age(self, day: str, age: int) -> None:
        of = evaluated()
        assert [record["age_days"] for record in records(of, piece(of, date=day))] == [age]

    @pytest.mark.parametrize(
        ("first", "second", "counts"),
        [
            (("pass", "2026-05-01"), ("fail", "2026-05-02"), "fail"),
            (("fail", "2026-05-01"), ("pass", "2026-05-02"), "pass"),
            (("pass", "2026-05-02"), ("unproven", "2026-05-02"), "unproven"),
            (("unproven", "2026-05-02"), ("fail", "2026-05-02"), "fail"),
        ],
    )
    def test_the_newest_counts_and_of_one_day_the_worst(self, first: tuple[str, str], second: tuple[str, str], counts: str) -> None:
        """As two branches that recorded on their own leave it."""
        of = evaluated()
        one, two = piece(of, result=first[0], date=first[1]), piece(of, environment="staging", result=second[0], date=second[1])
        assert [record["result"] for record in records(of, one, two)] == [counts]

    def test_a_calibrated_judge(self) -> None:
        of = evaluated("grader")
        judge = f"Model/grader@{judge_identity(of, of['Evaluation/tone'])}"
        agreed = Calibration(judge, "Evaluation/tone", 0.52, 0.31, 0.71, 80, "2026-05-01")
        (record,) = records(of, piece(of, "tone", judge=judge), agreed)
        assert {name: record[name] for name in WITHOUT_JUDGE} == {
            "judge": "grader", "judge_current": True, "calibrated": True, "kappa": 0.52, "kappa_low": 0.31
        }  # fmt: skip

    @pytest.mark.parametrize("name", ["grader", "gemma"])
    def test_a_judge_that_has_moved_was_calibrated_for_what_it_judged_only(self, name: str) -> None:
        of = evaluated(name)
        old = Calibration("Model/grader@0123456789abcdef", "Evaluation/tone", 0.52, 0.31, 0.71, 80, "2026-05-01")
        (record,) = records(of, piece(of, "tone", judge=old.judge), old)
        assert (record["judge"], record["judge_current"], record["calibrated"], record["kappa_low"]) == ("grader", False, True, 0.31)

    def test_a_judge_without_a_calibration_of_just_this_evaluation(self) -> None:
        of = evaluated("grader")
        judge = f"Model/grader@{judge_identity(of, of['Evaluation/tone'])}"
        other = Calibration(judge, "Evaluation/answers", 0.52, 0.31, 0.71, 80, "2026-05-01")
        (record,) = records(of, piece(of, "tone", judge=judge), other)
        assert (record["judge_current"], record["calibrated"], record["kappa"], record["kappa_low"]) == (True, False, -1.0, -1.0)

    def test_a_judge_that_is_named_and_was_not_asked(self) -> None:
        of = evaluated("grader")
        (record,) = records(of, piece(of, "tone"))
        assert (record["judge"], record["judge_current"]) == ("", False)

    def test_a_judge_that_is_named_no_longer(self) -> None:
        of = evaluated()
        (record,) = records(of, piece(of, "tone", judge="Model/grader@0123456789abcdef"))
        assert (record["judge"], record["judge_current"]) == ("grader", False)
