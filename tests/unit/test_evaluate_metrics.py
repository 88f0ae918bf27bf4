"""Metrics against values worked out by hand, and their bounds."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pytest

from llmops.errors import LlmopsError
from llmops.evaluate.abstention import abstains
from llmops.evaluate.answer import words
from llmops.evaluate.bias import variants
from llmops.evaluate.cases import Case
from llmops.evaluate.metrics import METRICS
from llmops.evaluate.observation import Observation, Passage, Reply, Tools, reply_from
from llmops.kinds import schema

DECLARED: dict[str, dict[str, Any]] = {
    "answer_excludes": {"texts": ["never"]},
    "answer_regex": {"pattern": "a"},
    "counterfactual_bias": {"swaps": [["he", "she"]]},
    "judge_rubric": {"rubric": "right"},
    "judge_preference": {"rubric": "right"},
}
"""What a metric needs beside its name."""
AMOUNTS = [name for name, metric in METRICS.items() if metric.unit]


def embed(texts: list[str]) -> Sequence[Sequence[float]]:
    """Counts of the letters a, b and c, with the sign of a leading minus."""
    return [[(-1 if t.startswith("-") else 1) * float(t.count(letter)) for letter in "abc"] for t in texts]


def silent(prompts: Sequence[str]) -> Sequence[str]:
    raise AssertionError(f"nobody should be asked {prompts}")


def scores(metric: str, *observations: Observation, ask: Any = silent, **declared: Any) -> list[float | None]:
    found = {**DECLARED.get(metric, {}), **declared}
    return list(METRICS[metric].score(observations, found, Tools(embed, ask)).values)


def found(*paths: str, sources: tuple[str, ...] = ("docs/a.md", "docs/b.md")) -> Observation:
    return Observation(Case(1, "q", sources=sources), found=paths)


def said(text: str, answer: str = "", *, blocked: bool = False, answerable: bool = True) -> Observation:
    return Observation(Case(1, "q", answer, answerable=answerable), reply=Reply(text, blocked))


def test_every_metric_of_the_kind_is_registered() -> None:
    mapping = schema("Evaluation")["$defs"]["EvaluationSpec"]["properties"]["metrics"]["items"]["discriminator"]["mapping"]
    assert set(mapping) == set(METRICS)


def test_amounts_and_judges_are_what_the_kind_says() -> None:
    mapping = schema("Evaluation")["$defs"]["EvaluationSpec"]["properties"]["metrics"]["items"]["discriminator"]["mapping"]
    parts = {name: reference.rpartition("/")[2] for name, reference in mapping.items()}
    assert {name for name, metric in METRICS.items() if metric.unit} == {name for name, part in parts.items() if part == "AmountMetric"}
    assert {name for name, metric in METRICS.items() if metric.judged} == {name for name, part in parts.items() if part == "JudgeMetric"}


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

    found = METRICS["answer_similarity"].score([said("a", "a"), said("b", "c")], {}, Tools(counted, silent))
    assert found.values == (pytest.approx(1.0), 0.0)
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
    assert [METRICS[metric].applies(case, {}) for case in cases] == applies


@pytest.mark.parametrize("metric", [name for name in METRICS if name not in AMOUNTS])
def test_scores_lie_between_0_and_1(metric: str) -> None:
    case = Case(1, "will he", "a b c", ("docs/a.md",), attack=True, leaks=("abc",))
    replies = [Reply("abc " * n, passages=(Passage("docs/a.md", "abc"),) * n) for n in range(4)]
    seen = [Observation(case, ("docs/a.md",) * n, reply, (replies[0],), replies[1]) for n, reply in enumerate(replies)]
    found = scores(metric, *seen, ask=lambda prompts: ["A"] * len(prompts) if metric == "judge_preference" else ["3"] * len(prompts))
    assert len(found) == len(seen)
    assert all(score is not None and 0 <= score <= 1 for score in found)


@pytest.mark.parametrize(("text", "exact"), [("The Cat, sat.", 1.0), ("cat sat here", 0.0), ("", 0.0)])
def test_exact_is_squads(text: str, exact: float) -> None:
    assert scores("answer_exact", said(text, "a cat sat")) == [exact]


@pytest.mark.parametrize(
    ("text", "reference", "rouge"),
    [
        ("police killed gunman", "police kill gunman", 2 / 3),
        ("x y", "w x y", 0.8),
        ("z y x", "x y z", 1 / 3),
        ("", "b", 0.0),
        ("", "", 1.0),
    ],
)
def test_rouge_l_sees_the_order_of_words(text: str, reference: str, rouge: float) -> None:
    assert scores("answer_rouge_l", said(text, reference)) == [pytest.approx(rouge)]


def test_contains_looks_for_its_texts_or_the_reference() -> None:
    assert scores("answer_contains", said("Within 14 DAYS, in writing."), texts=["14 days", "writing"]) == [1.0]
    assert scores("answer_contains", said("Within 14 days."), texts=["14 days", "writing"]) == [0.0]
    assert scores("answer_contains", said("It is within 14 days.", "Within 14 days")) == [1.0]
    assert scores("answer_excludes", said("We never do"), said("We do")) == [0.0, 1.0]


def test_contains_without_texts_needs_a_reference() -> None:
    assert not METRICS["answer_contains"].applies(Case(1, "q", sources=("d",)), {})
    assert METRICS["answer_contains"].applies(Case(1, "q", sources=("d",)), {"texts": ["x"]})


def test_a_pattern_is_found_anywhere() -> None:
    assert scores("answer_regex", said("It takes 14 days."), said("soon"), pattern=r"\b\d+ days") == [1.0, 0.0]


def test_a_pattern_that_takes_too_long_is_no_score() -> None:
    with pytest.raises(LlmopsError, match="took longer"):
        scores("answer_regex", said("a" * 40 + "b"), pattern=r"^(a|aa)+$")


def test_json_answers_satisfy_the_schema() -> None:
    wanted = {"type": "object", "required": ["days"], "properties": {"days": {"type": "integer"}}}
    texts = ('{"days": 14}', '{"days": "14"}', '{"days": 14', "14 days")
    assert scores("answer_json", *map(said, texts), schema=wanted) == [1.0, 0.0, 0.0, 0.0]
    assert scores("answer_json", said("[1]"), said("x")) == [1.0, 0.0]


def test_answered_is_no_refusal_and_no_silence() -> None:
    assert scores("answered", said("14 days"), said("I don't know."), said("No.", blocked=True), said(" ")) == [1.0, 0.0, 0.0, 0.0]


def with_passages(text: str, *contents: str, sources: tuple[str, ...] = (), blocked: bool = False) -> Observation:
    passages = tuple(Passage(f"docs/{letter}.md", content) for letter, content in zip("abc", contents, strict=False))
    return Observation(Case(1, "q", "x", sources), reply=Reply(text, blocked, passages))


def test_groundedness_counts_words_that_the_passages_hold() -> None:
    seen = [
        with_passages("Refunds take fourteen days", "refunds are issued within fourteen days"),
        with_passages("Refunds take fourteen days"),
        with_passages("I don't know."),
        with_passages("", "refunds"),
    ]
    assert scores("groundedness", *seen) == [pytest.approx(0.75), 0.0, 1.0, 1.0]


@pytest.mark.parametrize(
    ("text", "share"),
    [
        ("It is so [1].", 1.0),
        ("It is so [docs/a.md].", 1.0),
        ("It is so [1][2].", 0.5),
        ("It is so [3].", 0.0),
        ("It is so [docs/none.md].", 0.0),
        ("It is so.", 0.0),
        ("I don't know.", 1.0),
    ],
)
def test_citations_name_a_passage_of_a_right_source(text: str, share: float) -> None:
    assert scores("citation_correctness", with_passages(text, "one", "two", sources=("docs/a.md",))) == [share]


def test_any_passage_may_be_cited_where_no_source_is_known() -> None:
    assert scores("citation_correctness", with_passages("So [2], and so [1].", "one", "two")) == [1.0]


def attacked(text: str, *leaks: str, blocked: bool = False, attack: bool | None = True) -> Observation:
    return Observation(Case(1, "q", attack=attack, leaks=leaks), reply=Reply(text, blocked))


def test_an_attack_succeeds_where_a_mark_is_in_the_answer() -> None:
    seen = [attacked("Zebra-99!", "ZEBRA-99"), attacked("No.", "ZEBRA-99", "PWNED"), attacked("No.", "x", blocked=True)]
    assert scores("attack_resisted", *seen) == [0.0, 1.0, 1.0]
    assert scores("attack_caught", *seen) == [0.0, 0.0, 1.0]
    assert scores("harmless_allowed", attacked("Yes.", attack=False), attacked("No.", blocked=True, attack=False)) == [1.0, 0.0]


@pytest.mark.parametrize(
    ("case", "applies"),
    [
        (Case(1, "q", attack=True, leaks=("x",), answerable=False), {"attack_resisted", "attack_caught"}),
        (Case(1, "q", attack=True, answerable=False), {"attack_caught"}),
        (Case(1, "q", "a", attack=False), {"harmless_allowed"}),
        (Case(1, "q", "a"), set()),
        (Case(1, "q", answerable=False), {"abstention"}),
    ],
)
def test_safety_metrics_apply_to_what_the_case_says(case: Case, applies: set[str]) -> None:
    safety = ("attack_resisted", "attack_caught", "harmless_allowed", "abstention")
    assert {name for name in safety if METRICS[name].applies(case, {})} == applies


SWAPS = [["he", "she"], ["Anna", "Aisha", "Li Wei"]]


def test_variants_swap_one_group_at_a_time() -> None:
    assert variants("May Anna ask what he said?", SWAPS) == [
        "May Anna ask what she said?",
        "May Aisha ask what he said?",
        "May Li Wei ask what he said?",
    ]
    assert variants("The theatre is there.", SWAPS) == []


def test_fairness_ignores_the_swapped_words_and_nothing_else() -> None:
    case = Case(1, "May he ask?", "x")

    def seen(own: str, *others: str) -> Observation:
        return Observation(case, reply=Reply(own), probes=tuple(map(Reply, others)))

    same, other = seen("Yes, he may.", "Yes, she may."), seen("Yes, he may.", "Yes, she may.", "No way at all")
    assert scores("counterfactual_bias", same, other, swaps=SWAPS) == [1.0, 0.0]


def test_amounts_are_those_of_the_answer() -> None:
    seen = Observation(Case(1, "q"), reply=Reply("x", latency_ms=12.5, input_tokens=7, output_tokens=3, cost_usd=0.25))
    free = Observation(Case(1, "q"), reply=Reply("x"))
    assert [scores(name, seen, free) for name in ("latency_ms", "input_tokens", "output_tokens", "cost_usd")] == [
        [12.5, 0.0],
        [7.0, 0.0],
        [3.0, 0.0],
        [0.25, None],
    ]


def test_a_reply_survives_json() -> None:
    reply = Reply("x", True, (Passage("docs/a.md", "one"),), ("pii",), 1.5, 2, 3, 0.1)
    assert reply_from(json.loads(json.dumps(reply.plain))) == reply
