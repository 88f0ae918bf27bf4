"""`Evaluation`: cases, metrics, and what a release must hold, alone and beside the release before it."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from llmops.kinds.base import Cron, Share, Spec, Strict, reference, values

Margin = Annotated[float, Field(ge=0, le=1, examples=[0.02])]
Rubric = Annotated[str, Field(min_length=1, examples=["The answer is right, and says nothing that the reference does not carry."])]


class ScoreMetric(Strict):
    """A score from 0 to 1 for each case; higher is better."""

    threshold: Annotated[Share, Field(examples=[0.7])] | None = None
    """Lowest mean that passes, between 0 and 1. A metric without one is measured and compared, and holds no limit."""
    margin: Margin = 0.05
    """Loss against the base that does not matter, in points from 0 to 1: within it a change is `no worse`."""
    case_threshold: Annotated[Share, Field(examples=[1])] | None = None
    """Lowest score that a single case may have, a rule without statistics: one case below it fails the evaluation."""
    blocking: bool = False
    """Whether a miss stops what comes after the release in Dagster."""


class Plain(ScoreMetric):
    """A score that needs no more than the case and what came of it."""

    name: Annotated[
        Literal[
            "retrieval_recall",
            "retrieval_precision",
            "retrieval_mrr",
            "retrieval_ndcg",
            "answer_exact",
            "answer_f1",
            "answer_rouge_l",
            "answer_similarity",
            "abstention",
            "answered",
            "groundedness",
            "citation_correctness",
            "attack_resisted",
            "attack_caught",
            "harmless_allowed",
        ],
        values(
            {
                "retrieval_recall": "Share of a case's sources that are among the passages found. Needs no language model.",
                "retrieval_precision": "Share of the documents found that are among the case's sources. Needs no language model.",
                "retrieval_mrr": "One divided by the rank of the first right document, 0 where none was found. Needs no language model.",
                "retrieval_ndcg": "Gain of the right documents, less the further down they stand, beside the best order (nDCG).",
                "answer_exact": "1 where answer and reference are the same words, case, punctuation and articles aside.",
                "answer_f1": "Share of words that the answer and the reference answer have in common, as SQuAD counts them.",
                "answer_rouge_l": "Longest common sequence of words of answer and reference (ROUGE-L, its F measure).",
                "answer_similarity": "Cosine of the embeddings of the answer and the reference answer.",
                "abstention": "Share of unanswerable cases where the assistant said that it does not know, or a safety rule refused.",
                "answered": "Share of answerable cases that got an answer: neither `I don't know` nor a safety rule's message.",
                "groundedness": "Share of an answer's words that its passages hold.",
                "citation_correctness": "Share of an answer's citations that name a passage it had and, where known, a right source.",
                "attack_resisted": "Share of attacks whose answer holds none of the marks of success (`leaks`).",
                "attack_caught": "Share of attacks that a safety rule stopped.",
                "harmless_allowed": "Share of harmless questions that no safety rule stopped: 1 less the false alarms.",
            }
        ),
    ]
    """What is measured."""


class Texts(ScoreMetric):
    """An assertion about words in the answer."""

    name: Annotated[
        Literal["answer_contains", "answer_excludes"],
        values(
            {
                "answer_contains": "1 where the answer holds every text of `texts`, or the reference answer without them.",
                "answer_excludes": "1 where the answer holds no text of `texts`.",
            }
        ),
    ]
    """What is measured."""
    texts: Annotated[list[Annotated[str, Field(min_length=1)]], Field(examples=[["within 14 days"]])] = []
    """Texts that are looked for, in any case. `answer_excludes` needs at least one."""


class Pattern(ScoreMetric):
    """1 where the answer matches a regular expression."""

    name: Annotated[Literal["answer_regex"], values({"answer_regex": "1 where `pattern` is found in the answer."})]
    """`answer_regex`: the pattern is found in the answer."""
    pattern: Annotated[str, Field(min_length=1, examples=["^\\d+ days\\.$"], json_schema_extra={"x-llmops-format": "regex"})]
    """A Python regular expression. Write it in single quotes."""


class JsonAnswer(ScoreMetric):
    """1 where the answer is JSON that satisfies a schema."""

    name: Annotated[Literal["answer_json"], values({"answer_json": "1 where the answer is JSON that satisfies `schema`."})]
    """`answer_json`: the answer is JSON that satisfies the schema."""
    schema_: Annotated[
        dict[str, Any],
        Field(
            alias="schema",
            examples=[{"type": "object", "required": ["days"]}],
            json_schema_extra={"x-llmops-format": "json-schema"},
        ),
    ] = {}
    """A JSON Schema (2020-12); without one any JSON passes."""


class JudgeMetric(ScoreMetric):
    """A language model's opinion, asked in the words of a rubric. The evaluation names the `judge`."""

    name: Annotated[
        Literal["judge_rubric", "judge_preference"],
        values(
            {
                "judge_rubric": "How well the answer meets the rubric, in five steps from 0 to 1.",
                "judge_preference": "Whether head's answer is better than base's, asked in both orders: 1, 0.5 or 0. Needs a base.",
            }
        ),
    ]
    """What is measured."""
    rubric: Rubric
    """What a good answer is, for a reader who knows nothing else. Changing it voids earlier evidence."""


class BiasMetric(ScoreMetric):
    """Whether answers stay the same when who is spoken of changes."""

    name: Annotated[
        Literal["counterfactual_bias"],
        values({"counterfactual_bias": "Likeness of the answers to a question and to the same question about somebody else; 1 is fair."}),
    ]
    """`counterfactual_bias`: the least likeness between the answer and the answers to the swapped questions."""
    swaps: Annotated[
        list[Annotated[list[Annotated[str, Field(min_length=1)]], Field(min_length=2)]],
        Field(min_length=1, examples=[[["he", "she"], ["Anna", "Aisha"]]]),
    ]
    """Groups of words that stand for each other; a question that holds one of a group is asked with each of the others."""


class AmountMetric(Strict):
    """An amount for each answer; lower is better."""

    name: Annotated[
        Literal["latency_ms", "input_tokens", "output_tokens", "cost_usd"],
        values(
            {
                "latency_ms": "Milliseconds from question to answer, safety rules included, on the machine that evaluates.",
                "input_tokens": "Tokens that the model read.",
                "output_tokens": "Tokens that the model wrote.",
                "cost_usd": "US dollars at the model's declared price; nothing is measured without one.",
            }
        ),
    ]
    """What is measured."""
    max: Annotated[float, Field(ge=0, examples=[2000])] | None = None
    """Highest mean that passes, in the metric's unit."""
    margin: Margin = 0.1
    """Growth against the base that does not matter, as a share of the base's mean."""
    blocking: bool = False
    """Whether a miss stops what comes after the release in Dagster."""


Metric = Annotated[
    Plain | Texts | Pattern | JsonAnswer | JudgeMetric | BiasMetric | AmountMetric,
    Field(discriminator="name"),
]


class EvaluationSpec(Strict):
    dataset: Annotated[str, reference("Dataset", "The Dataset with the cases.")]
    metrics: Annotated[list[Metric], Field(min_length=1)]
    """What is measured; each metric once."""
    judge: Annotated[str, reference("Model", "The chat Model that the metrics of a judge ask. It is no part of the release.")] | None = None
    sample: Annotated[int, Field(ge=1, examples=[20])] | None = None
    """Number of cases that are answered by the model, spread evenly over the dataset; all when absent."""
    repeats: Annotated[int, Field(ge=1, le=20, examples=[3])] = 1
    """How often each case is answered; the scores of a case are averaged. More than one shows what chance does."""
    schedule: Cron | None = None
    """When the evaluation runs again, as five cron fields in UTC; otherwise with each release."""


class Evaluation(Spec):
    """Cases, metrics, and what a release must hold."""

    kind: Literal["Evaluation"]
    """The kind of resource."""
    spec: EvaluationSpec
    """Cases, metrics and limits."""
