"""Puts an example of a code into a workspace: the golden cases' base, with the example's lines in their places."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from datetime import date
from pathlib import Path

from llmops.codes import CODES, Code, Part, Side
from llmops.diagnostics import Diagnostic, Location
from llmops.pipeline import Checked, check_workspace

BASE = Path(__file__).parents[1] / "golden" / "_base"
OPEN, CLOSE = "«", "»"
TODAY = date(2026, 1, 1)
"""The day of every check here, so that the waivers of the examples neither expire nor begin to hold."""


def examples() -> list[str]:
    """Codes that have an example."""
    return [name for name, code in CODES.items() if code.example]


def lay_out(code: Code, side: Side, folder: Path) -> Path:
    """The workspace of one side of the example. A part that does not stand where it says is an AssertionError."""
    root = Path(shutil.copytree(BASE, folder))
    for file, text in code.beside.items():
        write(root / file, text)
    for part in code.example:
        write(root / part.place.file, with_part(root / part.place.file, part, side))
    return root


def write(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, "utf-8")


def with_part(file: Path, part: Part, side: Side) -> str:
    """What the file holds with the part in it."""
    if not file.exists():
        assert part.instead is None, f"{file.name} is new: there is nothing to replace"
        return above(part) + part.text(side) + "\n"
    present = file.read_text("utf-8")
    if part.instead == "":
        return f"{present}{part.text(side)}\n"
    replaced = part.right if part.instead is None else part.instead
    lines = f"\n{replaced}\n"
    assert f"\n{present}".count(lines) == 1, f"these lines stand not once in {file.name}:{lines}"
    return f"\n{present}".replace(lines, f"\n{part.text(side)}\n")[1:]


def above(part: Part) -> str:
    return f"{part.place.above}\n" if part.place.above else ""


def marked_place(code: Code, root: Path) -> Location:
    """Where the guillemets of the wrong side stand, in the file as it was laid out."""
    (part,) = (part for part in code.example if part.marked)
    text = (root / part.place.file).read_text("utf-8")
    before, _, rest = part.wrong.partition(OPEN)
    start = text.index(f"\n{part.text('wrong')}\n") + 1 if not text.startswith(part.text("wrong")) else 0
    head = text[:start] + before
    return Location(part.place.file, head.count("\n") + 1, len(head) - head.rfind("\n"), len(rest.partition(CLOSE)[0]))


def span(place: Location) -> tuple[str, int, int, int]:
    """A place without its label."""
    return place.file, place.line, place.column, place.width


def checked(code: Code, side: Side, folder: Path) -> tuple[Checked, Path]:
    root = lay_out(code, side, folder)
    return check_workspace(root, today=TODAY), root


def counting(found: Checked) -> list[Diagnostic]:
    """What can fail a check: no notes, and nothing that a waiver excuses."""
    return [d for d in found.diagnostics if d.counts]


def told(diagnostics: Iterable[Diagnostic]) -> list[str]:
    return [f"{d.code} {d.location.file}:{d.location.line}:{d.location.column}+{d.location.width} {d.message}" for d in diagnostics]
