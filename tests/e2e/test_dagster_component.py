"""The component in a real `dg` project: scaffolded, checked and listed by the real command, equal to the plain definitions."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from llmops.runtime.dagster import build_defs_from_manifest
from tests.dagster_graph import Workspace, write_workspace

PROJECT = Path(__file__).parents[2]
PYPROJECT = """\
[project]
name = "platform-pipelines"
version = "0"

[tool.dg]
directory_type = "project"

[tool.dg.project]
root_module = "pipelines"

[tool.dg.cli]
suppress_warnings = ["missing_dg_plugin_module_in_manifest", "project_and_activated_venv_mismatch"]
"""
DEFINITIONS = """\
from pathlib import Path
from dagster import Definitions, definitions, load_from_defs_folder

@definitions
def defs() -> Definitions:
    return load_from_defs_folder(path_within_project=Path(__file__).parent)
"""


@dataclass(frozen=True, slots=True)
class DgProject:
    """A Dagster project of its own, with the workspace that it loads in a folder."""

    folder: Path
    environment: Mapping[str, str]
    workspace: Workspace

    def dg(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-B", "-m", "dagster_dg_cli.cli", *arguments]
        return subprocess.run(command, cwd=self.folder, env=dict(self.environment), capture_output=True, text=True, check=False)

    def python(self, code: str) -> str:
        """The last line that `code` prints, with the project's definitions at hand as `defs`."""
        command = [sys.executable, "-B", "-c", f"from pipelines.definitions import defs; {code}"]
        done = subprocess.run(command, cwd=self.folder, env=dict(self.environment), capture_output=True, text=True, check=True)
        return done.stdout.splitlines()[-1]

    def write(self, name: str, component: Mapping[str, Any]) -> Path:
        path = self.folder / "pipelines/defs" / name / "defs.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(yaml.safe_dump(component), "utf-8")
        return path

    def assets(self) -> dict[str, dict[str, Any]]:
        done = self.dg("list", "defs", "--json")
        assert done.returncode == 0, done.stdout + done.stderr
        return {asset["asset_key"]: asset for asset in json.loads(done.stdout[done.stdout.index("{") :])["assets"]}


@pytest.fixture
def project(tmp_path: Path) -> DgProject:
    folder = tmp_path / "platform"
    (folder / "pipelines/defs").mkdir(parents=True)
    (folder / "pyproject.toml").write_text(PYPROJECT, "utf-8")
    (folder / "pipelines/__init__.py").touch()
    (folder / "pipelines/definitions.py").write_text(DEFINITIONS, "utf-8")
    return DgProject(folder, _environment(tmp_path, folder), write_workspace(folder / "assistants"))


def _environment(tmp_path: Path, folder: Path) -> dict[str, str]:
    """llmops as pip would install it: its entry points stand in the metadata that pyproject.toml declares."""
    metadata = tmp_path / "installed/llmops_compiler-0.dist-info"
    metadata.mkdir(parents=True)
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: llmops-compiler\nVersion: 0\n", "utf-8")
    groups = tomllib.loads((PROJECT / "pyproject.toml").read_text("utf-8"))["project"]["entry-points"]
    lines = [line for group, entries in groups.items() for line in (f"[{group}]", *(f"{k} = {v}" for k, v in entries.items()))]
    (metadata / "entry_points.txt").write_text("\n".join(lines), "utf-8")
    path = os.pathsep.join(map(str, (metadata.parent, folder, PROJECT / "compiler")))
    return {**os.environ, "PYTHONPATH": path, "DAGSTER_HOME": "", "DG_CLI_CONFIG": str(tmp_path / "none.toml"), "NO_COLOR": "1"}


def bundle_component(**attributes: Any) -> dict[str, Any]:
    manifest = "{{ context.project_root }}/assistants/build/dev/dagster/manifest.json"
    return {"type": "llmops.runtime.dagster.LlmopsBundle", "attributes": {"manifest": manifest, **attributes}}


def test_the_command_knows_and_scaffolds_the_component(project: DgProject) -> None:
    done = project.dg("scaffold", "defs", "llmops.runtime.dagster.LlmopsBundle", "handbook")
    assert done.returncode == 0, done.stdout + done.stderr
    scaffolded = yaml.safe_load((project.folder / "pipelines/defs/handbook/defs.yaml").read_text("utf-8"))
    assert scaffolded["type"] == "llmops.runtime.dagster.LlmopsBundle"


def test_the_rendered_file_passes_the_projects_own_checks(project: DgProject) -> None:
    """Copied from the bundle, with the path changed as its comment says."""
    component = yaml.safe_load((project.workspace.bundle / "dagster/defs.yaml").read_text("utf-8"))
    component["attributes"] = bundle_component()["attributes"]
    project.write("handbook", component)
    for verb in ("yaml", "defs"):
        done = project.dg("check", verb)
        assert done.returncode == 0, done.stdout + done.stderr


def test_the_component_gives_the_same_assets_as_the_rendered_definitions(project: DgProject) -> None:
    project.write("handbook", bundle_component())
    listed = project.assets()
    plain = build_defs_from_manifest(project.workspace.bundle / "dagster/manifest.json")
    specs = {spec.key.to_user_string(): spec for spec in plain.resolve_all_asset_specs()}
    assert listed.keys() == specs.keys()
    assert {key: asset["group_name"] for key, asset in listed.items()} == {key: spec.group_name for key, spec in specs.items()}
    versions = "{s.key.to_user_string(): s.code_version for s in defs().resolve_all_asset_specs()}"
    found = json.loads(project.python(f"import json; print(json.dumps({versions}))"))
    assert found == {key: spec.code_version for key, spec in specs.items()}


def test_the_list_leads_to_the_line_of_yaml(project: DgProject) -> None:
    project.write("handbook", bundle_component())
    assert project.assets()["indexes/handbook"]["source"].endswith("specs/support.yaml:14")


def test_settings_and_op_tags_are_read(project: DgProject) -> None:
    settings = {"enable_asset_checks": False, "enable_schedules": False}
    project.write("handbook", bundle_component(settings=settings, op={"tags": {"team": "docs"}}))
    done = project.dg("list", "defs", "--json")
    listed = json.loads(done.stdout[done.stdout.index("{") :])
    assert (listed["asset_checks"], listed["schedules"]) == ([], [])
    assert len(listed["assets"]) == 9


def test_a_misspelt_attribute_is_an_error_with_its_line(project: DgProject) -> None:
    project.write("handbook", bundle_component(manifset="x"))
    done = project.dg("check", "yaml")
    assert done.returncode == 1
    assert "defs.yaml" in done.stdout + done.stderr
    assert "manifset" in done.stdout + done.stderr


def test_a_missing_bundle_says_how_to_make_it(project: DgProject) -> None:
    project.write("handbook", {"type": "llmops.runtime.dagster.LlmopsBundle", "attributes": {"manifest": "nowhere.json"}})
    done = project.dg("check", "defs")
    assert done.returncode == 1
    assert "nowhere.json cannot be read" in done.stdout + done.stderr


def test_a_projects_own_executor_stays(project: DgProject) -> None:
    """The component brings none: it must not change how the project's other assets run."""
    project.write("handbook", bundle_component())
    assert project.python("print('executor', defs().executor)") == "executor None"


SPEC = """\
apiVersion: llmops/v1
kind: Prompt
metadata: {name: hello, owner: docs}
spec:
  version: %s
  messages: [{role: user, content: Hello}]
"""


def test_the_development_component_compiles_again(project: DgProject, tmp_path: Path) -> None:
    """`dg utils refresh-defs-state` runs the compiler; the assets follow the specs."""
    root = tmp_path / "live"
    (root / "specs").mkdir(parents=True)
    (root / "llmops.yaml").write_text("apiVersion: llmops/v1\nkind: Workspace\nmetadata: {name: live}\n", "utf-8")
    attributes = {"workspace": "{{ context.project_root }}/../live"}
    project.write("live", {"type": "llmops.runtime.dagster.LlmopsWorkspace", "attributes": attributes})
    for version in ("1.0.0", "1.1.0"):
        (root / "specs/hello.yaml").write_text(SPEC % version, "utf-8")
        done = project.dg("utils", "refresh-defs-state")
        assert done.returncode == 0, done.stdout + done.stderr
        assert list(project.assets()) == [f"prompts/hello-{version}"]


def test_the_development_component_shows_what_does_not_compile(project: DgProject, tmp_path: Path) -> None:
    root = tmp_path / "live"
    (root / "specs").mkdir(parents=True)
    (root / "llmops.yaml").write_text("apiVersion: llmops/v1\nkind: Workspace\nmetadata: {name: live}\n", "utf-8")
    (root / "specs/hello.yaml").write_text(SPEC % "one", "utf-8")
    attributes = {"workspace": "{{ context.project_root }}/../live"}
    project.write("live", {"type": "llmops.runtime.dagster.LlmopsWorkspace", "attributes": attributes})
    done = project.dg("utils", "refresh-defs-state")
    assert done.returncode != 0
    assert "specs/hello.yaml" in done.stdout + done.stderr
