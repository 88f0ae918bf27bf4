"""Real git repositories for tests: commits without anybody's configuration."""

from __future__ import annotations

import subprocess
from pathlib import Path

_AUTHOR = ("-c", "user.name=Ada", "-c", "user.email=ada@example.org", "-c", "commit.gpgsign=false", "-c", "gc.auto=0")


def git(root: Path, *arguments: str) -> str:
    """What git says; raises where it refuses."""
    return subprocess.run(["git", "-C", str(root), *_AUTHOR, *arguments], check=True, capture_output=True, text=True).stdout


def commit_all(root: Path, message: str) -> str:
    """Everything below `root` as a commit of its repository, which is made where there is none. Returns the commit."""
    if not (root / ".git").exists():
        git(root, "init", "-q", "-b", "main")
    git(root, "add", "-A")
    git(root, "commit", "-q", "--allow-empty", "-m", message)
    return git(root, "rev-parse", "HEAD").strip()
