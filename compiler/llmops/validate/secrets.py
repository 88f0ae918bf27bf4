"""Finds literals that look like secrets. Specs hold `{env: NAME}`, never the value.

Part of the stage `validate`. The value itself is never repeated in a message.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from llmops.diagnostics import Diagnostic
from llmops.load.source import Document, Places
from llmops.resources import Path

# The fixed beginnings let a substring search skip nearly every file before a regular expression runs.
KNOWN = {
    "sk-": re.compile(r"\bsk-(?:proj-|ant-)?[A-Za-z0-9_-]{20,}"),
    "AKIA": re.compile(r"\bAKIA[0-9A-Z]{16}\b"),
    "ghp_": re.compile(r"\bghp_[A-Za-z0-9]{36}\b"),
    "github_pat_": re.compile(r"\bgithub_pat_[A-Za-z0-9_]{40,}"),
    "xoxb-": re.compile(r"\bxoxb-[A-Za-z0-9-]{20,}"),
    "AIza": re.compile(r"\bAIza[A-Za-z0-9_-]{35}\b"),
    "hf_": re.compile(r"\bhf_[A-Za-z0-9]{30,}\b"),
    "PRIVATE KEY-----": re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----"),
    "://": re.compile(r"://[^/\s:@{]+:[^/\s@{]+@"),
    "eyJ": re.compile(r"\beyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}"),
}


def check_secrets(documents: Iterable[Document], places: Places) -> list[Diagnostic]:
    """One error for each value that looks like a key, a token or a password in an address."""
    return [finding for document in documents if _may_hold_one(places.text(document.file) or "") for finding in _check(document, places)]


def _may_hold_one(text: str) -> bool:
    return any(beginning in text and pattern.search(text) for beginning, pattern in KNOWN.items())


def _check(document: Document, places: Places) -> Iterator[Diagnostic]:
    for path, value in _texts(document.data, ()):
        if any(beginning in value and pattern.search(value) for beginning, pattern in KNOWN.items()):
            place = places.value(document, path)
            hint = "Revoke it, keep the new one outside git and write {env: NAME}."
            yield Diagnostic("LLM0210", "error", "This looks like a secret; specs never hold one", (place,), ".".join(map(str, path)), hint)


def _texts(value: Any, path: Path) -> Iterator[tuple[Path, str]]:
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, dict | list):
        for key, item in value.items() if isinstance(value, dict) else enumerate(value):
            yield from _texts(item, (*path, key))
