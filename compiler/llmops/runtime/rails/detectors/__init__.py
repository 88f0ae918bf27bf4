"""The detectors by kind, shared by both engines. A new detector is one function and one line in `DETECTORS`."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from llmops.runtime.rails.detectors.answer import build_groundedness, build_prompt_leakage
from llmops.runtime.rails.detectors.code import build_code_injection
from llmops.runtime.rails.detectors.finding import Detect, Settings
from llmops.runtime.rails.detectors.pii import build_pii
from llmops.runtime.rails.detectors.secrets import build_secrets
from llmops.runtime.rails.detectors.text import build_json, build_keywords, build_length, build_profanity, build_regex
from llmops.runtime.rails.detectors.web import build_web

DETECTORS: Mapping[str, Callable[[Settings], Detect]] = {
    "code_injection": build_code_injection,
    "groundedness": build_groundedness,
    "json": build_json,
    "keywords": build_keywords,
    "length": build_length,
    "pii": build_pii,
    "profanity": build_profanity,
    "prompt_leakage": build_prompt_leakage,
    "regex": build_regex,
    "secrets": build_secrets,
    "web": build_web,
}
"""Kind -> builder. A builder reads the settings of the spec once; what it returns is called for each text."""
