"""YAML 1.2 core for specs: text → plain values, with the line of each document.

libyaml composes the nodes; the values are built here, because PyYAML's own constructors follow YAML 1.1 (`on:` is True
there, `010` is 8) and accept duplicate keys, aliases and tags. A mistake is a `YamlProblem` with its mark.
"""

from __future__ import annotations

import operator
import re
from math import isinf
from typing import Any, cast

from yaml import MarkedYAMLError
from yaml._yaml import CParser
from yaml.events import AliasEvent, MappingStartEvent, ScalarEvent, SequenceStartEvent
from yaml.nodes import MappingNode, Node, ScalarNode
from yaml.reader import Reader, ReaderError

from llmops.load.syntax import syntax_in_words

MAX_BYTES = 1_000_000
MAX_DEPTH = 40
MAX_NODES = 50_000
MAX_INTEGER = 2**53 - 1
"""The largest whole number that JSON carries exactly."""

_INT = re.compile(r"[-+]?[0-9]+\Z").match
_OTHER_INT = re.compile(r"0o[0-7]+\Z|0x[0-9a-fA-F]+\Z").match
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?\Z").match
_NOT_FINITE = re.compile(r"[-+]?\.(inf|Inf|INF)\Z|\.(nan|NaN|NAN)\Z").match
_WORDS = {
    "true": True,
    "True": True,
    "TRUE": True,
    "false": False,
    "False": False,
    "FALSE": False,
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
}
_NUMERIC_START = frozenset("-+.0123456789")
# What libyaml may take for an anchor, an alias or a tag. The rare character is looked for first, then what stands before it,
# then what follows: the other way round costs eight times as much.
_SUSPICIOUS = re.compile(r"[&*!](?<![^\s\[{,:?\ufeff-].)(?:(?<=!)|[0-9A-Za-z_-])").search
_NOT_PRINTABLE = Reader.NON_PRINTABLE.search
_AT_START = ("found unexpected end of stream", "could not find expected ':'", "did not find expected ',' or")
"""Mistakes that libyaml notices long after them: the place to look at is where the quote, key or bracket begins."""
_LINES = re.compile(r"\r\n|[\n\r\x85\u2028\u2029]").split
_SAFE_BRACKETS = 1_000
_SAFE_LINE = 5_000


class YamlProblem(Exception):
    """A text that is not a spec. `line` and `column`, given as `at`, count from 0, as libyaml's marks."""

    def __init__(self, code: str, message: str, at: tuple[int, int], hint: str, width: int = 1) -> None:
        super().__init__(message)
        self.code, self.message, self.hint, self.width = code, message, hint, width
        self.line, self.column = at
        self.first: tuple[int, int] | None = None


class _Composer(CParser):
    """Nodes whose tags mean nothing: resolving them costs a third of the time and follows YAML 1.1.

    Each of these is called for every node, and what it returns is never looked at. They are builtins that take as many
    arguments and do next to nothing, because an empty method costs more than they do.
    """

    resolve = slice
    descend_resolver = operator.is_
    ascend_resolver = tuple


def lines_of(text: str) -> list[str]:
    """The lines as YAML counts them; the last is empty where the text ends with a line break, and dropped then."""
    lines = _LINES(text)
    return lines[:-1] if len(lines) > 1 and not lines[-1] else lines


def compose(text: str) -> list[Node]:
    """The node trees of every document. Raises `YamlProblem` for bad syntax, aliases, anchors, tags, too much depth."""
    _check_size(text)
    if _SUSPICIOUS(text) or _may_be_deep(text):
        _check_events(text)
    composer = _Composer(text)
    nodes: list[Node] = []
    try:
        while composer.check_node():
            nodes.append(cast(Node, composer.get_node()))
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
        if node.__class__ is ScalarNode:
            return node.value if node.style else scalar(node)
        self.nodes += len(node.value) + 1
        if depth > MAX_DEPTH or self.nodes > MAX_NODES:
            raise _too_big(node, depth)
        if node.__class__ is MappingNode:
            return self._mapping(node, depth)
        return [self.build(child, depth + 1) for child in node.value]

    def _mapping(self, node: MappingNode, depth: int) -> dict[str, Any]:
        out: dict[str, Any] = {}
        for key, value in node.value:
            name = key.value
            if key.__class__ is not ScalarNode or name in out or name == "<<" or _is_no_text(key):
                raise _bad_key(node, key)
            # Most values are scalars; `build` would say the same of them, for a call more.
            plain = value.__class__ is ScalarNode
            out[name] = (value.value if value.style else scalar(value)) if plain else self.build(value, depth + 1)
        return out


def _is_no_text(key: ScalarNode) -> bool:
    """Whether an unquoted key is a number, true, false or nothing."""
    text = key.value
    return not key.style and (text in _WORDS or text[0] in _NUMERIC_START) and not isinstance(scalar(key), str)


def scalar(node: ScalarNode) -> Any:
    """A plain scalar by the YAML 1.2 core schema."""
    text = node.value
    if text in _WORDS:
        return _WORDS[text]
    if text[0] in _NUMERIC_START:
        return _number(node, text)
    return text


def _number(node: ScalarNode, text: str) -> Any:
    if _INT(text) or _OTHER_INT(text):
        return _whole(node, text)
    if _NOT_FINITE(text):
        raise _problem("LLM0006", f"{text} is not a finite number", node, "Write a number, or quote it to make it text.", len(text))
    return _fraction(node, text) if _FLOAT(text) else text


def _whole(node: ScalarNode, text: str) -> int:
    # The length is looked at first: Python refuses to convert thousands of digits.
    value = int(text, 0 if text[:2] in ("0o", "0x") else 10) if len(text) <= 40 else MAX_INTEGER + 1
    if abs(value) > MAX_INTEGER:
        raise _problem(
            "LLM0006",
            f"The number is larger than {MAX_INTEGER}, the most that JSON holds exactly",
            node,
            "Quote it to make it text.",
            len(text),
        )
    return value


def _fraction(node: ScalarNode, text: str) -> float:
    value = float(text)
    if isinf(value):
        raise _problem("LLM0006", "The number is too large", node, "Write a smaller one, or quote it to make it text.", len(text))
    return value


def _check_size(text: str) -> None:
    if len(text) > MAX_BYTES:
        raise YamlProblem(
            "LLM0007", f"The file has {len(text):,} characters; a spec file has at most {MAX_BYTES:,}", (0, 0), "Split the file."
        )


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
        alias = f"*{event.anchor}"
        raise _problem("LLM0004", f"Alias {alias}: specs have no aliases", event, "Write the value out where it is used.", len(alias))
    if not isinstance(event, ScalarEvent | MappingStartEvent | SequenceStartEvent):
        return
    if event.anchor:
        raise _problem(
            "LLM0004", f"Anchor &{event.anchor}: specs have no anchors", event, "Remove it and write the value out.", len(event.anchor) + 1
        )
    if event.tag:
        tag = event.tag.replace("tag:yaml.org,2002:", "!!")
        raise _problem("LLM0005", f"Tag {tag}: specs have no tags", event, "Remove the tag; quote the value if it must be text.", len(tag))


def _bad_key(mapping: MappingNode, key: Node) -> YamlProblem:
    if key.__class__ is not ScalarNode:
        return _problem("LLM0008", "A key must be text, not a list or a map", key, "Give the field a name.")
    if _is_no_text(key):
        hint = f'Quote it: "{key.value}".' if key.value else "Give the field a name."
        return _problem("LLM0008", f"The key {key.value} is not text" if key.value else "The key is empty", key, hint, _width(key))
    if key.value == "<<":
        return _problem("LLM0004", "Merge key <<: specs have no merge keys", key, "Write the fields out.", 2)
    problem = _problem("LLM0003", f"Field {key.value!r} is given twice", key, "Keep one of the two.", _width(key))
    first = next(k for k, _ in mapping.value if k.value == key.value)
    problem.first = (first.start_mark.line, first.start_mark.column)
    return problem


def _too_big(node: Any, depth: int) -> YamlProblem:
    what = f"is deeper than {MAX_DEPTH} levels" if depth >= MAX_DEPTH else f"has more than {MAX_NODES:,} values"
    return _problem("LLM0007", f"The document {what}", node, "Flatten or split it.")


def _problem(code: str, message: str, node: Any, hint: str, width: int = 1) -> YamlProblem:
    mark = node.start_mark
    return YamlProblem(code, message, (mark.line, mark.column), hint, width)


def _width(node: Node) -> int:
    same_line = node.start_mark.line == node.end_mark.line
    return max(1, node.end_mark.column - node.start_mark.column) if same_line else 1


def _syntax(text: str, error: MarkedYAMLError | ReaderError) -> YamlProblem:
    if isinstance(error, ReaderError):
        return _control_character(text)
    problem = str(error.problem)
    mark = error.context_mark if error.context_mark and problem.startswith(_AT_START) else error.problem_mark
    assert mark is not None  # libyaml always says where
    lines = lines_of(text)
    line = min(mark.line, len(lines) - 1)
    column = mark.column if line == mark.line else len(lines[line])
    message, hint = syntax_in_words(problem, str(error.context), lines[line][column : column + 1])
    if _begins_with_tab(lines[line]):
        message, hint = "a tab indents this line", "Indent with spaces; YAML forbids tabs."
    return YamlProblem("LLM0002", f"Not valid YAML: {message}", (line, column), hint)


def _begins_with_tab(line: str) -> bool:
    return "\t" in line[: len(line) - len(line.lstrip())]


def _control_character(text: str) -> YamlProblem:
    """libyaml counts in bytes and from the start of its buffer, so the character is looked for here."""
    found = _NOT_PRINTABLE(text)
    before = text[: found.start()] if found else ""
    what = f"Character U+{ord(found[0]):04X}" if found else "A character"
    column = len(before) - before.rfind("\n") - 1
    at = (before.count("\n"), column)
    return YamlProblem("LLM0002", f"{what} is not allowed in YAML", at, "Remove it, or write it as an escape in double quotes.")
