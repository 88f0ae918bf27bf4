"""Write GitHub's CODEOWNERS from the owners of the specs, so that GitHub asks the right people for a review.

Writes only between two marker lines and keeps every other byte of the file. `spec.owners` of llmops.yaml says who an owner is on
GitHub. Exits with 1 where an owner has no handle, and with --check where the file is not up to date.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from llmops.cli.inspection import folder_in_repository, write_whole
from llmops.cli.terminal import print_findings, uses_colour, workspace_root
from llmops.diagnostics import has_errors, in_order
from llmops.errors import UsageError
from llmops.load.git_tree import run_git
from llmops.load.tree import Disk
from llmops.owners import claims, handle_of
from llmops.pipeline import author, draft, resolve
from llmops.project import Project, open_project
from llmops.report.codeowners import lines, section, with_section
from llmops.report.findings import counted

CLEAN, FINDINGS = 0, 1
CANDIDATES = (".github/CODEOWNERS", "CODEOWNERS", "docs/CODEOWNERS")
"""Where GitHub looks, in its order; the first that exists counts."""
MOST_BYTES = 3_000_000
"""GitHub ignores a larger file as a whole."""

EXAMPLES = """\
examples:
  llmops codeowners             write the section of .github/CODEOWNERS
  llmops codeowners --check     is it up to date? shows the difference and writes nothing
  llmops codeowners --print     look at the section
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--workspace", metavar="DIR", type=Path, help="the folder with llmops.yaml (default: here or the nearest above)")
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--check", action="store_true", help="write nothing; show the difference and exit with 1 where there is one")
    which.add_argument("--print", action="store_true", dest="show", help="print the section and write nothing")


@dataclass(frozen=True, slots=True)
class Owned:
    """The owners of each file that has some, by its path in the workspace, and who they are on GitHub."""

    owners: Mapping[str, frozenset[str]]
    handles: Mapping[str, str]

    def handles_of(self, path: str) -> tuple[str, ...]:
        found = (handle_of(owner, self.handles) for owner in self.owners.get(path, ()))
        return tuple(sorted(handle for handle in found if handle))

    def unmapped(self) -> Counter[str]:
        """How many files each owner has who is nobody on GitHub."""
        return Counter(owner for owners in self.owners.values() for owner in owners if not handle_of(owner, self.handles))


def run(args: argparse.Namespace) -> int:
    root = workspace_root(args)
    repository = _repository(root)
    owned = _owned(root)
    if owned is None:
        return FINDINGS
    tracked = _tracked(root)
    owned = Owned({path: owners for path, owners in owned.owners.items() if path in tracked}, owned.handles)
    folder = folder_in_repository(root)
    new = section(lines({path: owned.handles_of(path) for path in tracked}, folder), owned.unmapped(), folder)
    if args.show:
        print("\n".join(new))
    stale = not args.show and _deliver(repository, new, check=args.check)
    return FINDINGS if _warn(owned) or (stale and args.check) else CLEAN


def _repository(root: Path) -> Path:
    here = root.resolve()
    for folder in (here, *here.parents):
        if (folder / ".git").exists():
            return folder
    raise UsageError(f"{root} is in no git repository", "CODEOWNERS is a file of a repository: git init")


def _tracked(root: Path) -> frozenset[str]:
    """What git knows below the workspace, or would with `git add`: what it ignores differs from machine to machine."""
    listed = run_git(root, "ls-files", "--cached", "--others", "--exclude-standard", "-z", "--", ".")
    gone = run_git(root, "ls-files", "--deleted", "-z", "--", ".")
    names, missing = (text.decode("utf-8", "surrogateescape").split("\0")[:-1] for text in (listed, gone))
    return frozenset(names) - frozenset(missing)


def _owned(root: Path) -> Owned | None:
    """The owners over all environments; None where the specs have errors, which are printed: an unread spec's owner is not known."""
    tree = Disk(root)
    project, diagnostics = open_project(tree)
    if project is None:
        from llmops.load.discover import read_settings
        from llmops.load.source import Places

        source, _ = read_settings(tree)
        print_findings(in_order(diagnostics), Places([source] if source else []))
        return None
    return _claimed(project)


def _claimed(project: Project) -> Owned | None:
    authored = author(project)
    owners: dict[str, set[str]] = {}
    for environment in project.environments:
        drafted = draft(authored, environment)
        front = resolve(drafted, drafted.drafts)
        if has_errors(front.diagnostics):
            print_findings(in_order(front.diagnostics), front.places)
            print("CODEOWNERS was not written.", file=sys.stderr)
            return None
        for file, owner in claims(drafted, front):
            owners.setdefault(file, set()).add(owner)
    return Owned({file: frozenset(names) for file, names in owners.items()}, project.settings.get("owners", {}))


def _deliver(repository: Path, new: list[str], *, check: bool) -> bool:
    """Writes, or with `check` shows, what is not up to date. Returns whether anything was not."""
    file = next((name for name in CANDIDATES if (repository / name).is_file()), CANDIDATES[0])
    path = repository / file
    before = _text(path)
    after = with_section(before, new)
    if len(after.encode()) > MOST_BYTES:
        raise UsageError(f"{file} would be larger than {MOST_BYTES:,} bytes, and GitHub would ignore it", "Give whole folders one owner.")
    if before == after:
        print(f"{file} is up to date.")
    elif check:
        _show(file, before, after)
    else:
        path.parent.mkdir(exist_ok=True)
        write_whole(path, after)
        print(f"wrote {file}")
    return before != after


def _text(path: Path) -> str:
    """With its line breaks as they are; empty where there is no such file."""
    try:
        return path.read_bytes().decode("utf-8") if path.is_file() else ""
    except UnicodeDecodeError as error:
        raise UsageError(f"{path} is not UTF-8 text", "Save it as UTF-8.") from error


def _show(file: str, before: str, after: str) -> None:
    from llmops.edit import FileChange
    from llmops.report.diff import diff_report

    print(diff_report([FileChange(file, before, after)], colour=uses_colour(sys.stdout)), end="")
    print(f"{file} is not up to date: run `llmops codeowners`.", file=sys.stderr)


def _warn(owned: Owned) -> bool:
    """Says who has no handle; returns whether there is anybody."""
    for owner, count in sorted(owned.unmapped().items()):
        print(f"warning: {owner} owns {counted(count, 'file')} and has no handle in spec.owners of llmops.yaml", file=sys.stderr)
    return bool(owned.unmapped())
