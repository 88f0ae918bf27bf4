"""Metrics against values worked out by hand, and their bounds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pytest

from llmops.evaluate.abstention import abstains
from llmops.evaluate.answer import words
from llmops.evaluate.cases import Case
from llmops.evaluate.metrics import METRICS
from llmops.evaluate.observation import Observation
from llmops.kinds import schema


@dataclass(frozen=True)
class Said:
    text: str
    blocked: bool = False


def embed(texts: list[str]) -> Sequence[Sequence[float]]:
    """Counts of the letters a, b and c, with the sign of a leading minus."""
    return [[(-1 if t.startswith("-") else 1) * float(t.count(letter)) for letter in "abc"] for t in texts]


def scores(metric: str, *observations: Observation) -> list[float]:
    return METRICS[metric].score(observations, embed)


def found(*paths: str, sources: tuple[str, ...] = ("docs/a.md", "docs/b.md")) -> Observation:
    return Observation(Case(1, "q", sources=sources), found=paths)


def said(text: str, answer: str = "", *, blocked: bool = False, answerable: bool = True) -> Observation:
    return Observation(Case(1, "q", answer, answerable=answerable), reply=Said(text, blocked))


def test_every_metric_of_the_kind_is_registered() -> None:
    assert set(schema("Evaluation")["$defs"]["Metric"]["properties"]["name"]["enum"]) == set(METRICS)


@pytest.mark.parametrize(
    ("paths", "recall"),
    [
        (("docs/a.md", "docs/b.md"), 1.0),
        (("docs/a.md", "docs/a.md", "docs/c.md"), 0.5),
        (("docs/c.md",), 0.0),
        ((), 0.0),
    ],
)
def test_recall_is_the_share_of_right_documents_found(paths: tuple[str, ...], recall: float) -> None:
    assert scores("retrieval_recall", found(*paths)) == [recall]


@pytest.mark.parametrize(
    ("paths", "rank"),
    [
        (("docs/b.md", "docs/a.md"), 1.0),
        (("docs/c.md", "docs/a.md"), 1 / 2),
        (("docs/c.md", "docs/c.md", "docs/c.md", "docs/d.md", "docs/a.md"), 1 / 3),
        (("docs/c.md",), 0.0),
        ((), 0.0),
    ],
)
def test_reciprocal_rank_counts_documents_not_passages(paths: tuple[str, ...], rank: float) -> None:
    assert scores("retrieval_mrr", found(*paths)) == [pytest.approx(rank)]


@pytest.mark.parametrize(
    ("text", "reference", "f1"),
    [
        ("The cat sat.", "a cat sat", 1.0),
        ("cat", "cat sat", 2 / 3),
        ("cat cat cat", "cat sat", 2 / 5),
        ("dog", "cat", 0.0),
        ("", "cat", 0.0),
        ("...", "The", 1.0),
    ],
)
def test_f1_is_squads(text: str, reference: str, f1: float) -> None:
    assert scores("answer_f1", said(text, reference)) == [pytest.approx(f1)]


def test_words_drop_case_punctuation_and_articles() -> None:
    assert words("The U.S. wasn't, an   Island!") == ["us", "wasnt", "island"]


@pytest.mark.parametrize(
    ("text", "reference", "cosine"),
    [("abc", "cab", 1.0), ("aaa", "b", 0.0), ("ab", "a", 2**-0.5), ("-a", "a", 0.0), ("", "a", 0.0), ("  ", "a", 0.0), ("xyz", "a", 0.0)],
)
def test_similarity_is_the_cosine_and_never_negative(text: str, reference: str, cosine: float) -> None:
    assert scores("answer_similarity", said(text, reference)) == [pytest.approx(cosine)]


def test_similarity_embeds_all_texts_in_one_call() -> None:
    calls = []

    def counted(texts: list[str]) -> Sequence[Sequence[float]]:
        calls.append(texts)
        return embed(texts)

    assert METRICS["answer_similarity"].score([said("a", "a"), said("b", "c")], counted) == [pytest.approx(1.0), 0.0]
    assert calls == [["a", "a", "b", "c"]]


@pytest.mark.parametrize(
    "text",
    [
        "I don't know.",
        "I don\N{RIGHT SINGLE QUOTATION MARK}t know that.",
        "I do not know who won.",
        "The context does not say.",
        "The handbook doesn't mention it.",
        "I cannot answer that from the handbook.",
        "I can't help with that.",
        "I could not find an answer.",
        "There is no information about this.",
        "It is not mentioned in the context.",
        "I'm not sure.",
        "The author is unknown.",
        "I am unable to answer.",
        "The documents do not really contain it.",
    ],
)
def test_admissions_are_recognised(text: str) -> None:
    assert abstains(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Leonardo da Vinci.",
        "A published version never changes again.",
        "You do not need a key.",
        "The rule does not block it.",
        "It cannot be changed.",
        "Now you know how to answer.",
    ],
)
def test_plain_answers_are_no_admissions(text: str) -> None:
    assert not abstains(text)


def test_abstention_counts_refusals_and_admissions() -> None:
    plain = [said(text, answerable=False) for text in ("I don't know.", "Leonardo.")]
    assert scores("abstention", *plain, said("Ask another.", blocked=True, answerable=False)) == [1.0, 0.0, 1.0]


@pytest.mark.parametrize(
    ("metric", "applies"),
    [
        ("retrieval_recall", [True, False, False]),
        ("retrieval_mrr", [True, False, False]),
        ("answer_f1", [False, True, False]),
        ("answer_similarity", [False, True, False]),
        ("abstention", [False, False, True]),
    ],
)
def test_each_metric_applies_to_its_cases(metric: str, applies: list[bool]) -> None:
    cases = [Case(1, "q", sources=("docs/a.md",)), Case(2, "q", "x"), Case(3, "q", "x", ("docs/a.md",), answerable=False)]
    assert [METRICS[metric].applies(Observation(case)) for case in cases] == applies


@pytest.mark.parametrize("metric", METRICS)
def test_scores_lie_between_0_and_1(metric: str) -> None:
    case = Case(1, "q", "a b c", ("docs/a.md",))
    seen = [Observation(case, found=("docs/a.md",) * n, reply=Said("abc " * n)) for n in range(4)]
    assert all(0 <= score <= 1 for score in METRICS[metric].score(seen, embed))
