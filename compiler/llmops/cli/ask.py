"""Ask an application a question: compiles, starts what is needed, refreshes the index, answers with sources and release.

Without a question, reads one a line from standard input.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from llmops.cli.parts import chosen_application, compiled_bundle
from llmops.cli.terminal import Progress, add_workspace_arguments, progress

if TYPE_CHECKING:
    from llmops.runtime.assistant import Answer, Assistant
    from llmops.runtime.bundle import Bundle

EXAMPLES = """\
examples:
  llmops ask "What is a release?"
  llmops ask --app handbook-assistant --json "What is a release?"
  llmops ask < questions.txt
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_workspace_arguments(parser)
    parser.add_argument("question", nargs="?", help="in quotes; without one, standard input is read")
    parser.add_argument("--app", metavar="NAME", help="the application (default: the only one)")
    parser.add_argument("--user", default="", metavar="ID", help="decides which prompt variant is taken")
    parser.add_argument("--json", action="store_true", help="one JSON object an answer, with the application's disclosure")


def run(args: argparse.Namespace) -> int:
    compiled = compiled_bundle(args)
    if compiled is None:
        return 1
    root, bundle = compiled
    name = chosen_application(args.app, list(bundle.applications))
    bundle.application(name)
    disclosure = bundle.resource(f"Application/{name}").spec.get("disclosure")
    _disclose(disclosure, as_json=args.json)
    with progress() as tell:
        for assistant in _ready(bundle, name, root, tell):
            for question in _questions(args.question):
                tell("answering")
                answer = assistant.ask(question, user=args.user)
                print(_as_json(answer, disclosure) if args.json else _as_text(answer))
    return 0


def _ready(bundle: Bundle, application: str, root: Path, tell: Progress) -> Iterator[Assistant]:
    """The assistant with everything it needs running; stopped when the caller is done."""
    from llmops.runtime.assistant import Assistant
    from llmops.runtime.indexing import index_source
    from llmops.runtime.local.services import services

    tell("starting what the application needs")
    entry = bundle.application(application)
    with services(bundle, root, progress=tell, resources=bundle.reach(f"Application/{application}")):
        for source in entry.retrieval:
            index_source(bundle, source, root, tell)
        yield Assistant.open(bundle, application, root)


def _questions(given: str | None) -> Iterator[str]:
    if given is not None:
        yield given
        return
    if sys.stdin.isatty():
        print("Ask, one question a line; end with Ctrl-D.", file=sys.stderr)
    yield from (line.strip() for line in sys.stdin if line.strip())


def _disclose(disclosure: str | None, *, as_json: bool) -> None:
    """Says whom users talk to, once and before the first answer. With --json each answer carries it."""
    if disclosure and not as_json:
        print(disclosure, file=sys.stderr)


def _as_json(answer: Answer, disclosure: str | None) -> str:
    import orjson

    return orjson.dumps({**asdict(answer), "disclosure": disclosure}, default=str).decode()


def _as_text(answer: Answer) -> str:
    sources = [f"  {source.path}  {source.score:.2f}" for source in answer.sources]
    blocked = "  blocked by a safety rule" if answer.blocked else ""
    end = f"release {answer.release[:19]}  {answer.prompt}  {answer.latency_ms / 1000:.1f} s{blocked}\n"
    return "\n".join([answer.text, "\nsources:" if sources else "\nno sources", *sources, end])
