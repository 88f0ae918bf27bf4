"""Find every mistake in the specs of one environment and say how to mend it.

Exits with 1 when there is a finding, an error or a warning; --severity error asks for errors only.
"""

from __future__ import annotations

import argparse
import sys

from llmops.cli.terminal import add_workspace_arguments, uses_colour, workspace_root
from llmops.pipeline import Checked, check_workspace
from llmops.report.json import json_report
from llmops.report.text import text_report

EXAMPLES = """\
examples:
  llmops check                        the default environment
  llmops check --env prod             with production's overlays
  llmops check --format json          for programs
  llmops explain LLM0401              what a code means
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_workspace_arguments(parser)
    parser.add_argument("--format", choices=["text", "json"], default="text", help="how findings are printed (default: text)")
    parser.add_argument(
        "--severity", choices=["error", "warning"], default="warning", help="the least severe finding that counts (default: warning)"
    )


def run(args: argparse.Namespace) -> int:
    checked = check_workspace(workspace_root(args), args.env)
    found = [d for d in checked.diagnostics if args.severity == "warning" or d.severity == "error"]
    if args.format == "json":
        sys.stdout.write(json_report(found))
    elif found:
        sys.stdout.write(text_report(found, checked.places.text, colour=uses_colour(sys.stdout)))
    else:
        print(_clean(checked))
    return 1 if found else 0


def _clean(checked: Checked) -> str:
    graph = checked.graph
    assert graph is not None  # without a graph there is a finding
    return f"{len(graph.resources)} resources in {graph.environment}: no findings."
