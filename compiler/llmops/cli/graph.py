"""Show what uses what: a tree for people, Mermaid for Markdown, dot for Graphviz, JSON for programs."""

from __future__ import annotations

import argparse
import sys

from llmops.cli.terminal import add_workspace_arguments, print_findings, workspace_root
from llmops.diagnostics import has_errors
from llmops.fingerprint import fingerprint
from llmops.pipeline import check_workspace
from llmops.report.graph import GRAPHS

EXAMPLES = """\
examples:
  llmops graph                                   a tree
  llmops graph --format mermaid                  for a README
  llmops graph --format dot | dot -Tsvg -o g.svg
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_workspace_arguments(parser)
    parser.add_argument("--format", choices=list(GRAPHS), default="text", help="(default: text)")


def run(args: argparse.Namespace) -> int:
    checked = check_workspace(workspace_root(args), args.env)
    print_findings([d for d in checked.diagnostics if d.severity == "error"], checked.places)
    if checked.graph is None or has_errors(checked.diagnostics):
        return 1
    sys.stdout.write(GRAPHS[args.format](fingerprint(checked.graph)))
    return 0
