"""Answer metrics: how close an answer comes to the reference, by words and by meaning."""

from __future__ import annotations

import math
import re
import string
from collections import Counter
from collections.abc import Sequence

from llmops.evaluate.observation import Embed, Observation

_ARTICLES = re.compile(r"\b(a|an|the)\b")
_NO_PUNCTUATION = str.maketrans("", "", string.punctuation)


def has_reference(observation: Observation) -> bool:
    """Whether there is a reference answer to compare with."""
    return observation.case.answerable and bool(observation.case.answer)


def words(text: str) -> list[str]:
    """Lower-case words without punctuation and articles, as SQuAD's evaluation script counts them."""
    return _ARTICLES.sub(" ", text.lower().translate(_NO_PUNCTUATION)).split()


def f1(observation: Observation) -> float:
    """Harmonic mean of the shares of words that answer and reference have in common (SQuAD's F1)."""
    given, wanted = words(_reply(observation)), words(observation.case.answer)
    if not given or not wanted:
        return float(given == wanted)
    common = sum((Counter(given) & Counter(wanted)).values())
    return 2 * common / (len(given) + len(wanted))


def similarities(observations: Sequence[Observation], embed: Embed) -> list[float]:
    """Cosine of the embeddings of answer and reference, negative values as 0; an empty answer scores 0."""
    texts = [text for o in observations for text in (_reply(o), o.case.answer)]
    vectors = embed([text or " " for text in texts])
    pairs = zip(observations, vectors[::2], vectors[1::2], strict=True)
    return [_cosine(given, wanted) if _reply(o).strip() else 0.0 for o, given, wanted in pairs]


def _cosine(one: Sequence[float], other: Sequence[float]) -> float:
    product = sum(a * b for a, b in zip(one, other, strict=True))
    length = math.hypot(*one) * math.hypot(*other)
    return min(1.0, max(0.0, product / length)) if length else 0.0


def _reply(observation: Observation) -> str:
    return observation.reply.text if observation.reply else ""
