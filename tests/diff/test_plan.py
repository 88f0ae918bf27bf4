"""What a plan says beyond its changes: the scope, versions, findings, policies, people, environments, promotion."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from llmops.errors import UsageError
from llmops.fingerprint import fingerprint, judge_identity
from llmops.pipeline import check_workspace
from llmops.plan import plan_against, plan_promotion, sides
from llmops.plan.fields import differences
from llmops.plan.scope import everything
from llmops.report.plans.phrases import is_empty
from tests.conftest import copy_example
from tests.diff.edits import APP, EDITS, HANDBOOK, MINILM, MODELS, PROMPT, QUALITY, SAFETY, SOURCE
from tests.diff.repositories import commit_all, git
from tests.diff.test_edits import apply

HAND, TEAM = "docs-team", "ml-platform"
GRADER = """\
apiVersion: llmops/v1
kind: Model
metadata: {{name: grader, owner: ml-platform}}
spec:
  task: chat
  provider: openai
  model: grader-{revision}
  revision: "2026-01-01"
  endpoint: {{url: "https://llm.example.org/v1", api_key: {{env: GRADER_KEY}}, timeout_seconds: 30}}
  context_window: 8192
  max_output_tokens: 16
  parameters: {{temperature: 0}}
  price: {{input: 0.1, output: 0.4}}
  data_residency: eu
  licence: Apache-2.0
"""


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = copy_example(tmp_path_factory.mktemp("plan") / "workspace")
    commit_all(root, "start")
    git(root, "tag", "start")
    return root


@pytest.fixture
def workspace(repository: Path) -> Iterator[Path]:
    yield repository
    git(repository, "reset", "-q", "--hard", "start")
    git(repository, "clean", "-qfd")


def replaced(root: Path, file: str, old: str, new: str) -> None:
    text = (root / file).read_text("utf-8")
    assert old in text
    (root / file).write_text(text.replace(old, new, 1), "utf-8")


def row(rows: list[dict[str, Any]], **wanted: Any) -> dict[str, Any]:
    (found,) = [row for row in rows if all(row[key] == value for key, value in wanted.items())]
    return found


class TestScope:
    """Only a part of the workspace is linked; the plan is that of the whole."""

    @pytest.mark.parametrize(
        "name", ["prompt text", "embedder's revision", "a dataset's row", "a document", "a deployment", "engines' order"]
    )
    def test_the_part_gives_the_plan_of_the_whole(self, workspace: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
        apply(workspace, EDITS[name])
        part = plan_against(workspace, "HEAD", today=date(2026, 11, 24))
        monkeypatch.setattr(sides, "scope_of", lambda before, after, reader: everything(before, after))
        whole = plan_against(workspace, "HEAD", today=date(2026, 11, 24))
        prices = whole.pop("prices"), part.pop("prices")
        assert part == whole
        assert prices[1]["models"].items() <= prices[0]["models"].items()

    def test_a_resource_that_others_use_is_not_called_unused(self, workspace: Path) -> None:
        """The evaluation leaves the application; its dataset stays in use elsewhere, in files that need not be linked."""
        apply(workspace, EDITS["an evaluation left out"])
        plan = plan_against(workspace, "HEAD", ["dev"])
        assert [found["resource"] for found in plan["findings"]["new"] if found["code"] == "LLM0406"] == ["Evaluation/handbook-answers"]


class TestVersions:
    def test_a_raised_version_is_one_change_that_names_the_old_one(self, workspace: Path) -> None:
        apply(workspace, EDITS["prompt version raised"])
        (change,) = plan_against(workspace, "HEAD", ["dev"])["changes"]
        assert (change["resource"], change["was"], change["operation"]) == ("Prompt/handbook-answer@1.1.0", PROMPT, "update")

    def test_a_version_beside_the_old_one_is_compared_with_it(self, workspace: Path) -> None:
        first = (workspace / HANDBOOK).read_text("utf-8").split("---\n")[0]
        second = first.replace("1.0.0", "1.1.0").replace("in a few words", "in one sentence")
        (workspace / "specs/next.yaml").write_text(second, "utf-8")
        replaced(workspace, HANDBOOK, "prompt: handbook-answer\n", "prompt: handbook-answer@1.0.0\n")
        created = row(plan_against(workspace, "HEAD", ["dev"])["changes"], resource="Prompt/handbook-answer@1.1.0")
        assert (created["operation"], created["was"], created["class"]) == ("create", PROMPT, "behaviour")
        text = row(created["fields"], path="spec.messages[0].content")
        assert ["removed", "a few words"] in text["words"] and ["added", "one sentence"] in text["words"]


class TestWhatFollows:
    def test_an_embedder_rebuilds_the_index_and_says_why(self, workspace: Path) -> None:
        apply(workspace, EDITS["embedder's revision"])
        plan = plan_against(workspace, "HEAD", ["dev"])
        (index,) = plan["indexes"]
        assert (index["source"], index["mode"], index["why"]) == (SOURCE, "full", f"{MINILM} spec.revision")
        assert index["documents"] == len(list((workspace / "docs").rglob("*.md")))
        assert index["chunks"] > index["documents"] and index["tokens"] > index["chunks"]
        assert index["seconds"] > 0 and index["dollars"] == 0

    def test_a_document_is_embedded_alone(self, workspace: Path) -> None:
        apply(workspace, EDITS["a new document"])
        (index,) = plan_against(workspace, "HEAD", ["dev"])["indexes"]
        assert (index["mode"], index["documents"], index["chunks"]) == ("changed files", 1, 1)

    def test_another_store_holds_nothing_yet(self, workspace: Path) -> None:
        apply(workspace, EDITS["a store in prod"])
        (index,) = plan_against(workspace, "HEAD", ["prod"])["indexes"]
        assert (index["mode"], index["why"]) == ("full", f"{SOURCE} spec.store.connection.env")

    def test_top_k_rebuilds_nothing_and_costs_more(self, workspace: Path) -> None:
        replaced(workspace, HANDBOOK, "top_k: 3", "top_k: 6")
        plan = plan_against(workspace, "HEAD", ["prod"])
        assert plan["indexes"] == []
        (cost,) = plan["costs"]
        assert cost["delta"] > 0 and cost["after"]["input_tokens"] > cost["before"]["input_tokens"]
        assert cost["delta"] == pytest.approx((cost["after"]["input_tokens"] - cost["before"]["input_tokens"]) * 5000 * 0.1 / 1e6)

    def test_a_price_moves_the_cost_and_no_release(self, workspace: Path) -> None:
        apply(workspace, EDITS["a price in prod"])
        plan = plan_against(workspace, "HEAD", ["prod"])
        assert plan["evaluations"] == [] and len(plan["costs"]) == 1
        (application,) = plan["applications"]
        assert application["environments"]["prod"]["before"] == application["environments"]["prod"]["after"]

    def test_evaluations_run_for_a_new_release_only(self, workspace: Path) -> None:
        apply(workspace, EDITS["prompt text"])
        plan = plan_against(workspace, "HEAD", ["dev"])
        assert [(e["evaluation"], e["cases"], e["blocking"]) for e in plan["evaluations"]] == [
            ("Evaluation/handbook-answers", 10, False),
            ("Evaluation/handbook-red-team", 18, False),
            ("Evaluation/handbook-retrieval", 60, True),
        ]
        git(workspace, "checkout", "-q", ".")
        apply(workspace, EDITS["traffic"])
        assert plan_against(workspace, "HEAD", ["dev"])["evaluations"] == []

    def test_evidence_of_a_new_release_is_looked_up_in_the_lock(self, workspace: Path) -> None:
        apply(workspace, EDITS["prompt text"])
        release = plan_against(workspace, "HEAD", ["dev"])["applications"][0]["environments"]["dev"]["after"]
        line = f"evidence {release} dev Evaluation/handbook-answers judge=- n=10 result=pass date=2026-11-24\n"
        (workspace / "llmops.lock").write_text(f"lock 1\n{line}", "utf-8")
        (evidence,) = plan_against(workspace, "HEAD", ["dev"])["evidence"]
        assert (evidence["release"], evidence["environment"], evidence["new"]) == (release, "dev", True)
        known = {"evaluation": "Evaluation/handbook-answers", "result": "pass", "n": 10, "date": "2026-11-24"}
        lacking = {"result": "missing", "n": None, "date": None, "judge": "-", "judge_moved": False}
        retrieval, attacks = ({"evaluation": f"Evaluation/handbook-{name}", **lacking} for name in ("retrieval", "red-team"))
        assert evidence["entries"] == [retrieval, {"judge": "-", "judge_moved": False, **known}, attacks]

    def test_a_judge_that_moves_is_no_new_release_and_voids_evidence(self, workspace: Path) -> None:
        """Its rubric belongs to the evaluation; its model does not."""
        judge = GRADER.format(revision="one")
        (workspace / "specs/grader.yaml").write_text(judge, "utf-8")
        replaced(
            workspace,
            QUALITY,
            "  dataset: handbook-questions\n  sample: 10\n",
            "  dataset: handbook-questions\n  judge: grader\n  sample: 10\n",
        )
        rubric = "    - {name: judge_rubric, rubric: It is right.}\n    - {name: answer_similarity"
        replaced(workspace, QUALITY, "    - {name: answer_similarity", rubric)
        commit_all(workspace, "a judge")
        checked = check_workspace(workspace, "dev").graph
        assert checked is not None
        graph = fingerprint(checked)
        release = graph.releases["Application/handbook-assistant"]
        identity = judge_identity(graph, graph["Evaluation/handbook-answers"])
        line = f"evidence {release} dev Evaluation/handbook-answers judge=Model/grader@{identity} n=10 result=pass date=2026-11-24\n"
        (workspace / "llmops.lock").write_text(f"lock 1\n{line}", "utf-8")
        commit_all(workspace, "evidence")
        (workspace / "specs/grader.yaml").write_text(judge.replace("one", "two"), "utf-8")
        plan = plan_against(workspace, "HEAD", ["dev"])
        assert [row["environments"]["dev"]["before"] for row in plan["applications"] if row["class"] != "metadata"] == []
        (evidence,) = plan["evidence"]
        assert (evidence["release"], evidence["new"]) == (release, False)
        (entry,) = evidence["entries"]
        assert (entry["result"], entry["judge_moved"]) == ("pass", True)


class TestFindings:
    def test_new_and_gone_are_told_apart(self, workspace: Path) -> None:
        replaced(workspace, MODELS, "  revision: q4_k_m\n", "")
        commit_all(workspace, "no revision")
        replaced(workspace, MODELS, "  provider: llama.cpp\n", "  provider: llama.cpp\n  revision: q4_k_m\n")
        replaced(workspace, SAFETY, "severity: low", "severity: high\n      mode: monitor")
        plan = plan_against(workspace, "HEAD", ["prod"])
        assert [found["policy"] for found in plan["findings"]["gone"]] == ["model-revision-pinned"]
        assert "high-severity-rules-enforced" in [found["policy"] for found in plan["findings"]["new"]]
        assert {found["because"] for side in plan["findings"].values() for found in side} == {"change"}

    def test_a_finding_that_moves_to_another_line_is_the_same(self, workspace: Path) -> None:
        replaced(workspace, HANDBOOK, "apiVersion", "# one line more\napiVersion")
        replaced(workspace, HANDBOOK, "requests_per_day: 5000", "requests_per_day: 5001")
        assert plan_against(workspace, "HEAD")["findings"] == {"new": [], "gone": []}

    @pytest.mark.parametrize(
        ("file", "old", "new", "code"),
        [
            (HANDBOOK, "prompt: handbook-answer\n", "prompt: handbook-anwser\n", "LLM0401"),
            (HANDBOOK, "top_k: 3", "top_k: many", "LLM0205"),
            (HANDBOOK, "kind: Prompt", "kind: [Prompt", ""),
            (MODELS, "name: minilm", "name: minilm2", "LLM0401"),
        ],
    )
    def test_specs_with_new_mistakes_are_not_planned(self, workspace: Path, file: str, old: str, new: str, code: str) -> None:
        replaced(workspace, file, old, new)
        plan = plan_against(workspace, "HEAD", ["dev"])
        assert plan["blocked"] and plan["changes"] == plan["applications"] == plan["reach"] == []
        assert any(found["code"].startswith(code) and found["severity"] == "error" for found in plan["findings"]["new"])
        assert not is_empty(plan)

    def test_a_secret_is_not_repeated(self, workspace: Path) -> None:
        secret = "sk-" + "a1B2" * 8
        replaced(workspace, HANDBOOK, "Answers questions about llmops from its handbook.", f"Key {secret}")
        replaced(workspace, HANDBOOK, "in a few words", f"with {secret}")
        plan = plan_against(workspace, "HEAD", ["dev"])
        assert secret not in str(plan)
        assert "(hidden)" in str(plan)


class TestPolicies:
    def test_a_policys_own_change_is_previewed(self, workspace: Path) -> None:
        policy = "policies/question-length-limited.yaml"
        text = (workspace / policy).read_text("utf-8")
        (workspace / policy).unlink()
        commit_all(workspace, "without the policy")
        (workspace / policy).write_text(text.replace("when:", "when: true ||", 1) if "when:" in text else text, "utf-8")
        plan = plan_against(workspace, "HEAD", ["prod"])
        (preview,) = plan["policies"]
        assert (preview["policy"], preview["operation"]) == ("question-length-limited", "create")
        assert preview["stops"] == []
        assert all(found["because"] == "policy" for found in plan["findings"]["new"])

    def test_who_starts_and_stops_failing_is_said(self, workspace: Path) -> None:
        rule = (
            "apiVersion: llmops/v1\nkind: Policy\nmetadata: {name: long-answers, title: Answers are long, owner: risk}\nspec:\n"
            "  severity: low\n  enforcement: {dev: block}\n  match: {kinds: [Model]}\n  when: r.spec.task == 'chat'\n"
            "  assert: r.spec.max_output_tokens >= LIMIT\n  at: spec.max_output_tokens\n  message: too short\n"
            "  why: Short answers help nobody.\n  remediation: {text: Raise it}\n"
            "  tests:\n  - {name: a, expect: pass, resource: {spec: {task: chat, max_output_tokens: 9999}}}\n"
            "  - {name: b, expect: fail, at: spec.max_output_tokens, resource: {spec: {task: chat, max_output_tokens: 1}}}\n"
        )
        path = workspace / "policies/long-answers.yaml"
        path.write_text(rule.replace("LIMIT", "10"), "utf-8")
        commit_all(workspace, "a lax policy")
        path.write_text(rule.replace("LIMIT", "100"), "utf-8")
        stricter = plan_against(workspace, "HEAD", ["dev"])
        assert stricter["policies"] == [
            {"policy": "long-answers", "operation": "update", "starts": ["Model/gemma-local"], "stops": [], "environments": ["dev"]}
        ]
        assert row(stricter["reviewers"], owner="risk")["why"] == ["owns the policy long-answers"]
        commit_all(workspace, "a strict policy")
        path.unlink()
        gone = plan_against(workspace, "HEAD", ["dev"])
        assert (gone["policies"][0]["operation"], gone["policies"][0]["stops"]) == ("remove", ["Model/gemma-local"])

    def test_a_policys_cases_are_no_change_of_it(self, workspace: Path) -> None:
        policy = workspace / "policies/model-revision-pinned.yaml"
        policy.write_text(policy.read_text("utf-8").replace("- {name: ", "- {name: again ", 1), "utf-8")
        assert is_empty(plan_against(workspace, "HEAD"))


class TestPeopleAndPlaces:
    def test_the_owners_of_what_changes_and_of_what_it_reaches_review(self, workspace: Path) -> None:
        settings = workspace / "llmops.yaml"
        without = settings.read_text("utf-8").partition("  owners:")[0]
        settings.write_text(f'{without}  owners: {{docs-team: "@acme/docs"}}\n', "utf-8")
        apply(workspace, EDITS["embedder's revision"])
        plan = plan_against(workspace, "HEAD", ["dev"])
        assert plan["reviewers"] == [
            {"owner": HAND, "handle": "@acme/docs", "why": [f"owns {APP}, which it reaches"]},
            {"owner": TEAM, "handle": None, "why": [f"owns {MINILM}"]},
        ]

    def test_metadata_asks_nobody_downstream(self, workspace: Path) -> None:
        apply(workspace, EDITS["embedder's licence"])
        assert [reviewer["owner"] for reviewer in plan_against(workspace, "HEAD", ["dev"])["reviewers"]] == [TEAM]

    def test_the_matrix_shows_what_differs_between_environments(self, workspace: Path) -> None:
        apply(workspace, EDITS["prompt text"])
        plan = plan_against(workspace, "HEAD")
        assert row(plan["matrix"], resource="Model/gemma-local", path="spec.provider")["values"] == {
            "dev": "llama.cpp",
            "staging": "llama.cpp",
            "prod": "openai",
        }
        assert row(plan["matrix"], path="spec.price.input")["values"] == {"prod": 0.1}
        assert not [found for found in plan["matrix"] if found["resource"] == MINILM]

    def test_an_environments_own_change_names_only_it(self, workspace: Path) -> None:
        apply(workspace, EDITS["an address in prod"])
        plan = plan_against(workspace, "HEAD")
        assert {tuple(change["environments"]) for change in plan["changes"]} == {("prod",)}
        releases = plan["applications"][0]["environments"]
        assert {name for name, both in releases.items() if both["before"] != both["after"]} == {"prod"}

    def test_a_new_environment_is_planned_from_nothing(self, workspace: Path) -> None:
        replaced(workspace, "llmops.yaml", "    prod:\n", "    prod:\n    canary:\n")
        plan = plan_against(workspace, "HEAD", ["canary"])
        assert {change["operation"] for change in plan["changes"]} == {"create"}
        assert plan["applications"][0]["environments"]["canary"]["before"] is None

    def test_a_workspace_that_is_new_is_all_created(self, tmp_path: Path) -> None:
        root = tmp_path / "w"
        root.mkdir()
        (root / "README").write_text("start", "utf-8")
        commit_all(root, "start")
        copy_example(root)
        plan = plan_against(root, "HEAD", ["dev"])
        assert not plan["blocked"] and {change["operation"] for change in plan["changes"]} == {"create"}
        assert len(plan["changes"]) == 12

    @pytest.mark.parametrize("names", [["nowhere"], ["dev", "prd"]])
    def test_an_unknown_environment_is_refused(self, workspace: Path, names: list[str]) -> None:
        with pytest.raises(UsageError, match="has no environment"):
            plan_against(workspace, "HEAD", names)

    def test_what_is_no_workspace_is_refused(self, workspace: Path) -> None:
        (workspace / "llmops.yaml").write_text("a: [", "utf-8")
        with pytest.raises(UsageError, match=r"llmops\.yaml:1"):
            plan_against(workspace, "HEAD")


class TestPromotion:
    def test_what_belongs_to_an_environment_stays(self, workspace: Path) -> None:
        plan = plan_promotion(workspace, "staging", "prod")
        assert plan["changes"] == [] and plan["promotion"]["moves"] == []
        assert {stay["path"].split(".")[1] for stay in plan["promotion"]["stays"]} == {
            *("chat_template", "data_residency", "endpoint", "limits", "price", "provider", "weights")
        }

    def test_what_was_tried_in_staging_moves(self, workspace: Path) -> None:
        patch = "target: {kind: RetrievalSource, name: handbook}\npatch: {spec: {retrieve: {top_k: 5}, chunking: {length: 90}}}\n"
        (workspace / "environments/staging/more.yaml").write_text(patch, "utf-8")
        plan = plan_promotion(workspace, "staging", "prod")
        moved = {(move["resource"], move["path"]): (move["old"], move["new"]) for move in plan["promotion"]["moves"]}
        assert moved == {(SOURCE, "spec.chunking.length"): (60, 90), (SOURCE, "spec.retrieve.top_k"): (3, 5)}
        assert (plan["summary"]["class"], plan["environments"]) == ("breaking", ["prod"])
        assert [index["mode"] for index in plan["indexes"]] == ["full"]
        assert (plan["base"]["environment"], plan["head"]["environment"]) == ("prod", "staging")
        written = workspace / "environments/prod/more.yaml"
        written.write_text(patch, "utf-8")
        promoted = plan_against(workspace, "HEAD", ["prod"])
        assert promoted["applications"][0]["environments"] == plan["applications"][0]["environments"]

    @pytest.mark.parametrize(("source", "target"), [("prod", "prod"), ("stagin", "prod"), ("dev", "live")])
    def test_it_takes_two_environments(self, workspace: Path, source: str, target: str) -> None:
        with pytest.raises(UsageError):
            plan_promotion(workspace, source, target)


def test_differences_are_those_of_canonical_json() -> None:
    assert list(differences({"a": 1, "b": [1, 2]}, {"a": 1.0, "b": [1, 2]})) == []
    assert [d.path for d in differences({"a": 1}, {"a": True})] == [("a",)]
    assert [d.operation for d in differences({"a": None}, {})] == ["remove"]
