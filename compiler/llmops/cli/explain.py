"""Say what a code means, why it matters and how to mend it, with a wrong and a right example."""

from __future__ import annotations

import argparse
import re
import sys
import textwrap
from collections.abc import Callable, Iterator
from difflib import get_close_matches

from llmops.cli.terminal import uses_colour
from llmops.codes import CODES, FAMILIES, Code, Part, Side
from llmops.errors import UsageError
from llmops.report.error_pages import page_of

EXAMPLES = """\
examples:
  llmops explain LLM0401
  llmops explain              all codes, by family
"""

WIDTH = 80
_CODE, _GLUE = re.compile("`[^`]+`"), "\xa0"
_BOLD, _RED, _GREEN, _RESET = "\033[1m", "\033[1;31m", "\033[32m", "\033[0m"
_SIDES: tuple[tuple[Side, str], ...] = (("wrong", _RED), ("right", _GREEN))

Painter = Callable[[str, str], str]
"""A text and a style → the text as it is printed."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("code", nargs="?", help="as printed in brackets: LLM0401")


def run(args: argparse.Namespace) -> int:
    if args.code is None:
        print(_list())
        return 0
    name = args.code.upper()
    if name not in CODES:
        raise UsageError(f"No code is called {args.code}", _way_out(args.code))
    print(explained(name, CODES[name], colour=uses_colour(sys.stdout)))
    return 0


def _way_out(text: str) -> str:
    """A code that is meant, or the verb that explains policies: their names are not codes."""
    near = get_close_matches(text.upper(), CODES, n=1, cutoff=0.72)
    if near:
        return f"Did you mean {near[0]}?"
    if text.upper().startswith("LLM"):
        return "`llmops explain` lists all codes."
    return f"If it is a policy: llmops policy explain {text}\nAll codes: llmops explain"


def _list() -> str:
    return "\n\n".join("\n".join([f.title, *(f"  {name}  {code.title}" for name, code in f.codes.items())]) for f in FAMILIES.values())


def explained(name: str, code: Code, *, colour: bool) -> str:
    """A code's page for a terminal of 80 columns. The example is printed as it is tested."""
    paint = _painted if colour else _plain
    parts = [paint(f"{name}: {code.title}", _BOLD), _wrapped(code.why), _wrapped(f"To mend it: {code.fix}")]
    parts += [_wrapped(f"{label}: {text}") for label, text in (("For example", code.words), ("In the example", code.given)) if text]
    for side, style in _SIDES:
        for part in code.parts(side):
            parts.append(f"{paint(side, style)}, in {part.place.file}:\n\n" + "\n".join(_lines(part, side, paint)))
    return "\n\n".join([*parts, f"Page: docs/{page_of(name)}"])


def _lines(part: Part, side: Side, paint: Painter) -> Iterator[str]:
    for line in part.shown(side):
        yield f"    {paint(line, _RED) if set(line) <= {' ', '^'} else line}"


def _wrapped(text: str) -> str:
    """No line breaks within backticks: what stands there is to be copied."""
    glued = _CODE.sub(lambda found: found[0].replace(" ", _GLUE), text)
    return textwrap.fill(glued, WIDTH, break_long_words=False, break_on_hyphens=False).replace(_GLUE, " ")


def _painted(text: str, style: str) -> str:
    return f"{style}{text}{_RESET}"


def _plain(text: str, _style: str) -> str:
    return text
