"""The workflows and actions themselves: what zizmor and shellcheck find, and the rules of ours that no linter holds."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.conftest import ROOT

GITHUB = ROOT / ".github"
TOOLS = Path(sys.executable).parent
DEFINITIONS = sorted([*GITHUB.glob("workflows/*.yml"), *GITHUB.glob("actions/*/action.yml")])
WORKFLOWS = sorted(GITHUB.glob("workflows/*.yml"))
SCRIPTS = sorted(GITHUB.rglob("*.sh"))
PINNED = re.compile(r"uses: (?P<action>[\w.-]+/[\w./-]+)@(?P<digest>[0-9a-f]{40}) # (?P<version>v\d+\.\d+\.\d+)$")

# What zizmor must find: the reasons why our own workflows are written as they are.
CARELESS = """\
name: careless
on: pull_request_target
jobs:
  plan:
    runs-on: ubuntu-24.04
    steps:
      - uses: actions/checkout@v4
        with:
          ref: ${{ github.event.pull_request.head.sha }}
      - run: echo "${{ github.event.pull_request.title }}"
"""


def zizmor(*paths: Path) -> list[dict[str, Any]]:
    """What it finds as its strictest persona, without what a comment in the file excuses."""
    command = [str(TOOLS / "zizmor"), "--offline", "--persona", "auditor", "--strict-collection", "--no-progress", "--format", "json"]
    done = subprocess.run([*command, *map(str, paths)], capture_output=True, text=True, check=False)
    assert done.stdout, done.stderr
    findings: list[dict[str, Any]] = json.loads(done.stdout)
    return [finding for finding in findings if not finding["ignored"]]


def uses(definition: Path) -> list[str]:
    return [line.strip().removeprefix("- ") for line in definition.read_text("utf-8").splitlines() if "uses:" in line]


def runs(definition: Path) -> Iterator[str]:
    data = yaml.safe_load(definition.read_text("utf-8"))
    jobs = data.get("jobs", {"": data.get("runs", {})})
    for job in jobs.values():
        yield from (step["run"] for step in job.get("steps", ()) if "run" in step)


def test_zizmor_finds_nothing() -> None:
    assert [(finding["ident"], finding["locations"][0]["symbolic"]["key"]) for finding in zizmor(GITHUB)] == []


def test_zizmor_would_find_something(tmp_path: Path) -> None:
    folder = tmp_path / ".github" / "workflows"
    folder.mkdir(parents=True)
    (folder / "careless.yml").write_text(CARELESS, "utf-8")
    found = {finding["ident"] for finding in zizmor(tmp_path / ".github")}
    assert found >= {"dangerous-triggers", "template-injection", "unpinned-uses", "artipacked", "excessive-permissions"}


def test_nothing_is_excused_but_the_trigger_of_the_comment() -> None:
    excuses = [(path.name, line.strip()) for path in DEFINITIONS for line in path.read_text("utf-8").splitlines() if "zizmor:" in line]
    assert [(name, line.partition(" # ")[0]) for name, line in excuses] == [("llmops-comment.yml", "workflow_run:")]
    assert "ignore[dangerous-triggers]" in excuses[0][1]
    assert not list(ROOT.glob(".github/zizmor.y*ml")) + list(ROOT.glob("zizmor.y*ml"))


@pytest.mark.parametrize(
    ("schema", "files"),
    [
        ("github-workflows", WORKFLOWS),
        ("github-actions", [path for path in DEFINITIONS if path not in WORKFLOWS]),
        ("dependabot", [GITHUB / "dependabot.yml"]),
    ],
)
def test_they_are_what_github_takes(schema: str, files: list[Path]) -> None:
    command = [str(TOOLS / "check-jsonschema"), "--builtin-schema", f"vendor.{schema}", *map(str, files)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert files
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_shellcheck_finds_nothing(script: Path) -> None:
    done = subprocess.run([TOOLS / "shellcheck", "--severity=style", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_shellcheck_would_find_something(tmp_path: Path) -> None:
    careless = tmp_path / "careless.sh"
    careless.write_text("#!/usr/bin/env bash\ngit diff $1\n", "utf-8")
    done = subprocess.run([TOOLS / "shellcheck", careless], capture_output=True, text=True, check=False)
    assert "SC2086" in done.stdout


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_scripts_stop_at_the_first_failure(script: Path) -> None:
    lines = [line for line in script.read_text("utf-8").splitlines() if line and not line.startswith("#")]
    assert lines[0] == "set -euo pipefail"


@pytest.mark.parametrize("definition", DEFINITIONS, ids=lambda path: str(path.relative_to(GITHUB)))
def test_actions_are_pinned_or_our_own(definition: Path) -> None:
    foreign = [line for line in uses(definition) if not line.startswith("uses: $/.github/actions/")]
    assert [line for line in foreign if not PINNED.match(line)] == []
    for own in set(uses(definition)) - set(foreign):
        folder = own.removeprefix("uses: $/").partition(" ")[0]
        assert (ROOT / folder / "action.yml").is_file()


def test_an_action_has_the_same_digest_everywhere() -> None:
    pins: dict[str, set[tuple[str, str]]] = {}
    for match in filter(None, (PINNED.match(line) for path in DEFINITIONS for line in uses(path))):
        pins.setdefault(match["action"], set()).add((match["digest"], match["version"]))
    assert pins
    assert {action: found for action, found in pins.items() if len(found) > 1} == {}


@pytest.mark.parametrize("definition", DEFINITIONS, ids=lambda path: str(path.relative_to(GITHUB)))
def test_no_value_is_pasted_into_a_script(definition: Path) -> None:
    assert [script for script in runs(definition) if "${{" in script] == []


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.name)
def test_jobs_end_and_may_do_little(workflow: Path) -> None:
    data = yaml.safe_load(workflow.read_text("utf-8"))
    assert data["permissions"] in ({}, {"contents": "read"})
    assert data["concurrency"]["cancel-in-progress"] is True
    assert all(job["timeout-minutes"] <= 20 for job in data["jobs"].values())
    writing = {name: job["permissions"] for name, job in data["jobs"].items() if "permissions" in job}
    if workflow.name == "llmops-comment.yml":
        assert writing == {"comment": {"actions": "read", "contents": "read", "pull-requests": "write"}}
    else:
        assert writing == {}


def test_the_run_of_a_stranger_has_no_secret_and_no_privileged_trigger() -> None:
    text = (GITHUB / "workflows" / "llmops.yml").read_text("utf-8")
    assert list(yaml.load(text, yaml.BaseLoader)["on"]) == ["pull_request"]
    for path in [GITHUB / "workflows" / "llmops.yml", GITHUB / "actions" / "plan" / "action.yml"]:
        assert not re.search(r"secrets\.|github\.token|GITHUB_TOKEN", path.read_text("utf-8"))


def test_the_run_that_comments_has_no_code_of_a_stranger() -> None:
    workflow = yaml.load((GITHUB / "workflows" / "llmops-comment.yml").read_text("utf-8"), yaml.BaseLoader)
    assert list(workflow["on"]) == ["workflow_run"]
    plan = yaml.safe_load((GITHUB / "workflows" / "llmops.yml").read_text("utf-8"))
    assert workflow["on"]["workflow_run"]["workflows"] == [plan["name"]]
    steps = workflow["jobs"]["comment"]["steps"]
    assert [step.get("uses") for step in steps] == ["$/.github/actions/comment"]
    action = yaml.safe_load((GITHUB / "actions" / "comment" / "action.yml").read_text("utf-8"))
    assert not [step for step in action["runs"]["steps"] if "checkout" in step.get("uses", "") or "artifact" in step.get("uses", "")]


def test_the_two_actions_agree_on_the_artifact() -> None:
    plan, comment = (yaml.safe_load((GITHUB / "actions" / name / "action.yml").read_text("utf-8")) for name in ("plan", "comment"))
    assert plan["inputs"]["artifact"]["default"] == comment["inputs"]["artifact"]["default"]


def test_the_actions_install_what_the_project_locks() -> None:
    pin = re.compile(r"^([a-z0-9-]+)==([^ ;]+)", re.MULTILINE)
    ours = dict(pin.findall((GITHUB / "actions" / "requirements.txt").read_text("utf-8")))
    locked = dict(pin.findall((ROOT / "requirements.txt").read_text("utf-8")))
    assert ours.keys() >= {"hatchling", "pyyaml", "jsonschema-rs", "orjson"}
    assert {name: version for name, version in ours.items() if locked.get(name) != version} == {}
