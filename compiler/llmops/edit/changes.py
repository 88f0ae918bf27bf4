"""Many edits → the files that they change, each with its text before and after.

Edits that contradict each other are refused together, by name; the others are made.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from llmops.diagnostics import Edit
from llmops.edit.data import same
from llmops.edit.document import edited
from llmops.edit.refusal import BY_HAND, EditRefused
from llmops.resources import Path, holds
from llmops.validate import dotted

Place = tuple[str, int, Path]


@dataclass(frozen=True, slots=True)
class FileChange:
    """A file, relative to the workspace, and its text before and after."""

    file: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Refusal:
    """An edit that was not made. `message` says why, `hint` what to do instead."""

    edit: Edit
    message: str
    hint: str


@dataclass(frozen=True, slots=True)
class FileChanges:
    """`files` in order of path; a file that already holds every value is not among them."""

    files: tuple[FileChange, ...]
    refused: tuple[Refusal, ...]


def apply_edits(edits: Iterable[Edit], read: Callable[[str], str]) -> FileChanges:
    """All edits, file by file. Every path means the text as `read` gives it, whatever the other edits add or take out.

    `read` returns a file's text without a byte order mark, and may raise `EditRefused`; then the file's edits are refused.
    """
    kept, refused = _without_contradictions(edits)
    changed: list[FileChange] = []
    for file in sorted({edit.file for edit in kept}):
        change, problems = _changed(file, [edit for edit in kept if edit.file == file], read)
        refused += problems
        if change.before != change.after:
            changed.append(change)
    return FileChanges(tuple(changed), tuple(refused))


def _changed(file: str, edits: list[Edit], read: Callable[[str], str]) -> tuple[FileChange, list[Refusal]]:
    try:
        before = read(file)
    except EditRefused as problem:
        return FileChange(file, "", ""), [Refusal(edit, str(problem), problem.hint) for edit in edits]
    after, refused = before, []
    for edit in sorted(edits, key=_turn):
        try:
            after = edited(after, edit.index, edit.path, edit.value)
        except EditRefused as problem:
            refused.append(Refusal(edit, str(problem), problem.hint))
    return FileChange(file, before, after), refused


def _turn(edit: Edit) -> tuple[bool, list[tuple[int, str]]]:
    """Removals come last, and from the end of a list, so that no position moves before it is used."""
    goes = edit.value is None
    steps = [(-step if goes else step, "") if isinstance(step, int) else (0, step) for step in (edit.index, *edit.path)]
    return goes, steps


def _without_contradictions(edits: Iterable[Edit]) -> tuple[list[Edit], list[Refusal]]:
    """Equal edits are one, and one that another includes is left out."""
    unique: list[Edit] = []
    for edit in edits:
        if not any(_place(edit) == _place(other) and same(edit.value, other.value) for other in unique):
            unique.append(edit)
    refused = [Refusal(e, _contradiction(e, rival), BY_HAND) for e in unique if (rival := _rival(e, unique)) is not None]
    contradicted = [refusal.edit for refusal in refused]
    kept = [e for e in unique if e not in contradicted and not any(_includes(other, e) for other in unique)]
    return kept, refused


def _rival(edit: Edit, edits: list[Edit]) -> Edit | None:
    """Another edit of the same place, or of one above or below it, that wants something else."""
    return next((other for other in edits if other is not edit and _overlap(edit, other) and not _agree(edit, other)), None)


def _overlap(left: Edit, right: Edit) -> bool:
    shared = min(len(left.path), len(right.path))
    return (left.file, left.index) == (right.file, right.index) and left.path[:shared] == right.path[:shared]


def _agree(left: Edit, right: Edit) -> bool:
    return _includes(left, right) or _includes(right, left)


def _includes(outer: Edit, inner: Edit) -> bool:
    """Whether `outer` sets something above `inner`'s place that holds the same there."""
    if not _overlap(outer, inner) or len(outer.path) >= len(inner.path):
        return False
    value = outer.value
    for step in inner.path[len(outer.path) :]:
        if not holds(value, (step,)):
            return inner.value is None
        value = value[step]
    return same(value, inner.value)


def _place(edit: Edit) -> Place:
    return edit.file, edit.index, edit.path


def _contradiction(edit: Edit, rival: Edit) -> str:
    here, there = dotted(edit.path), dotted(rival.path)
    what = f"{here} is to be {_shown(edit)} by one finding and {_shown(rival)} by another"
    return what if here == there else f"{here} is to be {_shown(edit)} by one finding, and {there} {_shown(rival)} by another"


def _shown(edit: Edit) -> str:
    return "taken out" if edit.value is None else repr(edit.value)
