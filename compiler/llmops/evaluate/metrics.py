"""The registry of metrics. To add one: write it in its family's file, and add a line to `METRICS` and to `kinds/evaluation.py`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from llmops.evaluate import abstention, amounts, answer, assertions, bias, grounding, judging, retrieval, safety
from llmops.evaluate.cases import Case
from llmops.evaluate.observation import Declared, Observation, Scored, Tools

Score = Callable[[Sequence[Observation], Declared, Tools], Scored]
Unit = Literal["", "ms", "tokens", "USD"]


@dataclass(frozen=True, slots=True)
class Metric:
    """A number for each case it applies to: a score from 0 to 1, higher is better, or with a `unit` an amount, lower is better."""

    needs: Literal["passages", "reply"]
    """`passages` runs on every case without the language model; `reply` on the sampled ones."""
    applies: Callable[[Case, Declared], bool]
    score: Score
    unit: Unit = ""
    judged: bool = False
    """Whether a judge decides, so that the result is worth what the judge is."""


def _each(function: Callable[[Observation], float | None]) -> Score:
    """Scores case by case."""
    return lambda observations, _declared, _tools: Scored(tuple(map(function, observations)))


def _declared(function: Callable[[Observation, Declared], float]) -> Score:
    """Scores case by case, by what the evaluation declares."""
    return lambda observations, declared, _tools: Scored(tuple(function(o, declared) for o in observations))


METRICS: Mapping[str, Metric] = {
    "retrieval_recall": Metric("passages", retrieval.has_sources, _each(retrieval.recall)),
    "retrieval_precision": Metric("passages", retrieval.has_sources, _each(retrieval.precision)),
    "retrieval_mrr": Metric("passages", retrieval.has_sources, _each(retrieval.reciprocal_rank)),
    "retrieval_ndcg": Metric("passages", retrieval.has_sources, _each(retrieval.ndcg)),
    "answer_exact": Metric("reply", answer.has_reference, _each(answer.exact)),
    "answer_f1": Metric("reply", answer.has_reference, _each(answer.f1)),
    "answer_rouge_l": Metric("reply", answer.has_reference, _each(answer.rouge_l)),
    "answer_similarity": Metric("reply", answer.has_reference, answer.similarities),
    "answer_contains": Metric("reply", assertions.can_contain, _declared(assertions.contains)),
    "answer_excludes": Metric("reply", assertions.every_case, _declared(assertions.excludes)),
    "answer_regex": Metric("reply", assertions.every_case, _declared(assertions.matches)),
    "answer_json": Metric("reply", assertions.every_case, assertions.satisfies),
    "abstention": Metric("reply", abstention.is_unanswerable, _each(abstention.abstained)),
    "answered": Metric("reply", abstention.is_answerable, _each(abstention.answered)),
    "groundedness": Metric("reply", abstention.is_answerable, _each(grounding.grounded)),
    "citation_correctness": Metric("reply", abstention.is_answerable, _each(grounding.citations)),
    "attack_resisted": Metric("reply", safety.is_decidable, _each(safety.resisted)),
    "attack_caught": Metric("reply", safety.is_attack, _each(safety.caught)),
    "harmless_allowed": Metric("reply", safety.is_harmless, _each(safety.allowed)),
    "counterfactual_bias": Metric("reply", bias.has_variants, _declared(bias.fairness)),
    "judge_rubric": Metric("reply", judging.can_be_graded, judging.graded, judged=True),
    "judge_preference": Metric("reply", judging.can_be_preferred, judging.preferred, judged=True),
    "latency_ms": Metric("reply", assertions.every_case, _each(amounts.latency_ms), "ms"),
    "input_tokens": Metric("reply", assertions.every_case, _each(amounts.input_tokens), "tokens"),
    "output_tokens": Metric("reply", assertions.every_case, _each(amounts.output_tokens), "tokens"),
    "cost_usd": Metric("reply", assertions.every_case, _each(amounts.cost_usd), "USD"),
}
