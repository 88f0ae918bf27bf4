"""What the tests share: Hypothesis without surprises, the example workspace, the command line."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

ROOT = Path(__file__).parents[1]
EXAMPLE = ("llmops.yaml", "specs", "environments", "docs", "evals", "policies", "waivers")

settings.register_profile("repeatable", derandomize=True, deadline=None, suppress_health_check=list(HealthCheck))
settings.load_profile("repeatable")

Run = Callable[..., "subprocess.CompletedProcess[str]"]


def copy_example(folder: Path) -> Path:
    """A copy of this repository's own workspace, which the test may change."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in EXAMPLE:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, folder / name)
        else:
            shutil.copy(source, folder / name)
    return folder


@pytest.fixture
def example(tmp_path: Path) -> Path:
    return copy_example(tmp_path / "example")


@pytest.fixture
def base(tmp_path: Path) -> Path:
    """The small workspace without mistakes that the golden cases start from."""
    return Path(shutil.copytree(ROOT / "tests" / "golden" / "_base", tmp_path / "base"))


@pytest.fixture
def llmops() -> Run:
    """Runs the command in a process of its own, as a user does: `llmops("check", "--env", "prod", cwd=folder)`."""

    def run(*args: str, cwd: Path, **variables: str) -> subprocess.CompletedProcess[str]:
        environment = {key: value for key, value in os.environ.items() if key not in ("NO_COLOR", "FORCE_COLOR")}
        paths = os.pathsep.join([str(ROOT / "compiler"), environment.get("PYTHONPATH", "")])
        environment |= {"PYTHONPATH": paths, **variables}
        command = [sys.executable, "-m", "llmops", *args]
        return subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, timeout=300, check=False)

    return run
