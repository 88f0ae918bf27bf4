"""Find every mistake in the specs of one environment and say how to mend it.

Exits with 1 when there is a finding, an error or a warning; --severity error asks for errors only. What is waived, and notes,
fail nothing.
"""

from __future__ import annotations

import argparse
import sys
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from llmops.cli.inspection import add_summary, inspect, recalled, write_whole
from llmops.cli.terminal import add_workspace_arguments, uses_colour, width_of, workspace_root
from llmops.errors import UsageError
from llmops.report import FORMATS

if TYPE_CHECKING:
    from llmops.cache import Outcome
    from llmops.cli.inspection import Inspection
    from llmops.diagnostics import Severity

CLEAN, FAILED = 0, 1

EXAMPLES = """\
examples:
  llmops check                                     the default environment
  llmops check --env prod                          with production's overlays
  llmops check --severity note                     policies in audit mode, too
  llmops check --watch                             again whenever a file changes
  llmops check --fix                               mend what can be mended, after a look at the diff
  llmops check --base origin/main                  with the policies that look at changes
  llmops check --format sarif --output llmops.sarif
  llmops explain LLM0401                           what a code means
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_workspace_arguments(parser)
    parser.add_argument("--format", choices=list(FORMATS), default="text", help="how findings are reported (default: text)")
    parser.add_argument("--output", metavar="FILE", type=Path, help="write the report there, and text to the terminal")
    parser.add_argument(
        "--severity",
        choices=["error", "warning", "note"],
        default="warning",
        help="the least severe finding that is shown (default: warning)",
    )
    parser.add_argument("--base", metavar="REF", help="compare with a git ref, for policies that look at changes")
    parser.add_argument("--watch", action="store_true", help="check again when a file changes, until Ctrl-C")
    parser.add_argument("--fix", action="store_true", help="show the edits that mend findings as a diff, and write them if you agree")
    parser.add_argument("--yes", action="store_true", help="with --fix: write without asking")


def run(args: argparse.Namespace) -> int:
    _refuse_contradictions(args)
    root = workspace_root(args)
    if args.watch:
        from llmops.cli.watch import watch

        watch(root, lambda witness: _deliver(inspect(root, args, witness), args, sys.stdout))
    if args.fix:
        return _fixed(root, args)
    return _deliver(recalled(root, args) or inspect(root, args), args, sys.stdout)


def _refuse_contradictions(args: argparse.Namespace) -> None:
    if args.yes and not args.fix:
        raise UsageError("--yes goes with --fix", "It writes the edits without asking.")
    if args.fix and args.watch:
        raise UsageError("--fix and --watch exclude each other", "Fix first, then watch.")
    if args.fix and args.format != "text" and not args.output:
        raise UsageError(f"--fix prints a diff where the {args.format} report would go", "Write the report to a file with --output.")


def _fixed(root: Path, args: argparse.Namespace) -> int:
    """The diff is all that goes to standard output; what is left to mend goes to standard error."""
    from llmops.cli.fixes import fix

    inspection = inspect(root, args)
    if fix(root, inspection.outcome.diagnostics, yes=args.yes).written:
        inspection = inspect(root, args)
    return _deliver(inspection, args, sys.stderr)


def _deliver(inspection: Inspection, args: argparse.Namespace, terminal: TextIO) -> int:
    """Writes the report, and text to `terminal` unless the report itself went there. Returns the exit code."""
    outcome = inspection.outcome
    if args.format == "text" or args.output:
        terminal.write(_text(outcome, args.severity, terminal))
    if args.format != "text" or args.output:
        _report(inspection, args)
    return FAILED if _fails(outcome, args.severity) else CLEAN


def _report(inspection: Inspection, args: argparse.Namespace) -> None:
    findings = inspection.findings(args.severity)
    text: str = import_module(FORMATS[args.format]).report(findings)
    if args.output:
        write_whole(args.output, text)
    else:
        sys.stdout.write(text)
    if args.format == "github":
        add_summary(findings)


def _fails(outcome: Outcome, least: Severity) -> bool:
    if not outcome.diagnostics:
        return False
    from llmops.report.findings import fails

    return fails(outcome.diagnostics, least)


def _text(outcome: Outcome, least: Severity, stream: TextIO) -> str:
    """The findings, and where none fails the check a line that says so."""
    scope = f"{outcome.resources} resources in {outcome.environment}"
    if not outcome.diagnostics:
        return f"{scope}: no findings.\n"
    from llmops.report.text import text_report

    text = text_report(outcome.diagnostics, outcome.text, colour=uses_colour(stream), width=width_of(stream), least=least)
    if _fails(outcome, least):
        return text
    return f"{text}{scope}: {'no errors' if least == 'error' else 'no errors, no warnings'}.\n"
