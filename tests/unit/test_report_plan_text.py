"""A plan in a terminal: the headline first, nothing wider than the terminal, and nothing that steers it."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from syrupy.assertion import SnapshotAssertion

from llmops.report.excerpt import cells, visible
from llmops.report.plans import phrases
from llmops.report.plans.outline import FEW, SECTIONS
from llmops.report.plans.text import report
from llmops.report.plans.values import LONGEST, SHORT, one_line, value_text
from llmops.report.plans.wrap import flow, word_spans
from tests.unit.plan_samples import (
    APPLICATION,
    EVIL,
    PROMPT,
    Plan,
    blocked,
    change,
    digest,
    everything,
    field,
    finding,
    hostile,
    huge,
    nothing,
    promotion,
    small,
)

ANSI = re.compile(r"\033\[[0-9;]*m")
SAMPLES = [small, everything, promotion, nothing, blocked]


@pytest.mark.parametrize("sample", SAMPLES)
def test_samples(sample: Callable[[], Plan], snapshot: SnapshotAssertion) -> None:
    assert report(sample(), width=80) == snapshot


def lines_of(plan: Plan, section: str) -> list[str]:
    """The lines below a title, as they stand without a width."""
    blocks = [block.split("\n") for block in report(plan).rstrip("\n").split("\n\n")]
    found: list[str] = []
    for block in blocks:
        if block[0] in SECTIONS:
            found = found or (block[1:] if block[0] == section else [])
            if block[0] != section and found:
                break
    return found


# The first lines


@pytest.mark.parametrize(
    ("summary", "headline"),
    [
        ({"class": "breaking", "changes": 2, "applications": 1}, "breaking: 2 changes reach 1 application in dev, staging, prod"),
        ({"class": "behaviour", "changes": 1, "applications": 12}, "behaviour: 1 change reaches 12 applications in dev, staging, prod"),
        ({"class": "metadata", "changes": 1, "applications": 0}, "metadata: 1 change reaches no application in dev, staging, prod"),
        ({"class": None, "changes": 0, "applications": 0}, "no resource changes in dev, staging, prod"),
    ],
)
def test_the_headline(summary: dict[str, Any], headline: str) -> None:
    plan = {**small(), "summary": {**small()["summary"], **summary}}
    assert report(plan).splitlines()[0] == headline


def test_nothing_is_one_line() -> None:
    assert report(nothing()) == "nothing changes in dev, staging, prod: the working tree against origin/main (475e2bd1)\n"


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("changes", [change()]),
        ("reach", [{"resource": APPLICATION, "class": "metadata", "through": [], "owner": "a", "environments": ["dev"]}]),
        ("applications", [{"application": APPLICATION, "owner": "a", "class": None, "environments": {}}]),
        ("findings", {"new": [finding()], "gone": []}),
        ("findings", {"new": [], "gone": [finding()]}),
        ("policies", [{"policy": "p", "operation": "create", "starts": [], "stops": [], "environments": ["dev"]}]),
        ("lock", {"published": [], "rewritten": [], "removed": [PROMPT]}),
        ("promotion", {"moves": [{"resource": PROMPT, **field("spec.x", 1, 2)}], "stays": []}),
    ],
)
def test_anything_is_more_than_one_line(key: str, value: Any) -> None:
    assert not phrases.is_empty({**nothing(), key: value})
    assert len(report({**nothing(), key: value}).splitlines()) > 1


def test_what_is_compared() -> None:
    assert report(everything()).splitlines()[1] == "3f2a9c1 against origin/main (475e2bd1)"
    assert report(promotion()).splitlines()[1] == "staging promoted to prod"


def test_what_is_to_be_done() -> None:
    outlook = "1 new error; 1 new warning; 2 indexes to fill with 813 chunks; 2 evaluations to run; 3 owners to review"
    assert report(everything()).splitlines()[2] == outlook
    priced = {**everything(), "indexes": everything()["indexes"][:1]}
    assert "1 index to fill with 812 chunks for $0.0012;" in report(priced).splitlines()[2]


def test_errors_that_hide_the_plan() -> None:
    assert report(blocked()).splitlines()[0] == "not known: 1 new error hides what changes in dev, staging, prod"
    two = {**blocked(), "findings": {"new": [finding(), finding(), finding(waived="yes"), finding("warning")], "gone": []}}
    assert report(two).splitlines()[0] == "not known: 2 new errors hide what changes in dev, staging, prod"


# Sections


def test_a_section_without_content_does_not_appear() -> None:
    titles = [line for line in report(small()).splitlines() if line in SECTIONS]
    assert titles == ["Changes", "Also reached", "Releases", "Evaluations to run", "Reviewers", "llmops.lock"]


def test_every_section_appears_in_order() -> None:
    plan = {**everything(), "promotion": promotion()["promotion"]}
    assert [line for line in report(plan).splitlines() if line in SECTIONS] == list(SECTIONS)


def test_the_gravest_change_comes_first() -> None:
    heads = [line for line in report(everything()).splitlines() if line.endswith(", direct")]
    assert [re.search(r"(breaking|behaviour)", line)[0] for line in heads] == ["breaking"] * 2 + ["behaviour"] * 3  # type: ignore[index]


@pytest.mark.parametrize(
    ("row", "lines"),
    [
        (field("spec.x", 60, 90), ["    ~ spec.x: 60 → 90"]),
        (field("spec.x", None, [1]), ["    + spec.x: [1]"]),
        (field("spec.x", "a", None), ["    - spec.x: a"]),
        (field("spec.x", 1, 2, **{"class": "metadata"}), ["    ~ spec.x: 1 → 2 (metadata)"]),
        (field("spec.x", 1, 2, note="weaker: gone"), ["    ~ spec.x: 1 → 2, weaker: gone"]),
        (field("spec.x", 1, "b" * 61), ["    ~ spec.x", "      [-1-]", f"      {{+{'b' * 61}+}}"]),
        (field("spec.x", None, "b" * 61), ["    + spec.x", f"      {{+{'b' * 61}+}}"]),
        (field("spec.x", "a", "b", words=[["same", "x "], ["removed", "a"], ["added", "b"]]), ["    ~ spec.x", "      x [-a-]{+b+}"]),
        (
            field("spec.x", "a", "b", words=[["removed", "a\nb"], ["added", "\n"], ["gap", ""]]),
            ["    ~ spec.x", "      [-a↵-]", "      [-b-]{+↵+}", "      …"],
        ),
    ],
)
def test_a_field(row: dict[str, Any], lines: list[str]) -> None:
    plan = {**small(), "changes": [change(fields=[row])]}
    assert lines_of(plan, "Changes")[2:] == lines


def test_a_resource_under_another_name_or_version() -> None:
    def head(was: str | None) -> str:
        return lines_of({**small(), "changes": [change(PROMPT, was=was)]}, "Changes")[0]

    assert head("Prompt/handbook-answer@1.0.0") == f"  ~ {PROMPT}, was 1.0.0: behaviour, direct"
    assert head("Prompt/other@1.0.0") == f"  ~ {PROMPT}, was Prompt/other@1.0.0: behaviour, direct"
    assert head(None) == f"  ~ {PROMPT}: behaviour, direct"


def test_long_lists_are_counted() -> None:
    files = [{"path": f"docs/{i}.md", "operation": "add"} for i in range(FEW + 5)]
    found = lines_of({**small(), "changes": [change(files=files)]}, "Changes")
    assert found[-1] == "    and 5 more files" and len([line for line in found if "docs/" in line]) == FEW


def test_releases() -> None:
    both = {
        "dev": {"before": digest("a"), "after": digest("a")},
        "staging": {"before": None, "after": digest("b")},
        "prod": {"before": None, "after": None},
    }
    rows = [{"application": APPLICATION, "owner": "a", "class": "behaviour", "environments": both}]
    assert lines_of({**small(), "applications": rows}, "Releases") == [
        f"  {APPLICATION}: behaviour",
        "    dev      unchanged",
        f"    staging  none → {'b' * 12}",
        "    prod     none",
    ]


def test_an_index() -> None:
    found = lines_of(everything(), "Indexes to fill")
    assert found[1] == "    re-embeds 812 chunks of 33 documents, 60,900 tokens, about 21 s, $0.0012; only in dev, staging"
    assert found[4] == "    re-embeds 1 chunk of 1 document, 75 tokens, time not known, price not known; only in prod"


def test_findings() -> None:
    found = lines_of(everything(), "Findings")
    assert [line for line in found if not line.startswith("    ")] == [
        "  error[model-revision-pinned]: minilm is not pinned: its revision is latest",
        "  warning[LLM0406]: Nothing uses Model/old-judge",
        "  waived[model-revision-pinned]: minilm is not pinned: its revision is latest",
        "  gone: error[LLM0405]: The context of 512 tokens is too small for the prompt",
    ]
    assert found[1] == "    --> specs/models.yaml:31; Model/minilm spec.revision; only in prod; the policy changed, not the resource"


@pytest.mark.parametrize(
    ("before", "after", "delta", "shown"),
    [
        (0.46, 0.58, 0.12, "$0.46 → $0.58 (+$0.12)"),
        (0.58, 0.46, -0.12, "$0.58 → $0.46 (-$0.12)"),
        (1.0, 1.0, 0.0, "$1.00 → $1.00 (the same)"),
        (None, 0.5, None, "not known → $0.50"),
        (1234.5, 0.0, -1234.5, "$1,234 → $0 (-$1,234)"),
    ],
)
def test_a_cost(before: float | None, after: float, delta: float | None, shown: str) -> None:
    row = everything()["costs"][0]
    row = {**row, "before": {**row["before"], "dollars": before}, "after": {**row["after"], "dollars": after}, "delta": delta}
    assert lines_of({**small(), "costs": [row]}, "Cost a day")[0] == f"  {APPLICATION}: {shown}; only in prod"


def test_the_cost_of_an_application_that_comes_or_goes() -> None:
    row = everything()["costs"][0]
    assert phrases.cost({**row, "before": None, "delta": 0.58}) == "none → $0.58 (+$0.58)"
    assert phrases.cost({**row, "after": None, "delta": -0.46}) == "$0.46 → none (-$0.46)"
    assert phrases.load({**row, "before": None}) == "5,000 requests of 1,140 input and 64 output tokens"
    assert phrases.load({**row, "before": None, "after": None}) == ""


@pytest.mark.parametrize(
    ("dollars", "shown"),
    [
        (0, "$0"),
        (0.0012, "$0.0012"),
        (0.00001234, "$0.000012"),
        (1e-9, "$0"),
        (0.099, "$0.099"),
        (0.25, "$0.25"),
        (12345.6, "$12,346"),
        (-0.5, "-$0.50"),
    ],
)
def test_money(dollars: float, shown: str) -> None:
    assert phrases.money(dollars) == shown


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(0.2, "less than 1 s"), (20.8, "21 s"), (89, "89 s"), (90, "1.5 min"), (1200, "20 min"), (7200, "2.0 h"), (86400 * 12, "12 days")],
)
def test_durations(seconds: float, shown: str) -> None:
    assert phrases.duration(seconds) == shown


def test_environments_that_share_a_value_share_its_place() -> None:
    assert lines_of(everything(), "What differs between the environments") == [
        "  Model/gemma-local",
        "    spec.endpoint.url: dev, staging absent; prod https://llm.example.org/v1",
        "    spec.provider: dev, staging llama.cpp; prod openai",
        "  RetrievalSource/handbook",
        "    spec.store.kind: dev embedded; staging, prod pgvector",
    ]


def test_a_promotion_says_what_stays() -> None:
    assert lines_of(promotion(), "Promoted") == [f"  {PROMPT}: spec.changelog, spec.messages[0].content, spec.version"]
    assert lines_of(promotion(), "Stays as the environment has it") == [
        "  Model/gemma-local",
        "    spec.provider: openai; staging has llama.cpp",
        "    spec.endpoint.url: https://llm.example.org/v1; staging has absent",
    ]


def test_reviewers_are_named_once() -> None:
    assert lines_of(everything(), "Reviewers")[1:] == [
        "  ml-platform (@ada): owns Model/e5-small; owns the policy model-revision-pinned",
        "  trust-and-safety: owns SafetyPolicy/public-assistant",
    ]
    plan = {**small(), "reviewers": [{"owner": "ada@example.org", "handle": "ada@example.org", "why": ["owns it"]}]}
    assert lines_of(plan, "Reviewers") == ["  ada@example.org: owns it"]


def test_a_policy_that_moves_nothing_says_so() -> None:
    assert lines_of(everything(), "Policies that change") == [
        "  ~ model-revision-pinned only in prod",
        "    starts to fail: Model/minilm",
        "    fails no longer: Model/gemma-local",
        "  + licence-named",
        "    no resource starts or stops failing",
    ]


# Values


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("minilm", "minilm"),
        ("", '""'),
        (" a ", '" a "'),
        ("true", '"true"'),
        ("null", '"null"'),
        ("1.50", '"1.50"'),
        ("-3", '"-3"'),
        ("1.2.0", "1.2.0"),
        ("0 3 * * *", "0 3 * * *"),
        ("1e", "1e"),
        (True, "true"),
        (None, "null"),
        (1.5, "1.5"),
        (["é", 1], '["é", 1]'),
        ({"a": {"b": None}}, '{"a": {"b": null}}'),
        ("a\nb", "a↵b"),
    ],
)
def test_a_value_is_what_yaml_would_have(value: Any, shown: str) -> None:
    assert value_text(value) == shown


def test_a_cut_saves_more_than_it_says() -> None:
    assert one_line("x" * (SHORT + 20), SHORT) == "x" * (SHORT + 20)
    assert one_line("x" * (SHORT + 21), SHORT) == "x" * SHORT + "… (81 characters)"
    assert len(value_text(["x" * 9999])) == LONGEST + len("… (10,003 characters)")


# The terminal


@pytest.mark.parametrize("width", [80, 81, 100, 132])
@pytest.mark.parametrize("make", [everything, promotion, hostile, lambda: huge(20)])
def test_everything_fits_the_terminal(make: Callable[[], Plan], width: int) -> None:
    lines = report(make(), width=width).splitlines()
    assert max(map(cells, lines)) <= width
    assert max(map(cells, lines)) > 70, "the width is used"


def test_a_narrow_terminal_counts_as_80_columns() -> None:
    assert report(everything(), width=20) == report(everything(), width=80)


def test_no_line_ends_in_a_space() -> None:
    for width in (None, 80):
        assert [line for line in report(everything(), width=width).splitlines() if line != line.rstrip()] == []


def test_without_a_width_sentences_stay_on_one_line() -> None:
    assert "and at $0.02 for a million" in next(line for line in report(everything()).splitlines() if "2,930 tokens" in line)


def test_colour_replaces_the_marks_of_words_only() -> None:
    coloured = report(everything(), colour=True)
    assert "\033[1;38;5;196min a few words\033[0m\033[1;38;5;28min one whole sentence\033[0m." in coloured
    bare = re.sub(r"\[-(.*?)-\]|\{\+(.*?)\+\}", lambda match: match[1] or match[2], report(everything()))
    assert ANSI.sub("", coloured) == bare


def test_a_changed_space_is_seen_in_colour_too() -> None:
    row = field("spec.x", "a", "b", words=[["same", "a"], ["removed", " "], ["same", "b"]])
    assert "[- -]" in report({**small(), "changes": [change(fields=[row])]}, colour=True)


def test_every_colour_ends_on_its_line() -> None:
    for line in report(everything(), colour=True, width=80).splitlines():
        codes = ANSI.findall(line)
        assert codes[1::2] == ["\033[0m"] * (len(codes) // 2) and len(codes) % 2 == 0


@pytest.mark.parametrize("colour", [False, True])
def test_nothing_steers_the_terminal(colour: bool) -> None:
    for text in (EVIL, "\x1b]8;;x\x07", "\u202e\u2066\u200b", "\x00\r\t\x7f\x9b", "\u2028\u2029\x85\x0b\x0c"):
        shown = ANSI.sub("", report(hostile(text), colour=colour, width=80))
        assert all(line == visible(line) for line in shown.split("\n"))


@settings(max_examples=40)
@given(st.text(max_size=60))
def test_any_text_can_be_shown(text: str) -> None:
    lines = report(hostile(text), width=80).split("\n")
    assert max(map(cells, lines)) <= 80 and all(line == visible(line) for line in lines)


SPANS = st.lists(st.tuples(st.sampled_from(["", "added"]), st.text(st.sampled_from("ab 漢\n"), max_size=30)), max_size=5)


@settings(max_examples=300)
@given(SPANS, st.integers(4, 30), st.integers(0, 2))
def test_wrapping_keeps_every_character(spans: list[tuple[str, str]], room: int, hang: int) -> None:
    lines = flow(spans, room, hang)
    widths = [cells("".join(text for _, text in line).rstrip(" ")) for line in lines]
    assert all(width <= (room if number == 0 else room - hang) for number, width in enumerate(widths))
    assert "".join(text for line in lines for _, text in line) == "".join(text for _, text in spans).replace("\n", "")
    for style in ("", "added"):
        assert "".join(t for line in lines for s, t in line if s == style) == "".join(t for s, t in spans if s == style).replace("\n", "")


def test_a_word_of_two_styles_is_not_parted() -> None:
    spans = [("", "some "), ("removed", "half"), ("added", "whole"), ("", ".")]
    assert flow(spans, 12) == [[("", "some ")], [("removed", "half"), ("added", "whole"), ("", ".")]]


def test_line_ends_of_a_word_diff() -> None:
    spans = list(word_spans([["same", "a\n"], ["removed", "b\n"], ["gap", ""], ["added", "\n"]]))
    assert spans == [("", "a\n"), ("removed", "b↵"), ("", "\n"), ("dim", "…"), ("added", "↵"), ("", "\n")]
