"""The whole way from a folder to findings: whatever stands in the files, it ends with findings that have a place."""

from __future__ import annotations

import copy
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from llmops.diagnostics import has_errors
from llmops.errors import UsageError
from llmops.load.tree import Disk
from llmops.load.yaml_core import lines_of
from llmops.pipeline import Checked, check_workspace, compile_workspace
from llmops.project import open_project
from llmops.report.json import json_report
from llmops.report.text import text_report
from tests.conftest import ROOT, copy_example

FILES = [str(path.relative_to(ROOT)) for folder in ("specs", "environments") for path in sorted((ROOT / folder).rglob("*.yaml"))] + [
    "llmops.yaml"
]
DOCUMENTS: dict[str, list[Any]] = {file: list(yaml.safe_load_all((ROOT / file).read_text())) for file in FILES}
ODD_VALUES: list[Any] = [
    None,
    True,
    0,
    -1,
    3.5,
    10**15,
    "",
    "x",
    "Ünï cödé",
    "a: b",
    "../../..",
    "/etc",
    "{{ x",
    "\0",
    [],
    ["x"],
    [[]],
    [None],
    {},
    {"x": 1},
    {"kind": ["a"]},
]


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return copy_example(tmp_path_factory.mktemp("fuzz") / "workspace")


def paths_in(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield (*path, key)
        yield from paths_in(item, (*path, key))


def parent_of(data: Any, path: tuple[Any, ...]) -> Any:
    for step in path[:-1]:
        data = data[step]
    return data


@st.composite
def mutations(draw: st.DrawFn) -> tuple[str, str]:
    """A file of the example and its text after one to three random changes."""
    file = draw(st.sampled_from(FILES))
    documents = copy.deepcopy(DOCUMENTS[file])
    for _ in range(draw(st.integers(1, 3))):
        places = list(paths_in(documents))
        if places:
            change(draw, documents, draw(st.sampled_from(places)))
    return file, yaml.safe_dump_all(documents, allow_unicode=True, width=200, sort_keys=False)


def change(draw: st.DrawFn, documents: list[Any], path: tuple[Any, ...]) -> None:
    parent, key = parent_of(documents, path), path[-1]
    how = draw(st.sampled_from(["delete", "replace", "rename", "duplicate", "swap"]))
    if how == "delete":
        del parent[key]
    elif how == "replace":
        parent[key] = copy.deepcopy(draw(st.sampled_from(ODD_VALUES)))
    elif how == "rename" and isinstance(parent, dict):
        parent[draw(st.sampled_from([f"{key}x", str(key)[:-1] or "k", str(key).upper(), "name", "kind"]))] = parent.pop(key)
    elif how == "duplicate" and isinstance(parent, list):
        parent.append(copy.deepcopy(parent[key]))
    else:
        parent[key] = copy.deepcopy(draw(st.sampled_from(documents)))


def assert_sound(checked: Checked, root: Path) -> None:
    """Every finding has a line and a column that exist, and both reports can be written."""
    for diagnostic in checked.diagnostics:
        assert diagnostic.message and diagnostic.hint
        for place in diagnostic.locations:
            lines = lines_of((root / place.file).read_text()) if (root / place.file).is_file() else [""]
            assert 1 <= place.line <= max(1, len(lines))
            assert 1 <= place.column <= len(lines[place.line - 1]) + 1
    assert text_report(checked.diagnostics, checked.places.text, colour=True) or not checked.diagnostics
    assert json_report(checked.diagnostics).startswith("[")


@settings(max_examples=400)
@given(mutations(), st.sampled_from(["dev", "staging", "prod"]))
def test_changed_specs_give_sound_findings(workspace: Path, mutation: tuple[str, str], environment: str) -> None:
    file, text = mutation
    original = (workspace / file).read_text()
    (workspace / file).write_text(text)
    try:
        compiled = compile_workspace(workspace, environment)
        assert bool(compiled.artifacts) != has_errors(compiled.diagnostics), "a bundle exactly where there is no error"
        assert_sound(Checked(compiled.graph, compiled.diagnostics, compiled.places), workspace)
    except UsageError:
        assert file == "llmops.yaml", "only the settings can take an environment away"
    finally:
        (workspace / file).write_text(original)


@settings(max_examples=200)
@given(st.sampled_from(FILES), st.data())
def test_changed_texts_give_sound_findings(workspace: Path, file: str, data: st.DataObject) -> None:
    """Characters cut out or put in, as while typing."""
    original = (workspace / file).read_text()
    start = data.draw(st.integers(0, len(original)))
    end = data.draw(st.integers(start, min(len(original), start + 30)))
    put_in = data.draw(st.text(st.sampled_from("a:-[]{}&*!|>'\"#%@,\n\t é1"), max_size=5))
    (workspace / file).write_text(original[:start] + put_in + original[end:])
    try:
        assert_sound(check_workspace(workspace), workspace)
    finally:
        (workspace / file).write_text(original)


@pytest.mark.parametrize(
    "text", ["", "---\n", "# nothing\n", "- a\n", "x", "apiVersion: llmops/v1\n", "apiVersion: llmops/v1\nkind: Prompt\n"]
)
def test_settings_that_are_none(base: Path, text: str) -> None:
    (base / "llmops.yaml").write_text(text)
    project, diagnostics = open_project(Disk(base))
    assert project is None and has_errors(diagnostics)


@pytest.mark.parametrize("folder", ["/etc", "~/specs", "..", "../x", "a\\b", "https://example.org", '"\\0"'])
def test_spec_folders_stay_inside(base: Path, folder: str) -> None:
    with open(base / "llmops.yaml", "a") as stream:
        stream.write(f"  specs: [{folder}]\n")
    (found,) = open_project(Disk(base))[1]
    assert found.code in ("LLM0103", "LLM0213") and found.location.line == 6


def test_an_unknown_environment_is_a_mistake_of_the_command(base: Path) -> None:
    with pytest.raises(UsageError) as caught:
        check_workspace(base, "prd")
    assert caught.value.hint == "Did you mean prod?"


def test_the_settings_say_where_the_repository_is(base: Path) -> None:
    with open(base / "llmops.yaml", "a") as stream:
        stream.write("  git: {url: 'https://example.org/acme/bot', directory: /assistants/}\n")
    graph = check_workspace(base).graph
    assert graph is not None and graph.git is not None
    assert (graph.git.url, graph.git.branch, graph.git.directory) == ("https://example.org/acme/bot", "main", "assistants")


def test_two_folders_of_specs(base: Path) -> None:
    shutil.move(base / "specs" / "safety.yaml", base / "safety.yaml")
    (base / "safety-rules").mkdir()
    shutil.move(base / "safety.yaml", base / "safety-rules" / "safety.yaml")
    with open(base / "llmops.yaml", "a") as stream:
        stream.write("  specs: [specs, safety-rules]\n")
    checked = check_workspace(base)
    assert not checked.diagnostics and checked.graph is not None
    assert checked.graph["SafetyPolicy/public"].source.file == "safety-rules/safety.yaml"


def test_findings_of_every_stage_come_together(base: Path) -> None:
    (base / "specs" / "a.yaml").write_text("a: [")
    (base / "specs" / "b.yaml").write_text("kind: Prompt\n")
    (base / "environments" / "dev").mkdir(parents=True)
    (base / "environments" / "dev" / "c.yaml").write_text("target: {}\n")
    (base / "evals" / "questions.jsonl").write_text("{}\n")
    codes = [d.code for d in check_workspace(base).diagnostics]
    assert codes == ["LLM0207", "LLM0209", "LLM0002", "LLM0202", "LLM0804"], "patch, syntax, schema, row; sorted by file"
