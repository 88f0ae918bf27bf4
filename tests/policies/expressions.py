"""A small reader of CEL, for tests that change expressions: text → a tree whose nodes know where they stand in the text."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

MACROS = frozenset({"all", "exists", "exists_one", "filter", "map"})
_TOKEN = re.compile(
    r"""\s*(?:
      (?P<text>r?'(?:[^'\\]|\\.)*'|r?"(?:[^"\\]|\\.)*")
    | (?P<number>\d+\.\d+|\d+)
    | (?P<name>[A-Za-z_]\w*)
    | (?P<mark>&&|\|\||<=|>=|==|!=|[-+*/%<>!?:.,()\[\]{}])
    )""",
    re.VERBOSE,
)
_LEVELS: tuple[tuple[str, ...], ...] = (("||",), ("&&",), ("<", "<=", ">", ">=", "==", "!=", "in"), ("+", "-"), ("*", "/", "%"))


@dataclass(frozen=True, slots=True)
class Token:
    sort: str
    text: str
    start: int

    @property
    def end(self) -> int:
        return self.start + len(self.text)


@dataclass(frozen=True, slots=True)
class Node:
    """`sort` is `binary`, `not`, `choice`, `call`, `macro`, `select`, `list`, `map`, `text`, `number` or `name`.

    `word` is the operator, the function or the literal, and `at` where it stands. A macro's parts are its target and its
    body; a call's its target, if it has one, and its arguments; a choice's the condition and the two branches. Parentheses
    belong to what they enclose.
    """

    sort: str
    start: int
    end: int
    parts: tuple[Node, ...] = ()
    word: str = ""
    at: int = 0


def walk(node: Node) -> Iterator[Node]:
    yield node
    for part in node.parts:
        yield from walk(part)


def conditions(root: Node) -> Iterator[Node]:
    """Every node that is true or false by where it stands: the whole, the operands of `&&`, `||` and `!`, the bodies of macros."""
    yield root
    for node in walk(root):
        if node.sort == "not" or (node.sort == "binary" and node.word in ("&&", "||")):
            yield from node.parts
        elif node.sort == "choice":
            yield node.parts[0]
        elif node.sort == "macro" and node.word != "map":
            yield node.parts[1]


def parse(text: str) -> Node:
    """Raises `SyntaxError` for what is no expression."""
    reader = _Reader(text)
    root = reader.expression()
    if reader.token.sort != "end":
        raise SyntaxError(f"{reader.token.text!r} at {reader.token.start} of {text!r}")
    return root


def tokens(text: str) -> Iterator[Token]:
    position = 0
    while text[position:].strip():
        found = _TOKEN.match(text, position)
        if not found or found.lastgroup is None:
            raise SyntaxError(f"no token at {position} of {text!r}")
        yield Token(found.lastgroup, found[found.lastgroup], found.start(found.lastgroup))
        position = found.end()
    yield Token("end", "", len(text))


class _Reader:
    """Recursive descent; binary operators of one level are read from the left."""

    def __init__(self, text: str) -> None:
        self._tokens = list(tokens(text))
        self._position = 0

    @property
    def token(self) -> Token:
        return self._tokens[min(self._position, len(self._tokens) - 1)]

    def _next(self) -> Token:
        if self.token.sort == "end":
            raise SyntaxError(f"the expression ends at {self.token.start}")
        self._position += 1
        return self._tokens[self._position - 1]

    def _take(self, text: str) -> Token:
        if self.token.text != text:
            raise SyntaxError(f"expected {text!r}, found {self.token.text!r} at {self.token.start}")
        return self._next()

    def _end(self) -> int:
        return self._tokens[self._position - 1].end

    def expression(self) -> Node:
        condition = self._binary(0)
        if self.token.text != "?":
            return condition
        mark = self._next()
        first = self._binary(0)
        self._take(":")
        second = self.expression()
        return Node("choice", condition.start, self._end(), (condition, first, second), "?", mark.start)

    def _binary(self, level: int) -> Node:
        if level == len(_LEVELS):
            return self._unary()
        left = self._binary(level + 1)
        while self.token.text in _LEVELS[level] and self.token.sort != "text":
            operator = self._next()
            right = self._binary(level + 1)
            left = Node("binary", left.start, self._end(), (left, right), operator.text, operator.start)
        return left

    def _unary(self) -> Node:
        if self.token.text != "!":
            return self._member(self._primary())
        mark = self._next()
        inner = self._unary()
        return Node("not", mark.start, self._end(), (inner,), "!", mark.start)

    def _member(self, node: Node) -> Node:
        while self.token.text in (".", "["):
            node = self._field(node) if self._next().text == "." else self._index(node)
        return node

    def _field(self, target: Node) -> Node:
        name = self._next()
        if self.token.text != "(":
            return Node("select", target.start, self._end(), (target,), name.text, name.start)
        if name.text not in MACROS:
            items = self._items("(", ")")
            return Node("call", target.start, self._end(), (target, *items), name.text, name.start)
        self._take("(")
        self._next()
        self._take(",")
        body = self.expression()
        self._take(")")
        return Node("macro", target.start, self._end(), (target, body), name.text, name.start)

    def _index(self, target: Node) -> Node:
        inner = self.expression()
        self._take("]")
        return Node("call", target.start, self._end(), (target, inner), "[]", inner.start)

    def _primary(self) -> Node:
        token = self.token
        if token.sort == "mark":
            return self._bracketed(token)
        self._next()
        if token.sort == "name" and self.token.text == "(":
            items = self._items("(", ")")
            return Node("call", token.start, self._end(), items, token.text, token.start)
        return Node(token.sort, token.start, token.end, (), token.text, token.start)

    def _bracketed(self, token: Token) -> Node:
        if token.text == "(":
            (inner,) = self._items("(", ")")
            return replace(inner, start=token.start, end=self._end())
        if token.text not in ("[", "{"):
            raise SyntaxError(f"{token.text!r} at {token.start}")
        sort, closing = ("list", "]") if token.text == "[" else ("map", "}")
        items = self._items(token.text, closing)
        return Node(sort, token.start, self._end(), items)

    def _items(self, opening: str, closing: str) -> tuple[Node, ...]:
        """The items of a list, the keys and values of a map, the arguments of a call."""
        self._take(opening)
        items = []
        while self.token.text != closing:
            items.append(self.expression())
            if self.token.text in (",", ":"):
                self._next()
        self._take(closing)
        return tuple(items)
