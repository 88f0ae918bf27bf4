"""Dagster definitions from a compiled bundle. `dg` finds the components through this module (see `component.py`)."""

from __future__ import annotations

from llmops.runtime.dagster.component import LlmopsBundle, LlmopsWorkspace
from llmops.runtime.dagster.definitions import build_defs_from_manifest
from llmops.runtime.dagster.translator import LlmopsTranslator, LlmopsTranslatorSettings

__all__ = ["LlmopsBundle", "LlmopsTranslator", "LlmopsTranslatorSettings", "LlmopsWorkspace", "build_defs_from_manifest"]
