"""A workspace as it stood at a git ref, read from git's objects: nothing of the user's files is touched.

Input: the workspace's folder and a ref. Output: a temporary folder with the tracked files below it.
"""

from __future__ import annotations

import subprocess
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory

from llmops.errors import UsageError


@contextmanager
def workspace_at(root: Path, ref: str) -> Iterator[Path]:
    """The tracked files of `root` at `ref`, in a folder that is removed afterwards.

    Raises `UsageError` where `root` is in no git repository, or where the ref names no commit.
    """
    commit = _git(root, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{ref}^{{commit}}").decode().strip()
    with TemporaryDirectory(prefix="llmops-base-") as folder:
        with tarfile.open(fileobj=BytesIO(_git(root, "archive", "--format=tar", commit, "."))) as archive:
            archive.extractall(folder, filter=_inside)  # noqa: S202 - the filter refuses what leaves the folder
        yield Path(folder)


def _inside(member: tarfile.TarInfo, folder: str) -> tarfile.TarInfo | None:
    """Leaves out links that lead outside, as reading the workspace does."""
    try:
        return tarfile.data_filter(member, folder)
    except tarfile.FilterError:
        return None


def _git(root: Path, *arguments: str) -> bytes:
    try:
        done = subprocess.run(["git", "-C", str(root), *arguments], capture_output=True, check=False)  # noqa: S607 - the git of the user's path
    except FileNotFoundError as error:
        raise UsageError("git is not installed, which --base needs", "Install git.") from error
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip().removeprefix("fatal: ")
        raise UsageError(f"git has no such base: {said or arguments[-1]}", "Name a branch, a tag or a commit: --base origin/main.")
    return done.stdout
