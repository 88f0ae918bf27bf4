"""What a person sees in Dagster's UI: the graph, an asset with its link to the YAML, checks with their reasons."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from tests.browser.conftest import Served


def test_the_lineage_shows_every_asset(served: Served, page: Page) -> None:
    page.goto(f"{served.address}/asset-groups")
    for name in (
        "gemma-local",
        "minilm",
        "handbook",
        "handbook-answer-1.0.0",
        "public-assistant",
        "handbook-questions",
        "handbook-assistant",
    ):
        expect(page.get_by_text(name, exact=True).first).to_be_visible()
    expect(page.get_by_text("Materialize all")).to_be_visible()


def test_an_asset_links_to_its_yaml_and_names_its_owner(served: Served, page: Page) -> None:
    page.goto(f"{served.address}/assets/datasets/handbook-questions")
    link = page.get_by_role("link", name="specs/quality.yaml")
    expect(link).to_be_visible()
    target = link.get_attribute("href") or ""
    assert str(served.root / "specs" / "quality.yaml") in target
    expect(page.get_by_text("docs-team").first).to_be_visible()
    expect(page.get_by_text("handbook_assistant", exact=True).first).to_be_visible()


def test_a_materialization_shows_its_metadata(served: Served, page: Page) -> None:
    page.goto(f"{served.address}/assets/datasets/handbook-questions")
    expect(page.get_by_text("Row count").first).to_be_visible()
    expect(page.get_by_text("sha256", exact=True).first).to_be_visible()


def test_a_release_lists_its_evaluations_as_checks(served: Served, page: Page) -> None:
    page.goto(f"{served.address}/assets/releases/handbook-assistant?view=checks")
    for name in ("retrieval_recall", "retrieval_mrr", "answer_f1", "answer_similarity", "abstention"):
        expect(page.get_by_text(name).first).to_be_attached()
    expect(page.get_by_text("Checks (5)")).to_be_visible()


def test_a_monitor_without_data_does_not_pass(served: Served, page: Page) -> None:
    page.goto(f"{served.address}/assets/monitors/handbook-assistant/handbook-quality?view=checks")
    expect(page.get_by_text("nothing to measure").first).to_be_visible()
    expect(page.get_by_text("Succeeded")).to_have_count(0)


def test_the_schedule_of_the_index_is_there(served: Served, page: Page) -> None:
    page.goto(f"{served.address}/automation")
    expect(page.get_by_text("indexes__handbook").first).to_be_visible()
