"""The detectors by kind, shared by both engines. A new detector is one function and one line in `DETECTORS`."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

from llmops.runtime.rails.detectors.answer import build_groundedness, build_prompt_leakage
from llmops.runtime.rails.detectors.code import build_code_injection
from llmops.runtime.rails.detectors.finding import Detect, Finding, Request, Settings
from llmops.runtime.rails.detectors.injection import build_prompt_injection
from llmops.runtime.rails.detectors.judge import build_content_safety, build_llm_judge
from llmops.runtime.rails.detectors.pii import build_pii
from llmops.runtime.rails.detectors.secrets import build_secrets
from llmops.runtime.rails.detectors.text import build_json, build_keywords, build_length, build_profanity, build_regex
from llmops.runtime.rails.detectors.topic import build_topic
from llmops.runtime.rails.detectors.web import build_web

DETECTORS: Mapping[str, Callable[[Settings], Detect]] = {
    "code_injection": build_code_injection,
    "content_safety": build_content_safety,
    "groundedness": build_groundedness,
    "json": build_json,
    "keywords": build_keywords,
    "length": build_length,
    "llm_judge": build_llm_judge,
    "pii": build_pii,
    "profanity": build_profanity,
    "prompt_injection": build_prompt_injection,
    "prompt_leakage": build_prompt_leakage,
    "regex": build_regex,
    "secrets": build_secrets,
    "topic": build_topic,
    "web": build_web,
}
"""Kind -> builder. A builder reads the settings of the spec once; what it returns is called for each text."""

ASKS_A_MODEL = frozenset({"content_safety", "llm_judge"})
"""Kinds that wait for a server: other texts must not wait with them."""
JUDGING = 16
"""Texts that are judged at the same time by such kinds."""


def build_detector(kind: str, settings: Settings) -> Detect:
    """The detector of a rule. With `budget_ms` in its settings, one that takes longer raises `TimeoutError`: it has failed."""
    detect = DETECTORS[kind](settings)
    budget = settings.get("budget_ms")
    return _limited(detect, float(budget)) if budget else detect


def _limited(detect: Detect, milliseconds: float) -> Detect:
    def within(request: Request) -> Finding | None:
        began = time.perf_counter()
        finding = detect(request)
        took = (time.perf_counter() - began) * 1000
        if took > milliseconds:
            raise TimeoutError(f"it took {took:.0f} ms of a budget of {milliseconds:.0f}")
        return finding

    return within
