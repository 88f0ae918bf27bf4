"""Reads `llmops.lock` from a workspace's tree."""

from __future__ import annotations

from llmops.diagnostics import Diagnostic, Location
from llmops.load.files import MAX_FILE_BYTES
from llmops.load.source import Source
from llmops.load.tree import Tree

FILE = "llmops.lock"
"""In the workspace's folder, beside `llmops.yaml`. It stands here, since every check looks for a lock and few find one."""


def read_lock(tree: Tree) -> tuple[Source | None, list[Diagnostic]]:
    """The lock's text: None where there is no lock, a source without text where it cannot be read.

    Bytes that are no UTF-8 are kept as they are: the line with them is then no entry.
    """
    if not tree.is_inside(FILE):
        return _unread("LLM0103", "The link leads out of the workspace", "Put the file itself here.")
    if not tree.is_file(FILE):
        if tree.witness:
            tree.witness.absent(f"{tree.witness.root}/{FILE}")
        return None, []
    try:
        content = tree.read(FILE, MAX_FILE_BYTES)
    except OSError as error:
        return _unread("LLM0102", f"It cannot be read: {error.strerror}", "Check that you may read it.")
    if len(content) > MAX_FILE_BYTES:
        return _unread("LLM0805", f"{FILE} is larger than {MAX_FILE_BYTES // 1_000_000} MB", "Take it back from git.")
    return Source(FILE, content.decode("utf-8", "surrogateescape").removeprefix("\ufeff")), []


def _unread(code: str, message: str, hint: str) -> tuple[Source, list[Diagnostic]]:
    return Source(FILE, None), [Diagnostic(code, "error", message, (Location(FILE),), "", hint)]
