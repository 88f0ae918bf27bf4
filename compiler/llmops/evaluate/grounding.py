"""Grounding: whether the passages carry the answer, and whether its citations name what it was given.

Words are counted, no meaning: docs/evaluation.md says how much that misses.
"""

from __future__ import annotations

import re

from llmops.evaluate.abstention import abstained
from llmops.evaluate.observation import Observation
from llmops.monitor.groundedness import groundedness

_CITATION = re.compile(r"\[([^\[\]\n]{1,200})\]")


def grounded(observation: Observation) -> float:
    """Share of the answer's words that its passages hold. An answer that claims nothing is grounded; one without passages is not."""
    reply = observation.reply
    if reply is None or not reply.text.strip() or abstained(observation):
        return 1.0
    return groundedness(reply.text, [passage.content for passage in reply.passages]) or 0.0


def citations(observation: Observation) -> float:
    """Share of the citations that are right. `[2]` is the second passage, `[docs/a.md]` a document; an answer without any scores 0.

    A citation is right where the answer had that passage and, where the case names sources, the passage is of one of them.
    """
    if abstained(observation):
        return 1.0
    found = [_is_right(mark.strip(), observation) for mark in _CITATION.findall(observation.reply.text if observation.reply else "")]
    return sum(found) / len(found) if found else 0.0


def _is_right(mark: str, observation: Observation) -> bool:
    paths = [passage.path for passage in observation.reply.passages] if observation.reply else []
    cited = paths[int(mark) - 1] if mark.isdecimal() and 0 < int(mark) <= len(paths) else mark
    return cited in paths and (not observation.case.sources or cited in observation.case.sources)
