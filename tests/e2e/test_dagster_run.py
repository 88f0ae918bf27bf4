"""Runs in this process on the persistent instance: real engines, a real index, a real model, and what Dagster keeps of it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import orjson
import pytest

from llmops.errors import UsageError
from llmops.runtime.bundle import Bundle
from llmops.runtime.dagster.instance import CheckOutcome, RunOutcome, ensure_home, materialize
from llmops.runtime.interactions import Interaction, read, record, stamp
from llmops.runtime.measuring.session import EVALUATION_LOG
from tests.dagster_graph import CASES, Workspace, write_workspace

RELEASE = "releases/support-bot"
MONITOR = "monitors/support-bot/quality"
CHEAP = 'key:"prompts/*" or key:"datasets/*"'


def interaction(number: int, **changes: Any) -> Interaction:
    values: dict[str, Any] = dict.fromkeys(Interaction.__dataclass_fields__, "")
    values |= {"id": f"i-{number}", "time": stamp(datetime.now(UTC)), "environment": "dev", "application": "support-bot"}
    values |= {"verdicts_json": "[]", "blocked": False, "latency_ms": 10.0, "input_tokens": 1, "output_tokens": 1}
    return Interaction(**{**values, **changes})


def run(workspace: Workspace, selection: str | None) -> tuple[RunOutcome, list[str]]:
    told: list[str] = []
    return materialize(workspace.bundle, workspace.root, selection, told.append), told


@pytest.fixture
def instance_of() -> Iterator[Any]:
    opened: list[dg.DagsterInstance] = []

    def open_(workspace: Workspace) -> dg.DagsterInstance:
        opened.append(dg.DagsterInstance.from_config(str(ensure_home(workspace.root))))
        return opened[-1]

    yield open_
    for instance in opened:
        instance.dispose()


def metadata_of(instance: dg.DagsterInstance, key: str) -> dict[str, Any]:
    event = instance.get_latest_materialization_event(dg.AssetKey(key.split("/")))
    assert event is not None
    assert event.asset_materialization is not None
    return {name: value.value for name, value in event.asset_materialization.metadata.items()}


@pytest.fixture(scope="module")
def everything(tmp_path_factory: pytest.TempPathFactory) -> tuple[Workspace, RunOutcome, list[str]]:
    """One run of all assets, with three interactions in the log."""
    workspace = write_workspace(tmp_path_factory.mktemp("workspace"))
    redacted = orjson.dumps([{"allowed": True, "hits": [{"action": "redact", "mode": "enforce"}]}]).decode()
    for row in (
        interaction(1),
        interaction(2, error_type="RuntimeUnavailable", error="down"),
        interaction(3, verdicts_json=redacted, latency_ms=30.0),
        interaction(4, environment="prod", error_type="RuntimeUnavailable"),
        interaction(5, time=stamp(datetime.now(UTC) - timedelta(hours=25)), error_type="RuntimeUnavailable"),
    ):
        record(workspace.root, row)
    return (workspace, *run(workspace, None))


def check(outcome: RunOutcome, name: str) -> CheckOutcome:
    (found,) = [c for c in outcome.checks if c.name == name]
    return found


def test_everything_is_built_once(everything: tuple[Workspace, RunOutcome, list[str]]) -> None:
    _, outcome, _ = everything
    assert outcome.errors == ()
    assert outcome.success
    assert outcome.materialized == (
        "datasets/questions",
        "indexes/handbook",
        MONITOR,
        "prompts/answer-1.0.0",
        "releases/plain-bot",
        RELEASE,
        "safety_policies/public",
    )


def test_progress_names_the_steps_and_what_they_start(everything: tuple[Workspace, RunOutcome, list[str]]) -> None:
    _, _, told = everything
    assert "indexes__handbook" in told
    assert "store is ready" in told
    assert "retrieved for case 2 of 2" in told
    assert told.index("releases__support_bot") < told.index("support_bot__support_retrieval")


def test_retrieval_checks_carry_their_value_and_cases(everything: tuple[Workspace, RunOutcome, list[str]]) -> None:
    _, outcome, _ = everything
    recall = check(outcome, "support_retrieval__retrieval_recall")
    assert (recall.asset, recall.passed, recall.blocking, recall.value) == (RELEASE, True, True, 1.0)
    assert recall.description == "retrieval_recall 1 [0.342, 1] over 2 cases neither proves nor refutes ≥ 0.5"


def test_a_check_shows_its_interval_its_outcome_and_its_scores(
    everything: tuple[Workspace, RunOutcome, list[str]], instance_of: Any
) -> None:
    workspace, _, _ = everything
    key = dg.AssetCheckKey(dg.AssetKey(RELEASE.split("/")), "support_retrieval__retrieval_recall")
    (record,) = instance_of(workspace).event_log_storage.get_asset_check_execution_history(key, limit=5)
    shown = {name: value.value for name, value in record.event.dagster_event.asset_check_evaluation_data.metadata.items()}
    assert (shown["value"], shown["high"], shown["n"], shown["threshold"]) == (1.0, 1.0, 2, 0.5)
    assert shown["low"] == pytest.approx(0.342, abs=0.001)
    assert shown["outcome"] == "unproven"
    assert "█" in shown["distribution"]


def test_answers_were_measured_with_the_model(everything: tuple[Workspace, RunOutcome, list[str]]) -> None:
    """Only the sample of 2."""
    workspace, outcome, _ = everything
    f1 = check(outcome, "support_answers__answer_f1")
    assert f1.value is not None
    assert "over 2 cases" in f1.description
    asked = [row.question for row in read(workspace.root / EVALUATION_LOG, "support-bot")]
    assert asked == [case["question"] for case in CASES[:2]]


def test_questions_of_evaluations_are_no_traffic(everything: tuple[Workspace, RunOutcome, list[str]]) -> None:
    workspace, _, _ = everything
    assert {row.id for row in read(workspace.root, "support-bot")} == {"i-1", "i-2", "i-3", "i-4", "i-5"}


def test_the_monitor_reads_its_window_and_environment(everything: tuple[Workspace, RunOutcome, list[str]], instance_of: Any) -> None:
    workspace, outcome, _ = everything
    values = metadata_of(instance_of(workspace), MONITOR)
    assert {row.data["signal"] for row in values.pop("readings").records} == {"interactions", "error_rate", "redacted_rate"}
    assert "hours a bar, at most 3 interactions" in values.pop("by hour")
    assert values == {"observed": 3, "interactions": 3.0, "error_rate": pytest.approx(1 / 3), "redacted_rate": pytest.approx(1 / 3)}
    assert check(outcome, "interactions").passed
    assert not check(outcome, "error_rate").passed
    assert not [c for c in outcome.checks if c.name == "redacted_rate"]


def test_the_release_says_what_it_is_made_of(everything: tuple[Workspace, RunOutcome, list[str]], instance_of: Any) -> None:
    workspace, _, _ = everything
    values = metadata_of(instance_of(workspace), RELEASE)
    assert values["release"] == Bundle.open(workspace.bundle).applications["support-bot"].release
    parts = {row.data["resource"]: row.data["git"] for row in values["parts"].records}
    assert {"Model/gemma", "Prompt/answer@1.0.0", "SafetyPolicy/public", "Evaluation/support-answers"} <= parts.keys()
    assert parts["RetrievalSource/handbook"].endswith("/apps/support/specs/support.yaml#L14")


def test_the_safety_policy_was_loaded_by_both_engines(everything: tuple[Workspace, RunOutcome, list[str]], instance_of: Any) -> None:
    workspace, _, _ = everything
    values = metadata_of(instance_of(workspace), "safety_policies/public")
    rows = {(row.data["engine"], row.data["stage"]): row.data["validators"] for row in values["engines"].records}
    assert rows == {(engine, stage): 1 for engine in ("guardrails-ai", "nemoguardrails") for stage in ("input", "retrieval")}
    assert (values["rule_count"], values["validator_count"]) == (1, 4)


def test_the_index_says_what_it_holds(everything: tuple[Workspace, RunOutcome, list[str]], instance_of: Any) -> None:
    workspace, _, _ = everything
    values = metadata_of(instance_of(workspace), "indexes/handbook")
    assert (values["documents"], values["documents_indexed"], values["chunks"], values["dagster/row_count"]) == (2, 2, 2, 2)
    assert [row.data["path"] for row in values["files"].records] == ["docs/refunds.md", "docs/support.md"]


def test_datasets_and_prompts_are_shown(everything: tuple[Workspace, RunOutcome, list[str]], instance_of: Any) -> None:
    workspace, _, _ = everything
    instance = instance_of(workspace)
    rows = metadata_of(instance, "datasets/questions")
    assert (rows["dagster/row_count"], rows["answerable"]) == (3, 2)
    assert rows["preview"].records[0].data["question"] == CASES[0]["question"]
    prompt = metadata_of(instance, "prompts/answer-1.0.0")
    assert prompt["messages"].startswith("**system**\n\n```\nYou answer questions using only the context.\n```")


def test_a_check_keeps_its_worst_cases(everything: tuple[Workspace, RunOutcome, list[str]], instance_of: Any) -> None:
    workspace, outcome, _ = everything
    key = dg.AssetCheckKey(dg.AssetKey(RELEASE.split("/")), "support_retrieval__retrieval_mrr")
    (kept,) = instance_of(workspace).event_log_storage.get_asset_check_execution_history(key, limit=5)
    evaluation = kept.event.dagster_event.event_specific_data
    assert kept.run_id == outcome.run_id
    assert evaluation.metadata["n"].value == 2
    rows = evaluation.metadata["worst_cases"].value.records
    assert [row.data["expected"] for row in rows] == ["Within 14 days", "Monday to Friday from 9 to 17"]


def test_a_second_run_indexes_nothing_again(everything: tuple[Workspace, RunOutcome, list[str]], instance_of: Any) -> None:
    workspace, _, _ = everything
    outcome, _ = run(workspace, "indexes/handbook")
    assert outcome.materialized == ("indexes/handbook",)
    assert metadata_of(instance_of(workspace), "indexes/handbook")["documents_indexed"] == 0


def test_runs_stay_on_the_instance(everything: tuple[Workspace, RunOutcome, list[str]], instance_of: Any) -> None:
    """So that the UI shows them."""
    workspace, outcome, _ = everything
    kept = instance_of(workspace).get_run_by_id(outcome.run_id)
    assert kept is not None
    assert kept.status is dg.DagsterRunStatus.SUCCESS


def test_a_blocking_check_stops_what_comes_after(tmp_path: Path) -> None:
    """The right document is not in the index, twelve times: fewer misses would prove nothing, and warn."""
    wrong = [{"question": f"Where is office {number}?", "sources": ["docs/office.md"]} for number in range(12)]
    metrics = [{"name": "retrieval_recall", "threshold": 0.9, "blocking": True}]
    workspace = write_workspace(tmp_path, cases=wrong, metrics=metrics)
    outcome, told = run(workspace, f'key:"indexes/*" or key:"{RELEASE}" or key:"{MONITOR}"')
    recall = check(outcome, "support_retrieval__retrieval_recall")
    assert (recall.passed, recall.value) == (False, 0.0)
    assert not outcome.success
    assert MONITOR not in outcome.materialized
    assert "monitors__support_bot__quality" not in told
    assert any("support_bot__support_retrieval" in error for error in outcome.errors)


def test_what_only_may_be_missed_warns_and_stops_nothing(tmp_path: Path) -> None:
    """A blocking metric whose mean is below its threshold by chance, as far as one case can tell."""
    metrics = [{"name": "retrieval_recall", "threshold": 0.9, "blocking": True}]
    wrong = [{"question": "Where is the office?", "sources": ["docs/office.md"]}]
    workspace = write_workspace(tmp_path, cases=wrong, metrics=metrics)
    outcome, _ = run(workspace, f'key:"indexes/*" or key:"{RELEASE}" or key:"{MONITOR}"')
    recall = check(outcome, "support_retrieval__retrieval_recall")
    assert (recall.passed, recall.value) == (False, 0.0)
    assert outcome.success
    assert MONITOR in outcome.materialized


def test_a_metric_without_cases_blocks_too(tmp_path: Path) -> None:
    metrics = [{"name": "abstention", "threshold": 0.0, "blocking": True}]
    workspace = write_workspace(tmp_path, cases=CASES[:2], metrics=metrics)
    outcome, _ = run(workspace, f'key:"indexes/*" or key:"{RELEASE}" or key:"{MONITOR}"')
    abstention = check(outcome, "support_retrieval__abstention")
    assert (abstention.passed, abstention.value) == (False, None)
    assert abstention.description == "abstention: nothing was measured; it applies to no case."
    assert MONITOR not in outcome.materialized


def test_a_monitor_without_interactions_proves_nothing(tmp_path: Path) -> None:
    outcome, _ = run(write_workspace(tmp_path), MONITOR)
    assert outcome.success  # limits of monitors warn
    errors = check(outcome, "error_rate")
    assert (errors.passed, errors.value) == (False, None)
    assert errors.description == "No interaction in the last 24 hours: nothing to measure."
    assert check(outcome, "interactions").value == 0.0


def test_a_dataset_that_changed_is_refused(tmp_path: Path) -> None:
    workspace = write_workspace(tmp_path)
    (workspace.root / "evals/questions.jsonl").write_text('{"question": "new", "answer": "x"}\n', "utf-8")
    outcome, _ = run(workspace, CHEAP)
    assert not outcome.success
    assert outcome.materialized == ("prompts/answer-1.0.0",)
    (error,) = outcome.errors
    assert error == "datasets__questions: evals/questions.jsonl was changed after the bundle was compiled (llmops compile)"


def test_a_bundle_that_was_tampered_with_runs_nothing(tmp_path: Path) -> None:
    workspace = write_workspace(tmp_path)
    rules = workspace.bundle / "guardrails/public/rules.json"
    rules.write_bytes(rules.read_bytes().replace(b"refuse", b"log"))
    outcome, _ = run(workspace, CHEAP)
    assert outcome.materialized == ()
    assert all("guardrails/public/rules.json differs from its manifest" in error for error in outcome.errors)


def test_an_evaluation_without_an_index_says_what_is_missing(tmp_path: Path) -> None:
    outcome, _ = run(write_workspace(tmp_path), RELEASE)
    assert not outcome.success
    assert any("The index of RetrievalSource/handbook is empty" in error for error in outcome.errors)


@pytest.mark.parametrize(
    ("selection", "message"),
    [("key:(", "Dagster cannot read the selection"), ('key:"nothing/*"', "holds no asset"), ("models/gemma", "holds no asset")],
)
def test_a_wrong_selection_is_a_mistake_of_the_user(tmp_path: Path, selection: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        run(write_workspace(tmp_path), selection)


def test_the_home_has_no_telemetry_and_keeps_a_tuned_file(tmp_path: Path) -> None:
    home = ensure_home(tmp_path)
    assert home == tmp_path / ".llmops/dagster"
    with dg.DagsterInstance.from_config(str(home)) as instance:
        assert not instance.telemetry_enabled
        assert not instance.nux_enabled
        assert "sqlite" in type(instance.run_storage).__name__.lower()
    (home / "dagster.yaml").write_text("telemetry: {enabled: false}\nconcurrency: {pools: {default_limit: 1}}\n", "utf-8")
    assert "default_limit" in (ensure_home(tmp_path) / "dagster.yaml").read_text("utf-8")
