"""The pull request's comment as a reviewer sees it: in Chromium, with a stylesheet like GitHub's, wide and narrow, light and dark."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import Browser, Page, expect

from llmops.report.plans.markdown import report
from tests.unit.plan_page import rendered
from tests.unit.plan_samples import EVIL, PROMPT, Plan, everything, hostile, huge, small

STYLE = Path(__file__).with_name("comment.css").read_text("utf-8")
Scheme = Literal["light", "dark"]


def show(page: Page, plan: Plan) -> Page:
    """The comment on a page of its own; scripts may run, so that one that slipped through would."""
    body = rendered(report(plan))
    page.set_content(f"<!doctype html><html><head><style>{STYLE}</style></head><body><div class=comment>{body}</div></body></html>")
    return page


def overflow(page: Page) -> int:
    """Pixels that stand out to the right of the page."""
    return int(page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth"))


@pytest.fixture
def narrow(page: Page) -> Page:
    page.set_viewport_size({"width": 400, "height": 800})
    return page


@pytest.fixture
def wide(page: Page) -> Page:
    page.set_viewport_size({"width": 800, "height": 800})
    return page


def test_the_headline_and_what_is_to_be_done_come_first(wide: Page) -> None:
    show(wide, everything())
    heading = wide.get_by_role("heading", level=3)
    expect(heading).to_have_text("llmops plan: breaking: 5 changes reach 1 application in dev, staging, prod")
    assert (heading.bounding_box() or {"y": 99})["y"] < 40
    expect(wide.get_by_text("1 new error; 1 new warning; 2 indexes to fill")).to_be_in_viewport()


def test_the_changes_are_a_table(wide: Page) -> None:
    show(wide, everything())
    table = wide.locator("table").first
    assert table.locator("th").all_inner_texts() == ["class", "resource", "what"]
    first = table.locator("tbody tr").first
    assert [cell.split("\n")[0] for cell in first.locator("td").all_inner_texts()] == ["breaking", "Model/old-judge", "removed"]
    expect(table.get_by_text("spec.chunking.length: 60 → 90")).to_be_visible()


def test_the_text_of_a_prompt_is_open_and_its_words_are_marked(wide: Page) -> None:
    show(wide, small())
    expect(wide.locator("summary", has_text=f"{PROMPT} spec.messages[0].content")).to_be_visible()
    for tag, text, line in (("del", "in a few words", "line-through"), ("ins", "in one whole sentence", "underline")):
        word = wide.locator(tag, has_text=text)
        expect(word).to_be_visible()
        assert line in str(word.evaluate("element => getComputedStyle(element).textDecorationLine"))


def test_long_parts_are_folded_and_open(wide: Page) -> None:
    show(wide, everything())
    summary, cell = wide.locator("summary", has_text="Releases (1)"), wide.get_by_role("cell", name="aaaaaaaaaaaa → bbbbbbbbbbbb")
    expect(cell).to_be_hidden()
    summary.click()
    expect(cell).to_be_visible()
    folded = wide.locator("details:not([open]) > summary").all_inner_texts()
    assert len(folded) == 5 and any("What differs between the environments (3)" in text for text in folded)


@pytest.mark.parametrize("width", [400, 800, 1280])
@pytest.mark.parametrize("make", [everything, hostile, huge])
def test_nothing_stands_out_of_the_page(page: Page, make: Callable[[], Plan], width: int) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    show(page, make())
    page.evaluate("document.querySelectorAll('details').forEach(element => element.open = true)")
    assert overflow(page) == 0


def test_the_class_of_a_change_is_seen_on_a_telephone(narrow: Page) -> None:
    show(narrow, everything())
    box = narrow.get_by_role("cell", name="breaking direct").first.bounding_box()
    assert box is not None and box["x"] + box["width"] < 400


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [400, 800])
def test_pictures(browser: Browser, tmp_path: Path, scheme: Scheme, width: int) -> None:
    """For whoever wants to look; `--basetemp` keeps them."""
    page = browser.new_page(viewport={"width": width, "height": 800}, color_scheme=scheme)
    picture = show(page, everything()).screenshot(path=tmp_path / f"comment-{width}-{scheme}.png", full_page=True)
    background = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert picture.startswith(b"\x89PNG") and background == ("rgb(255, 255, 255)" if scheme == "light" else "rgb(13, 17, 23)")
    page.close()


def test_hostile_text_is_text(wide: Page) -> None:
    dialogs: list[str] = []
    requests: list[str] = []
    wide.on("dialog", lambda dialog: (dialogs.append(dialog.message), dialog.dismiss()))
    wide.on("request", lambda request: requests.append(request.url))
    show(wide, hostile())
    expect(wide.locator("a, img, script, iframe, input, form, h1, h2")).to_have_count(0)
    assert wide.locator("code", has_text="<script>alert(1)</script>").count() > 10
    assert EVIL.split("\n")[0][:100] in wide.locator("code").first.inner_text() + wide.locator("body").inner_text()
    assert dialogs == [] and [url for url in requests if "evil" in url] == []
