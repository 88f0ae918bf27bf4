"""One check as the verb `check` runs it, what its reports need beside the findings, and where reports are written.

Imports little: a check of an unchanged workspace is remembered, and takes no longer than looking at its files.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from llmops.cache import Outcome, begin, recall, remember
from llmops.errors import LlmopsError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from llmops.cache.witness import Witness
    from llmops.diagnostics import Severity
    from llmops.pipeline import Checked
    from llmops.report.findings import Findings

_NEED_THE_GRAPH = ("junit", "sarif")
"""Forms of report that name files and policies without findings, which are not remembered."""
SUMMARY = "GITHUB_STEP_SUMMARY"


class Inspection:
    """What one check found. `checked` is None where the findings were remembered. A plain class, as `Outcome` is."""

    __slots__ = ("checked", "outcome", "root")

    def __init__(self, root: Path, outcome: Outcome, checked: Checked | None = None) -> None:
        self.root = root
        self.outcome = outcome
        self.checked = checked

    def findings(self, least: Severity) -> Findings:
        """For a report in any form."""
        from llmops.report.findings import Findings

        outcome = self.outcome
        folder = folder_in_repository(self.root)
        return Findings(outcome.diagnostics, outcome.text, outcome.environment, least, folder, self._files(), self._policies)

    def _files(self) -> tuple[str, ...]:
        graph = self.checked.graph if self.checked else None
        return tuple(sorted({r.source.file for r in graph.resources.values()})) if graph else ()

    def _policies(self) -> Mapping[str, Mapping[str, Any]]:
        rules = self.checked.packs.rules if self.checked else ()
        return {rule.name: {"metadata": rule.metadata, "spec": rule.spec} for rule in rules}


def recalled(root: Path, args: argparse.Namespace) -> Inspection | None:
    """The last check of this environment, where nothing has changed since and it holds all that is asked for."""
    if args.base or args.format in _NEED_THE_GRAPH:
        return None
    outcome = recall(root, args.env)
    return Inspection(root, outcome) if outcome else None


def inspect(root: Path, args: argparse.Namespace, witness: Witness | None = None) -> Inspection:
    """Checks, and remembers what was found. `witness` notes what is read; raises what `check_workspace` raises."""
    from llmops.pipeline import check_workspace

    witness = witness or begin(root)
    checked = check_workspace(root, args.env, base=args.base, witness=witness)
    # What was found against a base says nothing of a check without one.
    outcome = Outcome.of(checked) if args.base else remember(witness, args.env, checked)
    return Inspection(root, outcome, checked)


def folder_in_repository(root: Path) -> str:
    """The workspace's folder below the nearest repository, with slashes; empty at its root, and where there is none."""
    here = root.resolve()
    above = next((folder for folder in (here, *here.parents) if (folder / ".git").exists()), here)
    relative = here.relative_to(above).as_posix()
    return "" if relative == "." else relative


def write_whole(path: Path, text: str) -> None:
    """A reader sees the old file or the new one; a device or a pipe is written to. Raises `LlmopsError` where the system refuses."""
    if path.exists() and not path.is_file():
        _write_into(path, text)
        return
    staged = path.with_name(f".{path.name}-{os.getpid()}")
    try:
        staged.write_text(text, "utf-8")
        os.replace(staged, path)
    except OSError as error:
        staged.unlink(missing_ok=True)
        message = f"{path} cannot be written: {error.strerror}"
        raise LlmopsError(message, "Check that its folder exists and that you may write there.") from error


def _write_into(path: Path, text: str) -> None:
    """Nothing may take the place of `/dev/stdout`."""
    try:
        with path.open("w", encoding="utf-8") as stream:
            stream.write(text)
    except OSError as error:
        raise LlmopsError(f"{path} cannot be written: {error.strerror}", "Name a file.") from error


def add_summary(findings: Findings) -> None:
    """Adds to the page of a GitHub run, where there is one."""
    page = os.environ.get(SUMMARY)
    if not page:
        return
    from llmops.report.github import summary

    with open(page, "a", encoding="utf-8") as stream:
        stream.write(summary(findings))
