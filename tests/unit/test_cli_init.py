"""`llmops init`: a start that is right, in a folder where nothing is overwritten; `schema` and `doctor` beside it."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import yaml

from llmops.cli.init import EDITOR_FILES, EXTENSIONS, SETTINGS, start_workspace
from llmops.cli.schema import FILES
from llmops.errors import UsageError
from llmops.pipeline import check_workspace, compile_workspace
from tests.conftest import ROOT, Run

TEMPLATES = ("minimal", "assistant")


@pytest.mark.parametrize("template", TEMPLATES)
@pytest.mark.parametrize("environment", ["dev", "staging", "prod"])
def test_a_new_workspace_has_no_findings(template: str, environment: str, tmp_path: Path) -> None:
    start_workspace(tmp_path, template)
    if template == "minimal" and environment != "dev":
        with pytest.raises(UsageError, match="no environment"):
            check_workspace(tmp_path, environment)
        return
    assert [d for d in check_workspace(tmp_path, environment).diagnostics if d.severity != "note"] == []
    assert compile_workspace(tmp_path, environment).artifacts


def test_the_teams_start_has_every_kind_of_this_repositorys_own(tmp_path: Path) -> None:
    start_workspace(tmp_path, "assistant")
    ours, theirs = (check_workspace(root).graph for root in (ROOT, tmp_path))
    assert ours is not None and theirs is not None
    assert set(theirs.resources) <= set(ours.resources)
    assert {resource.kind for resource in ours.resources.values()} == {resource.kind for resource in theirs.resources.values()}
    spoken = " ".join(p.read_text() for p in (tmp_path / "specs").glob("*.yaml"))
    assert "llmops" not in spoken.replace("llmops/v1", "").replace("llmops.schema.json", "").replace(".llmops/", "")


@pytest.mark.parametrize("template", TEMPLATES)
def test_nothing_is_overwritten(template: str, tmp_path: Path) -> None:
    (tmp_path / "llmops.yaml").write_text("mine")
    with pytest.raises(UsageError, match="exists already"):
        start_workspace(tmp_path, template)
    assert [p.name for p in tmp_path.iterdir()] == ["llmops.yaml"] and (tmp_path / "llmops.yaml").read_text() == "mine"


def test_an_ignore_file_keeps_its_lines(tmp_path: Path) -> None:
    (tmp_path / ".gitignore").write_text("*.log\nbuild/\n")
    start_workspace(tmp_path, "minimal")
    assert (tmp_path / ".gitignore").read_text().splitlines() == ["*.log", "build/", ".llmops/"]


def test_the_command_says_what_it_wrote_and_what_comes_next(llmops: Run, tmp_path: Path) -> None:
    done = llmops("init", "--minimal", "new", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "wrote specs/assistant.yaml" in done.stdout and "cd new" in done.stdout and "llmops check" in done.stdout
    assert llmops("check", cwd=tmp_path / "new").stdout == "3 resources in dev: no findings.\n"
    again = llmops("init", "--minimal", "new", cwd=tmp_path)
    assert again.returncode == 2 and "Nothing was written" in again.stderr


def test_the_first_line_of_each_file_leads_an_editor_to_a_schema(tmp_path: Path) -> None:
    start_workspace(tmp_path, "assistant")
    files = [*tmp_path.rglob("specs/*.yaml"), *tmp_path.rglob("environments/*/*.yaml"), tmp_path / "llmops.yaml"]
    assert len(files) == 10
    for file in files:
        marker, _, target = file.read_text().splitlines()[0].partition("$schema=")
        assert marker == "# yaml-language-server: "
        assert (file.parent / target).resolve().is_file(), file


@pytest.mark.parametrize("template", TEMPLATES)
def test_vs_code_finds_the_schemas_of_every_file(template: str, tmp_path: Path) -> None:
    """A first line names the schema of a file's first document only, so the settings must reach each file."""
    start_workspace(tmp_path, template)
    mapping = json.loads((tmp_path / ".vscode" / "settings.json").read_text())["yaml.schemas"]
    assert all((tmp_path / path).is_file() for path in mapping)
    for file in [*tmp_path.rglob("specs/**/*.yaml"), *tmp_path.rglob("environments/**/*.yaml"), tmp_path / "llmops.yaml"]:
        first = file.read_text().splitlines()[0].partition("$schema=")[2]
        (found,) = [path for path, globs in mapping.items() if any(matches(file.relative_to(tmp_path).as_posix(), glob) for glob in globs)]
        assert (file.parent / first).resolve() == (tmp_path / found).resolve(), file
    assert json.loads((tmp_path / ".vscode" / "extensions.json").read_text()) == EXTENSIONS


def matches(path: str, pattern: str) -> bool:
    """VS Code's globs, as far as ours go: `**/` is any number of folders."""
    return re.fullmatch(re.escape(pattern).replace(r"\*\*/", "(?:.+/)?").replace(r"\*", "[^/]*"), path) is not None


def test_policies_have_the_schema_of_specs() -> None:
    assert [path for path, globs in SETTINGS["yaml.schemas"].items() if any(matches("policies/a.yaml", glob) for glob in globs)] == [
        "./.llmops/llmops.schema.json"
    ]


def test_settings_of_an_editor_are_left_alone_and_told(llmops: Run, tmp_path: Path) -> None:
    settings = tmp_path / ".vscode" / "settings.json"
    settings.parent.mkdir()
    settings.write_text('{"editor.tabSize": 2}')
    done = llmops("init", "--minimal", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert settings.read_text() == '{"editor.tabSize": 2}'
    assert ".vscode/settings.json exists already and is left as it is" in done.stdout and '"yaml.schemas"' in done.stdout
    assert "wrote .vscode/extensions.json" in done.stdout and "wrote .vscode/settings.json" not in done.stdout
    shown = done.stdout.partition("Add to it:\n")[2].partition("\n\nnext:")[0]
    assert json.loads(shown) == SETTINGS


def test_a_new_workspace_is_set_up_for_vs_code(llmops: Run, tmp_path: Path) -> None:
    done = llmops("init", "--minimal", cwd=tmp_path)
    assert all(f"wrote {path}" in done.stdout for path in EDITOR_FILES) and "exists already" not in done.stdout


def test_schemas_are_refreshed(llmops: Run, tmp_path: Path) -> None:
    start_workspace(tmp_path, "minimal")
    stale = tmp_path / ".llmops" / "workspace.schema.json"
    stale.write_text("{}")
    assert llmops("schema", cwd=tmp_path).returncode == 0
    assert json.loads(stale.read_text())["properties"]["kind"]["const"] == "Workspace"
    assert sorted(p.name for p in (tmp_path / ".llmops").iterdir()) == sorted(FILES)


def test_doctor_finds_nothing_missing_for_the_demo(llmops: Run, tmp_path: Path) -> None:
    start_workspace(tmp_path, "assistant")
    done = llmops("doctor", cwd=tmp_path)
    assert done.returncode == 0, done.stdout
    assert "10 resources in dev" in done.stdout and "missing" not in done.stdout


def test_doctor_names_the_variables_that_production_reads(llmops: Run, tmp_path: Path) -> None:
    start_workspace(tmp_path, "assistant")
    done = llmops("doctor", "--env", "prod", cwd=tmp_path)
    assert done.returncode == 1
    missing = [line.split()[1] for line in done.stdout.splitlines() if line.startswith("missing")]
    assert missing == ["$LLM_API_KEY", "$STORE_URL"]
    assert "mend: export STORE_URL=" in done.stdout


def test_doctor_sends_broken_specs_to_check(llmops: Run, tmp_path: Path) -> None:
    start_workspace(tmp_path, "minimal")
    file = tmp_path / "specs" / "assistant.yaml"
    documents = list(yaml.safe_load_all(file.read_text()))
    file.write_text(yaml.safe_dump_all(documents[1:]))
    done = llmops("doctor", cwd=tmp_path)
    assert done.returncode == 1 and "mend: llmops check" in done.stdout


def test_this_repository_is_set_up_as_a_new_workspace_is() -> None:
    for path, content in EDITOR_FILES.items():
        assert json.loads((ROOT / path).read_text()) == content


def test_the_page_on_editors_shows_what_is_written() -> None:
    page = (ROOT / "docs" / "editors.md").read_text()
    assert json.loads(page.partition("```json\n")[2].partition("```")[0]) == SETTINGS
    assert page.count('"./.llmops/llmops.schema.json"') == 3, "VS Code, Neovim and Helix"
