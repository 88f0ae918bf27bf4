"""Changes to a policy's expressions that its own cases must notice: one `Mutant` for each small mistake an author could make."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from tests.policies.expressions import Node, conditions, parse, walk

COMPARISONS = {
    "==": ("!=",),
    "!=": ("==",),
    "<": ("<=", ">"),
    "<=": ("<", ">="),
    ">": (">=", "<"),
    ">=": (">", "<="),
    "+": ("-",),
    "-": ("+",),
    "*": ("/",),
    "/": ("*",),
}
MACROS = {"all": ("exists",), "exists": ("all",)}
FUNCTIONS = {"startsWith": ("endsWith", "contains"), "endsWith": ("startsWith",), "contains": ("startsWith", "endsWith")}
PATTERN_PARTS = re.compile(r"\\[bsdw.]\*?\+?|\(\?[a-z]+\)|\{\d+(?:,\d*)?\}|\[\^?(?:\\.|[^\]])+\][*+?]?|\\.|[\^$*+?]")


@dataclass(frozen=True, slots=True)
class Mutant:
    """`text` is the changed expression; `label` says what was changed, and is unique within the expression."""

    label: str
    text: str


def mutants(text: str) -> list[Mutant]:
    """Every mutant of an expression, each text once."""
    root = parse(text)
    made = dict.fromkeys((label, changed) for operator in OPERATORS for label, changed in operator(text, root) if changed != text)
    by_text = {changed: label for label, changed in reversed(made)}
    return list(_labelled((label, changed) for label, changed in made if by_text[changed] == label))


def _labelled(made: Iterable[tuple[str, str]]) -> Iterator[Mutant]:
    seen: Counter[str] = Counter()
    for label, text in made:
        seen[label] += 1
        yield Mutant(label if seen[label] == 1 else f"{label} #{seen[label]}", text)


Made = Iterator[tuple[str, str]]


def _put(text: str, node: Node, new: str) -> str:
    return text[: node.start] + new + text[node.end :]


def _of(text: str, node: Node) -> str:
    return " ".join(text[node.start : node.end].split())


def _decide(text: str, root: Node) -> Made:
    """A condition that is always true, always false, or the opposite."""
    for node in conditions(root):
        yield f"true: {_of(text, node)}", _put(text, node, "true")
        yield f"false: {_of(text, node)}", _put(text, node, "false")
        yield f"not: {_of(text, node)}", _put(text, node, f"!({text[node.start : node.end]})")


def _connect(text: str, root: Node) -> Made:
    """`&&` for `||` and the other way; one side alone."""
    for node in _binaries(root, "&&", "||"):
        other = "||" if node.word == "&&" else "&&"
        left, right = (text[part.start : part.end] for part in node.parts)
        yield f"{other}: {_of(text, node)}", _put(text, node, f"(({left}) {other} ({right}))")
        yield f"left of {node.word}: {_of(text, node)}", _put(text, node, f"({left})")
        yield f"right of {node.word}: {_of(text, node)}", _put(text, node, f"({right})")


def _compare(text: str, root: Node) -> Made:
    """Another comparison or operation."""
    for node in _binaries(root, *COMPARISONS):
        for other in COMPARISONS[node.word]:
            yield f"{node.word} → {other}: {_of(text, node)}", text[: node.at] + other + text[node.at + len(node.word) :]


def _binaries(root: Node, *words: str) -> Iterator[Node]:
    return (node for node in walk(root) if node.sort == "binary" and node.word in words)


def _rename(text: str, root: Node) -> Made:
    """Another macro or function; a filter that lets everything pass."""
    for node in walk(root):
        others = MACROS.get(node.word, ()) if node.sort == "macro" else FUNCTIONS.get(node.word, ()) if node.sort == "call" else ()
        for other in others:
            yield f"{node.word} → {other}: {_of(text, node)}", text[: node.at] + other + text[node.at + len(node.word) :]
        if node.sort == "macro" and node.word == "filter":
            yield f"unfiltered: {_of(text, node)}", _put(text, node, text[node.start : node.parts[0].end])


def _count(text: str, root: Node) -> Made:
    """A number one higher or lower."""
    for node in walk(root):
        if node.sort == "number":
            value = float(node.word) if "." in node.word else int(node.word)
            yield f"+1: {node.word}", _put(text, node, str(value + 1))
            yield f"-1: {node.word}", _put(text, node, f"({value - 1})")


def _spell(text: str, root: Node) -> Made:
    """A misspelt text; patterns have mistakes of their own."""
    patterns = {node.parts[1] for node in walk(root) if node.sort == "call" and node.word == "matches"}
    for node in walk(root):
        if node.sort == "text" and node not in patterns and "T00" not in node.word:
            yield f"misspelt: {node.word}", _put(text, node, node.word[:-1] + "x" + node.word[-1])


def _shorten(text: str, root: Node) -> Made:
    """A list without one of its items; a choice that is made."""
    for node in walk(root):
        if node.sort == "list" and len(node.parts) > 1:
            items = [text[part.start : part.end] for part in node.parts]
            for index, item in enumerate(items):
                yield f"without {item}: {_of(text, node)}", _put(text, node, f"[{', '.join(items[:index] + items[index + 1 :])}]")
        if node.sort == "choice":
            for part in node.parts[1:]:
                yield f"always {_of(text, part)}: {_of(text, node)}", _put(text, node, f"({text[part.start : part.end]})")


def _loosen(text: str, root: Node) -> Made:
    """A pattern without one of its parts or alternatives."""
    for node in walk(root):
        if node.sort == "call" and node.word == "matches":
            literal = node.parts[1]
            for label, pattern in pattern_mutants(literal.word):
                yield label, _put(text, literal, pattern)


def pattern_mutants(literal: str) -> Made:
    """Of a regular expression in its quotes: each part left out, each alternative left out."""
    opening = literal.index(literal[-1]) + 1
    head, body, tail = literal[:opening], literal[opening:-1], literal[-1]
    for found in PATTERN_PARTS.finditer(body):
        yield f"pattern without {found[0]} at {found.start()}", head + body[: found.start()] + body[found.end() :] + tail
    for start, end in _alternatives(body):
        yield f"pattern without {body[start:end]!r} at {start}", head + _cut(body, start, end) + tail


def _cut(body: str, start: int, end: int) -> str:
    """Without the alternative and one of the bars beside it."""
    return body[:start] + body[end + 1 :] if body[end : end + 1] == "|" else body[: start - 1] + body[end:]


def _alternatives(body: str) -> Iterator[tuple[int, int]]:
    """Where each alternative of each group stands that has several."""
    groups: list[list[int]] = [[0]]
    inside = False
    for position, mark in enumerate(body):
        escaped = position > 0 and body[position - 1] == "\\"
        if escaped or (inside and mark != "]"):
            continue
        inside = mark == "["
        if mark == "(":
            groups.append([position + 1])
        elif mark == "|":
            groups[-1].append(position + 1)
        elif mark == ")":
            yield from _spans(groups.pop(), position)
    yield from _spans(groups.pop(), len(body))


def _spans(starts: list[int], end: int) -> Iterator[tuple[int, int]]:
    ends = [*(start - 1 for start in starts[1:]), end]
    return zip(starts, ends, strict=True) if len(starts) > 1 else iter(())


OPERATORS: tuple[Callable[[str, Node], Made], ...] = (_decide, _connect, _compare, _rename, _count, _spell, _shorten, _loosen)
