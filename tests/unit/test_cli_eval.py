"""`llmops eval` as people and workflows call it: arguments, names, bases, reports, exit codes; runs over a stub of a model."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from bench.serving import SETTINGS
from bench.stub_model import Running, stub_model
from llmops.cli.base_workspace import FOLDER, base_workspace
from llmops.errors import LlmopsError, UsageError
from tests.conftest import ROOT, Run
from tests.diff.repositories import commit_all, git

SPECS = """\
apiVersion: llmops/v1
kind: Model
metadata: {{name: stub, owner: ml}}
spec:
  task: chat
  provider: openai
  model: stub
  endpoint: {{url: "{url}/v1", api_key: {{env: STUB_KEY}}, timeout_seconds: 5}}
  context_window: 4096
---
apiVersion: llmops/v1
kind: Prompt
metadata: {{name: answer, owner: ml}}
spec:
  version: 1.0.0
  changelog: First.
  variables: {{question: {{type: string, description: The question}}}}
  messages:
    - {{role: user, content: "{{{{ question }}}}"}}
---
apiVersion: llmops/v1
kind: Application
metadata: {{name: shop, owner: ml}}
spec: {{model: stub, prompt: answer, evaluations: [echo, other]}}
---
apiVersion: llmops/v1
kind: Dataset
metadata: {{name: cases, owner: ml}}
spec: {{path: ../evals/cases.jsonl, licence: CC0-1.0}}
---
apiVersion: llmops/v1
kind: Evaluation
metadata: {{name: echo, owner: ml}}
spec:
  dataset: cases
  metrics:
    - {{name: answer_exact, threshold: 0.5}}
---
apiVersion: llmops/v1
kind: Evaluation
metadata: {{name: other, owner: ml}}
spec:
  dataset: cases
  metrics:
    - {{name: answer_f1}}
"""
CASES = 36


@pytest.fixture(scope="module")
def stub() -> Iterator[Running]:
    with stub_model() as running:
        yield running


@pytest.fixture
def small(base: Path) -> Path:
    """The small workspace, committed. Its models are elsewhere: whatever asked one would fail."""
    (base / ".gitignore").write_text(".llmops/\nbuild/\n")
    commit_all(base, "start")
    return base


@pytest.fixture
def echo(stub: Running, tmp_path: Path) -> Path:
    """A workspace whose model says what the prompt asks, which is right for five of six cases; committed."""
    stub.behave(text="{question}")
    root = tmp_path / "echo"
    (root / "specs").mkdir(parents=True)
    (root / "evals").mkdir()
    (root / "llmops.yaml").write_text(SETTINGS)
    (root / ".gitignore").write_text(".llmops/\nbuild/\n")
    (root / "specs/all.yaml").write_text(SPECS.format(url=stub.url))
    rows = ({"question": f"Say number {n}", "answer": f"{'No. ' if n % 6 == 5 else ''}Say number {n}"} for n in range(CASES))
    (root / "evals/cases.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    commit_all(root, "start")
    return root


def edit(root: Path, old: str, new: str, file: str) -> None:
    text = (root / file).read_text("utf-8")
    assert old in text
    (root / file).write_text(text.replace(old, new, 1), "utf-8")


def files(root: Path) -> set[str]:
    """What a measurement would leave: logs, kept answers, a base."""
    places = (root / ".llmops/logs", root / ".llmops/evaluations/answers.sqlite", root / FOLDER)
    return {place.name for place in places if place.exists()}


# --- Arguments and names


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--early-stop",), "--early-stop compares with a base"),
        (("--parallel", "0"), "--parallel is at least 1"),
        (("--base", "HEAD", "--early-stop", "--record"), "A run that may stop early is no evidence"),
        (("--report", "gate.pdf"), "gate.pdf: no report ends in .pdf"),
        (("--report", "gate"), "gate: no report ends in nothing"),
        (("--report", "gate.html", "--report", "gate.htm"), "gate.htm: no report ends in .htm"),
        (("--evaluation", "answer"), "The workspace has no evaluation 'answer'\nhelp: Did you mean answers?"),
        (("--app", "helpr"), "no application 'helpr'.\nhelp: Did you mean helper?"),
        (("--app", "helper", "--app", "nobody"), "no application 'nobody'"),
        (("--base", "no-such-branch"), "git has no such base"),
        (("--env", "production"), "has no environment 'production'\nhelp: Did you mean prod?"),
        (("--workspace", "nowhere"), "No llmops.yaml in nowhere"),
        (("--parallel", "many"), "invalid int value: 'many'"),
        (("--format", "pdf"), "invalid choice: 'pdf'"),
    ],
)
def test_what_cannot_be_evaluated_is_a_usage_error(small: Path, llmops: Run, arguments: tuple[str, ...], said: str) -> None:
    done = llmops("eval", *arguments, cwd=small)
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr
    assert files(small) == set()


def test_a_name_that_selects_nothing_does_not_look_like_a_pass(small: Path, llmops: Run) -> None:
    text = (small / "specs/application.yaml").read_text("utf-8")
    (small / "specs/second.yaml").write_text(
        text.replace("name: helper", "name: second").replace("evaluations: [answers]", "evaluations: []")
    )
    done = llmops("eval", "--app", "second", "--evaluation", "answers", cwd=small)
    assert (done.returncode, done.stdout) == (2, "")
    assert "answers is no evaluation of second" in done.stderr
    edit(small, "evaluations: [answers]", "evaluations: []", "specs/application.yaml")
    done = llmops("eval", "--evaluation", "answers", cwd=small)
    assert (done.returncode, done.stdout) == (2, "")
    assert "answers is no evaluation of any application" in done.stderr


def test_a_base_needs_a_repository(base: Path, llmops: Run) -> None:
    done = llmops("eval", "--base", "HEAD", cwd=base, GIT_CEILING_DIRECTORIES=str(base.parent))
    assert (done.returncode, done.stdout) == (2, "")
    assert "not a git repository" in done.stderr


def test_a_workspace_with_mistakes_is_not_measured(small: Path, llmops: Run) -> None:
    edit(small, "prompt: answer", "prompt: anser", "specs/application.yaml")
    done = llmops("eval", cwd=small)
    assert (done.returncode, done.stdout) == (1, "")
    assert "anser" in done.stderr
    assert "Nothing was rendered" in done.stderr


def bare(small: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """A Python with nothing installed but what the compiler itself reads and writes with."""
    packages = small.parent / "packages"
    packages.mkdir()
    for name in ("orjson", "yaml", "_yaml", "rfc8785"):
        (packages / name).symlink_to(Path(str(find_spec(name).origin)).parent)  # type: ignore[union-attr]
    command = [sys.executable, "-S", "-m", "llmops", "eval", *arguments]
    environment = {"PYTHONPATH": os.pathsep.join([str(ROOT / "compiler"), str(packages)]), "PATH": os.environ["PATH"]}
    return subprocess.run(command, cwd=small, env=environment, capture_output=True, text=True, timeout=60, check=False)


def test_where_the_packages_are_missing_a_workflow_may_go_on(small: Path) -> None:
    done = bare(small, "--if-installed", "--base", "HEAD")
    assert (done.returncode, done.stderr) == (0, "")
    assert (
        done.stdout == 'Nothing was measured: the packages that run a bundle are not installed. pip install "llmops-compiler[run,local]"\n'
    )
    assert files(small) == set()


def test_where_the_packages_are_missing_nothing_passes_unasked(small: Path) -> None:
    done = bare(small)
    assert (done.returncode, done.stdout) == (1, "")
    assert "This needs dagster" in done.stderr
    assert 'pip install "llmops-compiler[run]"' in done.stderr


def test_mistaken_arguments_are_told_even_where_the_packages_are_missing(small: Path) -> None:
    assert bare(small, "--if-installed", "--early-stop").returncode == 2


# --- Releases that are the same


@pytest.mark.parametrize("edited", [False, True])
def test_an_unchanged_release_is_skipped_without_starting_anything(small: Path, llmops: Run, edited: bool) -> None:
    if edited:  # an edit that changes no release
        edit(small, "owner: docs}", "owner: docs, description: Helps.}", "specs/application.yaml")
    done = llmops("eval", "--base", "HEAD", "--format", "json", cwd=small)
    assert (done.returncode, done.stderr) == (0, "")
    document = json.loads(done.stdout)
    assert document["base"] == {"name": "HEAD", "commit": git(small, "rev-parse", "HEAD").strip()}
    assert (document["verdict"], document["runs"]) == ("unchanged", [])
    assert document["skipped"] == [{"application": "helper", "evaluation": "answers", "why": "its release is unchanged"}]
    assert files(small) == set()


def test_nothing_to_record_is_said(small: Path, llmops: Run) -> None:
    done = llmops("eval", "--base", "HEAD", "--record", cwd=small)
    assert (done.returncode, done.stderr) == (0, "Nothing was recorded: no run can be evidence.\n")
    assert not (small / "llmops.lock").exists()


def test_every_form_of_report_is_written_beside_what_is_printed(small: Path, llmops: Run) -> None:
    reports = [f"gate.{suffix}" for suffix in ("html", "md", "xml", "json", "txt")]
    done = llmops("eval", "--base", "HEAD", *(part for name in reports for part in ("--report", name)), cwd=small)
    assert done.returncode == 0
    assert done.stderr.splitlines() == [f"wrote {name}" for name in reports]
    assert done.stdout == (small / "gate.txt").read_text("utf-8")
    assert json.loads((small / "gate.json").read_text("utf-8"))["verdict"] == "unchanged"
    assert "<html" in (small / "gate.html").read_text("utf-8")
    assert "<testsuites" in (small / "gate.xml").read_text("utf-8")
    assert (small / "gate.md").read_text("utf-8").strip()


def test_a_report_in_a_folder_that_is_not_there_is_refused_before_anything_runs(small: Path, llmops: Run) -> None:
    done = llmops("eval", "--base", "HEAD", "--report", "none/gate.html", cwd=small)
    assert done.returncode == 2
    assert "none/gate.html" in done.stderr


# --- Bases


def test_a_base_is_written_out_whole_and_compiled(small: Path) -> None:
    edit(small, "A release is a hash.", "A release is a hash over everything.", "docs/releases.md")
    found = base_workspace(small, "HEAD", "dev")
    assert found.root == small / FOLDER / found.commit[:12]
    assert found.commit == git(small, "rev-parse", "HEAD").strip()
    assert (found.root / "docs/releases.md").read_text("utf-8") == "# Releases\n\nA release is a hash.\n"
    assert set(found.bundle.applications) == {"helper"}
    assert {path.name for path in (small / FOLDER).iterdir()} == {found.commit[:12]}


def test_a_base_is_kept_until_another_one_is_asked_for(small: Path) -> None:
    first = base_workspace(small, "HEAD", "dev")
    (first.root / "kept.txt").write_text("an index")
    assert base_workspace(small, "main", "dev").root == first.root
    assert (first.root / "kept.txt").is_file()
    edit(small, "name: answer,", "name: answer, description: Said.,".replace(".,", ","), "specs/prompt.yaml")
    commit_all(small, "later")
    second = base_workspace(small, "HEAD", "dev")
    assert [path.name for path in (small / FOLDER).iterdir()] == [second.root.name] != [first.root.name]


def test_a_base_of_a_folder_in_a_repository_holds_that_folder(small: Path, tmp_path: Path) -> None:
    repository = tmp_path / "repository"
    repository.mkdir()
    inner = repository / "teams"
    small.rename(inner)
    subprocess.run(["rm", "-rf", str(inner / ".git")], check=True)
    (repository / "other.txt").write_text("not ours")
    commit_all(repository, "start")
    found = base_workspace(inner, "HEAD", "dev")
    assert (found.root / "llmops.yaml").is_file()
    assert not (found.root / "other.txt").exists()


def test_a_base_without_the_workspace_is_refused(tmp_path: Path, small: Path) -> None:
    git(small, "checkout", "-q", "--orphan", "empty")
    git(small, "rm", "-rfq", "--cached", ".")
    git(small, "commit", "-q", "--allow-empty", "-m", "nothing")
    with pytest.raises(UsageError, match=r"empty has no llmops\.yaml in this folder"):
        base_workspace(small, "empty", "dev")
    assert not list((small / FOLDER).glob("*"))


def test_a_base_that_does_not_compile_names_the_place(small: Path) -> None:
    edit(small, "prompt: answer", "prompt: anser", "specs/application.yaml")
    commit_all(small, "a slip")
    with pytest.raises(LlmopsError, match=r"The base HEAD does not compile: specs/application\.yaml:\d+: .*anser") as caught:
        base_workspace(small, "HEAD", "dev")
    assert not isinstance(caught.value, UsageError)
    assert caught.value.hint


def test_a_change_beside_a_base_that_does_not_compile_is_no_pass(small: Path, llmops: Run) -> None:
    edit(small, "prompt: answer", "prompt: anser", "specs/application.yaml")
    commit_all(small, "a slip")
    edit(small, "prompt: anser", "prompt: answer", "specs/application.yaml")
    done = llmops("eval", "--base", "HEAD", cwd=small, LLM_API_KEY="x")
    assert done.returncode in (1, 2)
    assert done.stdout == ""
    assert "HEAD" in done.stderr and "anser" in done.stderr


def test_a_link_out_of_the_workspace_is_not_followed(small: Path) -> None:
    (small / "docs/passwd.md").symlink_to("/etc/passwd")
    git(small, "add", "-A")
    git(small, "commit", "-q", "-m", "a link")
    try:
        root = base_workspace(small, "HEAD", "dev").root
    except LlmopsError:
        (root,) = (small / FOLDER).iterdir()
    assert not (root / "docs/passwd.md").exists()


# --- Whole runs, over a stub


def document(llmops: Run, root: Path, *arguments: str) -> tuple[int, dict[str, Any]]:
    done = llmops("eval", "--format", "json", *arguments, cwd=root, STUB_KEY="x")
    assert done.stdout, done.stderr
    return done.returncode, json.loads(done.stdout)


def test_a_release_alone_is_held_against_its_limits_and_asked_once(echo: Path, llmops: Run, stub: Running) -> None:
    before = stub.calls
    code, found = document(llmops, echo, "--record")
    first, second = found["runs"]
    assert (code, found["verdict"], found["base"]) == (0, "passed", None)
    assert [(run["evaluation"], run["asked"], run["cached"], run["evidence"]) for run in (first, second)] == [
        ("echo", CASES, 0, "pass"),
        ("other", 0, CASES, "unproven"),
    ]
    assert first["metrics"][0]["head"]["value"] == pytest.approx(5 / 6)
    assert first["source"] == {"file": "specs/all.yaml", "line": 31}
    assert stub.calls - before == CASES
    lock = (echo / "llmops.lock").read_text("utf-8")
    assert first["release"] in lock and "Evaluation/echo" in lock

    code, again = document(llmops, echo)
    assert (code, [run["asked"] for run in again["runs"]], stub.calls - before) == (0, [0, 0], CASES)
    stub.behave(text="Something else")
    code, anew = document(llmops, echo, "--again", "--evaluation", "echo")
    assert (code, anew["verdict"], stub.calls - before) == (1, "failed", 2 * CASES)
    assert [(run["evaluation"], run["asked"], run["evidence"]) for run in anew["runs"]] == [("echo", CASES, "fail")]


def test_what_a_change_makes_worse_is_shown_beside_the_base(echo: Path, llmops: Run, stub: Running) -> None:
    edit(echo, 'content: "{{ question }}"', 'content: "No. {{ question }}"', "specs/all.yaml")
    before = stub.calls
    code, found = document(llmops, echo, "--base", "HEAD", "--report", str(echo / "gate.html"))
    assert (code, found["verdict"]) == (1, "regressed")
    assert found["base"]["commit"] == git(echo, "rev-parse", "HEAD").strip()
    first, second = found["runs"]
    assert first["release"] != first["base_release"] is not None
    assert (first["asked"], first["cached"], second["asked"], second["cached"]) == (2 * CASES, 0, 0, 2 * CASES)
    assert stub.calls - before == 2 * CASES
    (metric,) = first["metrics"]
    assert (metric["difference"]["value"], metric["worse"], metric["better"]) == (pytest.approx(-2 / 3), 30, 6)
    assert first["answers"][0]["base"]["text"] == "Say number 0"
    assert first["answers"][0]["head"]["text"] == "No. Say number 0"
    assert (echo / "gate.html").is_file()

    code, early = document(llmops, echo, "--base", "HEAD", "--early-stop", "--again", "--evaluation", "echo")
    (run,) = early["runs"]
    assert (code, run["verdict"], run["stopped_early"], run["evidence"]) == (1, "regressed", True, None)
    assert run["cases"] == run["metrics"][0]["n"] == len(run["answers"]) < CASES


def test_a_key_that_is_missing_ends_the_run_and_says_so(echo: Path, llmops: Run) -> None:
    done = llmops("eval", cwd=echo)
    assert (done.returncode, done.stdout) == (1, "")
    assert "STUB_KEY" in done.stderr
    assert "evaluation-head.log" in done.stderr
