"""Stage `write`: artifacts → a folder, atomically. Old files that are no longer rendered disappear.

Only a folder that an earlier bundle wrote, or an empty one, is replaced; anything else is refused and left alone.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import orjson

from llmops.errors import LlmopsError, UsageError
from llmops.render.base import Artifact

MARK = "manifest.json"


def write(artifacts: Iterable[Artifact], out: Path) -> None:
    """Replaces `out` as a whole: a reader sees the old bundle or the new one.

    Raises `UsageError` for a foreign folder and `LlmopsError` where the system refuses; `out` is then as it was.
    """
    try:
        _refuse_foreign(out)
        out.parent.mkdir(parents=True, exist_ok=True)
        staged = Path(tempfile.mkdtemp(prefix=f".{out.name}-", dir=out.parent))
    except OSError as error:
        raise _unwritable(out, error) from error
    try:
        _fill(staged, artifacts)
        _swap(staged, out)
    except OSError as error:
        raise _unwritable(out, error) from error
    finally:
        shutil.rmtree(staged, ignore_errors=True)


def _unwritable(out: Path, error: OSError) -> LlmopsError:
    return LlmopsError(
        f"The bundle cannot be written to {out}: {error.strerror}", "Check the folder's permissions and space, or name another with --out."
    )


def _fill(folder: Path, artifacts: Iterable[Artifact]) -> None:
    for artifact in artifacts:
        target = folder / artifact.path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(artifact.content)
    folder.chmod(0o755)


def _refuse_foreign(out: Path) -> None:
    if out.is_symlink() or (out.exists() and not out.is_dir()):
        raise UsageError(f"{out} is not a folder", "Name another folder with --out.")
    if out.is_dir() and any(out.iterdir()) and not _is_bundle(out):
        raise UsageError(f"{out} holds files that llmops did not write", "Empty it, or name another folder with --out.")


def _is_bundle(folder: Path) -> bool:
    """A manifest of somebody else's, as a browser extension has, is no mark."""
    try:
        manifest: Any = orjson.loads((folder / MARK).read_bytes())
    except (OSError, orjson.JSONDecodeError):
        return False
    return isinstance(manifest, dict) and "manifest_version" in manifest and "llmops_version" in manifest


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
    shutil.rmtree(aside, ignore_errors=True)
