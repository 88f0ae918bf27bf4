"""Start a workspace: an assistant over your own docs/, with safety rules, evaluations and three environments.

--minimal starts with one model, one prompt and one application. Nothing that exists is overwritten. Editors are set up too.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Mapping, Sequence
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path

from llmops.cli.schema import write_schemas
from llmops.errors import UsageError

EXAMPLES = """\
examples:
  llmops init                   here
  llmops init --minimal demo    the smallest workspace, in the folder demo
"""

IGNORED = (".llmops/", "build/")
"""What a workspace makes and git should not keep."""
ATTRIBUTES = ("llmops.lock merge=union",)
"""Two branches that each add an entry to the lock merge without a conflict."""

SETTINGS = {
    "yaml.schemas": {
        "./.llmops/llmops.schema.json": ["specs/**/*.yaml", "policies/**/*.yaml"],
        "./.llmops/patch.schema.json": ["environments/**/*.yaml"],
        "./.llmops/workspace.schema.json": ["llmops.yaml"],
    }
}
EXTENSIONS = {"recommendations": ["redhat.vscode-yaml"]}
EDITOR_FILES: Mapping[str, Mapping[str, object]] = {".vscode/settings.json": SETTINGS, ".vscode/extensions.json": EXTENSIONS}
"""What VS Code reads in a workspace. The first line of a file names a schema for its first document only; these hold for all."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("folder", nargs="?", type=Path, default=Path(), help="where (default: here)")
    parser.add_argument("--minimal", action="store_true", help="one model, one prompt, one application")


def run(args: argparse.Namespace) -> int:
    template = "minimal" if args.minimal else "assistant"
    written = start_workspace(args.folder, template)
    print("\n".join(f"wrote {path}" for path in written))
    for path, content in EDITOR_FILES.items():
        if path not in written:
            print(f"\n{path} exists already and is left as it is. Add to it:\n{_as_json(content)}")
    into = "" if args.folder == Path() else f"cd {args.folder}\n  "
    print(f"\nnext:\n  {into}llmops check\n  llmops up\n  llmops lock     once its prompts are published")
    return 0


def start_workspace(folder: Path, template: str) -> list[str]:
    """Writes a template's files; raises `UsageError` before anything is written where one of them exists."""
    files = dict(_files(resources.files("llmops") / "templates" / template, ""))
    existing = sorted(path for path in files if (folder / path).exists())
    if existing:
        raise UsageError(f"{folder / existing[0]} exists already", "Nothing was written. Name an empty folder: llmops init my-assistant")
    for path, content in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content)
    _add_lines(folder / ".gitignore", IGNORED)
    _add_lines(folder / ".gitattributes", ATTRIBUTES)
    write_schemas(folder)
    return [*sorted(files), *_set_up_editor(folder), ".gitattributes", ".gitignore", ".llmops/"]


def _set_up_editor(folder: Path) -> list[str]:
    """Writes what is not there yet; settings that people have made are theirs."""
    missing = [path for path in EDITOR_FILES if not (folder / path).exists()]
    for path in missing:
        (folder / path).parent.mkdir(exist_ok=True)
        (folder / path).write_text(_as_json(EDITOR_FILES[path]) + "\n")
    return missing


def _as_json(content: Mapping[str, object]) -> str:
    return json.dumps(content, indent=2)


def _files(folder: Traversable, prefix: str) -> Iterator[tuple[str, bytes]]:
    for entry in folder.iterdir():
        path = f"{prefix}{entry.name}"
        if entry.is_dir():
            yield from _files(entry, f"{path}/")
        else:
            yield path, entry.read_bytes()


def _add_lines(file: Path, lines: Sequence[str]) -> None:
    """Adds what is missing to a file that may exist."""
    present = file.read_text().splitlines() if file.exists() else []
    missing = [line for line in lines if line not in present]
    if missing:
        file.write_text("\n".join([*present, *missing]) + "\n")
