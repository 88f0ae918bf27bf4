"""The evaluation's page, element by element: what each run says, where its drawings lie, and what happens where there is too much."""

from __future__ import annotations

import random
import re
from typing import Any

import pytest
from lxml import html as markup

from llmops.report.evaluations import html
from llmops.report.evaluations.view import LONGEST, MOST_ANSWERS
from tests.unit import evaluation_samples as samples
from tests.unit.evaluation_samples import Document, answer, document, interval, latency, metric, run, side

DRAWN = 240
"""Units of a drawing's width."""


def drawn(made: Document) -> markup.HtmlElement:
    return markup.fromstring(html.report(made))


def says(element: markup.HtmlElement) -> str:
    return " ".join(element.text_content().split())


def find(element: markup.HtmlElement, name: str) -> list[markup.HtmlElement]:
    """What lies within an element, by its tag or by `.class`."""
    inside = name if not name.startswith(".") else f"*[contains(concat(' ', normalize-space(@class), ' '), ' {name[1:]} ')]"
    found: list[markup.HtmlElement] = element.xpath(f".//{inside}")
    return found


def one(element: markup.HtmlElement, name: str) -> markup.HtmlElement:
    (found,) = find(element, name)
    return found


def test_a_run_says_what_was_compared_and_how() -> None:
    judge = {**samples.JUDGE, "kappa": None, "low": None, "high": None, "n": None}
    page = drawn(document(run(metric("answer_f1"), reasons=["too few cases"], judge=judge, cached=7)))
    assert says(one(page, ".what")) == "handbook in dev against origin/main (475e2bd1)"
    section = says(one(page, ".run"))
    wanted = ["too few cases", "10 cases", "20 answers asked for, 7 from the cache", "12.3 s", "not calibrated", "specs/quality.yaml:21"]
    assert [text for text in wanted if text not in section] == []
    assert [says(code) for code in find(page, ".release")] == [f"release sha256:{'b' * 64}", f"base sha256:{'a' * 64}"]


@pytest.mark.parametrize("sample", [samples.everything, samples.without_base, samples.unproven])
def test_each_row_has_as_many_cells_as_its_table_has_columns(sample: Any) -> None:
    for table in find(drawn(sample()), "table"):
        columns = [says(cell) for cell in find(one(table, "thead"), "th")]
        assert all(columns)
        for row in find(one(table, "tbody"), "tr"):
            assert sum(int(cell.get("colspan", 1)) for cell in row) == len(columns)


def test_the_drawing_holds_the_numbers_of_a_difference() -> None:
    """Its ends are 1.1 times the farthest number away from zero, which is in the middle."""
    row = metric(margin=0.1, difference={"value": -0.15, "low": -0.2, "high": 0.05, "p": 0.1, "p_adjusted": 0.1})
    svg = one(drawn(document(run(row))), "svg")
    places = {number: DRAWN / 2 * (1 + number / 0.22) for number in (-0.2, -0.15, -0.1, 0.05, 0.1)}
    assert float(one(svg, ".zero").get("x1")) == DRAWN / 2
    assert float(one(svg, ".dot").get("cx")) == pytest.approx(places[-0.15], abs=0.06)
    low, _, high, _ = re.findall(r"[MH]([\d.]+)", one(svg, ".interval").get("d"))
    assert float(low) == pytest.approx(places[-0.2], abs=0.06)
    assert float(high) == pytest.approx(places[0.05], abs=0.06)
    band = one(svg, ".band")
    assert float(band.get("x")) == pytest.approx(places[-0.1], abs=0.06)
    assert float(band.get("width")) == pytest.approx(places[0.1] - places[-0.1], abs=0.12)
    assert svg.get("aria-label") == "-0.150 [-0.200, +0.050]"


def test_what_is_less_is_drawn_to_the_right_where_less_is_better() -> None:
    faster = latency(difference={"value": -50.0, "low": -80.0, "high": -20.0, "p": 0.01, "p_adjusted": 0.01})
    svg = one(drawn(document(run(faster))), "svg")
    assert float(one(svg, ".dot").get("cx")) > DRAWN / 2


def test_without_a_base_the_value_is_drawn_with_its_limit() -> None:
    alone = {"base": None, "difference": None, "minimum_effect": None}
    row = metric(verdict="failed", **alone, head=interval(0.5), limit=0.65, limit_outcome="missed", blocking=True)
    page = drawn(document(run(row, base_release=None), base=None))
    svg = one(page, "svg")
    assert float(one(svg, ".dot").get("cx")) == 0.5 * DRAWN
    assert float(one(svg, ".limit").get("x1")) == 0.65 * DRAWN
    assert find(svg, ".zero") == [] and "Difference" not in says(one(page, "thead"))


def test_nothing_is_drawn_where_nothing_was_measured() -> None:
    unknown = {"value": 0.4, "low": None, "high": None}
    rows = [
        metric("a", head=None, base=None, difference=None),
        metric("b", difference={**unknown, "p": None, "p_adjusted": None}, head=unknown),
    ]
    page = drawn(document(run(*rows)))
    assert find(page, "svg") == []
    assert "nothing was measured" in says(one(page, "tbody")) and "None" not in says(page)


def test_what_would_settle_an_unproven_metric() -> None:
    row = metric(verdict="unproven", minimum_effect=0.17, needed=1240)
    assert "to settle it: 1,240 cases" in says(one(drawn(document(run(row))), ".notes"))


def test_a_search_that_finds_other_pages_is_seen_on_both_sides() -> None:
    """Answers are the same, or there are none as only the search was asked: the sources are what differs."""
    found = answer(3, side("", 1.0, sources=["docs/a.md"]), side("", 0.0, sources=["docs/b.md"]))
    sides = find(drawn(document(run(metric(), answers=[found]))), ".side")
    assert [says(each) for each in sides] == ["base nothing docs/a.md", "head nothing docs/b.md"]


def test_a_run_for_whose_answers_is_no_room_says_so() -> None:
    first = [answer(i, None, side("x")) for i in range(MOST_ANSWERS)]
    runs = [run(metric(), evaluation=name, answers=rows) for name, rows in (("a", first), ("b", first[:12]))]
    sections = find(drawn(document(*runs)), ".run")
    assert "not on this page" not in says(sections[0])
    assert "12 more answers are not on this page" in says(sections[1])


def test_models_that_repeat_themselves_do_not_hold_up_the_page() -> None:
    """The most words of a long answer are the same few: a diff of two such answers walks through millions of pairs."""
    dice = random.Random(7)
    babble = [" ".join(dice.choice("ab") for _ in range(LONGEST // 2)) for _ in range(24)]
    rows = [answer(i, side(babble[i]), side(babble[i + 1])) for i in range(20)]
    short = answer(40, side("It has 63 letters."), side("It has 64 letters."))
    cases = find(drawn(document(run(metric(), answers=[*rows, short]))), "article")
    marked = [bool(find(case, "ins")) for case in cases]
    told = ["Words that differ are not marked here" in says(case) for case in cases]
    assert marked == [not each for each in told]
    assert 0 < sum(marked) < 10
    # A short one that comes after what was too much is still marked.
    assert marked[-1] and says(find(cases[-1], "ins")[0]) == "64"
