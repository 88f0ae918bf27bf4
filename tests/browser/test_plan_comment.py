"""The pull request's comment as a person sees it: Markdown of a plan, rendered as GitHub does, in a real Chromium."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from llmops.report.plans import markdown
from tests.unit import plan_samples
from tests.unit.plan_page import rendered

CSS = Path(__file__).with_name("comment.css").read_text("utf-8")
SAMPLES = {"everything": plan_samples.everything, "hostile": plan_samples.hostile, "promotion": plan_samples.promotion}


def show(page: Page, plan: plan_samples.Plan) -> None:
    body = rendered(markdown.report(plan))
    page.set_content(f'<!doctype html><meta charset="utf-8"><style>{CSS}</style><div class="comment">{body}</div>')


@pytest.mark.parametrize("sample", SAMPLES)
@pytest.mark.parametrize("width", [800, 400])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_is_wider_than_the_page(browser: Browser, sample: str, width: int, scheme: str) -> None:
    page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)  # type: ignore[arg-type]
    show(page, SAMPLES[sample]())
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert len(page.screenshot(full_page=True)) > 10_000
    page.close()


def test_what_matters_is_open_and_the_rest_opens(page: Page) -> None:
    plan = plan_samples.everything()
    show(page, plan)
    expect(page.get_by_role("heading", level=3)).to_contain_text("llmops plan: breaking")
    expect(page.get_by_role("row").filter(has_text=plan["changes"][0]["resource"]).first).to_be_visible()
    expect(page.locator("ins").first).to_be_visible()
    expect(page.locator("del").first).to_be_visible()
    closed = page.locator("details:not([open])")
    assert closed.count() > 1
    table = closed.first.locator("table")
    expect(table).to_be_hidden()
    closed.first.locator("summary").click()
    expect(page.locator("details[open] table").first).to_be_visible()


def test_a_strangers_plan_is_only_read(page: Page) -> None:
    """Nothing of it is a link, an image, a script or a form; nothing is loaded from anywhere."""
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("dialog", lambda dialog: pytest.fail(dialog.message))
    show(page, plan_samples.hostile())
    assert page.locator("a, img, script, iframe, form, input, svg, style >> nth=1").count() == 0
    assert asked == []
