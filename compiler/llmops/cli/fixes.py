"""What `llmops check --fix` does: findings that carry edits → a diff to look at, and files written when the user agrees.

The verb `check` calls `fix`; nothing is written without `--yes` or a `y` on a terminal.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from llmops.diagnostics import Diagnostic


@dataclass(frozen=True, slots=True)
class FixOutcome:
    """`changed` are the files that an edit would change, `written` those that were, `refused` says in sentences what cannot be edited."""

    changed: tuple[str, ...]
    written: tuple[str, ...]
    refused: tuple[str, ...]


def fix(root: Path, diagnostics: Iterable[Diagnostic], *, yes: bool) -> FixOutcome:
    """Shows the edits of the findings that are not waived as a unified diff on standard output, asks, and writes.

    `root` is the workspace's folder. With `yes` nothing is asked. Without it, a terminal is asked (y/N), and where there is
    no terminal nothing is written. Words about the diff go to standard error, so that the output is a patch.
    Files outside the workspace are refused, by path or through a link. Raises `LlmopsError` where the system does not let a
    file be written; the files before it are written then, each as a whole.
    """
    raise NotImplementedError
