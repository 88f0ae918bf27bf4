"""`llmops check --watch` in a process of its own: edits are answered, mistakes are survived, Ctrl-C ends it."""

from __future__ import annotations

import os
import pty
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from llmops.cache.evidence import gather
from llmops.cache.witness import Witness
from llmops.cli.watch import _folders
from llmops.errors import LlmopsError
from llmops.pipeline import check_workspace
from tests.conftest import ROOT

DEADLINE = 60
WAITING = "Watching; Ctrl-C ends."


class Watcher:
    """The running command. `turn` waits for the next report, beside what the test does."""

    def __init__(self, folder: Path, *args: str, **options: object) -> None:
        environment = {**os.environ, "PYTHONPATH": str(ROOT / "compiler"), "NO_COLOR": "1"}
        command = [sys.executable, "-m", "llmops", "check", "--watch", *args]
        self.process = subprocess.Popen(
            command, cwd=folder, env=environment, **{"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options}
        )  # type: ignore[call-overload]
        self.seen = ""
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self) -> None:
        while chunk := os.read(self.process.stdout.fileno(), 65_536):
            self.seen += chunk.decode()

    def turn(self) -> str:
        """The next report, whole."""
        end = time.monotonic() + DEADLINE
        while WAITING not in self.seen:
            assert time.monotonic() < end and self.process.poll() is None, self.seen
            time.sleep(0.02)
        report, _, self.seen = self.seen.partition(WAITING)
        return report

    def end(self) -> tuple[int, str]:
        self.process.send_signal(signal.SIGINT)
        code = self.process.wait(DEADLINE)
        return code, self.process.stderr.read().decode() if self.process.stderr else ""


@pytest.fixture
def watcher(base: Path) -> Iterator[Watcher]:
    started = Watcher(base)
    yield started
    if started.process.poll() is None:
        started.process.kill()
    started.process.wait(DEADLINE)


def misspell(base: Path, right: str = "answer", wrong: str = "anser") -> None:
    file = base / "specs" / "application.yaml"
    file.write_text(file.read_text().replace(f"prompt: {right}", f"prompt: {wrong}"))


def test_an_edit_is_answered_and_ctrl_c_ends(base: Path, watcher: Watcher) -> None:
    first = watcher.turn()
    assert re.match(r"\d\d:\d\d:\d\d\n9 resources in dev: no findings\.\n", first)
    misspell(base)
    assert "error[LLM0401]: No Prompt is called 'anser'" in watcher.turn()
    misspell(base, "anser", "answer")
    assert "no findings" in watcher.turn()
    assert watcher.end() == (130, "")


def test_broken_yaml_and_lost_settings_are_survived(base: Path, watcher: Watcher) -> None:
    settings = (base / "llmops.yaml").read_text()
    watcher.turn()
    (base / "llmops.yaml").write_text("kind: [")
    assert "error[LLM0002]" in watcher.turn()
    (base / "llmops.yaml").unlink()
    assert "error[LLM0101]" in watcher.turn()
    (base / "llmops.yaml").write_text(settings)
    assert "no findings" in watcher.turn()
    assert watcher.end() == (130, "")


def test_new_folders_documents_and_datasets_are_watched(base: Path, watcher: Watcher) -> None:
    watcher.turn()
    (base / "specs" / "new").mkdir()
    watcher.turn()
    (base / "specs" / "new" / "spare.yaml").write_text("a: [")
    assert "specs/new/spare.yaml" in watcher.turn()
    (base / "specs" / "new" / "spare.yaml").unlink()
    assert "no findings" in watcher.turn()
    dataset = base / "evals" / "questions.jsonl"
    dataset.write_text(dataset.read_text() + "not json\n")
    assert "error[LLM0804]" in watcher.turn()
    dataset.unlink()
    assert "error[LLM0802]" in watcher.turn()


def test_an_environment_that_goes_away_is_said_and_waited_for(base: Path) -> None:
    watcher = Watcher(base, "--env", "prod")
    settings = (base / "llmops.yaml").read_text()
    assert "resources in prod" in watcher.turn()
    (base / "llmops.yaml").write_text(settings.replace("prod:", "live:"))
    assert "llmops: The workspace has no environment 'prod'\n" in watcher.turn()
    (base / "llmops.yaml").write_text(settings)
    assert "resources in prod" in watcher.turn()
    assert watcher.end() == (130, "")


def test_what_a_check_did_not_read_is_no_reason(base: Path) -> None:
    """The report that the watch itself writes, above all."""
    watcher = Watcher(base, "--format", "json", "--output", "specs/report.json")
    watcher.turn()
    for name in ("README.md", "specs/.swap", "specs/application.yaml~"):
        (base / name).write_text("text")
    misspell(base)
    reports = watcher.turn()
    assert reports.count("LLM0401]") == 1
    assert "LLM0401" in (base / "specs" / "report.json").read_text()
    assert watcher.end()[0] == 130


def test_on_a_terminal_the_screen_is_cleared(base: Path) -> None:
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "llmops", "check", "--watch"],
        cwd=base,
        env={**os.environ, "PYTHONPATH": str(ROOT / "compiler")},
        stdout=theirs,
        stderr=theirs,
        stdin=theirs,
        start_new_session=True,
    )
    os.close(theirs)
    seen = b""
    while WAITING.encode() not in seen:
        seen += os.read(ours, 4096)
    os.killpg(process.pid, signal.SIGINT)
    assert process.wait(DEADLINE) == 130
    assert seen.startswith(b"\033[2J\033[H") and b"no findings" in seen
    os.close(ours)


def test_every_folder_that_matters_is_watched(base: Path) -> None:
    witness = Witness(base)
    check_workspace(base, witness=witness)
    watched = {os.path.relpath(folder, base) for folder in _folders(base, gather(witness))}
    assert watched >= {".", "specs", "docs", "evals"}


def test_a_workspace_that_is_gone_ends_the_watch(tmp_path: Path) -> None:
    gone = tmp_path / "gone" / "workspace"
    with pytest.raises(LlmopsError, match="is gone"):
        _folders(gone, gather(Witness(gone)))
