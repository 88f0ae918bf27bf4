"""Say what a code means, why it matters and how to mend it."""

from __future__ import annotations

import argparse

from llmops.codes import CODES, Code
from llmops.errors import UsageError
from llmops.validate.explain import nearest

EXAMPLES = """\
examples:
  llmops explain LLM0401
  llmops explain              all codes, a line each
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("code", nargs="?", help="as printed in brackets: LLM0401")


def run(args: argparse.Namespace) -> int:
    if args.code is None:
        print("\n".join(f"{name}  {code.title}" for name, code in CODES.items()))
        return 0
    name = args.code.upper()
    if name not in CODES:
        raise UsageError(f"No code is called {args.code}", nearest(name, CODES, "Codes"))
    print(_page(name, CODES[name]))
    return 0


def _page(name: str, code: Code) -> str:
    lines = [f"{name}: {code.title}", "", code.why, f"To mend it: {code.fix}"]
    for label, example in (("wrong", code.wrong), ("right", code.right)):
        if example:
            lines += ["", f"{label}:", *(f"    {line}" for line in example.splitlines())]
    return "\n".join(lines)
