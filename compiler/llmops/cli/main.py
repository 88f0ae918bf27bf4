"""The only place that exits. Exit codes: 0 clean, 1 findings or a failed run, 2 usage, 3 a bug in llmops.

A verb is one file beside this one and one line in `VERBS`; only the chosen verb is imported.
"""

from __future__ import annotations

import argparse
import gc
import os
import sys
from importlib import import_module

VERBS = {
    "init": "start a workspace in this folder",
    "check": "find every mistake in the specs",
    "compile": "render the specs into a bundle of native files",
    "graph": "show what uses what",
    "run": "build what the bundle declares: indexes, releases, evaluations",
    "eval": "measure releases: against their limits, or against a base on the same cases",
    "judge": "hold the model that grades answers against what people said",
    "ask": "ask an application a question",
    "up": "build everything, then serve Dagster's UI",
    "serve": "serve the applications over HTTP, with their rails, and a chat page",
    "log": "look at what was asked and answered; export or delete it",
    "safety": "show which engine enforces which safety rule, and try the rules on the engines",
    "doctor": "see what this machine lacks, and the command that mends it",
    "plan": "show what a change will do, against a git ref",
    "lock": "record published versions and sources in llmops.lock",
    "rollback": "write the YAML that restores an earlier release",
    "bundle": "pack a bundle for distribution, with its statement, signature and bill of materials",
    "verify": "check a packed bundle against its signature and its manifest",
    "codeowners": "write GitHub's CODEOWNERS from the owners of the specs",
    "policy": "list, explain and test the organisation's policies",
    "explain": "say what a code means and how to mend it",
    "schema": "write the JSON Schemas that editors complete with",
}

LEFT_AS_THEY_ARE = (["check"], ["compile"], ["graph"])
"""Verbs that start nothing and leave nothing to be tidied up."""

CLEAN, FINDINGS, USAGE, BUG = 0, 1, 2, 3

_EPILOG = """\
a first round:
  llmops init --minimal     a workspace with one application
  llmops check              is it right?
  llmops up                 build it and look at it
  llmops ask "..."          ask it something

`llmops VERB --help` shows examples. Docs: docs/index.md
"""


def main(argv: list[str] | None = None) -> None:
    """The `llmops` command."""
    gc.disable()  # a short run holds thousands of trees and throws them all away at the end
    given = sys.argv[1:] if argv is None else argv
    code = _guarded(given)
    if argv is None and given[:1] in LEFT_AS_THEY_ARE:
        _leave(code)
    sys.exit(code)


def _leave(code: int) -> None:
    """Ends the process without taking apart all that it holds, which a short run spends a tenth of its time on."""
    try:
        for stream in (sys.stdout, sys.stderr):
            if not stream.closed:
                stream.flush()
    except BrokenPipeError:
        code = FINDINGS
    os._exit(code)


def _guarded(argv: list[str]) -> int:
    from llmops.errors import LlmopsError, UsageError

    try:
        return _run(argv)
    except LlmopsError as error:
        hint = f"\nhelp: {error.hint}" if error.hint else ""
        print(f"llmops: {error}{hint}", file=sys.stderr)
        return USAGE if isinstance(error, UsageError) else FINDINGS
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        sys.stderr.close()
        return FINDINGS
    except Exception:
        return _report_bug()


def _run(argv: list[str]) -> int:
    if argv and argv[0] in VERBS:
        verb = import_module(f"llmops.cli.{argv[0]}")
        parser = argparse.ArgumentParser(
            prog=f"llmops {argv[0]}", description=verb.__doc__, epilog=verb.EXAMPLES, formatter_class=argparse.RawDescriptionHelpFormatter
        )
        verb.add_arguments(parser)
        return int(verb.run(parser.parse_args(argv[1:])))
    parser = _overview()
    parser.parse_args(argv)
    parser.print_help()
    return CLEAN if not argv else USAGE


def _overview() -> argparse.ArgumentParser:
    from llmops.version import VERSION

    parser = argparse.ArgumentParser(
        prog="llmops",
        description="Declare LLM applications in YAML; check, compile and run them.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"llmops {VERSION}")
    verbs = parser.add_subparsers(title="verbs", metavar="VERB", dest="verb")
    for name, text in VERBS.items():
        verbs.add_parser(name, help=text, add_help=False)
    return parser


def _report_bug() -> int:
    import traceback

    traceback.print_exc()
    print("\nllmops: this is a bug in llmops, not in your specs. Please report it with the lines above.", file=sys.stderr)
    return BUG


if __name__ == "__main__":
    main()
