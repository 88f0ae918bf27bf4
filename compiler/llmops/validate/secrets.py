"""Finds literals that look like secrets. Specs hold `{env: NAME}`, never the value.

Input: the texts of files, comments and broken files included. The value itself is never repeated in a message.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from llmops.diagnostics import Diagnostic, Location
from llmops.load.source import Document, Places

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
    "://": re.compile(r"""://[^/\s:@{"']+:[^/\s@{"']+@"""),
    "eyJ": re.compile(r"\beyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}"),
}
HIDDEN = "•"


def check_secrets(documents: Iterable[Document], places: Places) -> list[Diagnostic]:
    """One error for each thing in the documents' files that looks like a key, a token or a password in an address."""
    files = dict.fromkeys(document.file for document in documents)
    return [finding for file in files for finding in _check(file, places.text(file) or "")]


def holds_secret(text: str) -> bool:
    return any(beginning in text and pattern.search(text) for beginning, pattern in KNOWN.items())


def hide_secrets(text: str) -> str:
    """The text, of the same length, with every secret of a known form blotted out."""
    for beginning, pattern in KNOWN.items():
        if beginning in text:
            text = pattern.sub(lambda match: HIDDEN * len(match[0]), text)
    return text


def _check(file: str, text: str) -> Iterator[Diagnostic]:
    for beginning, pattern in KNOWN.items():
        for match in pattern.finditer(text) if beginning in text else ():
            line, column = text.count("\n", 0, match.start()) + 1, match.start() - text.rfind("\n", 0, match.start())
            hint = "Revoke it, keep the new one outside git and write {env: NAME}."
            place = Location(file, line, column, len(match[0]))
            yield Diagnostic("LLM0210", "error", "This looks like a secret; specs never hold one", (place,), "", hint)
