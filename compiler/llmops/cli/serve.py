"""Serve the applications over HTTP: OpenAI-compatible chat, plain answers, metrics, the proof of what is served, and a chat page.

Without --bundle the workspace is compiled, and what it needs on this machine is started and indexed. Tokens that clients must
bring stand in the variable LLMOPS_SERVE_TOKEN, several with commas between them.
"""

from __future__ import annotations

import argparse
import gc
import logging
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from llmops.cli.parts import compiled_bundle, require_extra
from llmops.cli.terminal import add_workspace_arguments, progress, workspace_root
from llmops.errors import UsageError
from llmops.load.root import find_root

if TYPE_CHECKING:
    from llmops.runtime.bundle import Bundle
    from llmops.runtime.serving.generation import Generation
    from llmops.runtime.serving.settings import Settings

EXAMPLES = """\
examples:
  llmops serve                              the chat page is at http://127.0.0.1:8080
  llmops serve --app handbook-assistant --port 8081
  llmops serve --bundle build/prod --host 0.0.0.0 --release sha256:7705…
  llmops serve --flags flags.json           who gets which prompt version, changeable while it runs
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_workspace_arguments(parser)
    parser.add_argument("--bundle", type=Path, metavar="DIR", help="a rendered bundle; nothing is compiled or indexed then")
    parser.add_argument("--app", action="append", default=[], metavar="NAME", help="serve only this application; may be given again")
    parser.add_argument("--host", default="127.0.0.1", help="any but loopback needs a token (default: 127.0.0.1)")
    parser.add_argument("--port", type=int, default=8080, help="0 takes a free one (default: 8080)")
    parser.add_argument("--flags", type=Path, metavar="FILE", help="a flagd file with the weights of prompt variants")
    parser.add_argument("--attest", choices=("refuse", "alarm"), default="refuse", help="where what is loaded is not what was rendered")
    parser.add_argument("--release", default="", metavar="HASH", help="start only if an application has exactly this release")
    parser.add_argument("--timeout", type=float, default=120, metavar="SECONDS", help="for one answer (default: 120)")
    parser.add_argument("--concurrency", type=int, default=64, metavar="N", help="answers made at the same time (default: 64)")
    parser.add_argument("--rate", type=int, default=0, metavar="N", help="requests a minute of one client (default: no limit)")
    parser.add_argument("--max-body", type=int, default=65536, metavar="BYTES", help="largest request (default: 65536)")


def run(args: argparse.Namespace) -> int:
    settings = _settings(args)
    place = _given(args) if args.bundle else _compiled(args)
    if place is None:
        return 1
    root, folder = place
    from llmops.runtime.serving.server import Served, serve

    logging.basicConfig(stream=sys.stderr, level=logging.WARNING, format="%(asctime)s %(levelname)s %(message)s")
    with progress() as tell:

        def prepare(bundle: Bundle) -> None:
            if not args.bundle:
                _index(bundle, args.app, root, tell)

        def ready(generation: Generation) -> None:
            tell("serving; Ctrl-C stops it")
            print(_welcome(generation, settings), flush=True)

        serve(Served(folder, root, args.app, args.flags, prepare, tell), settings, ready)
    return 0


def _given(args: argparse.Namespace) -> tuple[Path, Path]:
    """A bundle in a container has no workspace around it: local models and the log then lie where the server is started."""
    require_extra("run")
    gc.enable()
    root = workspace_root(args) if args.workspace else find_root(Path.cwd()) or Path.cwd()
    return root.resolve(), args.bundle.resolve()


def _compiled(args: argparse.Namespace) -> tuple[Path, Path] | None:
    compiled = compiled_bundle(args)
    return (compiled[0], compiled[1].directory) if compiled else None


def _settings(args: argparse.Namespace) -> Settings:
    from llmops.runtime.serving.settings import Settings

    for name in ("timeout", "concurrency", "max_body"):
        if getattr(args, name) <= 0:
            raise UsageError(f"--{name.replace('_', '-')} must be more than 0")
    return Settings(
        host=args.host,
        port=args.port or _free_port(args.host),
        timeout=args.timeout,
        concurrency=args.concurrency,
        rate=args.rate,
        body=args.max_body,
        alarm=args.attest == "alarm",
        release=args.release,
    )


def _free_port(host: str) -> int:
    import socket

    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.bind((host, 0))
        return int(probe.getsockname()[1])


def _index(bundle: Bundle, names: list[str], root: Path, tell: object) -> None:
    """A workspace is served as it stands: documents that changed are indexed first, as `llmops ask` does."""
    from llmops.runtime.indexing import index_source

    sources = {source for name in names or bundle.applications for source in bundle.application(name).retrieval}
    for source in sorted(sources):
        index_source(bundle, source, root, tell)  # type: ignore[arg-type]


def _welcome(generation: Generation, settings: Settings) -> str:
    address = f"http://{f'[{settings.host}]' if ':' in settings.host else settings.host}:{settings.port}"
    lines = [f"{name:<24} release {assistant.application.release[:19]}" for name, assistant in generation.assistants.items()]
    alarm = [] if generation.proof["attested"] else [f"ALARM: {line}" for line in generation.proof["differences"]]
    return "\n".join([f"serving at {address}", *lines, *alarm])
