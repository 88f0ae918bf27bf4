"""Remembers what `llmops check` found: a check of an unchanged workspace imports no stage and reads no spec.

Input: a workspace and an environment. Output: an `Outcome`. Nothing is remembered or recalled in CI, where a result counts:
whoever can write into the checkout could put "no findings" there.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

from llmops.cache.entry import read_entry, write_entry
from llmops.cache.evidence import Evidence, gather
from llmops.cache.identity import Machine
from llmops.cache.witness import Witness, today

if TYPE_CHECKING:
    from llmops.diagnostics import Diagnostic
    from llmops.pipeline import Checked

FORMAT = 2
"""Raised when an entry's form changes."""
_OFF = ("", "0", "false")
_NOT_KEPT = ("LLM01", "LLM08", "LLM0210", "LLM0904", "LLM0909")
"""Findings about files and packs that could not be read, of which no digest is known; a secret, which is written nowhere else; a
policy that took too long, which another time it may not."""


class Outcome:
    """What a check found. `text` gives the text of a file that a finding quotes, None for any other.

    A plain class: importing `dataclasses` takes as long as looking at 2,000 files.
    """

    __slots__ = ("diagnostics", "environment", "resources", "text")

    def __init__(self, environment: str, resources: int, diagnostics: Sequence[Diagnostic], text: Callable[[str], str | None]) -> None:
        self.environment = environment
        self.resources = resources
        """How many there are; 0 where the workspace itself could not be read."""
        self.diagnostics = tuple(diagnostics)
        self.text = text

    @classmethod
    def of(cls, checked: Checked) -> Outcome:
        graph = checked.graph
        resources = len(graph.resources) if graph else 0
        return cls(graph.environment if graph else "", resources, checked.diagnostics, checked.places.text)


def recall(root: Path, environment: str | None) -> Outcome | None:
    """What the last check of this environment found, if nothing that it read has changed; None otherwise."""
    now = time.time_ns()
    entry = None if is_off() else read_entry(str(root), _name(environment))
    if entry is None:
        return None
    head, digests = entry
    if (head["format"], head["machine"], head["day"]) != (FORMAT, Machine().digest, today()):
        return None
    evidence = Evidence(head["evidence"], digests)
    if not evidence.holds(str(root), now):
        return None
    if evidence.renewed:
        write_entry(str(root), _name(environment), {**head, "evidence": evidence.known()}, digests)
    return _outcome(root, head["found"])


def begin(root: Path) -> Witness | None:
    """A witness for a check that is about to begin; None where nothing is remembered, so that nothing need be noted."""
    return None if is_off() else Witness(root)


def remember(witness: Witness | None, environment: str | None, checked: Checked) -> Outcome:
    """Keeps what a check found for the next run, and returns it. `environment` is what was asked for, None for the default."""
    outcome = Outcome.of(checked)
    if witness and _may_be_kept(witness, checked):
        evidence = gather(witness)
        known = {"machine": witness.machine.digest, "day": witness.day, "evidence": evidence.known(), "found": _found(outcome, witness)}
        write_entry(str(witness.root), _name(environment), {"format": FORMAT, **known}, evidence.digests)
    return outcome


def _may_be_kept(witness: Witness, checked: Checked) -> bool:
    kept = checked.graph is not None and not any(d.code.startswith(_NOT_KEPT) for d in checked.diagnostics)
    return kept and witness.steady and not is_off()


def is_off() -> bool:
    """In CI, and where `LLMOPS_NO_CACHE` asks for it."""
    return any(os.environ.get(variable, "").lower() not in _OFF for variable in ("CI", "LLMOPS_NO_CACHE"))


def _name(environment: str | None) -> str:
    """A file name for whatever the command line names an environment."""
    return sha256(repr(environment).encode("utf-8", "surrogateescape")).hexdigest()[:16]


def _found(outcome: Outcome, witness: Witness) -> dict[str, Any]:
    from dataclasses import asdict

    quoted = {place.file for diagnostic in outcome.diagnostics for place in diagnostic.locations}
    return {
        "environment": outcome.environment,
        "resources": outcome.resources,
        "diagnostics": [asdict(diagnostic) for diagnostic in outcome.diagnostics],
        "quoted": {file: witness.names.get(file, file) for file in sorted(quoted) if outcome.text(file) is not None},
    }


def _outcome(root: Path, found: dict[str, Any]) -> Outcome:
    def text(file: str) -> str | None:
        # Lines are read again, not kept: they may hold what nobody wants in a second place.
        path = found["quoted"].get(file)
        return (root / path).read_bytes().decode("utf-8").removeprefix("\ufeff") if path else None

    diagnostics = [_diagnostic(entry) for entry in found["diagnostics"]]
    return Outcome(found["environment"], found["resources"], diagnostics, text)


def _diagnostic(entry: dict[str, Any]) -> Diagnostic:
    from llmops.diagnostics import Diagnostic, Edit, Location

    edits = tuple(Edit(**{**edit, "path": tuple(edit["path"])}) for edit in entry["edits"])
    return Diagnostic(**{**entry, "locations": tuple(Location(**place) for place in entry["locations"]), "edits": edits})
