"""Build everything, then serve Dagster's UI and keep the local model running until Ctrl-C.

--once stops after one answer and a look at the UI, for CI and for a first try.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from llmops.cli.parts import compiled_bundle
from llmops.cli.run import outcome_text
from llmops.cli.terminal import Progress, add_workspace_arguments, progress

if TYPE_CHECKING:
    from llmops.runtime.bundle import Bundle

EXAMPLES = """\
examples:
  llmops up                   http://127.0.0.1:3000
  llmops up --port 3001
  llmops up --once            build, answer one question, stop
"""

MONITORS = 'key:"monitors/*"'
"""Dagster's selection of every monitor."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_workspace_arguments(parser)
    parser.add_argument("--port", type=int, default=3000, help="of Dagster's UI (default: 3000)")
    parser.add_argument("--once", action="store_true", help="stop when everything has been shown to work")


def run(args: argparse.Namespace) -> int:
    compiled = compiled_bundle(args, "dagster")
    if compiled is None:
        return 1
    root, bundle = compiled
    from llmops.runtime.dagster.instance import webserver
    from llmops.runtime.local.services import services

    with progress() as tell:
        tell("starting what the bundle needs")
        with services(bundle, root, progress=tell):
            built = _build(bundle, root, tell)
            tell("starting Dagster's UI")
            with webserver(root, bundle.directory, args.port) as address:
                print(_addresses(bundle, address), flush=True)
                tell("serving; Ctrl-C stops it")
                return (0 if built else 1) if args.once else _serve()


def _build(bundle: Bundle, root: Path, tell: Progress) -> bool:
    """Everything, with monitors last: they look at the answers. False where an asset failed; the UI then shows why."""
    from llmops.runtime.dagster.instance import materialize

    monitored = any(application.monitors for application in bundle.applications.values())
    outcome = materialize(bundle.directory, root, f"not {MONITORS}" if monitored else None, tell)
    print(outcome_text(outcome), flush=True)
    if not outcome.success:
        return False
    print(_answers(bundle, root, tell), flush=True)
    if not monitored:
        return True
    watched = materialize(bundle.directory, root, MONITORS, tell)
    print(f"\n{outcome_text(watched)}", flush=True)
    return watched.success


def _answers(bundle: Bundle, root: Path, tell: Progress) -> str:
    """One answer from each application, to its evaluations' first question: proof that the way is open."""
    from llmops.runtime.assistant import Assistant

    lines = []
    for name in bundle.applications:
        question = _first_question(bundle, name, root)
        if question:
            tell(f"asking {name}")
            answer = Assistant.open(bundle, name, root).ask(question)
            found = ", ".join(dict.fromkeys(source.path for source in answer.sources))
            lines.append(f"\n{name} was asked: {question}\n  {answer.text}\n  from {found or 'its prompt'}; release {answer.release[:19]}")
    return "\n".join(lines)


def _first_question(bundle: Bundle, application: str, root: Path) -> str | None:
    from llmops.evaluate.cases import read_cases

    for id_ in bundle.applications[application].evaluations:
        for dataset in bundle.referenced(bundle.resource(id_), "Dataset"):
            return read_cases(root / dataset.files[0].path, dataset.spec["fields"], dataset.spec["format"])[0].question
    return None


def _addresses(bundle: Bundle, ui: str) -> str:
    models = [r for r in bundle.of_kind("Model") if r.spec["provider"] == "llama.cpp"]
    lines = [f"\nDagster's UI      {ui}", *(f"model {m.name:<11} {m.spec['endpoint']['url']}" for m in models)]
    return "\n".join([*lines, 'ask it            llmops ask "…"'])


def _serve() -> int:
    sys.stderr.flush()
    try:
        while True:
            time.sleep(3600)
    except KeyboardInterrupt:
        return 0
