"""One repository with the example workspace for all tests; each works in a clone of its own. And GitHub, on this machine."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.github.api import REPOSITORY, TOKEN, Hub, event, serving
from tests.github.repositories import ACTIONS, PROMPT, clone, commit, environment, replace_in, run_script, upstream


@pytest.fixture(scope="session")
def origin(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Nobody commits to this one."""
    return upstream(tmp_path_factory.mktemp("origin") / "repository")


@pytest.fixture(scope="session")
def nested_origin(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The workspace in a subfolder whose name a shell would take apart."""
    return upstream(tmp_path_factory.mktemp("nested") / "repository", "teams/help desk; $(exit 7)")


@pytest.fixture
def checkout(origin: Path, tmp_path: Path) -> Path:
    return clone(origin, tmp_path / "checkout")


@pytest.fixture(scope="session")
def plans(origin: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """Plans as the script writes them: of a `change`, and of `nothing`."""
    checkout = clone(origin, tmp_path_factory.mktemp("plans") / "checkout")
    nothing = run_script(checkout, checkout.parent / "nothing", LLMOPS_ENVIRONMENTS="dev")
    replace_in(checkout / PROMPT, "top_k: 3", "top_k: 4")
    commit(checkout)
    change = run_script(checkout, checkout.parent / "change", LLMOPS_ENVIRONMENTS="dev")
    return {name: (run.artifacts / "plan.json").read_bytes() for name, run in (("nothing", nothing), ("change", change))}


@pytest.fixture
def hub() -> Hub:
    """GitHub with one open pull request of a fork, and no comment."""
    return Hub()


@pytest.fixture
def post(hub: Hub, tmp_path: Path) -> Iterator[Callable[..., subprocess.CompletedProcess[str]]]:
    """Runs comment.py on an event, as the action does."""
    with serving(hub) as address:

        def run(given: dict[str, Any] | None = None, **more: str) -> subprocess.CompletedProcess[str]:
            file = tmp_path / "event.json"
            file.write_text(json.dumps(given or event()), "utf-8")
            variables = {
                "GITHUB_API_URL": address,
                "GITHUB_SERVER_URL": "https://github.example",
                "GITHUB_REPOSITORY": REPOSITORY,
                "GITHUB_EVENT_PATH": str(file),
                "GITHUB_TOKEN": TOKEN,
            }
            command = [sys.executable, str(ACTIONS / "comment" / "comment.py")]
            environ = environment(**variables | more)
            return subprocess.run(command, env=environ, cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False)

        yield run
