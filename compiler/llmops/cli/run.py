"""Build what the bundle declares: check datasets, fill indexes, load rails, evaluate releases. Runs show up in Dagster's UI.

Exits with 1 when an asset fails or a blocking check does not hold.
"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from llmops.cli.parts import compiled_bundle
from llmops.cli.terminal import add_workspace_arguments, progress

if TYPE_CHECKING:
    from llmops.runtime.dagster.instance import CheckOutcome, RunOutcome

EXAMPLES = """\
examples:
  llmops run                                    everything
  llmops run --select indexes/handbook          one asset
  llmops run --select '+releases/handbook-assistant'   a release and all it needs
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_workspace_arguments(parser)
    parser.add_argument("--select", metavar="ASSETS", help="assets in Dagster's selection syntax (default: all)")


def run(args: argparse.Namespace) -> int:
    compiled = compiled_bundle(args, "dagster")
    if compiled is None:
        return 1
    root, bundle = compiled
    from llmops.runtime.dagster.instance import materialize

    with progress() as tell:
        outcome = materialize(bundle.directory, root, args.select, tell)
    print(outcome_text(outcome))
    return 0 if outcome.success else 1


def outcome_text(outcome: RunOutcome) -> str:
    """What was built and how the checks came out, a line each."""
    lines = [f"built   {key}" for key in outcome.materialized]
    lines += [f"{_word(check)}  {check.name}{_value(check.value)}  {check.description}" for check in outcome.checks]
    return "\n".join([*lines, *(f"failed  {error}" for error in outcome.errors)])


def _word(check: CheckOutcome) -> str:
    """`unsure` where chance may explain a mean beyond its limit: such a check warns."""
    return "passed" if check.passed else "unsure" if check.unproven else "MISSED"


def _value(value: float | None) -> str:
    return "" if value is None else f" = {value:.2f}"
