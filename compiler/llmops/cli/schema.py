"""Write the JSON Schemas of the spec language into .llmops/, where the first line of each spec points an editor."""

from __future__ import annotations

import argparse
from importlib import resources
from pathlib import Path

from llmops.cli.terminal import add_workspace_arguments, workspace_root

EXAMPLES = """\
examples:
  llmops schema               refresh .llmops/*.schema.json after an upgrade
"""

FILES = tuple(f"{name}{dialect}.schema.json" for name in ("llmops", "workspace", "patch") for dialect in ("", ".draft-07"))
"""Of specs and policies, of `llmops.yaml`, of patches; each in JSON Schema 2020-12 and in draft-07."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_workspace_arguments(parser)


def run(args: argparse.Namespace) -> int:
    folder = write_schemas(workspace_root(args))
    print(f"{len(FILES)} schemas in {folder}")
    return 0


def write_schemas(root: Path) -> Path:
    """Copies the packaged schemas; returns their folder."""
    folder = root / ".llmops"
    folder.mkdir(exist_ok=True)
    packaged = resources.files("llmops.kinds") / "schemas"
    for name in FILES:
        (folder / name).write_bytes((packaged / name).read_bytes())
    return folder
