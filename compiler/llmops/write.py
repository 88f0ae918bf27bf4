"""Stage `write`: artifacts → a folder, atomically. Old files that are no longer rendered disappear.

Only a folder that an earlier bundle wrote, or an empty one, is replaced; anything else is refused and left alone.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterable
from pathlib import Path

from llmops.errors import UsageError
from llmops.render.base import Artifact

MARK = "manifest.json"


def write(artifacts: Iterable[Artifact], out: Path) -> None:
    """Replaces `out` as a whole: a reader sees the old bundle or the new one. Raises `UsageError` for a foreign folder."""
    _refuse_foreign(out)
    out.parent.mkdir(parents=True, exist_ok=True)
    staged = Path(tempfile.mkdtemp(prefix=f".{out.name}-", dir=out.parent))
    try:
        for artifact in artifacts:
            _write_file(staged, artifact)
        staged.chmod(0o755)
        _swap(staged, out)
    finally:
        shutil.rmtree(staged, ignore_errors=True)


def _write_file(folder: Path, artifact: Artifact) -> None:
    target = folder / artifact.path
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(artifact.content)


def _refuse_foreign(out: Path) -> None:
    if out.is_symlink() or (out.exists() and not out.is_dir()):
        raise UsageError(f"{out} is not a folder", "Name another folder with --out.")
    if out.is_dir() and any(out.iterdir()) and not (out / MARK).is_file():
        raise UsageError(f"{out} holds files that llmops did not write", "Empty it, or name another folder with --out.")


def _swap(staged: Path, out: Path) -> None:
    """Folders cannot be exchanged in one step everywhere; the old one is put aside first and back if the second move fails."""
    if not out.exists():
        os.replace(staged, out)
        return
    aside = staged.with_name(staged.name + "-old")
    os.replace(out, aside)
    try:
        os.replace(staged, out)
    except OSError:
        os.replace(aside, out)
        raise
    shutil.rmtree(aside)
