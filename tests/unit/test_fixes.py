"""`llmops check --fix`: what is shown, what is asked, and what is on disk afterwards."""

from __future__ import annotations

import io
import os
import pty
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from llmops.cli.fixes import FixOutcome, fix, proposed_fixes, write_change
from llmops.diagnostics import Diagnostic, Edit, Location
from llmops.edit import FileChange
from llmops.errors import LlmopsError
from llmops.report.diff import diff_report
from tests.conftest import ROOT, Run, copy_example
from tests.docs.handbook import blocks

A, B = "# a\nmode: log # why\nother: 1\n", "mode: log\n"


class Terminal(io.StringIO):
    """Somebody who answers."""

    def isatty(self) -> bool:
        return True


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    root = tmp_path / "workspace"
    (root / "specs").mkdir(parents=True)
    (root / "specs" / "a.yaml").write_text(A)
    (root / "specs" / "b.yaml").write_text(B)
    return root


def finding(file: str = "specs/a.yaml", value: Any = "block", path: tuple[str | int, ...] = ("mode",), **more: Any) -> Diagnostic:
    return Diagnostic("LLM0901", more.pop("severity", "error"), "m", (Location(file),), edits=(Edit(file, 0, path, value),), **more)


def content(root: Path, name: str = "a.yaml") -> str:
    return (root / "specs" / name).read_bytes().decode()


def test_yes_writes_what_the_diff_shows(workspace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    outcome = fix(workspace, [finding(), finding("specs/b.yaml")], yes=True)
    assert outcome == FixOutcome(("specs/a.yaml", "specs/b.yaml"), ("specs/a.yaml", "specs/b.yaml"), ())
    assert content(workspace) == A.replace("log", "block")
    assert content(workspace, "b.yaml") == "mode: block\n"
    out, err = capsys.readouterr()
    assert out == (
        "--- a/specs/a.yaml\n+++ b/specs/a.yaml\n@@ -1,3 +1,3 @@\n # a\n-mode: log # why\n+mode: block # why\n other: 1\n"
        "--- a/specs/b.yaml\n+++ b/specs/b.yaml\n@@ -1 +1 @@\n-mode: log\n+mode: block\n"
    )
    assert err == "wrote specs/a.yaml\nwrote specs/b.yaml\n"


def test_without_a_terminal_nothing_is_written(
    workspace: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("y\n"))
    assert fix(workspace, [finding()], yes=False) == FixOutcome(("specs/a.yaml",), (), ())
    assert content(workspace) == A
    out, err = capsys.readouterr()
    assert "+mode: block # why" in out
    assert err == "Nothing was written: there is no terminal to ask. --yes writes.\n"


@pytest.mark.parametrize(
    ("answer", "agrees"), [("y\n", True), ("YES\n", True), ("n\n", False), ("\n", False), ("", False), ("yo\n", False)]
)
def test_a_terminal_is_asked(
    answer: str, agrees: bool, workspace: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", Terminal(answer))
    outcome = fix(workspace, [finding()], yes=False)
    assert bool(outcome.written) is agrees
    assert (content(workspace) != A) is agrees
    _, err = capsys.readouterr()
    assert err.startswith("Write this file? [y/N] ")
    assert ("Nothing was written." in err) is not agrees


def test_the_question_counts_the_files(workspace: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", Terminal("n\n"))
    fix(workspace, [finding(), finding("specs/b.yaml")], yes=False)
    assert "Write these 2 files? [y/N] " in capsys.readouterr().err


@pytest.mark.parametrize("spared", [{"waived": "allowed until 2027"}, {"severity": "note"}], ids=["waived", "note"])
def test_what_does_not_count_is_not_mended(spared: dict[str, Any], workspace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert fix(workspace, [finding(**spared)], yes=True) == FixOutcome((), (), ())
    assert content(workspace) == A
    assert capsys.readouterr().err == "Nothing to fix: no finding offers an edit.\n"


def test_a_warning_is_mended(workspace: Path) -> None:
    assert fix(workspace, [finding(severity="warning")], yes=True).written == ("specs/a.yaml",)


def test_findings_that_contradict_are_named_and_the_rest_is_mended(workspace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    outcome = fix(workspace, [finding(), finding(value="flag"), finding("specs/b.yaml")], yes=True)
    assert outcome.written == ("specs/b.yaml",)
    assert outcome.refused == (
        "specs/a.yaml: mode is to be 'block' by one finding and 'flag' by another",
        "specs/a.yaml: mode is to be 'flag' by one finding and 'block' by another",
    )
    assert content(workspace) == A
    assert "not fixed: specs/a.yaml: mode is to be 'block'" in capsys.readouterr().err


def test_only_refusals_write_nothing(workspace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    outcome = fix(workspace, [finding(path=("mode", "deep"))], yes=True)
    assert outcome == FixOutcome((), (), ("specs/a.yaml: mode.deep cannot be reached: mode is a single value",))
    assert capsys.readouterr() == (
        "",
        "not fixed: specs/a.yaml: mode.deep cannot be reached: mode is a single value\n"
        "  help: Make this change by hand.\nNothing was written.\n",
    )


def outside(workspace: Path) -> Path:
    file = workspace.parent / "outside.yaml"
    file.write_text(B)
    return file


def test_a_file_outside_the_workspace_is_never_written(workspace: Path) -> None:
    file = outside(workspace)
    for name in ("../outside.yaml", str(file)):
        (refused,) = fix(workspace, [finding(name)], yes=True).refused
        assert refused == f"{name}: The file lies outside the workspace, and is never written"
    assert file.read_text() == B


def test_a_link_out_of_the_workspace_is_not_followed(workspace: Path) -> None:
    file = outside(workspace)
    (workspace / "specs" / "link.yaml").symlink_to(file)
    assert fix(workspace, [finding("specs/link.yaml")], yes=True).refused
    assert file.read_text() == B


def test_a_link_inside_the_workspace_stays_a_link(workspace: Path) -> None:
    link = workspace / "specs" / "link.yaml"
    link.symlink_to("a.yaml")
    assert fix(workspace, [finding("specs/link.yaml")], yes=True).written == ("specs/link.yaml",)
    assert link.is_symlink()
    assert content(workspace) == A.replace("log", "block")


def test_a_workspace_behind_a_link_is_a_workspace(workspace: Path) -> None:
    alias = workspace.parent / "alias"
    alias.symlink_to(workspace)
    assert fix(alias, [finding()], yes=True).written == ("specs/a.yaml",)
    assert content(workspace) == A.replace("log", "block")


@pytest.mark.parametrize("mode", [0o644, 0o600, 0o755])
def test_the_mode_stays(mode: int, workspace: Path) -> None:
    file = workspace / "specs" / "a.yaml"
    file.chmod(mode)
    fix(workspace, [finding()], yes=True)
    assert file.stat().st_mode & 0o777 == mode
    assert sorted(path.name for path in file.parent.iterdir()) == ["a.yaml", "b.yaml"]


def test_a_read_only_file_is_not_written(workspace: Path) -> None:
    (workspace / "specs" / "a.yaml").chmod(0o444)
    with pytest.raises(LlmopsError, match=r"specs/a\.yaml cannot be written: it is read-only"):
        fix(workspace, [finding()], yes=True)
    assert content(workspace) == A


def test_a_file_that_changed_meanwhile_is_left_alone(workspace: Path) -> None:
    (change,) = proposed_fixes(workspace, [finding()]).files
    (workspace / "specs" / "a.yaml").write_text(A + "new: 1\n")
    with pytest.raises(LlmopsError, match="was changed meanwhile"):
        write_change(workspace, change)
    assert content(workspace) == A + "new: 1\n"


def test_a_write_that_fails_leaves_no_trace(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(LlmopsError, match="cannot be written: No space left on device"):
        fix(workspace, [finding()], yes=True)
    assert content(workspace) == A
    assert sorted(path.name for path in (workspace / "specs").iterdir()) == ["a.yaml", "b.yaml"]


@pytest.mark.parametrize(
    "raw",
    [b"\xef\xbb\xbf# a\nmode: log\n", b"mode: log # c\r\nother: 1\r\n", b"other: 1\nmode: log", "mode: log # \u00e9\u2028x: 1\n".encode()],
    ids=["byte order mark", "CRLF", "no final line break", "line separator"],
)
def test_every_other_byte_stays(raw: bytes, workspace: Path) -> None:
    file = workspace / "specs" / "a.yaml"
    file.write_bytes(raw)
    assert fix(workspace, [finding()], yes=True).written
    assert file.read_bytes() == raw.replace(b"log", b"block")


@pytest.mark.parametrize(("raw", "message"), [(b"mode: \xff\n", "The file is not UTF-8"), (None, "The file cannot be read: ")])
def test_a_file_that_cannot_be_read_is_refused(raw: bytes | None, message: str, workspace: Path) -> None:
    file = workspace / "specs" / "a.yaml"
    file.unlink()
    if raw:
        file.write_bytes(raw)
    (refused,) = fix(workspace, [finding()], yes=True).refused
    assert refused.startswith(f"specs/a.yaml: {message}")


@pytest.mark.parametrize("before", [A, A.replace("\n", "\r\n"), "other: 1\nmode: log", "a: 1\n" * 40 + "mode: log\n"])
def test_git_takes_the_diff(before: str, tmp_path: Path) -> None:
    after = before.replace("log", "block").replace("other: 1", "other: 1\nmore: 2")
    (tmp_path / "a b.yaml").write_bytes(before.encode())
    patch = diff_report([FileChange("a b.yaml", before, after)], colour=False)
    subprocess.run(["git", "apply", "-"], input=patch.encode(), cwd=tmp_path, check=True)
    assert (tmp_path / "a b.yaml").read_bytes() == after.encode()


def test_a_line_without_a_break_is_marked_as_git_does() -> None:
    assert diff_report([FileChange("f", "a", "b")], colour=False).endswith(
        "-a\n\\ No newline at end of file\n+b\n\\ No newline at end of file\n"
    )


def test_nothing_changed_is_no_diff() -> None:
    assert diff_report([], colour=False) == diff_report([FileChange("f", "a\n", "a\n")], colour=True) == ""


def test_colours_tell_lines_apart_and_carry_the_same_text() -> None:
    change = FileChange("f", "a: 1\n--- # x\nb: 1\n", "a: 2\n--- # x\nb: 1\n")
    coloured = diff_report([change], colour=True)
    assert "\033[31m-a: 1\033[0m\n\033[32m+a: 2\033[0m\n" in coloured
    assert re.sub(r"\033\[\d*m", "", coloured) == diff_report([change], colour=False)


def test_a_diff_steers_no_terminal_and_shows_no_secret() -> None:
    key = "sk-" + "a1B2" * 8
    change = FileChange("f", f"a: 1 # \u202e\nkey: {key}\n", f"a: 2 # \u202e\nkey: {key}\n")
    assert "\u202e" not in diff_report([change], colour=True)
    for colour in (True, False):
        assert key not in diff_report([change], colour=colour)


def open_the_rails(folder: Path) -> Path:
    """This repository's workspace, with a safety rule that a policy of its own pack forbids in production."""
    root = copy_example(folder)
    for name in ("policies", "waivers"):
        shutil.copytree(ROOT / name, root / name, dirs_exist_ok=True)
    file = root / "specs" / "safety.yaml"
    text = file.read_text()
    file.write_text(
        text.replace("      action: redact\n", "      action: redact\n      on_error: log  # while the detector is tried out\n")
    )
    assert file.read_text() != text
    return root


def test_the_page_quotes_what_the_command_prints(llmops: Run, tmp_path: Path) -> None:
    root = open_the_rails(tmp_path / "w")
    done = llmops("check", "--fix", "--env", "prod", cwd=root)
    (quoted,) = (block.text for block in blocks("diff") if block.page == "docs/fixes.md")
    assert done.stdout == quoted
    assert done.returncode == 1
    assert "while the detector is tried out" in done.stderr
    assert llmops("check", "--fix", "--yes", "--env", "prod", cwd=root).returncode == 0
    assert "      on_error: block  # while the detector is tried out\n" in (root / "specs" / "safety.yaml").read_text()


def test_a_real_terminal_is_asked_and_sees_colours(tmp_path: Path) -> None:
    root = open_the_rails(tmp_path / "w")
    here, there = pty.openpty()
    paths = os.pathsep.join([str(ROOT / "compiler"), os.environ.get("PYTHONPATH", "")])
    environment = {key: value for key, value in os.environ.items() if key not in ("NO_COLOR", "FORCE_COLOR")}
    command = [sys.executable, "-m", "llmops", "check", "--fix", "--env", "prod"]
    os.write(here, b"y\n")
    process = subprocess.Popen(
        command, cwd=root, stdin=there, stdout=there, stderr=there, env=environment | {"PYTHONPATH": paths, "TERM": "xterm"}
    )
    os.close(there)
    shown = _all_of(here)
    assert process.wait(60) == 0
    assert "\033[32m+      on_error: block  # while the detector is tried out\033[0m" in shown
    assert "Write this file? [y/N] " in shown
    assert "wrote specs/safety.yaml" in shown


def _all_of(terminal: int) -> str:
    """What was printed until the other end was closed, which Linux reports as an error."""
    shown = b""
    try:
        while part := os.read(terminal, 4096):
            shown += part
    except OSError:
        pass
    finally:
        os.close(terminal)
    return shown.decode()
