"""An evaluation in a terminal, as JSON and as sentences: the numbers, why the verdict fell, and nothing that steers the terminal."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import fromstring

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree
from syrupy.assertion import SnapshotAssertion

from llmops.report.evaluations import EVALUATION_FORMATS, phrases
from llmops.report.evaluations.cases import cases, failing, worst_first, worst_of
from llmops.report.evaluations.figures import Figures, duration, figures, probability
from llmops.report.evaluations.json import report as json_report
from llmops.report.evaluations.junit import report as junit_report
from llmops.report.evaluations.plot import CELLS, difference_plot, strip, value_plot
from llmops.report.evaluations.text import LEGEND, STYLES, report
from llmops.report.excerpt import cells, visible
from tests.unit import evaluation_samples as samples
from tests.unit.evaluation_samples import ALONE, Document, Row, answer, difference, document, interval, latency, metric, run, side

ANSI = re.compile(r"\033\[[0-9;]*m")
SAMPLES: list[Callable[[], Document]] = [
    samples.regressed,
    samples.improved,
    samples.unproven,
    samples.no_worse,
    samples.unchanged,
    samples.passed,
    samples.unproven_limit,
    samples.without_base,
    samples.judged,
    samples.everything,
]
ALL = [*SAMPLES, samples.hostile]
NAN = float("nan")
SCHEMA = Path(__file__).parents[1] / "data" / "junit-10.xsd"
UNBOUNDED = {"value": 0.512, "low": None, "high": None}


@pytest.mark.parametrize("sample", SAMPLES)
def test_samples(sample: Callable[[], Document], snapshot: SnapshotAssertion) -> None:
    assert report(sample(), width=80) == snapshot


def test_a_hostile_document_in_a_terminal(snapshot: SnapshotAssertion) -> None:
    first = {**samples.hostile(), "runs": samples.hostile()["runs"][1:2]}
    assert report(first, width=80) == snapshot


@pytest.mark.parametrize("name", EVALUATION_FORMATS)
@pytest.mark.parametrize("sample", ALL)
def test_every_form_takes_every_document_and_ends_its_last_line(name: str, sample: Callable[[], Document]) -> None:
    form = import_module(EVALUATION_FORMATS[name])
    text = form.report(sample(), colour=False, width=80)
    assert text.endswith("\n") and not text.endswith("\n\n")
    assert text == form.report(sample(), colour=False, width=80)


# The terminal


@pytest.mark.parametrize("width", [80, 100, 200])
@pytest.mark.parametrize("sample", ALL)
def test_nothing_is_wider_than_the_terminal(sample: Callable[[], Document], width: int) -> None:
    assert [line for line in report(sample(), width=width).splitlines() if cells(line) > width] == []
    assert report(sample(), width=20) == report(sample(), width=80)


@pytest.mark.parametrize("sample", ALL)
def test_colour_changes_nothing_but_colour(sample: Callable[[], Document]) -> None:
    painted = report(sample(), colour=True, width=80)
    assert ANSI.sub("", painted) == report(sample(), width=80)
    assert painted.count("\033[") > 3


@pytest.mark.parametrize("width", [None, 80])
def test_nothing_steers_the_terminal(width: int | None) -> None:
    text = report(samples.hostile(), width=width)
    assert "[2J" in text
    assert all(visible(line) == line for line in text.split("\n"))


def test_a_secret_is_shown_by_no_form() -> None:
    secret = "AKIA" + "IOSFODNN7EXAMPLQ"
    for name in ("text", "markdown", "junit", "html"):
        text = import_module(EVALUATION_FORMATS[name]).report(samples.hostile(f"the key is {secret} here"))
        assert "the key is" in text and secret not in text, name


def test_without_a_width_a_sentence_stays_on_its_line() -> None:
    (line,) = (line for line in report(samples.unproven()).splitlines() if "would have seen" in line)
    assert line.endswith("- 8 cases would have seen a true difference of 0.170 or more; the margin is 0.050")


def test_the_last_line_says_the_exit_code() -> None:
    for sample in SAMPLES:
        made = sample()
        code = 1 if made["verdict"] in ("failed", "regressed") else 0
        assert report(made).splitlines()[-1].endswith(f"Exit code {code}.")


@pytest.mark.parametrize("verdict", phrases.GRAVITY)
def test_every_verdict_has_a_colour_and_a_meaning(verdict: str) -> None:
    assert STYLES[verdict]
    assert phrases.closing({"verdict": verdict}).startswith(phrases.MEANINGS[verdict])


def test_the_gravest_metric_comes_first() -> None:
    made = document(run(metric("a", "improved"), metric("b", "failed"), metric("c", "unproven"), metric("d", "failed")))
    rows = [line.split()[1] for line in report(made).splitlines() if line.startswith("  ") and line.split()[0] in phrases.GRAVITY]
    assert rows == ["b", "d", "c", "a"]


def test_the_judge() -> None:
    first, second = (phrases.judge(row) for row in samples.judged()["runs"])
    assert first == "judge Model/judge (9ab1c0ff): agrees with people at kappa 0.52 (0.31 to 0.71, 80 answers)"
    assert second == "judge Model/judge (9ab1c0ff): not calibrated: decides nothing"
    assert phrases.judge(run(metric())) == ""
    few = {**samples.JUDGE, "low": None, "high": None, "n": 1}
    assert (
        phrases.judge(run(metric(), judge=few)) == "judge Model/judge (9ab1c0ff): agrees with people at kappa 0.52 (no interval, 1 answer)"
    )


def test_the_legend_explains_only_what_is_drawn() -> None:
    assert LEGEND in report(document(run(metric())))
    assert LEGEND not in report(document(run(metric(difference={**difference(0.1), "low": None, "high": None}))))


def test_a_regressed_metric_shows_its_three_worst_cases_and_no_other() -> None:
    answers = [answer(line, side("yes", 0.9), side("no", 0.9 - line / 10)) for line in range(1, 6)]
    made = document(run(metric(verdict="regressed"), metric("answer_exact"), answers=answers))
    assert re.findall(r"line (\d+)  (\S+ → \S+)", report(made)) == [
        ("5", "0.900 → 0.400"),
        ("4", "0.900 → 0.500"),
        ("3", "0.900 → 0.600"),
    ]
    assert "line 5" not in report(document(run(metric(verdict="unproven"), answers=answers)))


@pytest.mark.parametrize(
    ("known", "notes"),
    [
        ({}, []),
        ({"note": "as measured"}, ["as measured"]),
        ({"head": None}, ["it applies to no case"]),
        ({"head": None, "note": "no model was asked"}, ["no model was asked"]),
        ({"limit": 0.25, "limit_outcome": "held"}, ["limit at least 0.250: held"]),
        ({"limit": 0.25, "limit_outcome": "missed"}, ["limit at least 0.250: missed, not blocking"]),
        ({"limit": 0.25, "limit_outcome": "missed", "blocking": True}, ["limit at least 0.250: missed"]),
        ({**ALONE, "limit": 0.65, "limit_outcome": "missed", "verdict": "failed"}, ["limit at least 0.650: missed"]),
        (
            {**ALONE, "limit": 0.5, "limit_outcome": "unproven", "verdict": "unproven", "needed": 240},
            ["limit at least 0.500: not certain, the interval reaches over it", "to settle it: 240 cases"],
        ),
        ({"limit": 0.2, "limit_outcome": "unproven"}, ["limit at least 0.200: not certain"]),
        ({"limit": 0.2, "limit_outcome": "unproven", "head": None}, ["it applies to no case", "limit at least 0.200: not certain"]),
        ({"limit": 0.5, "limit_outcome": "unproven", "head": UNBOUNDED}, ["limit at least 0.500: not certain"]),
        ({"limit": 9.0, "limit_side": "max", "limit_outcome": "held"}, ["limit at most 9.000: held"]),
        ({"case_threshold": 0.5, "case_failures": [4]}, ["1 case below 0.5, which none may be: line 4 of the dataset"]),
        (
            {"case_threshold": 1.0, "case_failures": list(range(1, 13))},
            ["12 cases below 1, which none may be: lines 1, 2, 3, 4, 5, 6, 7, 8, 9, 10 and 2 more of the dataset"],
        ),
        ({"verdict": "regressed", "difference": difference(-0.1, p=0.02)}, ["p 0.020 of so much by chance alone"]),
        (
            {"verdict": "improved", "difference": difference(0.1, p=0.0001, p_adjusted=0.004)},
            ["p below 0.001 of so much by chance alone (0.004 corrected for several metrics)"],
        ),
        (
            {"verdict": "improved", "difference": difference(0.1, p=0.00001, p_adjusted=0.00004)},
            ["p below 0.001 of so much by chance alone"],
        ),
        (
            {"verdict": "unproven", "needed": 240},
            ["8 cases would have seen a true difference of 0.028 or more; the margin is 0.050", "to settle it: 240 cases"],
        ),
        (
            {"verdict": "unproven", "minimum_effect": None},
            ["8 cases cannot tell; the margin is 0.050", "to settle it: more repeats, or people"],
        ),
    ],
)
def test_why_and_what_next(known: dict[str, Any], notes: list[str]) -> None:
    assert phrases.notes(metric(**known)) == notes


# Numbers


@pytest.mark.parametrize(
    ("unit", "sizes", "number", "shown"),
    [
        ("", (0.5, 0.4), 0.4119, "0.412"),
        ("", (0.5, 0.4), -0.0001, "0.000"),
        ("ms", (1234.4, 90.0), 1234.4, "1,234 ms"),
        ("tokens", (12.5, 9.0), 12.5, "12.5 tokens"),
        ("tokens", (1250.0, 900.0), 1250.4, "1,250 tokens"),
        ("USD", (0.0004123, 0.0003), 0.0004123, "$0.000412"),
        ("USD", (12.3, 9.0), 12.3, "$12.30"),
        ("USD", (0.0, 0.0), 0.0, "$0.00"),
        ("USD", (0.0004, 0.0003), -0.00002, "-$0.000020"),
        ("ms", (1.0, 1.0), NAN, "not known"),
        ("", (1.0, 1.0), float("inf"), "not known"),
        ("", (1.0, 1.0), None, "not known"),
    ],
)
def test_a_value_with_its_unit(unit: str, sizes: tuple[float, float], number: float | None, shown: str) -> None:
    assert figures(metric(unit=unit, head=interval(sizes[0]), base=interval(sizes[1]))).value(number) == shown


@given(st.floats(), st.sampled_from(["", "ms", "tokens", "USD"]))
def test_no_number_is_written_as_none(number: float, unit: str) -> None:
    row = metric(unit=unit, head={"value": number, "low": number, "high": number}, difference=difference(number))
    text = " ".join([phrases.values(row), phrases.difference(row), probability(number), duration(abs(number))])
    assert not re.search(r"nan|inf\b|None", text, re.IGNORECASE)


def test_differences_and_changes() -> None:
    assert Figures("", 3).signed(0.1) == "+0.100" and Figures("", 3).signed(0.0) == "0.000" and Figures("USD", 4).signed(0.1) == "+$0.1000"
    assert phrases.values(latency()) == "1,234 → 1,340 ms"
    assert phrases.values(metric(base=None)) == "0.512 [0.412, 0.612]"
    assert phrases.values(metric(head=None)) == "nothing was measured"
    assert phrases.difference(metric()) == "+0.006 [-0.014, +0.026]"
    assert phrases.values(metric(**{**ALONE, "head": UNBOUNDED})) == "0.512 (no interval)"
    assert phrases.difference(metric(difference={**difference(-0.1), "low": None, "high": None})) == "-0.100 (no interval)"
    won = {"wins": 1, "ties": 0, "losses": 0, "strength": 0.8, "low": None, "high": None}
    assert phrases.notes(metric(preference=won)) == ["head won 1, lost 0, tied 0; strength +0.80 (no interval) in log-odds"]
    assert duration(252) == "4 min 12 s"


@pytest.mark.parametrize("name", ["text", "markdown", "junit"])
@pytest.mark.parametrize("sample", SAMPLES)
def test_what_nothing_bounds_is_never_written_as_none(name: str, sample: Callable[[], Document]) -> None:
    text = import_module(EVALUATION_FORMATS[name]).report(without(sample(), {"low", "high", "minimum_effect", "needed"}))
    assert not re.search(r"\b(None|nan|inf|null)\b", text)


def without(value: Any, keys: set[str]) -> Any:
    """The document with null wherever one of the keys is."""
    if isinstance(value, dict):
        return {key: None if key in keys else without(item, keys) for key, item in value.items()}
    return [without(item, keys) for item in value] if isinstance(value, list) else value


# The strip


def test_right_is_better_whatever_the_direction() -> None:
    up = difference_plot(metric(difference=difference(0.1, 0.02)))
    down = difference_plot(metric(difference=difference(-0.1, 0.02), direction="lower"))
    assert up == down and up is not None and 0.5 < up.low < up.value < up.high < 1


@given(st.floats(-1, 1), st.floats(0, 1), st.floats(0, 1))
def test_a_strip_has_one_length_and_one_dot(value: float, spread: float, margin: float) -> None:
    plot = difference_plot(metric(difference=difference(value, spread), margin=margin))
    assert plot is not None
    drawn = strip(plot)
    assert len(drawn) == CELLS and drawn.count("●") == 1
    assert 0 <= plot.low <= plot.value <= plot.high <= 1


def test_nothing_is_drawn_where_nothing_is_known() -> None:
    assert difference_plot(metric(difference=None)) is None
    assert difference_plot(metric(difference=difference(NAN))) is None
    assert value_plot(metric(head=None)) is None
    plot = value_plot(latency(limit=2000))
    assert plot is not None and plot.marks == (pytest.approx(1 / 1.1),)


# Cases


def flags(base: Row, head: Row, **known: Any) -> tuple[str, ...]:
    (case,) = cases(run(metric(**known), latency(), answers=[answer(4, base, head)]))
    return case.flags


def test_what_a_case_is() -> None:
    assert flags(side("a", 0.5), side("a", 0.5)) == ()
    assert flags(side("a", 0.5), side("b", 0.4)) == ("changed", "worse")
    assert flags(side("a", 0.5), side("a", 0.5, blocked=True)) == ("changed",)
    assert flags(side("a", 0.5), side("b", 0.6)) == ("changed", "better")
    assert flags(side("a", 0.5), side("b", 0.0), case_threshold=0.5, case_failures=[4]) == ("changed", "worse", "failed")


def test_an_amount_makes_no_case_worse() -> None:
    slow = {"scores": {"answer_f1": 0.5, "latency_ms": 900.0}}
    assert flags(side("a", scores={"answer_f1": 0.5, "latency_ms": 10.0}), side("a", **slow)) == ()


def test_a_preference_is_beside_a_tie() -> None:
    row = answer(4, side("a", None), side("b", None, scores={"judge_preference": 0.0}))
    (case,) = cases(run(metric("judge_preference"), answers=[row]))
    assert (case.scores[0].base, case.scores[0].shift) == ("0.500", -0.5)


def test_the_worst_cases() -> None:
    found = cases(samples.regressed()["runs"][0])
    assert [case.row["line"] for case in worst_of(found, "answer_f1", 2)] == [7, 3]
    assert [case.row["line"] for case in worst_first(found)] == [7, 3, 12, 15, 21, 17]
    repeats = [answer(4, side("a", 0.9), side("b", value), repeat=i) for i, value in enumerate((0.5, 0.1, 0.3))]
    (only,) = worst_of(cases(run(metric(), answers=repeats)), "answer_f1", 5)
    assert only.row["repeat"] == 1


def test_only_the_repeat_that_broke_a_rule_is_shown() -> None:
    repeats = [answer(4, None, side("x", value), repeat=i) for i, value in enumerate((1.0, 0.0, 0.0))]
    found = cases(run(metric(case_threshold=1.0, case_failures=[4]), answers=repeats))
    assert [case.row["repeat"] for case in failing(found, "answer_f1", 5)] == [1]


# JUnit


@pytest.mark.parametrize("sample", [samples.passed, samples.unproven_limit])
def test_what_does_not_fail_is_printed(sample: Callable[[], Document]) -> None:
    text = junit_report(sample())
    etree.XMLSchema(etree.parse(SCHEMA)).assertValid(etree.fromstring(text.encode()))
    assert [case[0].tag for case in fromstring(text).iter("testcase")] == ["system-out", "system-out"]


def test_each_broken_rule_quotes_the_answer_that_broke_it() -> None:
    """Two rules of one case may be broken by two of its repeats."""
    answers = [
        answer(4, None, side("the first", scores={"answer_exact": 0.0, "answer_regex": 1.0})),
        answer(4, None, side("the second", scores={"answer_exact": 1.0, "answer_regex": 0.0}), repeat=1),
    ]
    rules = [metric(name, "failed", case_threshold=1.0, case_failures=[4]) for name in ("answer_exact", "answer_regex")]
    tests = fromstring(junit_report(document(run(*rules, answers=answers)))).iter("testcase")
    quoted = {case.attrib["name"]: case[0].text or "" for case in tests if "line 4" in case.attrib["name"]}
    assert {name: [word for word in ("first", "second") if word in text] for name, text in quoted.items()} == {
        "answer_exact line 4": ["first"],
        "answer_regex line 4": ["second"],
    }


# JSON


@pytest.mark.parametrize("sample", ALL)
def test_json_is_the_document(sample: Callable[[], Document]) -> None:
    assert json.loads(json_report(sample(), colour=True, width=80)) == sample()


def test_json_knows_no_nan() -> None:
    text = json_report(document(run(metric(head=interval(NAN)))))
    assert "NaN" not in text and json.loads(text)["runs"][0]["metrics"][0]["head"]["value"] is None
