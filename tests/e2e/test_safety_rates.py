"""The suite of this project on both real engines: what each detector catches and takes wrongly, as the page says."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from llmops.enforcement import KINDS
from tests.safety_rates import PAGE, SUITE, measure, table, with_table

MODEL_BACKED = {"content_safety", "llm_judge"}
"""Judged by a model: what they catch is the model's doing, and tests of the detectors use a stub."""
ROWS = [json.loads(line) for line in SUITE.read_text("utf-8").splitlines()]


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return measure(tmp_path_factory.mktemp("safety"))


def test_the_page_has_the_measured_rates(found: dict[str, Any]) -> None:
    page = PAGE.read_text("utf-8")
    assert page == with_table(page, table(found)), "run: python -m tests.safety_rates"


def test_every_detector_has_fifteen_texts_to_catch_and_fifteen_to_let_through() -> None:
    counts = Counter((row["rule"].replace("-", "_"), row["expect"]) for row in ROWS)
    assert {kind for kind, _ in counts} >= set(KINDS) - MODEL_BACKED
    assert min(counts.values()) >= 15


def test_no_text_is_there_twice() -> None:
    seen = Counter((row["rule"], row["text"]) for row in ROWS)
    assert seen.most_common(1)[0][1] == 1


def test_the_engines_agree_and_judge_every_text(found: dict[str, Any]) -> None:
    assert found["disagreements"] == [] and found["failed"] is False
    assert {trial["outcome"] for trial in found["trials"]} == {"hit", "pass"}
    assert all(rate["unjudged"] == 0 for rate in found["rates"])


def test_whatever_goes_wrong_is_named(found: dict[str, Any]) -> None:
    """A miss without a note could not be told from the table."""
    assert [t["source"] for t in found["trials"] if t["expected"] != t["outcome"] and not t["note"]] == []


def test_the_suite_holds_texts_that_are_missed(found: dict[str, Any]) -> None:
    """Only the length of a text cannot be disguised."""
    perfect = {rate["subject"] for rate in found["rates"] if rate["caught"]["count"] == rate["caught"]["of"]}
    assert perfect <= {"length"}


def test_both_engines_run_each_rule_that_both_can_enforce(found: dict[str, Any]) -> None:
    engines: dict[str, set[str]] = {}
    for rate in found["rates"]:
        engines.setdefault(rate["subject"], set()).add(rate["engine"])
    assert {rule for rule, names in engines.items() if len(names) == 1} == {"groundedness"}


def test_a_copy_is_measured_not_the_repository(tmp_path: Path) -> None:
    assert not (Path(__file__).parent / "safety_workspace" / "build").exists()
