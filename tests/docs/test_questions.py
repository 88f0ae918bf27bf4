"""The evaluation's questions are about the handbook as it stands: sources exist and hold the answer, the others have none."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from llmops.evaluate.answer import words as answer_words
from llmops.evaluate.cases import read_cases
from llmops.evaluate.questions import sample
from tests.docs.handbook import DOCS, ROOT, words

FILE = ROOT / "evals" / "handbook.jsonl"
FIELDS = {name: name for name in ("question", "answer", "sources", "answerable")}
ROWS: list[dict[str, Any]] = [json.loads(line) for line in FILE.read_text("utf-8").splitlines()]
ANSWERABLE = [row for row in ROWS if row["answerable"]]
UNANSWERABLE = [row for row in ROWS if not row["answerable"]]
COMMON = words(
    "a am an and are as at be by can do does for from had has have how i in is it its may me must my no not of on or say so than that the"
    " their them then they this to two was were what when where which who why will with would you your yes per"
)
LONGEST_ANSWER = 25
"""Words. The demo's model extracts short facts."""


def ids(row: dict[str, Any]) -> str:
    return str(row["id"])


def handbook_words() -> set[str]:
    return {word for page in DOCS.rglob("*.md") for word in words(page.read_text("utf-8"))}


def stems(found: set[str]) -> set[str]:
    """Words without a plural's or a verb's ending, and their parts: `api_key` is `api` and `key`."""
    parts = {part for word in found for part in (word, *word.replace("-", "_").replace(".", "_").split("_"))}
    return {part.removesuffix("s") for part in parts if part}


def test_the_numbers_are_those_of_the_spec() -> None:
    assert (len(ROWS), len(ANSWERABLE), len(UNANSWERABLE)) == (60, 48, 12)


def test_ids_and_questions_are_unique() -> None:
    assert len({row["id"] for row in ROWS}) == len(ROWS)
    assert len({row["question"].lower() for row in ROWS}) == len(ROWS)


def test_every_row_is_a_case() -> None:
    cases = read_cases(FILE, FIELDS, "jsonl")
    assert [case.question for case in cases] == [row["question"] for row in ROWS]


@pytest.mark.parametrize("row", ROWS, ids=ids)
def test_a_row_has_these_fields_and_no_others(row: dict[str, Any]) -> None:
    assert list(row) == ["id", "question", "answer", "sources", "answerable"]
    assert row["question"].endswith("?")


@pytest.mark.parametrize("row", ANSWERABLE, ids=ids)
def test_sources_are_pages(row: dict[str, Any]) -> None:
    assert row["sources"]
    assert [path for path in row["sources"] if not (ROOT / path).is_file()] == []


@pytest.mark.parametrize("row", ANSWERABLE, ids=ids)
def test_each_source_holds_the_answer(row: dict[str, Any]) -> None:
    """Every word of the reference answer that carries meaning stands in each of its pages."""
    wanted = stems({word for word in words(row["answer"]) if word not in COMMON})
    for path in row["sources"]:
        missing = wanted - stems(words((ROOT / path).read_text("utf-8")))
        assert not missing, f"{row['id']}: {path} lacks {sorted(missing)}"


@pytest.mark.parametrize("row", ANSWERABLE, ids=ids)
def test_the_answer_is_short(row: dict[str, Any]) -> None:
    assert 0 < len(answer_words(row["answer"])) <= LONGEST_ANSWER


@pytest.mark.parametrize("row", UNANSWERABLE, ids=ids)
def test_the_handbook_lacks_what_is_asked(row: dict[str, Any]) -> None:
    """At least one word that the question turns on stands on no page."""
    asked = stems({word for word in words(row["question"]) if word not in COMMON})
    assert asked - stems(handbook_words()), f"{row['id']}: the handbook has every word of it"
    assert row["answer"] == "The handbook does not say."
    assert row["sources"] == []


def test_every_page_about_a_kind_is_asked_about() -> None:
    asked = {path for row in ANSWERABLE for path in row["sources"]}
    kinds = {f"docs/{name}.md" for name in ("model", "prompt", "dataset", "retrieval-source", "safety-policy", "evaluation", "monitor")}
    assert kinds | {"docs/application.md", "docs/deployment.md", "docs/environments.md"} <= asked


@pytest.mark.parametrize("count", [10, 20])
def test_a_sample_meets_both_sorts(count: int) -> None:
    """The unanswerable ones are spread over the file, as a sample is taken evenly."""
    chosen = sample(read_cases(FILE, FIELDS, "jsonl"), count)
    assert {case.answerable for case in chosen} == {True, False}


def test_no_other_page_is_named_than_markdown_of_the_handbook() -> None:
    named = {Path(path).parent.as_posix() for row in ROWS for path in row["sources"]}
    assert named == {"docs", "docs/errors"}
