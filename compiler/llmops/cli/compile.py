"""Render the specs into a bundle: Haystack pipelines, guardrail configurations, Dagster definitions and a manifest.

The bundle is written as a whole or not at all; the same specs give the same bytes on every machine.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from llmops.cli.terminal import add_workspace_arguments, print_findings, workspace_root
from llmops.diagnostics import has_errors
from llmops.pipeline import Compiled, compile_workspace
from llmops.write import write

EXAMPLES = """\
examples:
  llmops compile                      into build/dev
  llmops compile --env prod           into build/prod
  llmops compile --out /tmp/bundle    somewhere else
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_workspace_arguments(parser)
    parser.add_argument("--out", metavar="DIR", type=Path, help="the bundle's folder (default: build/ENV in the workspace)")


def run(args: argparse.Namespace) -> int:
    root = workspace_root(args)
    bundle = compile_to(root, args.env, args.out)
    return 1 if bundle is None else 0


def compile_to(
    root: Path, environment: str | None, out: Path | None = None, *, quiet: bool = False, measured_in: Path | None = None
) -> Path | None:
    """Compiles and writes; prints findings and what was rendered. None where errors stopped it.

    `measured_in` is where the bundles of environments lie that are to be measured: they need no evidence yet.
    """
    compiled = compile_workspace(root, environment, unmeasured=measured_in is not None)
    print_findings(compiled.diagnostics, compiled.places)
    if compiled.graph is None or has_errors(compiled.diagnostics):
        print("Nothing was rendered.", file=sys.stderr)
        return None
    folder = out or (measured_in or root / "build") / compiled.graph.environment
    write(compiled.artifacts, folder)
    if not quiet:
        print(_summary(compiled, folder))
    return folder


def _summary(compiled: Compiled, folder: Path) -> str:
    graph = compiled.graph
    assert graph is not None  # checked by the caller
    lines = [f"{len(graph.resources)} resources → {len(compiled.artifacts)} files in {_shown(folder)}"]
    lines += [f"  {id_}  release {release[:19]}" for id_, release in graph.releases.items()]
    return "\n".join(lines)


def _shown(folder: Path) -> str:
    here = Path.cwd()
    return str(folder.relative_to(here)) if folder.is_relative_to(here) else str(folder)
