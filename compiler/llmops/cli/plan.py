"""Show what a change of the specs will do: which resources change and how gravely, what they reach, what must be built, evaluated
and reviewed, and what it costs.

Compares the working tree with a git ref, read from git's objects; nothing is checked out. Exits with 0 when nothing changes and
with 1 when something does.
"""

from __future__ import annotations

import argparse
import sys
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from llmops.cli.inspection import write_whole
from llmops.cli.terminal import uses_colour, width_of, workspace_root
from llmops.errors import UsageError
from llmops.report.plans import PLAN_FORMATS
from llmops.report.plans.phrases import is_empty

if TYPE_CHECKING:
    from collections.abc import Mapping

UNCHANGED, CHANGED = 0, 1

EXAMPLES = """\
examples:
  llmops plan --base origin/main                        what this branch will do, in every environment
  llmops plan --base HEAD --env prod                    what the uncommitted edits will do in production
  llmops plan --base HEAD~1 --format markdown           the pull request's comment
  llmops plan --from staging --to prod                  what promoting staging will do
  llmops plan --base origin/main --format json --output plan.json
  llmops plan --read plan.json                          look at a plan that was written before
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--workspace", metavar="DIR", type=Path, help="the folder with llmops.yaml (default: here or the nearest above)")
    parser.add_argument("--base", metavar="REF", help="the git ref to compare with, as origin/main")
    parser.add_argument("--env", metavar="NAME", action="append", help="plan this environment only; may be repeated (default: all)")
    parser.add_argument("--from", metavar="ENV", dest="source", help="with --to: promote what this environment has")
    parser.add_argument("--to", metavar="ENV", dest="target", help="with --from: the environment that gets it")
    parser.add_argument("--read", metavar="FILE", type=Path, help="show a plan that --format json wrote, instead of making one")
    parser.add_argument("--format", choices=list(PLAN_FORMATS), default="text", help="how the plan is shown (default: text)")
    parser.add_argument("--output", metavar="FILE", type=Path, help="write it there instead of to the terminal")


def run(args: argparse.Namespace) -> int:
    plan = _plan(args)
    colour, width = (False, None) if args.output else (uses_colour(sys.stdout), width_of(sys.stdout))
    text: str = import_module(PLAN_FORMATS[args.format]).report(plan, colour=colour, width=width)
    if args.output:
        write_whole(args.output, text)
    else:
        sys.stdout.write(text)
    return UNCHANGED if is_empty(plan) else CHANGED


def _plan(args: argparse.Namespace) -> Mapping[str, Any]:
    """The plan that the flags ask for. Raises `UsageError` where they ask for none, or for two."""
    asked = [args.base is not None, args.source is not None or args.target is not None, args.read is not None]
    if sum(asked) != 1:
        raise UsageError("Name one thing to plan", "--base REF, or --from ENV --to ENV, or --read FILE.")
    if args.read:
        return _read(args.read)
    from llmops.plan import plan_against, plan_promotion

    root = workspace_root(args)
    if args.base is not None:
        return plan_against(root, args.base, args.env)
    if args.source is None or args.target is None or args.env:
        raise UsageError("A promotion has --from and --to, and no --env", "llmops plan --from staging --to prod")
    return plan_promotion(root, args.source, args.target)


def _read(file: Path) -> Mapping[str, Any]:
    from llmops.report.plans.document import read_plan

    try:
        text = file.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{file} cannot be read: {error}", "Name a file that `llmops plan --format json` wrote.") from error
    return read_plan(text)
