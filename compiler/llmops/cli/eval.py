"""Measure releases: every evaluation of every application, or with --base only those whose release a change makes new, on the same
cases as the base.

Answers are kept by release, case and repeat: a run that was ended goes on where it was. Exits with 1 when something regressed, a limit
is missed for certain or a rule about single cases is broken; what is only unproven does not fail.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from llmops.cli.inspection import write_whole
from llmops.cli.parts import compiled_bundle, missing_modules
from llmops.cli.terminal import add_workspace_arguments, progress, uses_colour, width_of
from llmops.errors import UsageError
from llmops.report.evaluations import EVALUATION_FORMATS

if TYPE_CHECKING:
    from llmops.cli.evaluating import Order, Piece

EXAMPLES = """\
examples:
  llmops eval                                           every evaluation, against its limits
  llmops eval --base origin/main --report gate.html     what this branch makes better or worse, as a page
  llmops eval --base HEAD --early-stop                  the uncommitted edits; stop as soon as a loss is certain
  llmops eval --env prod --record                       evidence for the release of prod, into llmops.lock
  llmops eval --evaluation handbook-red-team            only this one
"""
SUFFIXES = {".html": "html", ".md": "markdown", ".xml": "junit", ".json": "json", ".txt": "text"}
FAILING = ("failed", "regressed")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_workspace_arguments(parser)
    parser.add_argument("--base", metavar="REF", help="the git ref to compare with, as origin/main")
    parser.add_argument("--app", metavar="NAME", action="append", default=[], help="only this application; may be repeated")
    parser.add_argument("--evaluation", metavar="NAME", action="append", default=[], help="only this evaluation; may be repeated")
    parser.add_argument("--parallel", type=int, default=4, metavar="N", help="questions at a time; a local model takes one (default: 4)")
    parser.add_argument("--early-stop", action="store_true", help="with --base: stop when a loss, or that there is none, is certain")
    parser.add_argument("--again", action="store_true", help="ask everything anew, also what is kept")
    parser.add_argument("--record", action="store_true", help="write the results into llmops.lock, as evidence for these releases")
    parser.add_argument("--format", choices=list(EVALUATION_FORMATS), default="text", help="what is printed (default: text)")
    parser.add_argument(
        "--report",
        metavar="FILE",
        type=Path,
        action="append",
        default=[],
        help=f"write a report too: {', '.join(SUFFIXES)}; may be repeated",
    )
    parser.add_argument("--if-installed", action="store_true", help="where the extra `run` is missing, say so and succeed")


def run(args: argparse.Namespace) -> int:
    _check(args)
    if args.if_installed and missing_modules("run"):
        print('Nothing was measured: the packages that run a bundle are not installed. pip install "llmops-compiler[run,local]"')
        return 0
    compiled = compiled_bundle(args, unmeasured=True)
    if compiled is None:
        return 1
    from llmops.cli.evaluating import Order, evaluate, lock_in
    from llmops.cli.measuring import Manner

    root, bundle = compiled
    manner = Manner(args.parallel, args.early_stop, args.again)
    order = Order(root, bundle, lock_in(root), manner, args.base, tuple(args.app), tuple(args.evaluation))
    with progress() as tell:
        document, pieces = evaluate(order, tell)
    _report(document, args)
    if args.record:
        _record(order, pieces)
    return 1 if document["verdict"] in FAILING else 0


def _check(args: argparse.Namespace) -> None:
    """Raises `UsageError` before anything is started."""
    if args.early_stop and not args.base:
        raise UsageError("--early-stop compares with a base", "Add --base REF.")
    if args.parallel < 1:
        raise UsageError("--parallel is at least 1")
    if args.record and args.early_stop:
        raise UsageError("A run that may stop early is no evidence", "Leave out --early-stop or --record.")
    for file in args.report:
        if file.suffix not in SUFFIXES:
            raise UsageError(f"{file}: no report ends in {file.suffix or 'nothing'}", f"Name one that ends in {', '.join(SUFFIXES)}.")
        if not file.parent.is_dir():
            raise UsageError(f"{file}: its folder does not exist", f"mkdir -p {file.parent}")


def _report(document: dict[str, Any], args: argparse.Namespace) -> None:
    for file in args.report:
        write_whole(file, import_module(EVALUATION_FORMATS[SUFFIXES[file.suffix]]).report(document))
        print(f"wrote {file}", file=sys.stderr)
    colour, width = uses_colour(sys.stdout), width_of(sys.stdout)
    sys.stdout.write(import_module(EVALUATION_FORMATS[args.format]).report(document, colour=colour, width=width))


def _record(order: Order, pieces: Sequence[Piece]) -> None:
    from llmops.lock.record import record
    from llmops.lock.source import FILE
    from llmops.lock.text import render_lock

    entries = [_evidence(order, piece) for piece in pieces]
    if not entries:
        print("Nothing was recorded: no run can be evidence.", file=sys.stderr)
        return
    write_whole(order.root / FILE, render_lock(record(order.lock, entries)))
    for entry in entries:
        said = f"{entry.evaluation} {entry['result']}, n {entry['n']}, for {entry.release[:19]} in {entry.environment}"
        print(f"recorded in {FILE}: {said}", file=sys.stderr)


def _evidence(order: Order, piece: Piece) -> Any:
    """Evidence is as old as the oldest answer that it rests on."""
    from llmops.lock.entries import Evidence
    from llmops.lock.lines import in_order

    run, judge = piece.run, piece.run["judge"]
    named = {
        "judge": f"{judge['model']}@{judge['digest']}" if judge else "-",
        "n": str(run["cases"]),
        "result": run["evidence"],
        "date": piece.day.isoformat(),
    }
    return Evidence(run["release"], order.bundle.environment, f"Evaluation/{run['evaluation']}", in_order(named))
