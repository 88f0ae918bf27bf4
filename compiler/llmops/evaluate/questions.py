"""What an evaluation must ask: which cases, for which metrics, how often.

Input: the spec of an `Evaluation` and the cases of its dataset. Output: questions, each once, in the order of the dataset.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from llmops.evaluate.bias import has_variants, variants
from llmops.evaluate.cases import Case
from llmops.evaluate.metrics import METRICS

Spec = Mapping[str, Any]


@dataclass(frozen=True, slots=True, order=True)
class Question:
    """One request: an answer, or only the passages. A repeat is a request of its own, never another repeat's answer."""

    needs: Literal["passages", "reply"]
    text: str
    repeat: int = 0


@dataclass(frozen=True, slots=True)
class Chosen:
    """The cases of a run: `retrieved` by metrics of passages, `asked` by metrics of answers. `tuning` were left out."""

    retrieved: tuple[Case, ...]
    asked: tuple[Case, ...]
    tuning: int = 0


def choose(spec: Spec, cases: Sequence[Case]) -> Chosen:
    """What was used for tuning never decides; the model answers only the sampled cases that a metric of answers needs."""
    held_out = [case for case in cases if not case.tuning]
    asked = _needed("reply", spec, sample(held_out, spec.get("sample")))
    return Chosen(tuple(_needed("passages", spec, held_out)), tuple(asked), len(cases) - len(held_out))


def sample(cases: Sequence[Case], count: int | None) -> list[Case]:
    """`count` cases spread evenly over the dataset, always the same ones; all where `count` is None or larger."""
    if count is None or count >= len(cases):
        return list(cases)
    return [cases[i * len(cases) // count] for i in range(count)]


def questions(spec: Spec, chosen: Chosen) -> list[Question]:
    """Every request of the run, each once however many cases and metrics share it."""
    found = dict.fromkeys(Question("passages", case.question) for case in chosen.retrieved)
    for case in chosen.asked:
        found |= dict.fromkeys(
            Question("reply", text, repeat) for text in (case.question, *probes(spec, case)) for repeat in range(spec.get("repeats", 1))
        )
    return list(found)


def probes(spec: Spec, case: Case) -> list[str]:
    """The variants of the case's question that a metric asks."""
    swaps = [declared for declared in spec["metrics"] if declared["name"] == "counterfactual_bias" and has_variants(case, declared)]
    return [text for declared in swaps for text in variants(case.question, declared["swaps"])]


def _needed(needs: str, spec: Spec, cases: Iterable[Case]) -> Iterator[Case]:
    metrics = [(METRICS[declared["name"]], declared) for declared in spec["metrics"] if METRICS[declared["name"]].needs == needs]
    return (case for case in cases if any(metric.applies(case, declared) for metric, declared in metrics))
