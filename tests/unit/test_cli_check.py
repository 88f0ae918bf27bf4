"""`llmops check`, as a user runs it: exit codes, formats, colours."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT, Run


@pytest.fixture
def broken(base: Path) -> Path:
    source = base / "specs" / "source.yaml"
    source.write_text(source.read_text().replace("top_k", "topk"))
    return base


@pytest.fixture
def warned(base: Path) -> Path:
    (base / "specs" / "spare.yaml").write_text((base / "specs" / "embedder.yaml").read_text().replace("name: embedder", "name: spare"))
    return base


def test_clean(base: Path, llmops: Run) -> None:
    done = llmops("check", cwd=base)
    assert (done.returncode, done.stdout, done.stderr) == (0, "9 resources in dev: no findings.\n", "")


def test_from_a_folder_below_and_from_elsewhere(base: Path, llmops: Run, tmp_path: Path) -> None:
    assert llmops("check", "--env", "prod", cwd=base / "specs").stdout == "9 resources in prod: no findings.\n"
    assert llmops("check", "--workspace", str(base), cwd=tmp_path).returncode == 0


def test_findings(broken: Path, llmops: Run) -> None:
    done = llmops("check", cwd=broken)
    assert done.returncode == 1 and done.stderr == ""
    assert "error[LLM0204]: Unknown field 'topk'" in done.stdout and "Did you mean top_k?" in done.stdout


def test_findings_as_json(broken: Path, llmops: Run) -> None:
    done = llmops("check", "--format", "json", cwd=broken)
    (found,) = json.loads(done.stdout)
    assert done.returncode == 1
    assert (found["code"], found["severity"], found["file"], found["line"], found["column"]) == (
        "LLM0204",
        "error",
        "specs/source.yaml",
        9,
        14,
    )
    assert found["hint"] == "Did you mean top_k?" and found["path"] == "spec.retrieve.topk"


def test_nothing_found_is_an_empty_list_in_json(base: Path, llmops: Run) -> None:
    assert json.loads(llmops("check", "--format", "json", cwd=base).stdout) == []


def test_warnings_count_unless_errors_are_asked_for(warned: Path, llmops: Run) -> None:
    done = llmops("check", cwd=warned)
    assert done.returncode == 1 and "warning[LLM0406]" in done.stdout
    done = llmops("check", "--severity", "error", cwd=warned)
    assert (done.returncode, done.stdout) == (0, "Not shown: 1 warning (`--severity warning`).\n10 resources in dev: no errors.\n")


@pytest.mark.parametrize(
    ("variables", "coloured"),
    [
        ({}, False),
        ({"FORCE_COLOR": "1"}, True),
        ({"FORCE_COLOR": "1", "NO_COLOR": "1"}, False),
        ({"FORCE_COLOR": "1", "TERM": "dumb"}, False),
    ],
)
def test_colours(broken: Path, llmops: Run, variables: dict[str, str], coloured: bool) -> None:
    assert ("\033[" in llmops("check", cwd=broken, **({"TERM": "xterm"} | variables)).stdout) == coloured


@pytest.fixture
def policed(base: Path) -> Path:
    """One resource that violates a policy, which offers an edit."""
    shutil.copytree(ROOT / "tests" / "golden" / "policy-violated" / "in", base, dirs_exist_ok=True)
    return base


def enforce(folder: Path, effect: str) -> None:
    file = folder / "policies" / "pinned-revision.yaml"
    file.write_text(file.read_text().replace("  match:", f"  enforcement: {{dev: {effect}}}\n  match:"))


def test_a_violation(policed: Path, llmops: Run) -> None:
    done = llmops("check", cwd=policed)
    assert done.returncode == 1 and "error[pinned-revision]: chatter is not pinned" in done.stdout
    assert done.stdout.endswith("1 error. `llmops check --fix` can mend 1.\n")


def test_a_note_fails_nothing_and_is_counted(policed: Path, llmops: Run) -> None:
    enforce(policed, "audit")
    done = llmops("check", cwd=policed)
    assert (done.returncode, done.stdout) == (
        0,
        "Not shown: 1 note (`--severity note`).\n9 resources in dev: no errors, no warnings.\n",
    )
    done = llmops("check", "--severity", "note", cwd=policed)
    assert done.returncode == 0 and "note[pinned-revision]" in done.stdout
    assert done.stdout.endswith("1 note.\n9 resources in dev: no errors, no warnings.\n")


def test_what_is_waived_is_shown_and_fails_nothing(policed: Path, llmops: Run) -> None:
    waivers = ROOT / "tests" / "golden" / "policy-waived" / "in" / "policies" / "waivers.yaml"
    shutil.copy(waivers, policed / "policies")
    for severity in ("error", "warning", "note"):
        done = llmops("check", "--severity", severity, cwd=policed)
        assert done.returncode == 0 and "waived[pinned-revision]" in done.stdout and "approved by risk" in done.stdout


def test_a_remembered_check_reports_the_same(policed: Path, llmops: Run) -> None:
    first = llmops("check", cwd=policed, CI="")
    again = llmops("check", cwd=policed, CI="")
    assert (policed / ".llmops" / "cache").is_dir()
    assert (first.returncode, first.stdout) == (again.returncode, again.stdout) and first.returncode == 1
    assert json.loads(llmops("check", "--format", "json", cwd=policed, CI="").stdout)[0]["fixable"] is True


@pytest.mark.parametrize("form", ["json", "github", "sarif", "junit"])
def test_a_report_in_a_file_and_text_on_the_terminal(policed: Path, llmops: Run, form: str) -> None:
    printed = llmops("check", "--format", form, cwd=policed)
    done = llmops("check", "--format", form, "--output", "report", cwd=policed)
    assert done.returncode == printed.returncode == 1
    assert (policed / "report").read_text() == printed.stdout and "pinned-revision" in printed.stdout
    assert done.stdout.startswith("error[pinned-revision]") and "  | ^^^^\n" in done.stdout


def test_text_in_a_file_has_no_colour(policed: Path, llmops: Run) -> None:
    done = llmops("check", "--output", "report.txt", cwd=policed, FORCE_COLOR="1", TERM="xterm")
    assert "\033[" in done.stdout
    written = (policed / "report.txt").read_text()
    assert written == re.sub("\033\\[[0-9;]*m", "", done.stdout)


def test_a_report_replaces_the_last_one_whole(policed: Path, llmops: Run) -> None:
    report = policed / "report.json"
    report.write_text("old " * 9_999)
    llmops("check", "--format", "json", "--output", "report.json", cwd=policed)
    assert len(json.loads(report.read_text())) == 1
    assert [path.name for path in policed.iterdir() if "report.json" in path.name] == ["report.json"]


def test_a_report_that_cannot_be_written(base: Path, llmops: Run) -> None:
    done = llmops("check", "--output", "no/such/folder/report", cwd=base)
    assert done.returncode == 1 and "no/such/folder/report cannot be written: No such file" in done.stderr


def test_reports_name_files_from_the_root_of_the_repository(policed: Path, llmops: Run) -> None:
    (policed.parent / ".git").mkdir()
    assert "file=base/specs/model.yaml" in llmops("check", "--format", "github", cwd=policed).stdout
    sarif = json.loads(llmops("check", "--format", "sarif", cwd=policed).stdout)
    place = sarif["runs"][0]["results"][0]["locations"][0]["physicalLocation"]
    assert place["artifactLocation"]["uri"] == "base/specs/model.yaml"
    (rule,) = sarif["runs"][0]["tool"]["driver"]["rules"]
    assert rule["properties"]["security-severity"] == "8.0"
    assert "--> specs/model.yaml" in llmops("check", cwd=policed).stdout


def test_junit_has_a_case_for_every_file_of_specs(base: Path, llmops: Run) -> None:
    report = llmops("check", "--format", "junit", cwd=base).stdout
    assert report.count('name="no findings"') == len(list((base / "specs").iterdir())) == 7


def test_the_summary_is_added_to_githubs_page(policed: Path, llmops: Run, tmp_path: Path) -> None:
    page = tmp_path / "summary.md"
    page.write_text("before\n")
    done = llmops("check", "--format", "github", cwd=policed, GITHUB_STEP_SUMMARY=str(page))
    assert done.stdout.startswith("::error file=") and page.read_text().startswith("before\n### llmops check (dev): 1 error\n")
    llmops("check", "--format", "json", cwd=policed, GITHUB_STEP_SUMMARY=str(page))
    assert page.read_text().count("###") == 1, "only with the format github"


def test_fix_writes_and_reports_what_is_left(policed: Path, llmops: Run) -> None:
    (policed / "specs" / "spare.yaml").write_text(
        (policed / "specs" / "embedder.yaml").read_text().replace("name: embedder", "name: spare")
    )
    done = llmops("check", "--fix", "--yes", cwd=policed)
    assert done.returncode == 1 and "+  revision: v1" in done.stdout
    assert "warning[LLM0406]" in done.stderr and "pinned-revision" not in done.stderr
    assert "revision: v1" in (policed / "specs" / "model.yaml").read_text()


def test_fix_asks_first(policed: Path, llmops: Run) -> None:
    before = (policed / "specs" / "model.yaml").read_text()
    done = llmops("check", "--fix", cwd=policed)
    assert done.returncode == 1 and "+  revision: v1" in done.stdout and "error[pinned-revision]" in done.stderr
    assert (policed / "specs" / "model.yaml").read_text() == before


def test_fix_that_mends_all_leaves_a_clean_workspace(policed: Path, llmops: Run) -> None:
    done = llmops("check", "--fix", "--yes", cwd=policed)
    assert done.returncode == 0 and done.stderr.endswith("9 resources in dev: no findings.\n")


def test_a_base_lets_policies_look_at_changes(policed: Path, llmops: Run) -> None:
    file = policed / "policies" / "pinned-revision.yaml"
    file.write_text(file.read_text().replace("match: {kinds: [Model]}", "match: {kinds: [Model], on: [update]}"))
    for command in (["init", "-q"], ["add", "."], ["-c", "user.name=a", "-c", "user.email=a@b.c", "commit", "-qm", "base"]):
        subprocess.run(["git", *command], cwd=policed, check=True)
    assert llmops("check", "--base", "HEAD", cwd=policed).stdout == "9 resources in dev: no findings.\n"
    model = policed / "specs" / "model.yaml"
    model.write_text(model.read_text().replace("name: chatter", "name: chatter, description: changed"))
    assert llmops("check", cwd=policed).stdout.startswith("Not shown: 1 note")
    done = llmops("check", "--base", "HEAD", cwd=policed)
    assert done.returncode == 1 and "error[pinned-revision]" in done.stdout


def test_outside_a_workspace(tmp_path: Path, llmops: Run) -> None:
    done = llmops("check", cwd=tmp_path)
    assert done.returncode == 2 and done.stdout == ""
    assert done.stderr.startswith("llmops: No llmops.yaml here or above") and "llmops init" in done.stderr


@pytest.mark.parametrize(
    "args",
    [
        ("--env", "staging"),
        ("--format", "xml"),
        ("--severity", "info"),
        ("--nope",),
        ("extra",),
        ("--yes",),
        ("--fix", "--watch"),
        ("--fix", "--format", "json"),
        ("--base", "no-such-ref"),
    ],
)
def test_usage(base: Path, llmops: Run, args: tuple[str, ...]) -> None:
    done = llmops("check", *args, cwd=base)
    assert done.returncode == 2 and done.stderr and "Traceback" not in done.stderr


def test_an_unknown_environment_is_named_with_the_known_ones(base: Path, llmops: Run) -> None:
    done = llmops("check", "--env", "production", cwd=base)
    assert done.stderr == "llmops: The workspace has no environment 'production'\nhelp: Did you mean prod?\n"


def test_broken_settings(base: Path, llmops: Run) -> None:
    (base / "llmops.yaml").write_text("kind: [")
    done = llmops("check", cwd=base)
    assert done.returncode == 1 and "error[LLM0002]" in done.stdout and "llmops.yaml:1:8" in done.stdout


def test_a_bug_is_reported_as_one(base: Path, llmops: Run) -> None:
    """A module that cannot work stands in for a bug."""
    shadow = base / "shadow"
    shadow.mkdir()
    (shadow / "jsonschema_rs.py").write_text("raise ZeroDivisionError('boom')\n")
    done = llmops("check", cwd=base, PYTHONPATH=f"{shadow}:{Path(__file__).parents[2] / 'compiler'}")
    assert done.returncode == 3 and "Traceback" in done.stderr and "this is a bug in llmops" in done.stderr


def test_help_shows_examples(llmops: Run, tmp_path: Path) -> None:
    for verb in ("check", "compile", "graph", "explain"):
        done = llmops(verb, "--help", cwd=tmp_path)
        assert done.returncode == 0 and f"\nexamples:\n  llmops {verb}" in done.stdout


def test_the_overview(llmops: Run, tmp_path: Path) -> None:
    done = llmops(cwd=tmp_path)
    assert done.returncode == 0 and "check" in done.stdout and "a first round:" in done.stdout
    assert llmops("--help", cwd=tmp_path).returncode == 0
    done = llmops("chekc", cwd=tmp_path)
    assert done.returncode == 2 and "chekc" in done.stderr


def test_a_closed_pipe_is_no_bug(broken: Path, llmops: Run) -> None:
    command = f"cd {broken} && PYTHONPATH={Path(__file__).parents[2] / 'compiler'} {sys.executable} -m llmops check | true"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=60, check=False)
    assert "Traceback" not in done.stderr and "bug" not in done.stderr


def test_a_report_is_written_into_what_is_no_file(base: Path, llmops: Run) -> None:
    """Renaming over a device would take it away from everybody."""
    import os

    pipe = base / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    done = llmops("check", "--format", "json", "--output", str(pipe), cwd=base)
    assert done.returncode == 0, done.stderr
    assert json.loads(os.read(reader, 65_536)) == json.loads(llmops("check", "--format", "json", cwd=base).stdout)
    os.close(reader)
    assert pipe.is_fifo()
