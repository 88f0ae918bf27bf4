"""The evaluation's page as a person uses it, in a real Chromium: opened from a file, filtered, searched, read on a phone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from llmops.report.evaluations import html
from tests.unit import evaluation_samples as samples

SAMPLES = {
    "everything": samples.everything,
    "hostile": samples.hostile,
    "without base": samples.without_base,
    "long words": lambda: samples.hostile("w" * 3000),
}


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """Any complaint of the browser, of its policy above all, fails the test."""
    opened = browser.new_page(viewport={"width": 1200, "height": 900})
    complaints: list[str] = []
    asked: list[str] = []
    opened.on("console", lambda message: complaints.append(message.text))
    opened.on("pageerror", lambda error: complaints.append(str(error)))
    opened.on("dialog", lambda dialog: complaints.append(dialog.message))
    opened.on("request", lambda request: asked.append(request.url))
    yield opened
    opened.close()
    assert complaints == []
    assert [url for url in asked if not url.startswith(("file:", "data:"))] == []


def show(page: Page, document: samples.Document, folder: Path) -> None:
    file = folder / "evaluation.html"
    file.write_text(html.report(document), "utf-8")
    page.goto(file.as_uri())


def lines(page: Page) -> list[str]:
    """Lines of the dataset whose answers are shown, in order."""
    # Not the texts as they are laid out: what has just moved into sight may not be yet.
    return [text.removeprefix("line ") for text in page.locator(".case:visible h3 small").all_text_contents()]


@pytest.mark.parametrize("sample", SAMPLES)
@pytest.mark.parametrize("width", [1200, 400, 320])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_is_wider_than_the_page(page: Page, tmp_path: Path, sample: str, width: int, scheme: str) -> None:
    page.set_viewport_size({"width": width, "height": 900})
    page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    show(page, SAMPLES[sample](), tmp_path)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    # What is far below is laid out only when it comes into sight.
    page.locator(".case").last.scroll_into_view_if_needed()
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_a_filter_a_search_and_an_order(page: Page, tmp_path: Path) -> None:
    show(page, samples.regressed(), tmp_path)
    assert lines(page) == ["7", "3", "12", "15", "21", "17"]
    page.locator("#tools").get_by_text("Worse 3").click()
    assert lines(page) == ["7", "3", "12"]
    expect(page.locator("#count")).to_have_text("3 of 6")
    page.locator("#tools").get_by_text("Better 1").click()
    assert lines(page) == ["15"]
    page.locator("#tools").get_by_text("Changed 5").click()
    assert len(lines(page)) == 5
    page.locator("#words").fill("BUNDLE file")
    expect(page.locator("#count")).to_have_text("1 of 6")
    assert lines(page) == ["3"]
    page.locator("#words").fill("no such word")
    expect(page.get_by_text("No answer fits.")).to_be_visible()
    page.get_by_role("button", name="Show all").click()
    assert len(lines(page)) == 6
    page.locator("#sort").select_option("As in the dataset")
    assert lines(page) == ["3", "7", "12", "15", "17", "21"]


def test_it_is_used_with_the_keyboard_alone(page: Page, tmp_path: Path) -> None:
    show(page, samples.regressed(), tmp_path)
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the answers")).to_be_focused()
    page.keyboard.press("/")
    expect(page.locator("#words")).to_be_focused()
    page.keyboard.type("minimal/")
    expect(page.locator("#count")).to_have_text("0 of 6")
    page.keyboard.press("Escape")
    expect(page.locator("#count")).to_have_text("6 of 6")
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("ArrowRight")
    expect(page.get_by_role("radio", name="Changed")).to_be_checked()
    assert len(lines(page)) == 5


def test_what_matters_is_said_first(page: Page, tmp_path: Path) -> None:
    show(page, samples.regressed(), tmp_path)
    expect(page.get_by_role("heading", level=1)).to_have_text("▼ regressed")
    row = page.get_by_role("row").filter(has_text="answer_f1")
    expect(row).to_contain_text("0.512 → 0.400")
    expect(row.get_by_role("img", name="-0.112 [-0.201, -0.023]")).to_be_visible()
    expect(page.locator(".case").first.locator("del")).to_have_text("llmops init --minimal")


def test_the_drawing_says_which_way_is_better(page: Page, tmp_path: Path) -> None:
    show(page, samples.regressed(), tmp_path)
    places = {}
    for row in page.locator("tbody tr:has(svg)").all():
        dot, zero = (row.locator(part).bounding_box() for part in (".dot", ".zero"))
        assert dot and zero
        places[row.locator(".name").inner_text()] = dot["x"] + dot["width"] / 2 > zero["x"] + zero["width"] / 2
    assert places == {"answer_f1": False, "latency_ms": False, "cost_usd": True}


def test_it_is_whole_without_its_script(browser: Browser, tmp_path: Path) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    show(page, samples.regressed(), tmp_path)
    assert len(lines(page)) == 6
    expect(page.locator("#tools")).to_be_hidden()
    context.close()


def test_hostile_texts_do_nothing(page: Page, tmp_path: Path) -> None:
    show(page, samples.hostile(), tmp_path)
    page.wait_for_timeout(200)
    assert page.title() != "owned"
    assert page.locator("img:not(svg), iframe, object, embed, a[href^=http], form[action]").count() == 0
    expect(page.locator(".case").first).to_contain_text("<script>alert(1)</script>")
    expect(page.locator(".case").first).to_be_visible()


# Text below, and what it stands on.
CONTRAST = """() => {
  const canvas = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
  const light = (colours) => {
    for (const colour of colours) { canvas.fillStyle = colour; canvas.fillRect(0, 0, 1, 1); }
    const linear = (c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
    const [r, g, b] = [...canvas.getImageData(0, 0, 1, 1).data].map((c) => linear(c / 255));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const under = (element) => (element ? [...under(element.parentElement), getComputedStyle(element).backgroundColor] : []);
  const own = (element) => [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
  return [...document.body.querySelectorAll("*")].filter((e) => own(e) && e.checkVisibility() && e.tagName !== "OPTION").map((e) => {
    const [a, b] = [light([getComputedStyle(e).color]), light(under(e))].sort((x, y) => y - x);
    return [`${e.tagName} ${e.className} ${e.textContent.trim().slice(0, 30)}`, (a + 0.05) / (b + 0.05)];
  });
}"""


@pytest.mark.parametrize(("scheme", "dark"), [("light", False), ("dark", True)])
@pytest.mark.parametrize("sample", ["everything", "without base"])
def test_every_text_has_enough_contrast(page: Page, tmp_path: Path, sample: str, scheme: str, *, dark: bool) -> None:
    """4.5 to 1, as WCAG 2.2 asks for (success criterion 1.4.3)."""
    page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    show(page, SAMPLES[sample](), tmp_path)
    channels = page.evaluate("getComputedStyle(document.body).backgroundColor").removeprefix("rgb(").rstrip(")").split(",")
    assert (sum(map(int, channels)) < 3 * 64) is dark
    found = page.evaluate(CONTRAST)
    assert len(found) > 30
    assert [(text, ratio) for text, ratio in found if ratio < 4.5] == []


def test_a_filter_hides_no_note_about_missing_answers(page: Page, tmp_path: Path) -> None:
    made = samples.document(*(samples.run(samples.metric(), answers=samples.huge(count, 1)["runs"][0]["answers"]) for count in (1000, 12)))
    show(page, made, tmp_path)
    page.locator("#words").fill("no such word")
    expect(page.get_by_text("No answer fits.")).to_be_visible()
    expect(page.get_by_text("12 more answers are not on this page")).to_be_visible()


def test_a_thousand_long_answers_stay_usable(page: Page, tmp_path: Path) -> None:
    show(page, samples.huge(), tmp_path)
    expect(page.locator("#count")).to_have_text("1,000 of 1,000")
    page.locator("#words").fill("Question 512:")
    expect(page.locator("#count")).to_have_text("1 of 1,000", timeout=2000)
    assert lines(page) == ["513"]
