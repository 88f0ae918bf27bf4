"""The edits that give an application an earlier release again, proven by compiling their result.

Input: the workspace as it stands and a commit. Output: files with their new content. Values are spliced into the YAML where that
restores the release; where it does not, the files of that commit are taken as they were.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from llmops.diagnostics import Edit
from llmops.edit import EditRefused, apply_edits
from llmops.errors import LlmopsError
from llmops.fingerprint import OUTSIDE_RELEASE
from llmops.link import Linked
from llmops.load.discover import PATCHES
from llmops.load.files import MAX_FILE_BYTES
from llmops.load.source import UNREAD, Memory
from llmops.load.tree import Edited, Tree
from llmops.overlay import merge_key
from llmops.pipeline import author, draft, resolve
from llmops.plan.classes import METADATA, field_class
from llmops.plan.fields import Difference, Item, differences
from llmops.plan.history import Origin, graph_of
from llmops.project import open_project
from llmops.resources import Graph, Path, Resource

Contents = dict[str, bytes | None]
"""Path → new content, None for a file that goes."""
_MARK = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class Restoration:
    """What to write. `whole_files` says that files were taken back as a whole, other resources in them included."""

    contents: Mapping[str, bytes | None]
    whole_files: bool


def restore(here: Tree, there: Tree, origin: Origin) -> Restoration:
    """Raises `LlmopsError` where neither way restores the release exactly, as when a package's files decide it."""
    old = _linked(there, origin).graph
    used = frozenset(old.reach(origin.application, judges=True))
    for attempt, whole_files in ((_by_value, False), (_by_file, True)):
        contents = attempt(here, there, origin, used)
        if contents is not None and _release(Edited(here, contents), origin) == origin.release:
            return Restoration({path: content for path, content in contents.items() if _differs(here, path, content)}, whole_files)
    raise LlmopsError(
        f"The release {origin.release[:19]} cannot be restored from {origin.commit[:12]}",
        "It was found there with another environment's values or another llmops; check that commit out and compare.",
    )


def _release(tree: Tree, origin: Origin) -> str | None:
    project, _ = open_project(tree)
    if project is None or origin.environment not in project.environments:
        return None
    return graph_of(author(project), origin.environment, origin.application).releases.get(origin.application)


def _linked(tree: Tree, origin: Origin) -> Linked:
    """All resources of the environment. Raises `LlmopsError` where the workspace cannot be read."""
    memory: Memory = {}
    project, diagnostics = open_project(tree)
    if project is None or origin.environment not in project.environments:
        said = f": {diagnostics[0].message}" if diagnostics else ""
        raise LlmopsError(f"The workspace has no environment {origin.environment}{said}", "`llmops check` says more.")
    drafted = draft(author(project, memory), origin.environment)
    if any(document.data is UNREAD for document in drafted.documents):
        raise LlmopsError("A file of the workspace cannot be read", "Mend what `llmops check` finds first.")
    return resolve(drafted, drafted.drafts).linked


def _by_value(here: Tree, there: Tree, origin: Origin, used: frozenset[str]) -> Contents | None:
    """Each value that decides the release as it was, spliced into the file that sets it now; None where an edit is refused."""
    now, then = _linked(here, origin), _linked(there, origin).graph
    deciding = frozenset(then.reach(origin.application))  # a judge that is still there stays as it is
    contents: Contents = {}
    again: dict[str, list[str]] = {}
    edits: list[Edit] = []
    for old in (then[id_] for id_ in sorted(used) if then[id_].kind not in OUTSIDE_RELEASE):
        new = _counterpart(old, now.graph, then)
        contents |= _files(there, old, new)
        if new is None:
            again.setdefault(_free_path(here, old), []).append(_declaration(there, old))
        elif old.id in deciding:
            edits += _edits(now, old, new)
    contents |= {path: "---\n".join(documents).encode() for path, documents in again.items()}
    try:
        changed = apply_edits(edits, lambda file: _text(here, file))
    except EditRefused:
        return None
    if changed.refused:
        return None
    return contents | {change.file: _mark_of(here, change.file) + change.after.encode() for change in changed.files}


def _counterpart(old: Resource, now: Graph, then: Graph) -> Resource | None:
    """The resource that stands for `old` now: of the same id, or the only other version where that version is new."""
    if old.id in now.resources:
        return now[old.id]
    others = [resource for resource in now.of_kind(old.kind) if resource.name == old.name]
    return others[0] if len(others) == 1 and others[0].id not in then.resources else None


def _edits(now: Linked, old: Resource, new: Resource) -> Iterator[Edit]:
    for found in differences(new.spec, old.spec, ("spec",)):
        if field_class(new, found.path) == METADATA or _is_in_file(new, found):
            continue
        path = _positions(found.path, new) or _above_list(found.path)
        while _at(old, path[:-1]) is None or _at(new, path[:-1]) is None:
            path = path[:-1]  # a map that only one side has comes and goes as a whole
        yield now.locator.edit(new.id, path, _at(old, path))


def _is_in_file(resource: Resource, found: Difference) -> bool:
    """Whether the value is the text of a file that the message names."""
    path = found.path
    return path[-1] == "content" and path[1] == "messages" and "content_file" in resource.spec["messages"][path[2]]


def _positions(path: Path, resource: Resource) -> Path | None:
    """The path with positions for names of items; None where a list has no such item, or others than before."""
    value: Any = {"spec": resource.spec}
    steps: list[str | int] = []
    for step in path:
        at: str | int = _position(value, step) if isinstance(step, Item) else step
        if isinstance(value, list) and not (isinstance(at, int) and 0 <= at < len(value)):
            return None
        steps.append(at)
        value = _inside(value, at)
    return tuple(steps)


def _position(items: list[Any], name: str) -> int:
    """Where the item of that name stands; -1 where there is none."""
    key = merge_key(items)
    return next((i for i, item in enumerate(items) if item[key or ""] == name), -1)


def _inside(value: Any, step: str | int) -> Any:
    if isinstance(value, Mapping):
        return value.get(str(step))
    return value[step] if isinstance(value, list) and isinstance(step, int) and step < len(value) else None


def _above_list(path: Path) -> Path:
    """The list itself, which is then written as a whole."""
    inside = next(i for i, step in enumerate(path) if isinstance(step, Item | int) or step == "order")
    return path[:inside]


def _at(resource: Resource, path: Path) -> Any:
    """The value at a path with positions; None where there is none."""
    value: Any = {"spec": resource.spec}
    for step in path:
        value = _inside(value, step)
    return value


def _files(there: Tree, old: Resource, new: Resource | None) -> Contents:
    """The files of a resource as they were; those that came since go."""
    before, after = ({file.path: file.sha256 for file in resource.files} if resource else {} for resource in (old, new))
    changed = [path for path, digest in before.items() if after.get(path) != digest]
    contents: Contents = {path: there.read(path, MAX_FILE_BYTES) for path in (*changed, *_message_files(old))}
    return contents | dict.fromkeys(after.keys() - before.keys())


def _message_files(resource: Resource) -> list[str]:
    """The files with the texts of a prompt's messages, which are read into its spec."""
    if resource.kind != "Prompt":
        return []
    folder = posixpath.dirname(resource.source.file)
    named = [message["content_file"] for message in resource.spec["messages"] if "content_file" in message]
    return [posixpath.normpath(posixpath.join(folder, name)) for name in named]


def _free_path(here: Tree, old: Resource) -> str:
    """The resource's old file where there is none now, else a file of its own beside it."""
    path = old.source.file
    if not here.is_file(path):
        return path
    version = f"-{old.version}" if old.version else ""
    return posixpath.join(posixpath.dirname(path), f"{old.kind.lower()}-{old.name}{version}.yaml")


def _declaration(there: Tree, old: Resource) -> str:
    """The document that declared a resource, with the comments right above it."""
    text = there.read(old.source.file, MAX_FILE_BYTES).removeprefix(_MARK).decode("utf-8")
    lines = text.splitlines(keepends=True)
    line = old.source.line
    start = line - 1
    while start > 0 and lines[start - 1].startswith("#"):
        start -= 1
    end = next((i for i in range(line, len(lines)) if lines[i].startswith("---")), len(lines))
    return "".join(lines[start:end])


def _by_file(here: Tree, there: Tree, origin: Origin, used: frozenset[str]) -> Contents:
    """Every file that had a part in the release as it was, and the environment's patches."""
    then, now = _linked(there, origin).graph, _linked(here, origin).graph
    contents: Contents = {}
    for old in (then[id_] for id_ in sorted(used)):
        contents[old.source.file] = there.read(old.source.file, MAX_FILE_BYTES)
        new = now.resources.get(old.id)
        contents |= _files(there, old, new)
    folder = f"{PATCHES}/{origin.environment}"
    patches = {path for tree in (here, there) for path in tree.files_below(folder)}
    return contents | {path: there.read(path, MAX_FILE_BYTES) if there.is_file(path) else None for path in sorted(patches)}


def _mark_of(tree: Tree, file: str) -> bytes:
    """The byte order mark that a file begins with, which edits do not see."""
    return _MARK if tree.read(file, MAX_FILE_BYTES).startswith(_MARK) else b""


def _text(tree: Tree, file: str) -> str:
    return tree.read(file, MAX_FILE_BYTES).decode("utf-8").removeprefix("\ufeff")


def _differs(tree: Tree, path: str, content: bytes | None) -> bool:
    if not tree.is_file(path):
        return content is not None
    return tree.read(path, MAX_FILE_BYTES) != content
