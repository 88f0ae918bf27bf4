"""YAML 1.2 core for specs: text → plain values, with the line of each document.

libyaml composes the nodes; the values are built here, because PyYAML's own constructors follow YAML 1.1 (`on:` is True
there, `010` is 8) and accept duplicate keys, aliases and tags. A mistake is a `YamlProblem` with its mark.
"""

from __future__ import annotations

import re
from typing import Any

from yaml import MarkedYAMLError
from yaml.cyaml import CParser
from yaml.events import AliasEvent, MappingStartEvent, ScalarEvent, SequenceStartEvent
from yaml.nodes import MappingNode, Node, ScalarNode
from yaml.reader import ReaderError

MAX_BYTES = 1_000_000
MAX_DEPTH = 40
MAX_NODES = 50_000

_INT = re.compile(r"[-+]?[0-9]+\Z").match
_OTHER_INT = re.compile(r"0o[0-7]+\Z|0x[0-9a-fA-F]+\Z").match
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?\Z").match
_NOT_FINITE = re.compile(r"[-+]?\.(inf|Inf|INF)\Z|\.(nan|NaN|NAN)\Z").match
_WORDS = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False, **dict.fromkeys(("", "~", "null", "Null", "NULL"))}
_NUMERIC_START = frozenset("-+.0123456789")
_SUSPICIOUS = re.compile(r"(?m)(?:^|[\s\[{,:?-])[&*!][^\s]").search
_SAFE_BRACKETS = 1_000
_SAFE_LINE = 5_000


class YamlProblem(Exception):
    """A text that is not a spec. `line` and `column` count from 0, as libyaml's marks."""

    def __init__(self, code: str, message: str, line: int, column: int, hint: str = "", width: int = 1) -> None:
        super().__init__(message)
        self.code, self.message, self.line, self.column, self.hint, self.width = code, message, line, column, hint, width
        self.first: tuple[int, int] | None = None


class _Composer(CParser):  # type: ignore[misc]
    """Nodes without tags: resolving them costs a third of the time and follows YAML 1.1."""

    def resolve(self, *_: object) -> str:
        return ""

    def descend_resolver(self, *_: object) -> None:
        """Nothing to do without a resolver."""

    def ascend_resolver(self) -> None:
        """Nothing to do without a resolver."""


def compose(text: str) -> list[Node]:
    """The node trees of every document. Raises `YamlProblem` for bad syntax, aliases, anchors, tags, too much depth."""
    _check_size(text)
    if _SUSPICIOUS(text) or _may_be_deep(text):
        _check_events(text)
    composer = _Composer(text)
    nodes = []
    try:
        while composer.check_node():
            nodes.append(composer.get_node())
    except (MarkedYAMLError, ReaderError) as error:
        raise _syntax(text, error) from error
    return nodes


def build(node: Node) -> Any:
    """A node tree as plain values. Raises `YamlProblem` for duplicate keys, merge keys, keys that are not text, odd numbers."""
    return _Builder().build(node, 0)


class _Builder:
    __slots__ = ("nodes",)

    def __init__(self) -> None:
        self.nodes = 0

    def build(self, node: Node, depth: int) -> Any:
        self.nodes += 1
        if node.__class__ is ScalarNode:
            return node.value if node.style else scalar(node)
        if depth > MAX_DEPTH or self.nodes > MAX_NODES:
            raise _too_big(node, depth)
        if node.__class__ is MappingNode:
            return self._mapping(node, depth)
        return [self.build(child, depth + 1) for child in node.value]

    def _mapping(self, node: MappingNode, depth: int) -> dict[str, Any]:
        out: dict[str, Any] = {}
        for key, value in node.value:
            name = key.value
            if key.__class__ is not ScalarNode or name in out or name == "<<":
                raise _bad_key(node, key)
            out[name] = self.build(value, depth + 1)
        return out


def scalar(node: ScalarNode) -> Any:
    """A plain scalar by the YAML 1.2 core schema."""
    text = node.value
    if text in _WORDS:
        return _WORDS[text]
    if text[0] in _NUMERIC_START:
        return _number(node, text)
    return text


def _number(node: ScalarNode, text: str) -> Any:
    if _INT(text) and len(text) <= 20:
        return int(text)
    if _OTHER_INT(text):
        return int(text, 0)
    if _NOT_FINITE(text):
        raise _problem("LLM0006", f"{text} is not a finite number", node, "Write a number, or quote it to make it text.")
    if _FLOAT(text):
        return float(text)
    return text


def _check_size(text: str) -> None:
    if len(text) > MAX_BYTES:
        raise YamlProblem("LLM0007", f"The file has {len(text):,} characters; a spec file has at most {MAX_BYTES:,}", 0, 0, "Split the file.")


def _may_be_deep(text: str) -> bool:
    """A cheap upper bound: libyaml composes recursively in C, and 100,000 brackets would end the process."""
    if text.count("[") + text.count("{") > _SAFE_BRACKETS:
        return True
    return len(text) > _SAFE_LINE and max(map(len, text.splitlines()), default=0) > _SAFE_LINE


def _check_events(text: str) -> None:
    """Events come one by one without recursion, so this pass is safe for any text."""
    parser = CParser(text)
    depth = 0
    try:
        while parser.check_event():
            event = parser.get_event()
            _check_event(event)
            depth = _depth_after(event, depth)
    except (MarkedYAMLError, ReaderError) as error:
        raise _syntax(text, error) from error


def _depth_after(event: Any, depth: int) -> int:
    if isinstance(event, MappingStartEvent | SequenceStartEvent):
        if depth >= MAX_DEPTH:
            raise _too_big(event, depth)
        return depth + 1
    return depth - 1 if event.__class__.__name__ in ("MappingEndEvent", "SequenceEndEvent") else depth


def _check_event(event: Any) -> None:
    if isinstance(event, AliasEvent):
        raise _problem("LLM0004", f"Alias *{event.anchor}: specs have no aliases", event, "Write the value out where it is used.", len(event.anchor) + 1)
    if not isinstance(event, ScalarEvent | MappingStartEvent | SequenceStartEvent):
        return
    if event.anchor:
        raise _problem("LLM0004", f"Anchor &{event.anchor}: specs have no anchors", event, "Remove it and write the value out.", len(event.anchor) + 1)
    if event.tag:
        raise _problem("LLM0005", f"Tag {event.tag}: specs have no tags", event, "Remove the tag; quote the value if it must be text.", len(event.tag))


def _bad_key(mapping: MappingNode, key: Node) -> YamlProblem:
    if key.__class__ is not ScalarNode:
        return _problem("LLM0008", "A key must be plain text", key, "Give the field a name.")
    if key.value == "<<":
        return _problem("LLM0004", "Merge key <<: specs have no merge keys", key, "Write the fields out.", 2)
    problem = _problem("LLM0003", f"Field {key.value!r} is given twice", key, "Keep one of the two.", _width(key))
    first = next(k for k, _ in mapping.value if k.value == key.value)
    problem.first = (first.start_mark.line, first.start_mark.column)
    return problem


def _too_big(node: Any, depth: int) -> YamlProblem:
    what = f"deeper than {MAX_DEPTH} levels" if depth >= MAX_DEPTH else f"more than {MAX_NODES:,} values"
    return _problem("LLM0007", f"The document is {what}" if depth >= MAX_DEPTH else f"The document has {what}", node, "Flatten or split it.")


def _problem(code: str, message: str, node: Any, hint: str, width: int = 1) -> YamlProblem:
    mark = node.start_mark
    return YamlProblem(code, message, mark.line, mark.column, hint, width)


def _width(node: Node) -> int:
    same_line = node.start_mark.line == node.end_mark.line
    return max(1, node.end_mark.column - node.start_mark.column) if same_line else 1


def _syntax(text: str, error: MarkedYAMLError | ReaderError) -> YamlProblem:
    if isinstance(error, ReaderError):
        before = text[: error.position] if isinstance(error.position, int) else ""
        line = before.count("\n")
        column = len(before) - before.rfind("\n") - 1
        return YamlProblem("LLM0002", f"Character #x{ord(text[len(before)]):04x} is not allowed in YAML", line, column, "Remove it, or write it as an escape in double quotes.")
    mark = error.problem_mark or error.context_mark
    context = f" {error.context}" if error.context else ""
    return YamlProblem("LLM0002", f"Not valid YAML: {error.problem}{context}", mark.line, mark.column, _syntax_hint(text, mark.line, error.problem or ""))


def _syntax_hint(text: str, line: int, problem: str) -> str:
    lines = text.splitlines()
    content = lines[line] if line < len(lines) else ""
    if "\t" in content[: len(content) - len(content.lstrip())]:
        return "Indent with spaces; YAML forbids tabs."
    if "mapping values are not allowed" in problem:
        return 'Quote a text that contains ": ".'
    if "unexpected end of stream" in problem:
        return "Close the quote that starts here."
    if "expected ','" in problem:
        return "Close the bracket, or put a comma between the items."
    return "Check the indentation and the quotes on this line and the one above."
