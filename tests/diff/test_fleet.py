"""In a fleet of 500 applications an edit plans its own reach and nothing else; whatever is not reached is not even linked."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from bench.corpus import generate
from llmops.plan import plan_against, scope, sides
from tests.diff.repositories import commit_all, git

SPECS, APPLICATIONS = 10_000, 500
Documents = dict[tuple[str, str], tuple[Path, dict[str, Any]]]


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("fleet") / "workspace"
    generate(root, SPECS)
    commit_all(root, "start")
    return root


@pytest.fixture
def workspace(fleet: Path) -> Iterator[Path]:
    yield fleet
    git(fleet, "checkout", "-q", ".")


@pytest.fixture(scope="module")
def documents(fleet: Path) -> Documents:
    """Every spec by kind and name, read by another reader than the compiler's."""
    found = {}
    for path in sorted((fleet / "specs").rglob("*.yaml")):
        data = yaml.load(path.read_text("utf-8"), yaml.CSafeLoader)
        found[data["kind"], f"{data['metadata']['name']}@{data['spec'].get('version', '')}".rstrip("@")] = path, data
    return found


def users_of_prompt(documents: Documents, name: str, version: str) -> set[str]:
    """Applications that name a prompt version, or the prompt where this is its only version."""
    wanted = {name, f"{name}@{version}"}
    return {
        f"Application/{id_}"
        for (kind, id_), (_, data) in documents.items()
        if kind == "Application"
        and wanted & {data["spec"].get("prompt"), *(variant["prompt"] for variant in data["spec"].get("variants", ()))}
    }


def test_the_fleet_is_what_it_is_said_to_be(documents: Documents) -> None:
    assert len(documents) == SPECS
    assert sum(kind == "Application" for kind, _ in documents) >= APPLICATIONS


@pytest.mark.parametrize("position", [0, 777, -1])
def test_one_prompts_edit_plans_its_own_reach(
    workspace: Path, documents: Documents, position: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    linked = []
    resolve = sides.resolve
    monkeypatch.setattr(sides, "resolve", lambda drafted, drafts: linked.append(len(drafts)) or resolve(drafted, drafts))
    used = [(id_, entry) for (kind, id_), entry in documents.items() if kind == "Prompt" and users_of_prompt(documents, *id_.split("@"))]
    id_, (path, data) = used[position]
    text = path.read_text("utf-8")
    path.write_text(re.sub(r"Use only the passages", "Use nothing but the passages", text, count=1), "utf-8")
    assert path.read_text("utf-8") != text
    plan = plan_against(workspace, "HEAD")
    assert [change["resource"] for change in plan["changes"]] == [f"Prompt/{id_}"]
    expected = users_of_prompt(documents, *id_.split("@"))
    assert {row["application"] for row in plan["applications"]} == expected
    assert {row["resource"] for row in plan["reach"]} == expected
    assert {reviewer["owner"] for reviewer in plan["reviewers"]} == {data["metadata"]["owner"]}
    assert max(linked) < 60


def test_an_embedder_plans_its_sources_and_their_applications(workspace: Path, documents: Documents) -> None:
    models = [(id_, path) for (kind, id_), (path, data) in documents.items() if kind == "Model" and data["spec"]["task"] == "embedding"]
    name, path = models[0]
    without = path.read_text("utf-8").replace("  revision:", "  # revision:")
    path.write_text(re.sub(r"(?m)^(  model: .*)$", r"\1\n  revision: another", without, count=1), "utf-8")
    sources = {
        id_ for (kind, id_), (_, data) in documents.items() if kind == "RetrievalSource" and data["spec"]["embedding"]["model"] == name
    }
    applications = [(id_, data["spec"]) for (kind, id_), (_, data) in documents.items() if kind == "Application"]
    plan = plan_against(workspace, "HEAD")
    assert plan["summary"]["class"] == "breaking"
    assert {index["source"] for index in plan["indexes"]} == {f"RetrievalSource/{source}" for source in sources}
    expected = {f"Application/{id_}" for id_, spec in applications if sources & set(spec.get("retrieval", ()))}
    assert {row["application"] for row in plan["applications"]} == expected


def test_nothing_is_linked_where_nothing_changed(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sides, "resolve", lambda *_: pytest.fail("something was linked"))
    path = next((workspace / "specs").rglob("*.yaml"))
    path.write_text("# a comment\n" + path.read_text("utf-8"), "utf-8")
    plan = plan_against(workspace, "HEAD")
    assert plan["summary"]["changes"] == 0


def test_the_scope_is_closed(documents: Documents) -> None:
    """Whatever a key of a scope uses is in the scope, so that it can be linked alone."""
    uses: scope.Uses = {("A", "a"): frozenset({("B", "b")}), ("B", "b"): frozenset({("C", "c")}), ("D", "d"): frozenset({("C", "c")})}
    assert scope.used_by(("A", "a"), uses) == {("A", "a"), ("B", "b"), ("C", "c")}
