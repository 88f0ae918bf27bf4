"""No promotion without evidence: a release that nobody measured, or whose evidence is old, void or of another release, is refused.

A check of the target environment and the plan of the promotion say the same, at the evaluation's name in the application's line.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from llmops.diagnostics import Diagnostic
from llmops.fingerprint import fingerprint, judge_identity
from llmops.load.tree import Disk
from llmops.lock.entries import Calibration, Evidence, Lock, lock_of
from llmops.lock.lines import in_order
from llmops.lock.record import record
from llmops.lock.source import FILE
from llmops.lock.text import render_lock
from llmops.pipeline import check_workspace, compile_workspace, front_half
from llmops.plan import plan_against, plan_promotion
from llmops.project import open_project
from llmops.resources import Graph
from tests.conftest import ROOT
from tests.diff.repositories import commit_all

CLEAN = ROOT / "tests/policies/base"
TODAY = date(2026, 6, 1)
HELPER = "Application/helper"
MISSING, STALE, MOVED = "release-has-evidence", "evidence-fresh", "evidence-judge-holds"
GRADER = """\
apiVersion: llmops/v1
kind: Model
metadata: {name: grader, owner: ml-platform, labels: {classification: internal}}
spec:
  task: chat
  provider: openai
  model: grader-one
  revision: 2026-01-15
  endpoint: {url: "https://llm.example.org/v1", api_key: {env: LLM_API_KEY}}
  context_window: 8192
  max_output_tokens: 16
  price: {input: 0.1, output: 0.4}
  data_residency: eu
"""
LONGER = "target: {kind: Application, name: helper}\npatch: {spec: {limits: {question_tokens: 64}}}\n"
"""Makes the helper of prod another release than that of staging."""


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    """Satisfies the whole starter pack in production, but for evidence; prod has a patch of its own."""
    root = Path(shutil.copytree(CLEAN, tmp_path / "workspace"))
    shutil.copytree(ROOT / "policies", root / "policies")
    (root / "environments/prod").mkdir(parents=True)
    (root / "environments/prod/helper.yaml").write_text(LONGER, "utf-8")
    return root


def graph_of(root: Path, environment: str) -> Graph:
    project, _ = open_project(Disk(root))
    assert project is not None
    return fingerprint(front_half(project, environment).linked.graph)


def measured(graph: Graph, applications: Iterable[str] = (HELPER, "Application/desk"), **named: str) -> list[Evidence]:
    """Evidence that passes for the releases of a graph; `named` are fields of it."""
    fields = {"judge": judge_of(graph), "n": "60", "result": "pass", "date": "2026-05-20", **named}
    return [Evidence(graph.releases[id_], graph.environment, "Evaluation/answers", in_order(fields)) for id_ in applications]


def judge_of(graph: Graph) -> str:
    identity = judge_identity(graph, graph["Evaluation/answers"])
    return f"Model/grader@{identity}" if identity else "-"


def write_lock(root: Path, *entries: Evidence | Calibration) -> None:
    (root / FILE).write_text(render_lock(lock_of(entries)), "utf-8")


def refusals(root: Path, environment: str = "prod", today: date = TODAY) -> list[Diagnostic]:
    return [found for found in check_workspace(root, environment, today=today).diagnostics if found.severity == "error"]


def refused(root: Path, today: date = TODAY) -> dict[str, str]:
    """Application → the policy that refuses it in prod; each has one cause and one finding."""
    found = refusals(root, today=today)
    assert len({each.resource for each in found}) == len(found)
    return {each.resource: each.policy for each in found}


def promotion(root: Path, today: date = TODAY) -> dict[str, str]:
    """Resource → the policy that refuses what the promotion would make of it."""
    new = plan_promotion(root, "staging", "prod", today)["findings"]["new"]
    return {row["resource"]: row["policy"] for row in new if row["severity"] == "error"}


def judged(root: Path) -> Path:
    """The workspace with a judge that scores every answer."""
    (root / "specs/grader.yaml").write_text(GRADER, "utf-8")
    replaced(root / "specs/quality.yaml", "  dataset: questions\n", "  dataset: questions\n  judge: grader\n")
    replaced(
        root / "specs/quality.yaml", "    - {name: answer_f1", "    - {name: judge_rubric, rubric: It is right.}\n    - {name: answer_f1"
    )
    return root


def replaced(file: Path, old: str, new: str) -> None:
    text = file.read_text("utf-8")
    assert old in text
    file.write_text(text.replace(old, new), "utf-8")


def calibration(graph: Graph, low: float = 0.31, **changes: Any) -> Calibration:
    return replace(Calibration(judge_of(graph), "Evaluation/answers", 0.52, low, 0.71, 80, "2026-05-01"), **changes)


class TestCheck:
    def test_a_release_that_nobody_measured(self, workspace: Path) -> None:
        found = refusals(workspace)
        assert {each.policy for each in found} == {MISSING}
        (helper,) = (each for each in found if each.resource == HELPER)
        place = helper.location
        line = (workspace / "specs/helper.yaml").read_text("utf-8").splitlines()[place.line - 1]
        assert (place.file, helper.path) == ("specs/helper.yaml", "spec.evaluations[0]")
        assert (line, line[place.column - 1 :][: place.width]) == ("  evaluations: [answers]", "answers")
        assert helper.message == "helper has no passing evidence of answers for this release"
        assert "llmops eval --env ENV --record" in helper.hint

    def test_one_that_passed(self, workspace: Path) -> None:
        write_lock(workspace, *measured(graph_of(workspace, "prod")))
        assert refusals(workspace) == []

    @pytest.mark.parametrize("result", ["unproven", "fail"])
    def test_what_did_not_pass_is_told_of_once(self, workspace: Path, result: str) -> None:
        write_lock(workspace, *measured(graph_of(workspace, "prod"), result=result, date="2026-01-01", n="1"))
        assert refused(workspace) == {HELPER: MISSING, "Application/desk": MISSING}

    def test_evidence_of_another_release(self, workspace: Path) -> None:
        """Only the helper is another release in prod; the desk is the same everywhere, and the same hash is the same behaviour."""
        write_lock(workspace, *measured(graph_of(workspace, "staging")))
        assert refused(workspace) == {HELPER: MISSING}

    def test_evidence_is_void_after_an_edit(self, workspace: Path) -> None:
        write_lock(workspace, *measured(graph_of(workspace, "prod")))
        replaced(workspace / "specs/answer.yaml", "You answer questions", "You answer short questions")
        assert refused(workspace) == {HELPER: MISSING, "Application/desk": MISSING}

    def test_evidence_of_another_evaluation(self, workspace: Path) -> None:
        graph = graph_of(workspace, "prod")
        write_lock(workspace, *(replace(each, evaluation="Evaluation/other") for each in measured(graph)))
        assert refused(workspace) == {HELPER: MISSING, "Application/desk": MISSING}

    def test_a_newer_failure_beats_an_older_pass(self, workspace: Path) -> None:
        graph = graph_of(workspace, "prod")
        old, new = measured(graph), measured(graph, result="fail", date="2026-05-21")
        write_lock(workspace, *old, *(replace(each, environment="staging") for each in new))
        assert refused(workspace) == {HELPER: MISSING, "Application/desk": MISSING}

    @pytest.mark.parametrize(("days", "fresh"), [(0, True), (30, True), (31, False), (-1, True), (-2, False), (-400, False)])
    def test_age(self, workspace: Path, days: int, fresh: bool) -> None:
        """The day that is written may be tomorrow where the check runs further west; any later one is a slip or a trick."""
        day = (TODAY - timedelta(days=days)).isoformat()
        write_lock(workspace, *measured(graph_of(workspace, "prod"), date=day))
        assert set(refused(workspace).values()) == (set() if fresh else {STALE})

    @pytest.mark.parametrize(("n", "enough"), [("20", True), ("19", False)])
    def test_number_of_cases(self, workspace: Path, n: str, enough: bool) -> None:
        write_lock(workspace, *measured(graph_of(workspace, "prod"), n=n))
        assert set(refused(workspace).values()) == (set() if enough else {STALE})

    def test_time_passes(self, workspace: Path) -> None:
        write_lock(workspace, *measured(graph_of(workspace, "prod")))
        assert refused(workspace, date(2026, 6, 19)) == {}
        assert set(refused(workspace, date(2026, 6, 20)).values()) == {STALE}

    def test_one_application_is_no_evidence_for_another(self, workspace: Path) -> None:
        write_lock(workspace, *measured(graph_of(workspace, "prod"), [HELPER]))
        assert refused(workspace) == {"Application/desk": MISSING}

    def test_nothing_is_asked_of_dev(self, workspace: Path) -> None:
        assert refusals(workspace, "dev") == []

    def test_a_line_that_cannot_be_read_is_no_evidence(self, workspace: Path) -> None:
        write_lock(workspace, *measured(graph_of(workspace, "prod")))
        replaced(workspace / FILE, "result=pass", "result=passed")
        assert {each.policy or each.code for each in refusals(workspace)} == {"LLM1001", MISSING}


class TestJudges:
    def test_a_calibrated_judge(self, workspace: Path) -> None:
        graph = graph_of(judged(workspace), "prod")
        write_lock(workspace, *measured(graph), calibration(graph))
        assert refusals(workspace) == []

    def test_one_that_was_never_held_against_people(self, workspace: Path) -> None:
        write_lock(workspace, *measured(graph_of(judged(workspace), "prod")))
        assert refused(workspace) == {HELPER: MOVED, "Application/desk": MOVED}

    @pytest.mark.parametrize(("low", "holds"), [(0.2, True), (0.199, False), (-0.05, False)])
    def test_agreement(self, workspace: Path, low: float, holds: bool) -> None:
        graph = graph_of(judged(workspace), "prod")
        write_lock(workspace, *measured(graph), calibration(graph, low))
        assert set(refused(workspace).values()) == (set() if holds else {MOVED})

    def test_a_judge_that_moves_voids_evidence_and_is_no_new_release(self, workspace: Path) -> None:
        before = graph_of(judged(workspace), "prod")
        write_lock(workspace, *measured(before), calibration(before))
        replaced(workspace / "specs/grader.yaml", "grader-one", "grader-two")
        after = graph_of(workspace, "prod")
        assert after.releases == before.releases
        assert refused(workspace) == {HELPER: MOVED, "Application/desk": MOVED}
        found = next(each for each in refusals(workspace) if each.resource == HELPER)
        assert (found.location.file, found.path) == ("specs/helper.yaml", "spec.evaluations[0]")

    def test_a_calibration_of_the_new_judge_does_not_revive_what_the_old_one_said(self, workspace: Path) -> None:
        before = graph_of(judged(workspace), "prod")
        lock = record(Lock(), [*measured(before), calibration(before)])
        replaced(workspace / "specs/grader.yaml", "grader-one", "grader-two")
        after = graph_of(workspace, "prod")
        (workspace / FILE).write_text(render_lock(record(lock, [calibration(after)])), "utf-8")
        assert set(refused(workspace).values()) == {MOVED}
        (workspace / FILE).write_text(render_lock(record(lock, [calibration(after), *measured(after)])), "utf-8")
        assert refusals(workspace) == []

    def test_a_rubric_that_changes_is_another_release(self, workspace: Path) -> None:
        graph = graph_of(judged(workspace), "prod")
        write_lock(workspace, *measured(graph), calibration(graph))
        replaced(workspace / "specs/quality.yaml", "It is right.", "It is right and short.")
        assert refused(workspace) == {HELPER: MISSING, "Application/desk": MISSING}

    def test_evidence_without_a_judge_where_one_is_named(self, workspace: Path) -> None:
        graph = graph_of(judged(workspace), "prod")
        write_lock(workspace, *measured(graph, judge="-"), calibration(graph))
        assert set(refused(workspace).values()) == {MOVED}

    def test_the_judge_of_another_evaluation_is_not_calibrated_here(self, workspace: Path) -> None:
        graph = graph_of(judged(workspace), "prod")
        write_lock(workspace, *measured(graph), calibration(graph, evaluation="Evaluation/tone"))
        assert set(refused(workspace).values()) == {MOVED}


class TestPromotion:
    def promoted(self, root: Path) -> Graph:
        """What prod would be with the values of staging: the workspace without the patch of prod."""
        (root / "environments/prod/helper.yaml").unlink()
        graph = graph_of(root, "prod")
        (root / "environments/prod/helper.yaml").write_text(LONGER, "utf-8")
        return graph

    def test_without_evidence(self, workspace: Path) -> None:
        write_lock(workspace, *measured(graph_of(workspace, "prod")))
        new = plan_promotion(workspace, "staging", "prod", TODAY)["findings"]["new"]
        (row,) = (row for row in new if row["severity"] == "error")
        line = (workspace / "specs/helper.yaml").read_text("utf-8").splitlines()[row["line"] - 1]
        assert (row["policy"], row["resource"], row["file"], line) == (MISSING, HELPER, "specs/helper.yaml", "  evaluations: [answers]")

    def test_without_evidence_on_either_side(self, workspace: Path) -> None:
        """That prod has none today excuses no other release."""
        assert promotion(workspace) == {HELPER: MISSING}

    def test_with_evidence_from_staging(self, workspace: Path) -> None:
        write_lock(workspace, *measured(self.promoted(workspace)))
        assert promotion(workspace) == {}

    @pytest.mark.parametrize(
        ("named", "policy"), [({"result": "unproven"}, MISSING), ({"result": "fail"}, MISSING), ({"date": "2026-04-30"}, STALE)]
    )
    def test_with_evidence_that_does_not_serve(self, workspace: Path, named: dict[str, str], policy: str) -> None:
        write_lock(workspace, *measured(graph_of(workspace, "prod")), *measured(self.promoted(workspace), [HELPER], **named))
        assert promotion(workspace) == {HELPER: policy}

    def test_with_a_judge_that_has_moved(self, workspace: Path) -> None:
        promoted = self.promoted(judged(workspace))
        here = graph_of(workspace, "prod")
        old = measured(promoted, [HELPER], judge="Model/grader@0123456789abcdef")
        write_lock(workspace, *measured(here), *old, calibration(here))
        assert promotion(workspace) == {HELPER: MOVED}

    def test_a_branch_is_told_too(self, workspace: Path) -> None:
        write_lock(workspace, *measured(graph_of(workspace, "prod")))
        commit_all(workspace, "measured")
        replaced(workspace / "specs/helper.yaml", "product: the kettle", "product: the pot")
        findings = plan_against(workspace, "HEAD", ["prod"], TODAY)["findings"]
        assert [(row["policy"], row["resource"]) for row in findings["new"]] == [(MISSING, HELPER)]
        assert findings["gone"] == []

    def test_a_second_release_without_evidence_is_told_of_again(self, workspace: Path) -> None:
        commit_all(workspace, "nothing measured")
        replaced(workspace / "specs/helper.yaml", "product: the kettle", "product: the pot")
        findings = plan_against(workspace, "HEAD", ["prod"], TODAY)["findings"]
        assert [(row["policy"], row["resource"]) for row in findings["new"]] == [(MISSING, HELPER)]
        assert findings["gone"] == []


def test_no_bundle_of_a_release_without_evidence(workspace: Path) -> None:
    for name in ("helper", "desk"):  # a compile is of today
        replaced(workspace / f"specs/{name}.yaml", "2026-03-01", date.today().isoformat())
    compiled = compile_workspace(workspace, "prod")
    assert {found.policy for found in compiled.diagnostics if found.severity == "error"} == {MISSING}
    assert not compiled.artifacts
    write_lock(workspace, *measured(graph_of(workspace, "prod"), date=date.today().isoformat()))
    assert compile_workspace(workspace, "prod").artifacts


def test_what_is_to_be_measured_is_rendered_all_the_same(workspace: Path) -> None:
    """Or no release could ever get its first evidence. Every other policy holds."""
    for name in ("helper", "desk"):
        replaced(workspace / f"specs/{name}.yaml", "2026-03-01", date.today().isoformat())
    assert compile_workspace(workspace, "prod", unmeasured=True).artifacts
    replaced(workspace / "specs/chatter.yaml", "data_residency: eu", "data_residency: us")
    assert not compile_workspace(workspace, "prod", unmeasured=True).artifacts


HASHES = """\
import sys
from pathlib import Path
from llmops.pipeline import check_workspace
check_workspace(Path(sys.argv[1]), sys.argv[2])
print("llmops.fingerprint" in sys.modules)
"""


@pytest.mark.parametrize(("evidence", "environment", "hashes"), [(False, "prod", "False"), (True, "dev", "False"), (True, "prod", "True")])
def test_nothing_is_hashed_where_no_evidence_is_read(workspace: Path, evidence: bool, environment: str, hashes: str) -> None:
    """Where the lock has none, or where every policy that reads it is off."""
    (workspace / FILE).write_text("lock 1\n", "utf-8")
    if evidence:
        write_lock(workspace, *measured(graph_of(workspace, "prod")))
    run = subprocess.run([sys.executable, "-c", HASHES, str(workspace), environment], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == hashes
