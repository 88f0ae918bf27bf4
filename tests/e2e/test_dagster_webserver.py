"""Dagster's own web server and daemon over a bundle: what they show, and that they leave nothing behind."""

from __future__ import annotations

import json
import socket
import subprocess
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from llmops.errors import RuntimeUnavailable
from llmops.runtime.bundle import Bundle
from llmops.runtime.dagster.instance import materialize, webserver
from tests.dagster_graph import Workspace, write_workspace

LOCATIONS = """{ workspaceOrError { ... on Workspace { locationEntries { name locationOrLoadError { __typename
  ... on RepositoryLocation { repositories { schedules { name scheduleState { status } } } } } } } } }"""
NODES = """{ assetNodes { assetKey { path } isExecutable hasAssetChecks
  latestMaterialization: assetMaterializations(limit: 1) { runId } } }"""


@dataclass(frozen=True, slots=True)
class Serving:
    workspace: Workspace
    address: str
    port: int
    run_id: str

    def query(self, text: str) -> dict[str, Any]:
        body, kind = json.dumps({"query": text}).encode(), {"Content-Type": "application/json"}
        request = urllib.request.Request(f"{self.address}/graphql", body, kind)
        with urllib.request.urlopen(request, timeout=60) as response:
            data: dict[str, Any] = json.load(response)["data"]
        return data


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="module")
def serving(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    workspace, port = write_workspace(tmp_path_factory.mktemp("workspace")), free_port()
    outcome = materialize(workspace.bundle, workspace.root, "prompts/answer-1.0.0", lambda message: None)
    with webserver(workspace.root, workspace.bundle, port) as address:
        yield Serving(workspace, address, port, outcome.run_id)


def test_the_code_location_has_the_workspaces_name(serving: Serving) -> None:
    (entry,) = serving.query(LOCATIONS)["workspaceOrError"]["locationEntries"]
    assert (entry["name"], entry["locationOrLoadError"]["__typename"]) == ("tests", "RepositoryLocation")


def test_schedules_are_on(serving: Serving) -> None:
    (entry,) = serving.query(LOCATIONS)["workspaceOrError"]["locationEntries"]
    schedules = entry["locationOrLoadError"]["repositories"][0]["schedules"]
    assert {s["scheduleState"]["status"] for s in schedules} == {"RUNNING"}
    assert len(schedules) == 3


def test_every_asset_is_shown(serving: Serving) -> None:
    nodes = {"/".join(node["assetKey"]["path"]): node for node in serving.query(NODES)["assetNodes"]}
    assert nodes.keys() == {"/".join(asset["key"]) for asset in serving.workspace.manifest["assets"]}
    assert [key for key, node in nodes.items() if not node["isExecutable"]] == ["models/gemma", "models/minilm"]
    assert {key for key, node in nodes.items() if node["hasAssetChecks"]} == {"releases/support-bot", "monitors/support-bot/quality"}


def test_a_run_of_the_command_line_is_shown(serving: Serving) -> None:
    nodes = {"/".join(node["assetKey"]["path"]): node for node in serving.query(NODES)["assetNodes"]}
    assert nodes["prompts/answer-1.0.0"]["latestMaterialization"] == [{"runId": serving.run_id}]


def test_it_listens_on_the_loopback_address_only(serving: Serving) -> None:
    listening = Path("/proc/net/tcp").read_text("ascii") + Path("/proc/net/tcp6").read_text("ascii")
    addresses = [fields[1].split(":") for fields in map(str.split, listening.splitlines()) if fields[3] == "0A"]
    assert [host for host, port in addresses if int(port, 16) == serving.port] == ["0100007F"]


def test_a_taken_port_is_said_before_anything_starts(serving: Serving) -> None:
    taken = webserver(serving.workspace.root, serving.workspace.bundle, serving.port)
    with pytest.raises(RuntimeUnavailable, match=f"Port {serving.port} is taken"), taken:
        pass


def test_serving_leaves_the_bundle_as_it_was(serving: Serving) -> None:
    """No compiled Python in it: every file is verified."""
    assert Bundle.open(serving.workspace.bundle).workspace == "tests"


def test_its_processes_end_with_the_block(tmp_path: Path) -> None:
    workspace, port = write_workspace(tmp_path), free_port()
    with webserver(workspace.root, workspace.bundle, port):
        assert _processes(workspace) != []
    assert _processes(workspace) == []
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", port)) != 0


def _processes(workspace: Workspace) -> list[str]:
    """Command lines that name the workspace, without our own."""
    listed = subprocess.run(["ps", "-eww", "-o", "args"], capture_output=True, text=True, check=True).stdout
    return [line for line in listed.splitlines() if str(workspace.root) in line and "dagster" in line]
