"""Whether a text is about what it may be about, by likeness to example sentences: shared runs of three to five letters.

Cheap and without a model, so it knows words and not meaning: examples must use the words that people use.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from llmops.runtime.rails.detectors.finding import Detect, Finding, Request, Settings


def build_topic(settings: Settings) -> Detect:
    """Score: the likeness to the nearest example, 0 to 1."""
    denied = _likeness(settings["denied"]) if settings.get("denied") else None
    allowed = _likeness(settings["allowed"]) if settings.get("allowed") else None
    threshold = float(settings["threshold"])

    def detect(request: Request) -> Finding | None:
        if denied and (score := denied(request.text)) >= threshold:
            return Finding("like a topic that is denied", round(score, 3))
        if allowed and (score := allowed(request.text)) < threshold:
            return Finding("like no topic that is allowed", round(score, 3))
        return None

    return detect


def _likeness(examples: Sequence[str]) -> Any:
    from sklearn.feature_extraction.text import TfidfVectorizer

    # Fitted on the examples alone: letters that all of them share say little.
    vectorizer = TfidfVectorizer(analyzer="char_wb", ngram_range=(3, 5), sublinear_tf=True)
    known = vectorizer.fit_transform(examples)

    def likeness(text: str) -> float:
        return float((known @ vectorizer.transform([text]).T).max())

    return likeness
