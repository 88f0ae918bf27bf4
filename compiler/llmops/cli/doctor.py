"""See what this machine lacks to run the workspace, and the command that mends each thing.

Exits with 1 when something is missing.
"""

from __future__ import annotations

import argparse
import os
import shutil
import socket
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from llmops.cli.parts import EXTRAS, missing_modules
from llmops.cli.terminal import add_workspace_arguments, uses_colour, workspace_root
from llmops.diagnostics import has_errors
from llmops.pipeline import check_workspace
from llmops.resources import Graph

EXAMPLES = """\
examples:
  llmops doctor               for the default environment
  llmops doctor --env prod    are production's variables set here?
"""

NEEDED_BYTES = 2_000_000_000


@dataclass(frozen=True, slots=True)
class Check:
    """`mend` is empty where all is well."""

    name: str
    detail: str
    mend: str = ""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_workspace_arguments(parser)


def run(args: argparse.Namespace) -> int:
    root = workspace_root(args)
    checked = check_workspace(root, args.env)
    checks = [*_machine(root), *_extras()]
    if checked.graph is None or has_errors(checked.diagnostics):
        checks.append(Check("specs", "they have errors", "llmops check"))
    else:
        checks += [Check("specs", f"{len(checked.graph.resources)} resources in {checked.graph.environment}"), *_needs(checked.graph)]
    colour = uses_colour(sys.stdout)
    print("\n".join(_line(check, colour=colour) for check in checks))
    return 1 if any(check.mend for check in checks) else 0


def _machine(root: Path) -> Iterator[Check]:
    version = ".".join(map(str, sys.version_info[:3]))
    supported = (3, 11) <= sys.version_info[:2] < (3, 14)
    yield Check("python", version, "" if supported else "use Python 3.11, 3.12 or 3.13")
    yield Check("git", shutil.which("git") or "not found", "" if shutil.which("git") else "install git")
    free = shutil.disk_usage(root).free
    yield Check("disk", f"{free / 1e9:.0f} GB free", "" if free > NEEDED_BYTES else "free 2 GB on this disk")
    writable = os.access(root, os.W_OK)
    yield Check("workspace", str(root), "" if writable else f"make {root} writable")


def _extras() -> Iterator[Check]:
    for extra in EXTRAS:
        missing = missing_modules(extra)
        yield Check(
            f"[{extra}]",
            f"missing {', '.join(missing)}" if missing else "installed",
            f'pip install "llmops-compiler[{extra}]"' if missing else "",
        )


def _needs(graph: Graph) -> Iterator[Check]:
    """Variables that the bundle will read, and the ports that local models will take."""
    for name in sorted(set(_variables([dict(r.spec) for r in graph.resources.values()]))):
        is_set = bool(os.environ.get(name))
        yield Check(f"${name}", "set" if is_set else "not set", "" if is_set else f"export {name}=…")
    for model in graph.of_kind("Model"):
        if model.spec["provider"] == "llama.cpp":
            yield _port(model.name, model.spec["endpoint"]["url"])


def _variables(value: Any) -> Iterator[str]:
    if isinstance(value, dict) and set(value) == {"env"} and isinstance(value["env"], str):
        yield value["env"]
    elif isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _variables(item)


def _port(model: str, url: str) -> Check:
    address = urlsplit(url)
    with socket.socket() as probe:
        probe.settimeout(1)
        taken = probe.connect_ex((address.hostname or "127.0.0.1", address.port or 80)) == 0
    return Check(f"port {address.port}", f"for {model}: {'in use (its server, if `llmops up` is running)' if taken else 'free'}")


def _line(check: Check, *, colour: bool) -> str:
    paint: Callable[[str, str], str] = (lambda code, text: f"\033[{code}m{text}\033[0m") if colour else (lambda _, text: text)
    mark = paint("31", "missing") if check.mend else paint("32", "ok     ")
    line = f"{mark}  {check.name:<16} {check.detail}"
    return f"{line}\n{'':9}mend: {check.mend}" if check.mend else line
