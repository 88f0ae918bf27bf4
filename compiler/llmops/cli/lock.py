"""Record the workspace's published versions and the files of its sources in llmops.lock, which is committed.

A version that the base branch has published is never rewritten. The base is the branch of spec.git.branch in llmops.yaml (default:
main), as origin has it or else as it is here. Conflicts that a merge has left in llmops.lock are resolved by taking both sides.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from llmops.cli.inspection import write_whole
from llmops.cli.terminal import print_findings, workspace_root
from llmops.diagnostics import Diagnostic, has_errors, in_order
from llmops.errors import UsageError
from llmops.load.git_tree import commit_of, run_git
from llmops.load.source import Places, Source
from llmops.load.tree import Disk
from llmops.lock.drift import Comparison, absent_lock, drift
from llmops.lock.entries import Lock
from llmops.lock.source import FILE
from llmops.lock.summary import changes, counts
from llmops.lock.text import parse_lock, render_lock
from llmops.lock.update import Base, Ground, update
from llmops.pipeline import author, draft, resolve
from llmops.project import open_project
from llmops.validate.secrets import check_secrets

if TYPE_CHECKING:
    from llmops.pipeline import Authored, Front
    from llmops.project import Project

EXAMPLES = """\
examples:
  llmops lock                           write llmops.lock
  llmops lock --check                   is it up to date? writes nothing, exits with 1 when it is not
  llmops lock --check --base HEAD~1     against another base
"""
CONFLICT = "LLM1006"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--workspace", metavar="DIR", type=Path, help="the folder with llmops.yaml (default: here or the nearest above)")
    parser.add_argument("--check", action="store_true", help="write nothing; exit with 1 where llmops.lock is not as it should be")
    parser.add_argument("--base", metavar="REF", help="the git ref that says what is published (default: the workspace's branch)")


def run(args: argparse.Namespace) -> int:
    root = workspace_root(args)
    project, diagnostics = open_project(Disk(root))
    if project is None:
        return _stopped(diagnostics, [_settings(root)])
    authored = author(project)
    fronts = [_front(authored, environment) for environment in project.environments]
    found = in_order(diagnostic for front in fronts for diagnostic in front.diagnostics)
    if has_errors(found):
        return _stopped(found, _quoted(found, fronts, None))
    source = authored.lock
    lock, mistakes = parse_lock(source) if source else (Lock(), [])
    compared, findings = _compare(fronts, Ground(lock, base_of(root, args.base, _branch(project))))
    if args.check:
        found = in_order([*mistakes, *findings, *_drift(compared, source, mistakes)])
        return _checked(found, _quoted(found, fronts, source), compared.ground)
    stopping = [*findings, *(mistake for mistake in mistakes if mistake.code != CONFLICT)]
    if stopping:
        return _stopped(stopping, _quoted(stopping, fronts, source))
    _write(root, source, compared)
    return 0


def _front(authored: Authored, environment: str) -> Front:
    """One environment, without the finding that a version is not as the lock says: what may be rewritten depends on the base."""
    drafted = draft(replace(authored, lock=None), environment)
    front = resolve(drafted, drafted.drafts)
    return replace(front, diagnostics=(*front.diagnostics, *check_secrets(drafted.documents, drafted.places)))


def _drift(compared: Comparison, source: Source | None, mistakes: Sequence[Diagnostic]) -> list[Diagnostic]:
    """Of a lock with lines that cannot be read nobody can say what it lacks."""
    if source is None:
        return [absent_lock()]
    return drift(compared) if all(mistake.code == CONFLICT for mistake in mistakes) else []


def base_of(root: Path, ref: str | None, branch: str) -> Base | None:
    """The base that `ref` names, or the workspace's branch; None where there is no repository, or none with that branch.

    Raises `UsageError` for a ref that names no commit, and for a base whose lock cannot be read.
    """
    name = ref or next((name for name in (f"origin/{branch}", branch) if _commit(root, _branch_ref(name))), None)
    if name is None:
        return None
    tip = commit_of(root, ref or _branch_ref(name))
    return Base(name, _lock_at(root, tip, name), _lock_at(root, _common_commit(root, tip), name))


def _branch_ref(name: str) -> str:
    """In full, so that no tag of the same name is taken."""
    return f"refs/remotes/{name}" if name.startswith("origin/") else f"refs/heads/{name}"


def _commit(root: Path, ref: str) -> str | None:
    try:
        return commit_of(root, ref)
    except UsageError:
        return None


def _common_commit(root: Path, tip: str) -> str:
    """The last commit that HEAD shares with the base; the base itself where a shallow clone does not tell."""
    try:
        return run_git(root, "merge-base", "HEAD", tip).decode().strip()
    except UsageError:
        return tip


def _lock_at(root: Path, commit: str, name: str) -> Lock:
    if not run_git(root, "ls-tree", commit, "--", FILE):
        return Lock()
    text = run_git(root, "show", f"{commit}:./{FILE}").decode("utf-8", "surrogateescape")
    lock, diagnostics = parse_lock(Source(f"{name}:{FILE}", text))
    broken = [diagnostic for diagnostic in diagnostics if diagnostic.code in ("LLM1001", "LLM1002", "LLM1003", "LLM1004")]
    if broken:
        # A version on a line that cannot be read would pass for one that nobody has published.
        place = f"{broken[0].location.file}:{broken[0].location.line}"
        raise UsageError(f"The base's lock cannot be read: {place}: {broken[0].message}", "Name a commit before with --base, and mend it.")
    return lock


def _branch(project: Project) -> str:
    git = project.settings.get("git")
    return str(git["branch"]) if git else "main"


def _compare(fronts: Sequence[Front], ground: Ground) -> tuple[Comparison, list[Diagnostic]]:
    environments = [front.linked for front in fronts]
    wanted, findings = update(environments, ground)
    return Comparison(ground, wanted, environments), findings


def _write(root: Path, source: Source | None, compared: Comparison) -> None:
    text = render_lock(compared.wanted)
    if source and source.text == text:
        print(f"{FILE} is up to date: {counts(compared.wanted)}.")
        return
    write_whole(root / FILE, text)
    print(f"wrote {FILE}: {counts(compared.wanted)}")
    for change in changes(compared.present, compared.wanted) or ["the entries are in order again"]:
        print(f"  {change}")


def _checked(found: Sequence[Diagnostic], sources: Sequence[Source], ground: Ground) -> int:
    if found:
        print_findings(found, Places(sources))
        return 1
    against = f"{ground.base.name} agrees" if ground.base else "there was no base that could disagree (--base REF)"
    print(f"{FILE} is up to date: {counts(ground.present)}; {against}.")
    return 0


def _stopped(found: Sequence[Diagnostic], sources: Sequence[Source]) -> int:
    print_findings(in_order(found), Places(sources))
    print(f"{FILE} was not written.", file=sys.stderr)
    return 1


def _settings(root: Path) -> Source:
    from llmops.load.discover import read_settings

    return read_settings(Disk(root))[0] or Source("llmops.yaml", None)


def _quoted(found: Sequence[Diagnostic], fronts: Sequence[Front], lock: Source | None) -> list[Source]:
    """The texts of the files that findings are in."""
    files = {place.file for diagnostic in found for place in diagnostic.locations}
    texts = [(file, next((text for front in fronts if (text := front.places.text(file)) is not None), None)) for file in sorted(files)]
    return [*(Source(file, text) for file, text in texts), *([lock] if lock else [])]
