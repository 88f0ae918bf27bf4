"""Files that specs name: found relative to the spec, read once, never outside the workspace."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from llmops.load.files import MAX_FILE_BYTES, FileProblem, Files
from llmops.load.tree import Disk
from llmops.pipeline import check_workspace
from llmops.resources import File

SPEC = "specs/deep/a.yaml"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "workspace"
    for name in (
        "specs/deep/near.txt",
        "docs/a.md",
        "docs/b.txt",
        "docs/sub/c.md",
        "docs/sub/deep/d.md",
        "docs/.hidden.md",
        "docs/.git/e.md",
        "docs/[x].md",
    ):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(name)
    (tmp_path / "outside.md").write_text("secret")
    return folder


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("near.txt", "specs/deep/near.txt"),
        ("./near.txt", "specs/deep/near.txt"),
        ("../../docs/a.md", "docs/a.md"),
        ("../deep/../deep/near.txt", "specs/deep/near.txt"),
    ],
)
def test_paths_are_relative_to_the_spec(root: Path, path: str, found: str) -> None:
    assert Files(Disk(root)).find(SPEC, path) == found


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("missing.txt", "LLM0802"),
        ("../../docs", "LLM0802"),
        ("../../../outside.md", "LLM0801"),
        ("../../..", "LLM0801"),
        ("../../../workspace2/x", "LLM0801"),
    ],
)
def test_paths_that_lead_nowhere(root: Path, path: str, code: str) -> None:
    problem = Files(Disk(root)).find(SPEC, path)
    assert isinstance(problem, FileProblem) and problem.code == code and problem.hint


def test_a_name_that_begins_with_two_dots_is_inside(root: Path) -> None:
    (root / "..notes.txt").write_text("x")
    assert Files(Disk(root)).find(SPEC, "../../..notes.txt") == "..notes.txt"


@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        ("../../docs/*.md", ["docs/[x].md", "docs/a.md"]),
        ("../../docs/**/*.md", ["docs/[x].md", "docs/a.md", "docs/sub/c.md", "docs/sub/deep/d.md"]),
        ("../../docs/**", ["docs/[x].md", "docs/a.md", "docs/b.txt", "docs/sub/c.md", "docs/sub/deep/d.md"]),
        ("../../docs/*/c.md", ["docs/sub/c.md"]),
        ("../../docs/?.md", ["docs/a.md"]),
        ("../../docs/a.md", ["docs/a.md"]),
        ("*.txt", ["specs/deep/near.txt"]),
        ("../../**/c.md", ["docs/sub/c.md"]),
    ],
)
def test_globs(root: Path, pattern: str, found: list[str]) -> None:
    assert Files(Disk(root)).glob(SPEC, [pattern]) == found


def test_globs_join_and_exclude(root: Path) -> None:
    files = Files(Disk(root))
    assert files.glob(SPEC, ["../../docs/*.md", "../../docs/a.md"], ["../../docs/[[]*"]) == ["docs/[x].md", "docs/a.md"]
    assert files.glob(SPEC, ["../../docs/**"], ["../../docs/sub/**", "../../docs/*.txt"]) == ["docs/[x].md", "docs/a.md"]


@pytest.mark.parametrize(
    ("patterns", "exclude", "code"),
    [
        (["../../docs/*.rst"], [], "LLM0803"),
        (["../../docs"], [], "LLM0803"),
        (["../../nowhere/**"], [], "LLM0803"),
        (["../../docs/*.md"], ["../../docs/**"], "LLM0803"),
        (["../../../**"], [], "LLM0801"),
        (["../../../*.md"], [], "LLM0801"),
    ],
)
def test_globs_that_find_nothing(root: Path, patterns: list[str], exclude: list[str], code: str) -> None:
    problem = Files(Disk(root)).glob(SPEC, patterns, exclude)
    assert isinstance(problem, FileProblem) and problem.code == code


def test_digests(root: Path) -> None:
    assert Files(Disk(root)).digest("docs/a.md") == File("docs/a.md", hashlib.sha256(b"docs/a.md").hexdigest(), 9)


def test_a_file_is_read_once(root: Path) -> None:
    files = Files(Disk(root))
    first = files.digest("docs/a.md")
    (root / "docs" / "a.md").write_text("changed")
    assert files.digest("docs/a.md") is first


def test_links_out_of_the_workspace_are_not_followed(root: Path) -> None:
    os.symlink("../../outside.md", root / "docs" / "link.md")
    os.symlink("../..", root / "docs" / "up")
    files = Files(Disk(root))
    for problem in (
        files.find("docs/x.yaml", "link.md"),
        files.read("docs/link.md"),
        files.find("docs/x.yaml", "up/outside.md"),
        files.glob("docs/x.yaml", ["up/*.md"]),
    ):
        assert isinstance(problem, FileProblem) and problem.code == "LLM0801" and "link" in problem.message
    found = files.glob("docs/x.yaml", ["**/*.md"])
    assert isinstance(found, list) and "docs/up/outside.md" not in found


def test_links_inside_are_followed(root: Path) -> None:
    os.symlink("a.md", root / "docs" / "link.md")
    assert Files(Disk(root)).find("docs/x.yaml", "link.md") == "docs/link.md"
    assert Files(Disk(root)).read("docs/link.md") == b"docs/a.md"


def test_what_is_no_file_is_not_opened(root: Path) -> None:
    """Opening a pipe would wait for ever."""
    os.mkfifo(root / "docs" / "pipe.md")
    problem = Files(Disk(root)).digest("docs/pipe.md")
    assert isinstance(problem, FileProblem) and problem.code == "LLM0802"


def test_a_file_that_is_too_large(root: Path) -> None:
    with open(root / "docs" / "a.md", "wb") as stream:
        stream.truncate(MAX_FILE_BYTES + 1)
    problem = Files(Disk(root)).read("docs/a.md")
    assert isinstance(problem, FileProblem) and problem.code == "LLM0805"


def test_each_pattern_and_file_has_its_own_finding(base: Path) -> None:
    source = base / "specs" / "source.yaml"
    source.write_text(source.read_text().replace('["../docs/*.md"]', '["../docs/*.md", "../docs/*.rst", "../../*"]'))
    os.symlink("/etc/hostname", base / "docs" / "link.md")
    found = check_workspace(base).diagnostics
    assert sorted((d.code, d.path) for d in found) == [
        ("LLM0801", "spec.documents.paths[0]"),
        ("LLM0801", "spec.documents.paths[2]"),
        ("LLM0803", "spec.documents.paths[1]"),
    ]


PROMPT = 'content: "{% for d in documents %}{{ d.content }} {% endfor %}{{ question }}"'


def test_a_prompt_s_file_is_read_into_the_graph(base: Path) -> None:
    prompt = base / "specs" / "prompt.yaml"
    prompt.write_text(prompt.read_text().replace(PROMPT, "content_file: answer.txt"))
    (base / "specs" / "answer.txt").write_text("{{ documents }} {{ question }} é")
    checked = check_workspace(base)
    assert not checked.diagnostics and checked.graph is not None
    assert checked.graph["Prompt/answer@1.0.0"].spec["messages"][0]["content"] == "{{ documents }} {{ question }} é"


def test_a_missing_prompt_file_makes_no_variable_unused(base: Path) -> None:
    prompt = base / "specs" / "prompt.yaml"
    prompt.write_text(prompt.read_text().replace(PROMPT, "content_file: answer.txt"))
    assert [d.code for d in check_workspace(base).diagnostics] == ["LLM0802"]


@pytest.mark.parametrize(
    ("rows", "problem"),
    [
        (b'{"question": "a?"}\n\n{"question": "b?"}\n', ""),
        (b'\xef\xbb\xbf{"question": "a?"}\n', ""),
        (b"", "no rows"),
        (b'{"question": ""}\n', "no text in 'question'"),
        (b'{"question": 1}\n', "no text in 'question'"),
        (b'{"question": "a?"}\n["a"]\n', ":2: not a JSON object"),
        (b'{"question": "\xff"}\n', "not JSON"),
        (b"[" * 100_000, "not JSON"),
        (b'{"question": NaN}\n', "not JSON"),
    ],
)
def test_rows_of_jsonl(base: Path, rows: bytes, problem: str) -> None:
    (base / "evals" / "questions.jsonl").write_bytes(rows)
    assert_row_problem(base, problem)


@pytest.mark.parametrize(
    ("rows", "problem"),
    [
        (b"question,answer\na?,b\n", ""),
        (b"\xef\xbb\xbfquestion,answer\r\na?,b\r\n", ""),
        (b'question\n"a\nb?"\n', ""),
        (b"", "no column 'question'"),
        (b"question\n", "no rows"),
        (b"frage\na?\n", "no column 'question'"),
        (b"question,answer\n,b\n", ":2: no text in 'question'"),
        (b'question\n"a?\n', "not CSV"),
        (b"question\n\xff\n", "not UTF-8"),
        (b"question\n" + b"a" * 200_000 + b"\n", "not CSV"),
    ],
)
def test_rows_of_csv(base: Path, rows: bytes, problem: str) -> None:
    quality = base / "specs" / "quality.yaml"
    quality.write_text(quality.read_text().replace("questions.jsonl", "questions.csv, format: csv"))
    (base / "evals" / "questions.csv").write_bytes(rows)
    assert_row_problem(base, problem)


def assert_row_problem(base: Path, problem: str) -> None:
    found = check_workspace(base).diagnostics
    assert [d.code for d in found] == (["LLM0804"] if problem else [])
    assert all(problem in d.message for d in found)


def test_at_most_three_rows_are_reported(base: Path) -> None:
    (base / "evals" / "questions.jsonl").write_text("x\n" * 10)
    assert len(check_workspace(base).diagnostics) == 3


def test_rows_for_training_are_not_read(base: Path) -> None:
    quality = base / "specs" / "quality.yaml"
    quality.write_text(quality.read_text().replace("questions.jsonl,", "questions.jsonl, purpose: training,"))
    (base / "evals" / "questions.jsonl").write_text("not JSON")
    assert not check_workspace(base).diagnostics
