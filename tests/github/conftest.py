"""One repository with the example workspace for all tests of the script; each works in a clone of its own."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.github.repositories import clone, upstream


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
