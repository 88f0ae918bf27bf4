"""Whether an answer says that it does not know, by the same words as the evaluation metric `abstention`."""

from __future__ import annotations

from llmops.evaluate.abstention import abstains


def is_refusal(text: str) -> bool:
    return abstains(text)
