"""Write the YAML that gives an application an earlier release again.

Looks through the branch's commits for the release, shows what it changes as a diff and as a plan, and writes the files when you
agree. What it writes is compiled first: it restores the release exactly, or nothing is written. Commit it as any other change.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping
from pathlib import Path

from llmops.cli.fixes import is_agreed, replace_file
from llmops.cli.terminal import add_workspace_arguments, uses_colour, width_of, workspace_root
from llmops.edit import FileChange
from llmops.errors import LlmopsError, UsageError
from llmops.load.files import MAX_FILE_BYTES
from llmops.load.git_tree import WorkingTree, changed_paths, tree_at
from llmops.load.tree import Edited
from llmops.plan import plan_trees
from llmops.plan.document import Point
from llmops.plan.history import Origin, find_release, wanted_release
from llmops.plan.rollback import Restoration, restore
from llmops.report.diff import diff_report
from llmops.report.plans import text as plan_text

CLEAN, NOT_WRITTEN = 0, 1

EXAMPLES = """\
examples:
  llmops rollback --to sha256:3f1c09ab                 the release, as the log or `llmops graph` shows it
  llmops rollback --to 3f1c09ab --app support --env prod
  llmops rollback --to 3f1c09ab --yes                  write without asking
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_workspace_arguments(parser)
    parser.add_argument("--to", metavar="RELEASE", required=True, help="the release to return to: its first 8 digits or more")
    parser.add_argument("--app", metavar="NAME", help="the application (default: whichever had the release)")
    parser.add_argument("--yes", action="store_true", help="write without asking")


def run(args: argparse.Namespace) -> int:
    root = workspace_root(args)
    origin = find_release(root, wanted_release(args.to), [args.env] if args.env else None, args.app)
    _say(f"{origin.application} had {origin.release[:19]} in {origin.environment} at {origin.commit[:12]}.")
    here = WorkingTree(root)
    with tree_at(root, origin.commit, here) as there:
        restoration = restore(here, there, origin)
    if not restoration.contents:
        _say("It has that release now: there is nothing to write.")
        return CLEAN
    _refuse_foreign(here, restoration)
    _refuse_uncommitted(root, restoration)
    _show(here, restoration, origin)
    if not (args.yes or is_agreed(len(restoration.contents))):
        _say("Nothing was written." if sys.stdin.isatty() else "Nothing was written: there is no terminal to ask. --yes writes.")
        return NOT_WRITTEN
    _write(root, restoration.contents)
    _say(f"{origin.application} has {origin.release[:19]} in {origin.environment} again. Run `llmops lock`, and commit.")
    return CLEAN


def _refuse_foreign(here: WorkingTree, restoration: Restoration) -> None:
    """A link may lead a path of the earlier commit elsewhere now."""
    for path in sorted(restoration.contents):
        if not here.is_inside(path):
            raise UsageError(f"{path} leads out of the workspace", "Remove the link first; the rollback writes this file.")


def _refuse_uncommitted(root: Path, restoration: Restoration) -> None:
    """What is not committed cannot be brought back."""
    unsaved = sorted(changed_paths(root, "HEAD") & restoration.contents.keys())
    if unsaved:
        raise UsageError(f"{unsaved[0]} has changes that are not committed", "Commit or stash them first; the rollback writes this file.")


def _show(here: WorkingTree, restoration: Restoration, origin: Origin) -> None:
    now = {path: here.read(path, MAX_FILE_BYTES) if here.is_file(path) else None for path in restoration.contents}
    changes = [FileChange(path, _shown(now[path]), _shown(content)) for path, content in sorted(restoration.contents.items())]
    sys.stdout.write(diff_report(changes, colour=uses_colour(sys.stdout)))
    after = Edited(here, restoration.contents)
    ends = Point("the working tree"), Point(f"release {origin.release[:19]}")
    plan = plan_trees((here, after), frozenset(restoration.contents), ends, None, None)
    sys.stdout.write("\n" + plan_text.report(plan, colour=uses_colour(sys.stdout), width=width_of(sys.stdout)))
    sys.stdout.flush()
    if restoration.whole_files:
        _say("Files are taken back as a whole: other resources in them return to what they were, too.")


def _write(root: Path, contents: Mapping[str, bytes | None]) -> None:
    for path, content in sorted(contents.items()):
        target = root / path
        try:
            if content is None:
                target.unlink()
            elif target.exists():
                replace_file(target.resolve(), content)
            else:
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(content)
        except OSError as error:
            raise LlmopsError(f"{path} cannot be written: {error.strerror}", "Check the permissions of the file and its folder.") from error
        _say(f"{'removed' if content is None else 'wrote'} {path}")


def _shown(content: bytes | None) -> str:
    """A file as a diff shows it; what is no text stands as a replacement character."""
    return (content or b"").decode("utf-8", "replace").removeprefix("\ufeff")


def _say(text: str) -> None:
    print(text, file=sys.stderr)
