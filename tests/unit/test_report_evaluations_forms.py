"""An evaluation as a comment, as JUnit's XML and as a page: valid, within its limits, and nothing of it acted on."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable
from html import unescape
from html.parser import HTMLParser
from pathlib import Path
from xml.etree.ElementTree import Element, fromstring

import pytest
from lxml import etree
from syrupy.assertion import SnapshotAssertion

from llmops.report.evaluations import html, junit, markdown
from llmops.report.evaluations.view import LONGEST, MOST_ANSWERS, view
from tests.unit import evaluation_samples as samples
from tests.unit.evaluation_samples import EVIL_ANSWER, Document, answer, document, metric, run, side
from tests.unit.plan_page import ALLOWED, Page

SCHEMA = etree.XMLSchema(etree.parse(Path(__file__).parents[1] / "data" / "junit-10.xsd"))
ALL: list[Callable[[], Document]] = [
    samples.regressed,
    samples.improved,
    samples.unproven,
    samples.no_worse,
    samples.unchanged,
    samples.without_base,
    samples.judged,
    samples.everything,
    samples.hostile,
]


# Markdown


@pytest.mark.parametrize("sample", ALL)
def test_comments(sample: Callable[[], Document], snapshot: SnapshotAssertion) -> None:
    assert markdown.report(sample()) == snapshot


@pytest.mark.parametrize("sample", [*ALL, samples.huge])
def test_nothing_of_a_comment_is_acted_on(sample: Callable[[], Document]) -> None:
    text = markdown.report(sample())
    page = Page(text)
    assert set(page.tags) <= ALLOWED
    assert page.attributes == set()
    assert page.acted_on == []
    assert text.startswith(f"{markdown.MARKER}\n") and text.count("<!--") == 1
    assert len(text) <= markdown.LIMIT


def test_numbers_come_before_answers_where_there_is_little_room() -> None:
    lost = [answer(i, side("word " * 200, 0.9), side("other " * 200, 0.1)) for i in range(1, 10)]
    runs = [run(metric(verdict="regressed"), evaluation=f"e{i}", answers=lost) for i in range(30)]
    text = markdown.report(document(*runs))
    assert len(text) <= markdown.LIMIT
    assert text.count("<h4>") == 30 and 0 < text.count("<details>") < 150
    left = 150 - text.count("<details>")
    assert f"<p>and {left} more parts: see the report as a page or as JSON</p>" in text


def test_answers_stand_beside_each_other() -> None:
    text = markdown.report(samples.regressed())
    assert "<th>base</th><th>head</th>" in text
    assert text.index("line 7:") < text.index("line 3:") < text.index("line 12:")


# JUnit


def suites(made: Document) -> Element:
    text = junit.report(made)
    SCHEMA.assertValid(etree.fromstring(text.encode()))
    return fromstring(text)


@pytest.mark.parametrize("sample", ALL)
def test_junit_is_valid_and_counts_itself(sample: Callable[[], Document]) -> None:
    root = suites(sample())
    assert int(root.attrib["tests"]) == len(root.findall(".//testcase"))
    assert int(root.attrib["failures"]) == len(root.findall(".//failure"))
    for suite in root:
        assert int(suite.attrib["tests"]) == len(suite.findall("testcase"))
        assert int(suite.attrib["skipped"]) == len(suite.findall("testcase/skipped"))


def test_metrics_and_broken_rules_are_test_cases() -> None:
    (suite,) = suites(samples.without_base())
    assert [(case.attrib["name"], case[0].tag, case[0].get("type")) for case in suite.findall("testcase")] == [
        ("answer_f1", "failure", "failed"),
        ("answer_exact", "failure", "failed"),
        ("answer_exact line 12", "failure", "case"),
        ("answer_exact line 31", "failure", "case"),
        ("abstention", "system-out", None),
        ("retrieval_mrr", "system-out", None),
        ("latency_ms", "system-out", None),
        ("output_tokens", "system-out", None),
    ]
    broken = suite.findall("testcase")[2][0]
    assert broken.text and "asked: How long may a name be?" in broken.text and "head: At most 64 characters." in broken.text


def test_what_was_skipped_says_why() -> None:
    (suite,) = suites(samples.unchanged())
    assert [case[0].attrib["message"] for case in suite] == ["its release is unchanged"] * 2


# The page


class Parsed(HTMLParser):
    """Tags with their attributes, and the texts outside style and script."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.raw: dict[str, str] = {}
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        if self.tags and self.tags[-1][0] in ("style", "script") and data.strip() and self.tags[-1][0] not in self.raw:
            self.raw[self.tags[-1][0]] = data
        else:
            self.texts.append(data)

    def handle_comment(self, data: str) -> None:
        raise AssertionError(f"a comment: {data}")

    def names(self) -> list[str]:
        return [tag for tag, _ in self.tags]


@pytest.mark.parametrize("sample", ALL)
def test_the_page_holds_nothing_but_itself(sample: Callable[[], Document]) -> None:
    page = Parsed(html.report(sample()))
    assert page.names().count("script") == 1 and page.names().count("style") == 1
    for tag, attributes in page.tags:
        assert not {name for name in attributes if name.startswith("on") or name in ("style", "src", "srcset", "action")}, tag
        target = attributes.get("href")
        assert target is None or target == "data:," or re.fullmatch(r"#[a-z0-9-]+", target)


def test_the_policy_allows_this_script_and_style_only() -> None:
    page = Parsed(html.report(samples.everything()))
    policy = next(a["content"] for tag, a in page.tags if tag == "meta" and a.get("http-equiv") == "Content-Security-Policy")
    hashes = {name: base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for name, text in page.raw.items()}
    assert policy is not None and "unsafe" not in policy
    assert policy.split("; ")[:3] == [
        "default-src 'none'",
        f"script-src 'sha256-{hashes['script']}'",
        f"style-src 'sha256-{hashes['style']}'",
    ]


def test_hostile_texts_are_texts() -> None:
    hostile, plain = (Parsed(html.report(samples.hostile(text))) for text in (EVIL_ANSWER, "words"))
    assert hostile.names() == plain.names()
    assert sum("<script>alert(1)</script>" in text for text in hostile.texts) > 20
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\u200b]", "".join(hostile.texts))


def test_base_and_head_have_their_own_words_marked() -> None:
    text = html.report(
        document(run(metric(), answers=[answer(3, side("It has <b> 63 letters.", 0.9), side("It has <b> 64 letters.", 0.4))]))
    )
    assert "It has &lt;b&gt; <del>63</del> letters." in text
    assert "It has &lt;b&gt; <ins>64</ins> letters." in text
    assert "answer_f1</span> 0.900 → 0.400" in text


def test_the_same_answer_is_shown_once() -> None:
    (made,) = view(samples.no_worse())["runs"]
    assert [side["title"] for side in made["answers"][0]["sides"]] == ["base and head, word for word"]


def test_an_end_beyond_the_cut_is_still_a_change() -> None:
    made = view(document(run(metric(), answers=[answer(3, side("a" * 9000), side("a" * 9000 + "b"))])))
    (only,) = made["runs"][0]["answers"]
    assert [side["cut"] for side in only["sides"]] == [
        f"the first {LONGEST:,} of 9,000 characters",
        f"the first {LONGEST:,} of 9,001 characters",
    ]
    assert "changed" in only["flags"]


def test_runs_and_answers_the_gravest_first() -> None:
    made = view(samples.everything())
    assert [row["verdict"]["word"] for row in made["runs"]] == ["regressed", "unproven", "unproven", "unproven", "no worse", "improved"]
    assert [row["line"] for row in made["runs"][0]["answers"]] == [7, 3, 12, 15, 21, 17]
    assert [row["order"] for row in made["runs"][0]["answers"]] == [1, 0, 2, 3, 5, 4]


def test_a_page_has_an_end_and_says_so() -> None:
    made = document(run(metric(), answers=[answer(i, None, side("x")) for i in range(MOST_ANSWERS + 7)]))
    text = unescape(html.report(made))
    assert text.count("<article") == MOST_ANSWERS
    assert "7 more answers are not on this page" in text


def test_long_suites_do_not_compare_words_for_ever() -> None:
    """A thousand pairs of long answers: the gravest are marked, the rest are still whole."""
    text = html.report(samples.huge())
    assert 50 < text.count("<ins>") < 500
    assert text.count("<article") == 1000 and len(text) < 10_000_000
