"""A workspace in a real git repository, and locks, for the tests of `llmops.lock`."""

from __future__ import annotations

import argparse
import io
import subprocess
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path

from llmops.cli import lock as verb
from llmops.link import Linked
from llmops.load.source import Source
from llmops.load.tree import Disk
from llmops.lock.entries import Lock
from llmops.lock.source import FILE
from llmops.lock.text import parse_lock
from llmops.pipeline import front_half
from llmops.project import open_project

ANSWER = "f0bdc914d81102c2f0794de8ec9158087148464c67ec23ca6b7043f56d82d5e0"
"""The digest of Prompt/answer@1.0.0 in the golden cases' base."""
IDENTITY = ("-c", "user.name=Ada", "-c", "user.email=ada@example.org", "-c", "commit.gpgsign=false")
PROMPT = """\
apiVersion: llmops/v1
kind: Prompt
metadata: {{name: {name}, owner: docs}}
spec:
  version: {version}
  variables: {{question: {{type: string}}, documents: {{type: documents}}}}
  messages: [{{role: user, content: "{text} {{{{ documents }}}} {{{{ question }}}}"}}]
"""


def digest(letter: str) -> str:
    return f"sha256:{letter * 64}"


def lock_text(*entries: str) -> str:
    """A lock with these lines."""
    return "\n".join(["lock 1", *entries]) + "\n"


def git(root: Path, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["git", *IDENTITY, "-C", str(root), *arguments], capture_output=True, text=True, check=check)


def commit(root: Path, message: str = "A change") -> str:
    """Commits everything; returns the commit."""
    git(root, "add", "-A")
    git(root, "commit", "-q", "--allow-empty", "-m", message)
    return git(root, "rev-parse", "HEAD").stdout.strip()


def start_repository(root: Path) -> Path:
    git(root, "init", "-q", "-b", "main")
    (root / ".gitignore").write_text(".llmops/\n")
    commit(root, "A workspace")
    return root


def write_prompt(root: Path, name: str, version: str = "1.0.0", text: str = "Answer.") -> None:
    """One version of a prompt, in a file of its own."""
    (root / "specs" / f"{name}-{version}.yaml").write_text(PROMPT.format(name=name, version=version, text=text))


def reword(root: Path, text: str = "Briefly.") -> None:
    """Changes the content of Prompt/answer@1.0.0."""
    file = root / "specs" / "prompt.yaml"
    before = file.read_text()
    file.write_text(before.replace('content: "', f'content: "{text} '))
    assert file.read_text() != before


def patch(root: Path, environment: str, spec: str) -> None:
    """A patch of Prompt/answer in one environment."""
    folder = root / "environments" / environment
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "answer.yaml").write_text(f"target: {{kind: Prompt, name: answer}}\npatch: {{spec: {spec}}}\n")


def linked(root: Path, environment: str = "dev") -> Linked:
    project, _ = open_project(Disk(root))
    assert project is not None
    return front_half(project, environment).linked


def lock_in(root: Path) -> Lock:
    """The workspace's lock, which has no mistake."""
    lock, diagnostics = parse_lock(Source(FILE, (root / FILE).read_text()))
    assert diagnostics == []
    return lock


@dataclass(frozen=True)
class Done:
    """How a run of `llmops lock` ended."""

    code: int
    out: str
    err: str


def lock(root: Path, *arguments: str) -> Done:
    """`llmops lock` in this process; only what is said of a refusal is another exception."""
    parser = argparse.ArgumentParser()
    verb.add_arguments(parser)
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        code = verb.run(parser.parse_args(["--workspace", str(root), *arguments]))
    return Done(code, out.getvalue(), err.getvalue())
