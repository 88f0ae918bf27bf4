"""The Dagster manifest: keys, groups, owners, checks, dependencies, and Dagster's own rules about names."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest
import yaml

from llmops.render.dagster import asset_key, render
from llmops.resources import Graph, Reference, Resource
from tests.dagster_graph import assistant, dataset, evaluation, linked, monitor, owned, support_graph
from tests.graphs import make, source

NAME = re.compile(r"^[A-Za-z0-9_]+$")
TAG_KEY = re.compile(r"^[A-Za-z0-9_.-]{1,63}/[A-Za-z0-9_.-]{1,63}$")


def manifest_of(graph: Graph) -> dict[str, Any]:
    files = {artifact.path: artifact.content for artifact in render(graph)}
    content: dict[str, Any] = orjson.loads(files["dagster/manifest.json"])
    return content


def assets_of(graph: Graph) -> dict[str, dict[str, Any]]:
    return {"/".join(asset["key"]): asset for asset in manifest_of(graph)["assets"]}


@pytest.fixture
def assets(tmp_path: Path) -> dict[str, dict[str, Any]]:
    return assets_of(support_graph(tmp_path))


def test_every_kind_has_its_folder_of_keys(assets: dict[str, dict[str, Any]]) -> None:
    assert sorted(assets) == [
        "datasets/questions",
        "indexes/handbook",
        "models/gemma",
        "models/minilm",
        "monitors/support-bot/quality",
        "prompts/answer-1.0.0",
        "releases/plain-bot",
        "releases/support-bot",
        "safety_policies/public",
    ]


def test_a_prompt_says_its_name_in_the_last_part_of_its_key() -> None:
    """Dagster's graph shows only that part."""
    assert asset_key(make("Prompt", "answer", {"version": "2.1.0"})) == ("prompts", "answer-2.1.0")


def test_evaluations_and_deployments_are_no_assets(tmp_path: Path) -> None:
    deployment = make("Deployment", "web", {"application": "bot"}, {("spec", "application"): "Application/bot"})
    graph = linked(source(), dataset([*support_graph(tmp_path)["Dataset/questions"].files]), evaluation(), assistant("bot"), deployment)
    assert {asset["kind"] for asset in manifest_of(graph)["assets"]} == {"Application", "Dataset", "Model", "Prompt", "RetrievalSource"}


def test_a_release_depends_on_all_its_parts_and_its_cases(assets: dict[str, dict[str, Any]]) -> None:
    assert assets["releases/support-bot"]["deps"] == [
        ["datasets", "questions"],
        ["indexes", "handbook"],
        ["models", "gemma"],
        ["prompts", "answer-1.0.0"],
        ["safety_policies", "public"],
    ]
    assert assets["releases/plain-bot"]["deps"] == [["indexes", "handbook"], ["models", "gemma"], ["prompts", "answer-1.0.0"]]


def test_an_index_depends_on_its_embedder_and_a_monitor_on_the_release(assets: dict[str, dict[str, Any]]) -> None:
    assert assets["indexes/handbook"]["deps"] == [["models", "minilm"]]
    assert assets["monitors/support-bot/quality"]["deps"] == [["releases", "support-bot"]]


def test_every_dependency_is_an_asset(assets: dict[str, dict[str, Any]]) -> None:
    assert {"/".join(dep) for asset in assets.values() for dep in asset["deps"]} <= assets.keys()


def test_a_dependency_outside_the_manifest_is_refused() -> None:
    """Dagster would make an empty stub of it without a word."""
    stray = make("Deployment", "web", {"application": "bot"})
    bot = assistant("bot")
    graph = linked(source(), stray, replace(bot, references=(*bot.references, Reference(("spec", "retrieval", 1), stray.id))))
    with pytest.raises((AssertionError, KeyError), match="Deployment"):
        manifest_of(graph)


def test_a_monitor_has_an_asset_in_each_application_that_lists_it() -> None:
    graph = linked(source(), monitor(), assistant("one", monitors=["quality"]), assistant("two", monitors=["quality"]))
    found = assets_of(graph)
    assert {key: asset["group"] for key, asset in found.items() if asset["kind"] == "Monitor"} == {
        "monitors/one/quality": "one",
        "monitors/two/quality": "two",
    }
    assert found["monitors/two/quality"]["task"] == {"type": "monitor", "application": "two"}


def test_a_monitor_that_nobody_lists_has_none() -> None:
    assert not [key for key in assets_of(linked(source(), monitor(), assistant("one"))) if key.startswith("monitors/")]


def test_code_versions_are_the_hashes(tmp_path: Path) -> None:
    graph = support_graph(tmp_path)
    found = {asset["resource"]: asset["code_version"] for asset in manifest_of(graph)["assets"]}
    assert found["Application/support-bot"] == graph.releases["Application/support-bot"]
    assert found["Prompt/answer@1.0.0"] == graph.behaviour["Prompt/answer@1.0.0"]
    assert len(set(found.values())) == len(found)


def test_the_group_is_the_only_application_or_else_the_owner(assets: dict[str, dict[str, Any]]) -> None:
    assert assets["safety_policies/public"]["group"] == "support_bot"
    assert assets["releases/plain-bot"]["group"] == "plain_bot"
    assert assets["models/gemma"]["group"] == "docs"
    assert assets["indexes/handbook"]["group"] == "ada"


@pytest.mark.parametrize(
    ("owner", "shown", "group"),
    [
        ("docs-team", "team:docs-team", "docs_team"),
        ("ada@example.org", "ada@example.org", "ada"),
        ("ada.l+x@example.org", "ada.l+x@example.org", "ada_l_x"),
        ("ada@mail.technology", "team:ada@mail.technology", "ada"),
    ],
)
def test_owners_take_a_form_that_dagster_accepts(owner: str, shown: str, group: str) -> None:
    from dagster import AssetSpec

    (asset,) = (a for a in manifest_of(linked(owned(source(), owner)))["assets"] if a["kind"] == "RetrievalSource")
    assert (asset["owners"], asset["group"]) == ([shown], group)
    assert AssetSpec("x", owners=asset["owners"], group_name=asset["group"]).owners == [shown]


def test_labels_become_tags_of_our_own_namespace(assets: dict[str, dict[str, Any]]) -> None:
    assert assets["indexes/handbook"]["tags"] == {"llmops/tier": "1", "llmops/kind": "RetrievalSource"}


def test_a_strange_label_becomes_a_tag_that_dagster_takes() -> None:
    from dagster import AssetSpec

    labels = {"data class/x": "a.b-c", "k" * 80: "v"}
    (asset,) = (a for a in manifest_of(linked(owned(source(), "docs", **labels)))["assets"] if a["kind"] == "RetrievalSource")
    assert {"llmops/data_class_x": "a.b-c", "llmops/" + "k" * 63: "v"}.items() <= asset["tags"].items()
    assert all(TAG_KEY.match(key) for key in asset["tags"])
    assert AssetSpec("x", tags=asset["tags"]).tags == asset["tags"]


def test_checks_of_a_release_are_its_evaluations_metrics(assets: dict[str, dict[str, Any]]) -> None:
    checks = assets["releases/support-bot"]["checks"]
    assert [(c["name"], c["blocking"], c["severity"], c["threshold"]) for c in checks] == [
        ("support_retrieval__retrieval_recall", True, "ERROR", 0.5),
        ("support_retrieval__retrieval_mrr", False, "WARN", 0.2),
        ("support_answers__answer_f1", False, "WARN", 0.1),
    ]
    assert {c["evaluation"] for c in checks} == {"Evaluation/support-retrieval", "Evaluation/support-answers"}


def test_checks_of_a_monitor_are_the_signals_with_a_limit(assets: dict[str, dict[str, Any]]) -> None:
    checks = assets["monitors/support-bot/quality"]["checks"]
    limits = [(c["name"], c["min"], c["max"], c["threshold"]) for c in checks]
    assert limits == [("interactions", 1.0, None, 1.0), ("error_rate", None, 0.05, 0.05)]


def test_schedules_come_from_the_specs(assets: dict[str, dict[str, Any]]) -> None:
    assert assets["indexes/handbook"]["schedule"] == "0 3 * * *"
    assert assets["monitors/support-bot/quality"]["schedule"] == "0 * * * *"
    schedules = {c["evaluation"]: c["schedule"] for c in assets["releases/support-bot"]["checks"]}
    assert schedules == {"Evaluation/support-retrieval": "30 4 * * 1", "Evaluation/support-answers": None}
    assert assets["releases/support-bot"]["schedule"] is None


def test_only_evaluated_releases_are_in_the_pool(assets: dict[str, dict[str, Any]]) -> None:
    assert [key for key, asset in assets.items() if asset["pool"]] == ["releases/support-bot"]


def test_what_cannot_be_built_has_no_task() -> None:
    """Models live elsewhere; an index without an application has no pipeline."""
    lonely = assets_of(linked(source(), source("other"), assistant("bot")))
    assert [key for key, asset in lonely.items() if asset["task"] is None] == ["models/gemma", "models/minilm", "indexes/other"]


def test_names_hold_dagsters_rules(assets: dict[str, dict[str, Any]]) -> None:
    for asset in assets.values():
        assert NAME.match(asset["group"])
        assert all(NAME.match(check["name"]) for check in asset["checks"])
        assert all(len(value) <= 63 for value in asset["tags"].values())


def test_the_source_and_the_repository_are_recorded(tmp_path: Path) -> None:
    content = manifest_of(support_graph(tmp_path))
    index = next(a for a in content["assets"] if a["kind"] == "RetrievalSource")
    assert index["source"] == {"file": "specs/support.yaml", "line": 14}
    assert content["git"] == {"url": "https://git.example.org/acme/assistants", "branch": "main", "directory": "apps/support"}


def test_metadata_is_namespaced(assets: dict[str, dict[str, Any]]) -> None:
    for asset in assets.values():
        assert all(name.startswith("llmops/") for name in asset["metadata"])
    assert assets["indexes/handbook"]["metadata"]["llmops/files"] == 2
    assert "Model/gemma" in assets["releases/plain-bot"]["metadata"]["llmops/parts"]


def test_variants_are_all_parts_of_the_release() -> None:
    second: Resource = replace(make("Prompt", "answer", {"version": "1.1.0", "variables": {}, "messages": []}))
    bot = assistant("bot")
    edges = [Reference(("spec", "variants", i, "prompt"), f"Prompt/answer@1.{i}.0") for i in range(2)]
    references = [r for r in bot.references if r.path != ("spec", "prompt")]
    found = assets_of(linked(source(), second, replace(bot, references=(*references, *edges))))
    assert found["releases/bot"]["deps"][-2:] == [["prompts", "answer-1.0.0"], ["prompts", "answer-1.1.0"]]


def test_the_same_graph_gives_the_same_bytes(tmp_path: Path) -> None:
    assert list(render(support_graph(tmp_path))) == list(render(support_graph(tmp_path)))


def test_definitions_are_one_call_and_nothing_else(tmp_path: Path) -> None:
    files = {artifact.path: artifact.content.decode() for artifact in render(support_graph(tmp_path))}
    tree = ast.parse(files["dagster/definitions.py"])
    assert [type(node).__name__ for node in tree.body] == ["Expr", "ImportFrom", "ImportFrom", "Assign"]


def test_the_component_file_names_the_component(tmp_path: Path) -> None:
    files = {artifact.path: artifact.content.decode() for artifact in render(support_graph(tmp_path))}
    component = yaml.safe_load(files["dagster/defs.yaml"])
    assert component == {"type": "llmops.runtime.dagster.LlmopsBundle", "attributes": {"manifest": "manifest.json"}}
    assert '"{{ context.project_root }}/..."' in files["dagster/defs.yaml"]


def test_rendering_imports_no_dagster() -> None:
    code = "import sys, llmops.render.dagster; print('dagster' in sys.modules)"
    package = str(Path(__file__).parents[2] / "compiler")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env={"PYTHONPATH": package})
    assert done.stdout.strip() == "False"


def test_ten_thousand_resources_are_rendered_whole() -> None:
    """Far more than any workspace holds; a quadratic step would not end."""
    bots = [assistant(f"bot-{n}") for n in range(2000)]
    prompts = [make("Prompt", f"p-{n}", {"version": "1.0.0", "variables": {}, "messages": []}) for n in range(8000)]
    manifest = manifest_of(linked(source(), *bots, *prompts))
    assert len(manifest["assets"]) == 2 + 1 + 1 + 2000 + 8000
