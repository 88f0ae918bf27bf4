"""Stage `load`: files → documents, plain values that know their file and line.

Exact positions are not kept for every value: `Places` composes a file again when a diagnostic needs one, which keeps
10,000 specs small in memory and costs nothing on a clean workspace.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final

from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from llmops.diagnostics import Diagnostic, Location
from llmops.load.yaml_core import YamlProblem, build, compose, lines_of
from llmops.resources import Path


@dataclass(frozen=True, slots=True)
class Source:
    """A file's text, None where it could not be read. `file` is relative to the workspace, with slashes."""

    file: str
    text: str | None


class Unread(Enum):
    """What a document holds whose file could not be read or parsed: it may declare any resource, so absence proves nothing."""

    UNREAD = "unread"


UNREAD: Final = Unread.UNREAD


@dataclass(frozen=True, slots=True)
class Document:
    """One YAML document. `index` counts the documents of the file, `line` is where it starts, from 1. `data` may be `UNREAD`."""

    file: str
    index: int
    line: int
    data: Any


Memory = dict[Source, tuple[list[Document], list[Diagnostic]]]
"""What files were found to hold, for reading another version of the same workspace: an unchanged file is the same document."""


def load(sources: Iterable[Source], memory: Memory | None = None) -> tuple[list[Document], list[Diagnostic]]:
    """All documents of all files; a file with a mistake gives its diagnostic and one document that holds `UNREAD`."""
    documents: list[Document] = []
    diagnostics: list[Diagnostic] = []
    for source in sources:
        known = memory.get(source) if memory is not None else None
        found = known or _loaded(source)
        if memory is not None:
            memory[source] = found
        documents += found[0]
        diagnostics += found[1]
    return documents, diagnostics


def _loaded(source: Source) -> tuple[list[Document], list[Diagnostic]]:
    try:
        return _documents(source), []
    except YamlProblem as problem:
        return [Document(source.file, 0, 1, UNREAD)], [_diagnostic(source, problem)]


def _documents(source: Source) -> list[Document]:
    if source.text is None:
        return [Document(source.file, 0, 1, UNREAD)]
    nodes = compose(source.text)
    return [Document(source.file, index, node.start_mark.line + 1, build(node)) for index, node in enumerate(nodes) if not _is_empty(node)]


def _is_empty(node: Node) -> bool:
    return isinstance(node, ScalarNode) and node.value == "" and not node.style


def _diagnostic(source: Source, problem: YamlProblem) -> Diagnostic:
    place = Location(source.file, problem.line + 1, problem.column + 1, problem.width)
    found = Diagnostic(problem.code, "error", problem.message, (place,), "", problem.hint)
    if problem.first is None:
        return found
    line, column = problem.first
    return found.related(Location(source.file, line + 1, column + 1, problem.width, "first given here"))


class Places:
    """Exact positions of values and keys, found when asked for."""

    def __init__(self, sources: Iterable[Source]) -> None:
        self._texts: Mapping[str, str] = {s.file: s.text for s in sources if s.text is not None}
        self._nodes: dict[str, list[Node]] = {}

    def text(self, file: str) -> str | None:
        """The file's text, for quoting a line; None for a file that is not a spec."""
        return self._texts.get(file)

    def line(self, place: Location) -> str:
        """The line of a place, empty where it is not known."""
        lines = lines_of(self.text(place.file) or "")
        return lines[place.line - 1] if place.line <= len(lines) else ""

    def value(self, document: Document, path: Path) -> Location:
        """Where the value at `path` stands; where it is missing, the nearest value above it."""
        return self._locate(document, path, want_key=False)

    def key(self, document: Document, path: Path) -> Location:
        """Where the field's name stands; an item of a list has none, so its value is taken."""
        return self._locate(document, path, want_key=True)

    def _locate(self, document: Document, path: Path, *, want_key: bool) -> Location:
        node: Node = self._root(document)
        found: Node = node
        for step in path:
            entry = _child(node, step)
            if entry is None:
                break
            key, node = entry
            found = key if key is not None and (want_key or _spans_lines(node)) else node
        return _span(document.file, found)

    def _root(self, document: Document) -> Node:
        if document.file not in self._nodes:
            self._nodes[document.file] = compose(self._texts[document.file])
        return self._nodes[document.file][document.index]


def _child(node: Node, step: str | int) -> tuple[Node | None, Node] | None:
    if isinstance(node, MappingNode):
        return next(((k, v) for k, v in node.value if k.value == step), None)
    if isinstance(node, SequenceNode) and isinstance(step, int) and step < len(node.value):
        return None, node.value[step]
    return None


def _spans_lines(node: Node) -> bool:
    """A value of several lines gets its caret under the field's name."""
    return bool(node.end_mark.line > node.start_mark.line)


def _span(file: str, node: Node) -> Location:
    start, end = node.start_mark, node.end_mark
    width = end.column - start.column if end.line == start.line else 1
    return Location(file, start.line + 1, start.column + 1, max(1, width))
