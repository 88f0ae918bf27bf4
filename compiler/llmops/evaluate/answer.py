"""Answer metrics: how close an answer comes to the reference, by words, by their order and by meaning."""

from __future__ import annotations

import math
import re
import string
from collections import Counter
from collections.abc import Sequence

from llmops.evaluate.cases import Case
from llmops.evaluate.observation import Declared, Observation, Scored, Tools

_ARTICLES = re.compile(r"\b(a|an|the)\b")
_NO_PUNCTUATION = str.maketrans("", "", string.punctuation)


def has_reference(case: Case, _declared: Declared) -> bool:
    """Whether there is a reference answer to compare with."""
    return case.answerable and bool(case.answer)


def words(text: str) -> list[str]:
    """Lower-case words without punctuation and articles, as SQuAD's evaluation script counts them."""
    return _ARTICLES.sub(" ", text.lower().translate(_NO_PUNCTUATION)).split()


def exact(observation: Observation) -> float:
    """1 where both are the same words in the same order (SQuAD's exact match)."""
    return float(words(said(observation)) == words(observation.case.answer))


def f1(observation: Observation) -> float:
    """Harmonic mean of the shares of words that answer and reference have in common (SQuAD's F1)."""
    return likeness(said(observation), observation.case.answer)


def likeness(one: str, other: str) -> float:
    """F1 of the words of two texts, whatever their order."""
    given, wanted = words(one), words(other)
    if not given or not wanted:
        return float(given == wanted)
    common = sum((Counter(given) & Counter(wanted)).values())
    return 2 * common / (len(given) + len(wanted))


def rouge_l(observation: Observation) -> float:
    """F1 of the longest common sequence of words (ROUGE-L, Lin 2004, with β = 1)."""
    given, wanted = words(said(observation)), words(observation.case.answer)
    if not given or not wanted:
        return float(given == wanted)
    return 2 * _common_sequence(given, wanted) / (len(given) + len(wanted))


def _common_sequence(one: Sequence[str], other: Sequence[str]) -> int:
    row = [0] * (len(other) + 1)
    for word in one:
        before = 0
        for column, candidate in enumerate(other, start=1):
            before, row[column] = row[column], before + 1 if word == candidate else max(row[column], row[column - 1])
    return row[-1]


def similarities(observations: Sequence[Observation], _declared: Declared, tools: Tools) -> Scored:
    """Cosine of the embeddings of answer and reference, negative values as 0; an empty answer scores 0."""
    texts = [text for o in observations for text in (said(o), o.case.answer)]
    vectors = tools.embed([text or " " for text in texts])
    pairs = zip(observations, vectors[::2], vectors[1::2], strict=True)
    return Scored(tuple(_cosine(given, wanted) if said(o).strip() else 0.0 for o, given, wanted in pairs))


def _cosine(one: Sequence[float], other: Sequence[float]) -> float:
    product = sum(a * b for a, b in zip(one, other, strict=True))
    length = math.hypot(*one) * math.hypot(*other)
    return min(1.0, max(0.0, product / length)) if length else 0.0


def said(observation: Observation) -> str:
    return observation.reply.text if observation.reply else ""
