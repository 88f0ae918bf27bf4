"""A real Dagster UI over a new team's workspace, and a real Chromium that looks at it."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from llmops.cli.init import start_workspace
from llmops.pipeline import compile_workspace
from llmops.runtime.dagster.instance import materialize, webserver
from llmops.write import write

CHROMIUM = "/usr/bin/chromium"
QUIET = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-background-networking", "--disable-sync", "--no-first-run"]


@dataclass(frozen=True)
class Served:
    """Dagster's UI at `address`, over the workspace at `root`."""

    root: Path
    address: str


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    root = tmp_path_factory.mktemp("workspace")
    start_workspace(root, "assistant")
    compiled = compile_workspace(root, "dev")
    assert not any(d.counts for d in compiled.diagnostics)
    bundle = root / "build" / "dev"
    write(compiled.artifacts, bundle)
    outcome = materialize(bundle, root, 'key:"datasets/*" or key:"prompts/*" or key:"monitors/*"', lambda _: None)
    assert outcome.success, outcome.errors
    with webserver(root, bundle, _free_port()) as address:
        yield Served(root, address)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        yield chromium
        chromium.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    opened = browser.new_page(viewport={"width": 1600, "height": 1000})
    opened.set_default_timeout(60_000)
    yield opened
    opened.close()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
