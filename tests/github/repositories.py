"""What the tests of the plan's script share: real repositories with real branches, and the script run as the action runs it."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from tests.conftest import ROOT, copy_example

ACTIONS = ROOT / ".github" / "actions"
IDENTITY = ("-c", "user.name=Ada", "-c", "user.email=ada@example.org", "-c", "commit.gpgsign=false")
DEV = {"LLMOPS_ENVIRONMENTS": "dev"}
PROMPT = "specs/handbook-assistant.yaml"
OLD_WORDS, NEW_WORDS = "Answer from the handbook.", "Answer from the handbook, in one sentence."


def git(folder: Path, *arguments: str) -> str:
    done = subprocess.run(["git", *IDENTITY, *arguments], cwd=folder, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def commit(folder: Path, message: str = "a change") -> str:
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--allow-empty", "--message", message)
    return git(folder, "rev-parse", "HEAD")


def upstream(folder: Path, workspace: str = ".") -> Path:
    """A repository whose branch main holds a copy of the example workspace, with its lock; other files stand beside a subfolder."""
    folder.mkdir(parents=True)
    git(folder, "init", "--quiet", "--initial-branch", "main")
    copy_example(folder / workspace)
    (folder / "other.txt").write_text("not the workspace's\n", "utf-8")
    commit(folder, "the workspace")
    llmops("lock", cwd=folder / workspace)
    commit(folder, "the lock")
    return folder


def clone(source: Path, folder: Path, *flags: str) -> Path:
    """As actions/checkout leaves it: the branches of `origin`, and nobody who may push."""
    git(source.parent, "clone", "--quiet", *flags, source.as_uri(), str(folder))
    return folder


def branch(folder: Path, name: str = "feature") -> None:
    git(folder, "switch", "--quiet", "--create", name)


def replace_in(file: Path, old: str, new: str) -> None:
    text = file.read_text("utf-8")
    assert old in text
    file.write_text(text.replace(old, new, 1), "utf-8")


def change(checkout: Path, old: str = "top_k: 3", new: str = "top_k: 4", file: str = PROMPT) -> str:
    branch(checkout)
    replace_in(checkout / file, old, new)
    return commit(checkout)


def environment(**more: str) -> dict[str, str]:
    """A runner's: nothing of the machine's own, the llmops under test first."""
    kept = {name: os.environ[name] for name in ("HOME", "LANG", "TMPDIR") if name in os.environ}
    paths = [str(Path(sys.executable).parent), os.environ["PATH"]]
    return {**kept, "PATH": os.pathsep.join(paths), "PYTHONPATH": str(ROOT / "compiler"), "LLMOPS_NO_CACHE": "1", **more}


def replaced(tmp_path: Path, verb: str, script: str) -> dict[str, str]:
    """Variables under which one verb of llmops is a script, and every other its own."""
    newer = tmp_path / "bin" / "llmops"
    newer.parent.mkdir()
    newer.write_text(f'#!/bin/sh\nif [ "$1" = {verb} ]; then\n{script}\nexit; fi\nexec python -m llmops "$@"\n', "utf-8")
    newer.chmod(0o755)
    return {"PATH": f"{newer.parent}{os.pathsep}{environment()['PATH']}"}


def llmops(*arguments: str, cwd: Path) -> None:
    subprocess.run([sys.executable, "-m", "llmops", *arguments], cwd=cwd, env=environment(), capture_output=True, check=True)


@dataclass(frozen=True)
class Result:
    """What a run of the script leaves behind."""

    code: int
    log: str
    outputs: dict[str, str]
    summary: str
    artifacts: Path

    @property
    def annotations(self) -> list[str]:
        return [line for line in self.obeyed if line.startswith(("::error", "::warning", "::notice"))]

    @property
    def obeyed(self) -> list[str]:
        """The lines in which a runner looks for commands: all but those between stop-commands and its token."""
        kept, token = [], ""
        for line in (line.strip() for line in self.log.splitlines()):
            if not token:
                kept.append(line)
            if line.startswith("::stop-commands::") and not token:
                token = f"::{line.removeprefix('::stop-commands::')}::"
            elif line == token:
                token = ""
        assert not token, "commands were never allowed again"
        return kept


def run_script(checkout: Path, temporary: Path, **variables: str) -> Result:
    """plan.sh in a checkout, on a pull request to main."""
    temporary.mkdir(parents=True, exist_ok=True)
    output, summary = temporary / "output", temporary / "summary.md"
    output.touch()
    summary.touch()
    # An evaluation takes a model: the tests that are about it switch it on.
    given = {
        "LLMOPS_EVALUATE": "false",
        "RUNNER_TEMP": str(temporary),
        "GITHUB_OUTPUT": str(output),
        "GITHUB_STEP_SUMMARY": str(summary),
        "GITHUB_BASE_REF": "main",
    }
    command = ["bash", str(ACTIONS / "plan" / "plan.sh")]
    done = subprocess.run(
        command,
        cwd=checkout,
        env=environment(**given | variables),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=300,
        check=False,
    )
    pairs = (line.partition("=") for line in output.read_text("utf-8").splitlines())
    outputs = {name: value for name, _, value in pairs}
    return Result(done.returncode, done.stdout.decode(), outputs, summary.read_text("utf-8"), temporary / "llmops-plan")
