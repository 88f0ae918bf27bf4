"""What the verbs share: the workspace's folder, colours, progress, the report of findings."""

from __future__ import annotations

import argparse
import os
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from llmops.errors import UsageError
from llmops.load.root import SETTINGS, find_root

if TYPE_CHECKING:
    from llmops.diagnostics import Diagnostic
    from llmops.load.source import Places

Progress = Callable[[str], None]
COUNTED = re.compile(r"(\d+) of (\d+)")


def add_workspace_arguments(parser: argparse.ArgumentParser) -> None:
    """`--workspace` and `--env`, the same in every verb."""
    parser.add_argument("--workspace", metavar="DIR", type=Path, help="the folder with llmops.yaml (default: here or the nearest above)")
    parser.add_argument("--env", metavar="NAME", help="the environment (default: the workspace's default_environment)")


def workspace_root(args: argparse.Namespace) -> Path:
    """The workspace's folder; raises `UsageError` where there is none."""
    if args.workspace:
        if not (args.workspace / SETTINGS).is_file():
            raise UsageError(f"No {SETTINGS} in {args.workspace}", f"Start one there: llmops init {args.workspace}")
        return Path(args.workspace)
    root = find_root(Path.cwd())
    if root is None:
        raise UsageError(f"No {SETTINGS} here or above", "Run `llmops init` to start a workspace, or name one with --workspace.")
    return root


def uses_colour(stream: object) -> bool:
    if os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
        return False
    return bool(os.environ.get("FORCE_COLOR")) or bool(getattr(stream, "isatty", lambda: False)())


def width_of(stream: TextIO) -> int | None:
    """Columns of the terminal behind a stream; None where there is none."""
    if not stream.isatty():
        return None
    import shutil

    return shutil.get_terminal_size().columns


def print_findings(diagnostics: Iterable[Diagnostic], places: Places) -> None:
    """Errors, warnings and what is waived, in full, on standard error."""
    from llmops.report.text import text_report

    colour, width = uses_colour(sys.stderr), width_of(sys.stderr)
    sys.stderr.write(text_report(diagnostics, places.text, colour=colour, width=width, least="warning"))


@contextmanager
def progress(*, quiet: bool = False) -> Iterator[Progress]:
    """A line that changes on a terminal; plain lines elsewhere, so that a CI log can be followed."""
    if quiet:
        yield lambda _: None
    elif not sys.stderr.isatty():
        yield lambda text: print(text, file=sys.stderr, flush=True)
    else:
        with _bar() as tell:
            yield tell


@contextmanager
def _bar() -> Iterator[Progress]:
    """One line that says what happens; steps that count, as `answered case 3 of 10`, fill a bar."""
    from rich.progress import BarColumn, SpinnerColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Bars

    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(bar_width=24), TimeElapsedColumn())
    with Bars(*columns, transient=True, redirect_stdout=True) as bars:
        task = bars.add_task("starting", total=None)

        def tell(text: str) -> None:
            count = COUNTED.search(text)
            done, total = (int(count[1]), int(count[2])) if count else (0, None)
            bars.update(task, description=text, completed=done, total=total)

        yield tell
