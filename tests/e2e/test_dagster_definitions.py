"""The rendered manifest in the real Dagster: keys, checks, schedules, jobs, links, and a translator of one's own."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from llmops.errors import RuntimeUnavailable
from llmops.runtime.dagster import LlmopsTranslator, LlmopsTranslatorSettings, build_defs_from_manifest
from llmops.runtime.dagster.definitions import load_manifest, locate
from llmops.runtime.dagster.tasks import TASKS
from llmops.runtime.dagster.translator import Node
from tests.dagster_graph import Workspace, write_workspace

RELEASE = dg.AssetKey(["releases", "support-bot"])
INDEX = dg.AssetKey(["indexes", "handbook"])


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    return write_workspace(tmp_path_factory.mktemp("workspace"))


@pytest.fixture(scope="module")
def defs(workspace: Workspace) -> dg.Definitions:
    return build_defs_from_manifest(workspace.bundle / "dagster/manifest.json")


def specs_of(defs: dg.Definitions) -> dict[dg.AssetKey, dg.AssetSpec]:
    return {spec.key: spec for spec in defs.resolve_all_asset_specs()}


def test_dagster_validates_the_rendered_folder(workspace: Workspace) -> None:
    """As a user runs it: another process, the rendered file alone."""
    command = [sys.executable, "-B", "-m", "dagster", "definitions", "validate", "-f", "dagster/definitions.py"]
    done = subprocess.run(command, cwd=workspace.bundle, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "Validation successful" in done.stdout + done.stderr


def test_every_asset_of_the_manifest_is_there_and_no_stub(workspace: Workspace, defs: dg.Definitions) -> None:
    expected = {dg.AssetKey(asset["key"]): asset["code_version"] for asset in workspace.manifest["assets"]}
    assert {key: spec.code_version for key, spec in specs_of(defs).items()} == expected
    assert defs.resolve_asset_graph().get_all_asset_keys() == expected.keys()


def test_models_are_external_and_the_rest_is_built(defs: dg.Definitions) -> None:
    graph = defs.resolve_asset_graph()
    external = graph.get_all_asset_keys() - graph.executable_asset_keys
    assert external == {dg.AssetKey(["models", "gemma"]), dg.AssetKey(["models", "minilm"])}


def test_lineage_leads_from_the_embedder_to_the_monitor(defs: dg.Definitions) -> None:
    graph = defs.resolve_asset_graph()
    assert dg.AssetKey(["monitors", "support-bot", "quality"]) in graph.get(RELEASE).child_keys
    assert graph.get(INDEX).parent_keys == {dg.AssetKey(["models", "minilm"])}


def test_checks_block_as_declared(defs: dg.Definitions) -> None:
    graph = defs.resolve_asset_graph()
    blocking = {key.name: graph.get_check_spec(key).blocking for key in graph.get(RELEASE).check_keys}
    assert blocking == {
        "support_retrieval__retrieval_recall": True,
        "support_retrieval__retrieval_mrr": False,
        "support_answers__answer_f1": False,
    }


def test_a_check_says_its_limit(defs: dg.Definitions) -> None:
    graph = defs.resolve_asset_graph()
    spec = graph.get_check_spec(dg.AssetCheckKey(RELEASE, "support_retrieval__retrieval_recall"))
    assert spec.description == "retrieval_recall ≥ 0.5 (Evaluation/support-retrieval)"
    assert spec.metadata["llmops/min"] == 0.5


def test_an_evaluation_is_one_op_of_its_own(defs: dg.Definitions) -> None:
    ops = {check.op.name: len(list(check.check_specs)) for check in defs.asset_checks or ()}
    assert ops == {"support_bot__support_retrieval": 2, "support_bot__support_answers": 1}


def test_evaluations_share_the_pool(defs: dg.Definitions) -> None:
    assert {check.op.pool for check in defs.asset_checks or ()} == {"llm"}


def test_schedules_run_from_the_start_in_utc(defs: dg.Definitions) -> None:
    found = {s.name: s.cron_schedule for s in defs.schedules or () if isinstance(s, dg.ScheduleDefinition)}
    assert found == {
        "indexes__handbook_schedule": "0 3 * * *",
        "monitors__support_bot__quality_schedule": "0 * * * *",
        "support_bot__support_retrieval_schedule": "30 4 * * 1",
    }
    for schedule in defs.schedules or ():
        assert isinstance(schedule, dg.ScheduleDefinition)
        assert (schedule.execution_timezone, schedule.default_status) == ("UTC", dg.DefaultScheduleStatus.RUNNING)


def selections(defs: dg.Definitions) -> dict[str, dg.AssetSelection]:
    """What each job, and the job behind each schedule, takes."""
    jobs = [*(defs.jobs or ()), *(s.job for s in defs.schedules or () if isinstance(s, dg.ScheduleDefinition))]
    return {job.name: job.selection for job in jobs if hasattr(job, "selection")}


def test_a_scheduled_evaluation_builds_no_asset(defs: dg.Definitions) -> None:
    graph = defs.resolve_asset_graph()
    (selection,) = (chosen for name, chosen in selections(defs).items() if "support_retrieval" in name)
    assert selection.resolve(graph) == set()
    checks = {key.name for key in selection.resolve_checks(graph)}
    assert checks == {"support_retrieval__retrieval_recall", "support_retrieval__retrieval_mrr"}


def test_the_job_of_an_application_holds_its_release_and_its_parts(defs: dg.Definitions) -> None:
    graph = defs.resolve_asset_graph()
    selection = selections(defs)["support_bot_release"]
    assert {key.path[0] for key in selection.resolve(graph)} == {"datasets", "indexes", "prompts", "releases", "safety_policies"}
    assert len(selection.resolve_checks(graph)) == 3
    assert {job.name for job in defs.jobs or ()} == {"support_bot_release", "plain_bot_release"}


def test_code_references_lead_to_the_line(workspace: Workspace, defs: dg.Definitions) -> None:
    references = specs_of(defs)[INDEX].metadata["dagster/code_references"].code_references
    local, remote = references
    assert (local.file_path, local.line_number) == (str(workspace.root / "specs/support.yaml"), 14)
    assert remote.url == "https://git.example.org/acme/assistants/blob/main/apps/support/specs/support.yaml#L14"


def test_gitlab_has_other_addresses(workspace: Workspace) -> None:
    manifest = workspace.manifest
    manifest["git"] = {"url": "https://gitlab.example.org/acme/x", "branch": "dev", "directory": ""}
    built = specs_of(build_defs_from_manifest(manifest, root=workspace.root))
    remote = built[INDEX].metadata["dagster/code_references"].code_references[1]
    assert remote.url == "https://gitlab.example.org/acme/x/-/blob/dev/specs/support.yaml#L14"


def test_owners_groups_tags_and_kinds(defs: dg.Definitions) -> None:
    spec = specs_of(defs)[INDEX]
    assert (spec.owners, spec.group_name, spec.description) == (["ada@example.org"], "ada", "Support pages.")
    assert spec.kinds == {"index", "haystack", "postgres"}
    assert spec.tags["llmops/tier"] == "1"


def test_settings_leave_parts_out(workspace: Workspace) -> None:
    settings = LlmopsTranslatorSettings(enable_code_references=False, enable_asset_checks=False, enable_schedules=False)
    built = build_defs_from_manifest(workspace.bundle / "dagster/manifest.json", translator=LlmopsTranslator(settings))
    assert not built.schedules
    assert not built.resolve_asset_graph().asset_check_keys
    assert "dagster/code_references" not in specs_of(built)[INDEX].metadata


class Prefixed(LlmopsTranslator):
    """Another naming convention, and no soft checks."""

    def get_asset_key(self, node: Node) -> dg.AssetKey:
        return dg.AssetKey(["llm", *node["key"]])

    def get_owners(self, node: Node) -> Sequence[str]:
        return ["team:platform"]

    def get_automation_condition(self, node: Node) -> dg.AutomationCondition[Any] | None:
        return dg.AutomationCondition.code_version_changed()

    def get_asset_check_spec(self, asset: dg.AssetSpec, check: Node) -> dg.AssetCheckSpec | None:
        return super().get_asset_check_spec(asset, check) if check["blocking"] else None


def test_a_translator_changes_keys_together_with_dependencies(workspace: Workspace) -> None:
    built = build_defs_from_manifest(workspace.bundle / "dagster/manifest.json", translator=Prefixed())
    graph = built.resolve_asset_graph()
    assert {key.path[0] for key in graph.get_all_asset_keys()} == {"llm"}
    assert graph.get(dg.AssetKey(["llm", *RELEASE.path])).parent_keys >= {dg.AssetKey(["llm", *INDEX.path])}
    assert {key.name for key in graph.asset_check_keys} == {"support_retrieval__retrieval_recall"}
    assert all(spec.owners == ["team:platform"] and spec.automation_condition for spec in specs_of(built).values())


def test_op_tags_reach_every_op(workspace: Workspace) -> None:
    built = build_defs_from_manifest(workspace.bundle / "dagster/manifest.json", op_tags={"team": "docs"})
    ops = [*(a.op for a in built.assets or () if isinstance(a, dg.AssetsDefinition)), *(c.op for c in built.asset_checks or ())]
    assert len(ops) > 5
    assert all(op.tags["team"] == "docs" for op in ops)


def test_the_executor_is_in_process(defs: dg.Definitions) -> None:
    assert defs.executor is dg.in_process_executor


def test_every_task_of_the_manifest_is_registered(workspace: Workspace) -> None:
    used = {asset["task"]["type"] for asset in workspace.manifest["assets"] if asset["task"]}
    assert used == set(TASKS)


def test_the_workspace_is_found_above_the_bundle(workspace: Workspace, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    path = workspace.bundle / "dagster/manifest.json"
    assert locate(path, workspace.manifest).root == workspace.root
    monkeypatch.setenv("LLMOPS_WORKSPACE", str(tmp_path))
    assert locate(path, workspace.manifest).root == tmp_path
    assert locate(path, workspace.manifest, workspace.root).root == workspace.root


def test_a_manifest_of_another_version_is_refused(tmp_path: Path) -> None:
    (tmp_path / "manifest.json").write_text(json.dumps({"manifest_version": 99}), "utf-8")
    with pytest.raises(RuntimeUnavailable, match="manifest version 99, expected 1") as caught:
        load_manifest(tmp_path / "manifest.json")
    assert caught.value.hint == "llmops compile"


def test_a_missing_manifest_says_how_to_make_it(tmp_path: Path) -> None:
    with pytest.raises(RuntimeUnavailable, match="cannot be read") as caught:
        build_defs_from_manifest(tmp_path / "manifest.json")
    assert caught.value.hint == "llmops compile"


def test_loading_definitions_imports_no_engine(workspace: Workspace) -> None:
    code = (
        "import sys; from pathlib import Path; from llmops.runtime.dagster import build_defs_from_manifest as b; "
        f"b(Path({str(workspace.bundle / 'dagster/manifest.json')!r})); "
        "print(*sorted({'haystack', 'guardrails', 'nemoguardrails', 'psycopg', 'fastembed', 'xllamacpp'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-B", "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""
