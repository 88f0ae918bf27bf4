"""Ten thousand interactions in Dagster's UI: the figures are on the asset's page, and a breach is a failed check."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from llmops.runtime.dagster.instance import webserver
from tests.browser.conftest import _free_port
from tests.e2e.test_dagster_monitors import MONITOR, NEW, watched


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    workspace, outcome = watched(tmp_path_factory.mktemp("watched"))
    assert outcome.success
    with webserver(workspace.root, workspace.bundle, _free_port()) as served:
        yield served


def test_the_figures_are_on_the_page(address: str, page: Page) -> None:
    page.goto(f"{address}/assets/{MONITOR}")
    for figure in ("10000", "0.125", "0.02", "9499"):
        expect(page.get_by_text(figure, exact=True).first).to_be_visible()
    expect(page.get_by_text(NEW[:19]).first).to_be_visible()


def test_a_breach_is_a_failed_check_that_says_which_release(address: str, page: Page) -> None:
    page.goto(f"{address}/assets/{MONITOR}?view=checks")
    expect(page.get_by_text(f"Missed by {NEW[:19]}: 0.5 over 2500")).to_be_visible()
    expect(page.get_by_text("Failed").first).to_be_visible()
