"""Retrieval metrics beside trec_eval, NIST's own program, on random rankings."""

from __future__ import annotations

import pytest
import pytrec_eval
from hypothesis import given, settings
from hypothesis import strategies as st

from llmops.evaluate import retrieval
from llmops.evaluate.cases import Case
from llmops.evaluate.observation import Observation

DOCUMENTS = [f"docs/{letter}.md" for letter in "abcdefghij"]
MEASURES = {"recip_rank", "ndcg", "set_recall", "set_P"}


def trec_eval(ranking: list[str], relevant: set[str]) -> dict[str, float]:
    """What trec_eval says of one query; it orders by score, so that earlier documents get higher ones."""
    evaluator = pytrec_eval.RelevanceEvaluator({"q": {path: int(path in relevant) for path in DOCUMENTS}}, MEASURES)
    run = {"q": {path: float(len(ranking) - rank) for rank, path in enumerate(ranking)}}
    return dict(evaluator.evaluate(run)["q"])


@settings(max_examples=300, deadline=None, derandomize=True, database=None)
@given(
    st.lists(st.sampled_from(DOCUMENTS), unique=True, min_size=1),
    st.sets(st.sampled_from(DOCUMENTS), min_size=1),
)
def test_agrees_with_trec_eval(ranking: list[str], relevant: set[str]) -> None:
    observation = Observation(Case(1, "q", sources=tuple(sorted(relevant))), found=tuple(ranking))
    expected = trec_eval(ranking, relevant)
    assert retrieval.reciprocal_rank(observation) == pytest.approx(expected["recip_rank"])
    assert retrieval.ndcg(observation) == pytest.approx(expected["ndcg"])
    assert retrieval.recall(observation) == pytest.approx(expected["set_recall"])
    assert retrieval.precision(observation) == pytest.approx(expected["set_P"])


@settings(max_examples=100, deadline=None, derandomize=True, database=None)
@given(st.lists(st.sampled_from(DOCUMENTS), min_size=1, max_size=30), st.sets(st.sampled_from(DOCUMENTS), min_size=1))
def test_passages_of_one_document_count_once(passages: list[str], relevant: set[str]) -> None:
    case = Case(1, "q", sources=tuple(sorted(relevant)))
    once = Observation(case, found=tuple(dict.fromkeys(passages)))
    often = Observation(case, found=tuple(passages))
    for metric in (retrieval.recall, retrieval.precision, retrieval.reciprocal_rank, retrieval.ndcg):
        assert metric(often) == metric(once)
