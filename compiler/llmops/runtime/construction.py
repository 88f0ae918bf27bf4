"""Rendered Haystack pipelines, constructed and connected but not started: what can be checked without models, stores and secrets."""

from __future__ import annotations

import os

import yaml

from llmops.errors import LlmopsError
from llmops.runtime.bundle import Bundle
from llmops.runtime.pipelines import ALLOWED_PACKAGES


def construct_pipelines(bundle: Bundle) -> int:
    """Constructs every pipeline of a bundle, and returns how many there are. Needs Haystack.

    Raises `LlmopsError` naming the first that Haystack does not load, or that has a component outside the allow-list.
    """
    paths = [path for application in bundle.applications.values() for path in (application.query, application.indexing) if path]
    for path in paths:
        _construct(bundle, path)
    return len(paths)


def _construct(bundle: Bundle, path: str) -> None:
    definition = yaml.safe_load(bundle.text(path))
    foreign = [c["type"] for c in definition["components"].values() if not c["type"].startswith(ALLOWED_PACKAGES)]
    if foreign:
        raise LlmopsError(f"{path} has components of types that no pipeline of llmops uses: {', '.join(foreign)}.", "llmops bundle")
    os.environ.setdefault("HAYSTACK_TELEMETRY_ENABLED", "False")
    from haystack import Pipeline

    try:
        Pipeline.from_dict(definition, allowed_modules=["llmops.runtime"])
    except Exception as error:  # a component raises what it likes
        first = str(error).partition("\n")[0]
        raise LlmopsError(f"Haystack does not load {path}: {type(error).__name__}: {first}", "llmops doctor") from error
