"""Edits whose exact outcome is written out: the shapes that an editor of YAML most easily spoils."""

from __future__ import annotations

from typing import Any

import pytest

from llmops.edit import EditRefused, edited
from llmops.edit.page import Page, Splice
from llmops.edit.tree import Entry

Case = tuple[str, tuple[str | int, ...], Any, str]

SCALARS: dict[str, Case] = {
    "plain": ("a: 1  # one\nb: 2\n", ("a",), 5, "a: 5  # one\nb: 2\n"),
    "single quotes stay": ("a: 'x' # c\n", ("a",), "it's", "a: 'it''s' # c\n"),
    "double quotes stay": ('a: "x"\n', ("a",), "y", 'a: "y"\n'),
    "single quotes that do not fit": ("a: 'x'\n", ("a",), "bell\x07", 'a: "bell\\x07"\n'),
    "text that reads as true": ("a: x\n", ("a",), "true", 'a: "true"\n'),
    "text that reads as a number": ("a: x\n", ("a",), "0o17", 'a: "0o17"\n'),
    "text that reads as nothing": ("a: x\n", ("a",), "", 'a: ""\n'),
    "text that only YAML 1.1 misreads": ("a: x\n", ("a",), "off", "a: off\n"),
    "a date is text": ("a: 2025-01-31\n", ("a",), "2027-01-31", "a: 2027-01-31\n"),
    "colon in a text": ("a: x\n", ("a",), "b: c", 'a: "b: c"\n'),
    "hash in a text": ("a: x # c\n", ("a",), "b #d", 'a: "b #d" # c\n'),
    "hash inside a word": ("a: x # c\n", ("a",), "b#d", "a: b#d # c\n"),
    "leading blank": ("a: x\n", ("a",), " b", 'a: " b"\n'),
    "quotes in a text": ("a: x\n", ("a",), ': "b"', "a: ': \"b\"'\n"),
    "a regular expression": ("a: x\n", ("a",), r"\b[a-z]+: ", "a: '\\b[a-z]+: '\n"),
    "unicode": ("é: ü😀 # ñ\nb: 1\n", ("é",), "日本", "é: 日本 # ñ\nb: 1\n"),
    "a line separator": ("a: x\n", ("a",), "b\u2028c", 'a: "b\\u2028c"\n'),
    "number to text": ("a: 1\n", ("a",), "1", 'a: "1"\n'),
    "text to number": ('a: "1"\n', ("a",), 1, "a: 1\n"),
    "whole number to fraction": ("a: 1\n", ("a",), 1.0, "a: 1.0\n"),
    "the same value in another notation": ("a: 1.50 # kept\n", ("a",), 1.5, "a: 1.50 # kept\n"),
    "true": ("a: no\n", ("a",), True, "a: true\n"),
    "nothing to something": ("a: # c\nb: 1\n", ("a",), "x", "a: x # c\nb: 1\n"),
    "nothing at the end of the file": ("a:", ("a",), 1, "a: 1"),
    "several plain lines": ("a: one\n  two\n  three # c\nb: 1\n", ("a",), "x", "a: x # c\nb: 1\n"),
    "below its key": ("a:\n  # about\n  x # c\nb: 1\n", ("a",), "y", "a:\n  # about\n  y # c\nb: 1\n"),
    "in a flow map": ("a: {b : 1,c: 2} # c\n", ("a", "b"), 3, "a: {b : 3,c: 2} # c\n"),
    "comma in a flow map": ("a: {b: x}\n", ("a", "b"), "y, z", 'a: {b: "y, z"}\n'),
    "a flow key alone": ("a: {b, c: 1}\n", ("a", "b"), 2, "a: {b: 2, c: 1}\n"),
    "CRLF": ("a: 1 # c\r\nb: 2\r\n", ("a",), 5, "a: 5 # c\r\nb: 2\r\n"),
    "tab before a comment": ("a: 1\t# c\t.\n", ("a",), 2, "a: 2\t# c\t.\n"),
    "no final line break": ("b: 2\na: 1", ("a",), 5, "b: 2\na: 5"),
    "a quoted key": ("'a b' : 1\n", ("a b",), 2, "'a b' : 2\n"),
    "a key that is a word of YAML 1.1": ("on: 1\n", ("on",), 2, "on: 2\n"),
    "an item": ("a:\n- 1 # one\n# c\n- 2\n", ("a", 1), 3, "a:\n- 1 # one\n# c\n- 3\n"),
    "an empty item": ("a:\n  - # c\n  - 2\n", ("a", 0), 3, "a:\n  - 3 # c\n  - 2\n"),
}

BLOCKS: dict[str, Case] = {
    "literal": ("a: |  # c\n  x\n\n  y\n\nb: 1\n", ("a",), "p\nq\n", "a: |  # c\n  p\n  q\n\nb: 1\n"),
    "literal without its break": ("a: |\n  x\nb: 1\n", ("a",), "p\nq", "a: |-\n  p\n  q\nb: 1\n"),
    "literal that starts with blanks": ("a: |\n    x\nb: 1\n", ("a",), "  p\nq\n", "a: |4\n      p\n    q\nb: 1\n"),
    "literal that keeps its blank lines": ("a: |+\n  x\n\n\nb: 1\n", ("a",), "y\n", "a: |\n  y\nb: 1\n"),
    "literal to a number": ("a: | # c\n  x\n\nb: 1\n", ("a",), 5, "a: 5 # c\n\nb: 1\n"),
    "literal at the end without a break": ("a: |-\n  x", ("a",), "y\nz", "a: |-\n  y\n  z"),
    "literal that would lose its break": ("a: |-\n  x", ("a",), "y\n", 'a: "y\\n"'),
    "folded": ("a: >-\n  x\n  y\nb: 1\n", ("a",), "p q\nr", "a: >-\n  p q\n\n  r\nb: 1\n"),
    "plain to several lines": ("a: x # c\nb: 1\n", ("a",), "p\nq\n", "a: | # c\n  p\n  q\nb: 1\n"),
    "double quotes to several lines": ('a: "x"\n', ("a",), "p\nq\n", 'a: "p\\nq\\n"\n'),
    "several lines in a flow map": ("a: {b: x}\n", ("a", "b"), "p\nq", 'a: {b: "p\\nq"}\n'),
    "several lines in an item": ("a:\n  - b: x\n    c: 1\n", ("a", 0, "b"), "p\nq\n", "a:\n  - b: |\n      p\n      q\n    c: 1\n"),
    "CRLF in a literal": ("a: |\r\n  x\r\nb: 1\r\n", ("a",), "p\nq\n", "a: |\r\n  p\r\n  q\r\nb: 1\r\n"),
    "a literal in front of deeper comments": ("a: x\n   # c\nb: 1\n", ("a",), "p\nq\n", 'a: "p\\nq\\n"\n   # c\nb: 1\n'),
}

ADDITIONS: dict[str, Case] = {
    "before the comments of what follows": (
        "spec:\n  a: 1 # one\n\n# next\nkind: X\n",
        ("spec", "b"),
        2,
        "spec:\n  a: 1 # one\n  b: 2\n\n# next\nkind: X\n",
    ),
    "behind the comments of the last sibling": (
        "spec:\n  a:\n    - 1\n    # - 2\nkind: X\n",
        ("spec", "b"),
        2,
        "spec:\n  a:\n    - 1\n    # - 2\n  b: 2\nkind: X\n",
    ),
    "with missing parents": ("a: 1\n", ("b", "c", "d"), "x", "a: 1\nb:\n  c:\n    d: x\n"),
    "with missing parents, where brackets are used": ("a: {x: 1}\n", ("b", "c"), "x", "a: {x: 1}\nb: {c: x}\n"),
    "below an empty field": ("a:\n  b: # c\nd: 1\n", ("a", "b", "c"), "x", "a:\n  b: # c\n    c: x\nd: 1\n"),
    "four columns deep": ("a:\n    b: 1\n", ("a", "c", "d"), 2, "a:\n    b: 1\n    c:\n        d: 2\n"),
    "into a flow map": ("a: { b: 1 } # c\n", ("a", "d"), [1, "x"], "a: { b: 1, d: [1, x] } # c\n"),
    "into an empty flow map": ("a: {}\n", ("a", "b"), 1, "a: {b: 1}\n"),
    "behind a trailing comma": ("a: {b: 1,}\n", ("a", "c"), 2, "a: {b: 1, c: 2,}\n"),
    "into a flow map of several lines": (
        "a: {\n  b: 1, # one\n  c: 2 # two\n}\n",
        ("a", "d"),
        3,
        "a: {\n  b: 1, # one\n  c: 2, # two\n  d: 3\n}\n",
    ),
    "behind a literal": ("a:\n  b: |\n    x\n\n# c\nd: 1\n", ("a", "e"), 2, "a:\n  b: |\n    x\n  e: 2\n\n# c\nd: 1\n"),
    "no final line break": ("a: 1", ("b",), 2, "a: 1\nb: 2"),
    "before the end of a document": ("a: 1\n...\n# c\n---\nb: 1\n", ("c",), 2, "a: 1\nc: 2\n...\n# c\n---\nb: 1\n"),
    "CRLF": ("a:\r\n  b: 1\r\nc: 2\r\n", ("a", "d"), {"e": [1]}, "a:\r\n  b: 1\r\n  d:\r\n    e:\r\n      - 1\r\nc: 2\r\n"),
    "an item, dashes under the key": ("a:\n- 1 # one\n# c\nb: 1\n", ("a", 1), 2, "a:\n- 1 # one\n- 2\n# c\nb: 1\n"),
    "an item that is a map": (
        "a:\n  -   x: 1\n      y: 2\n",
        ("a", 1),
        {"x": 3, "y": 4},
        "a:\n  -   x: 1\n      y: 2\n  -   x: 3\n      y: 4\n",
    ),
    "an item of a nested list": ("a:\n- - 1\n  - 2\n- - 3\n", ("a", 0, 2), 9, "a:\n- - 1\n  - 2\n  - 9\n- - 3\n"),
    "an item in brackets": ("a: [1,2 , 3] # c\n", ("a", 3), 4, "a: [1,2 , 3, 4] # c\n"),
    "a key that must be quoted": ("a: 1\n", ("b: c",), 2, 'a: 1\n"b: c": 2\n'),
    "a list of maps": (
        "a: {x: 1}\n",
        ("b",),
        [{"id": "p", "n": 1}, {"id": "q", "text": "one\ntwo\n"}],
        "a: {x: 1}\nb:\n  - {id: p, n: 1}\n  - id: q\n    text: |\n      one\n      two\n",
    ),
}

REMOVALS: dict[str, Case] = {
    "a field": ("a: 1\n# about b\nb: 2 # two\nc: 3\n", ("b",), None, "a: 1\n# about b\nc: 3\n"),
    "a field of many lines": ("a: 1\nb:\n  c: |\n    x\n\n  d: [1]\ne: 2\n", ("b",), None, "a: 1\ne: 2\n"),
    "the last field": ("a:\n  b: 1 # c\nd: 2\n", ("a", "b"), None, "a: {} # c\nd: 2\n"),
    "the last field, comments between": ("a: # c\n  # d\n  b: 1\n", ("a", "b"), None, "a: {} # c\n  # d\n"),
    "the last item": ("a:\n- 1\nb: 2\n", ("a", 0), None, "a: []\nb: 2\n"),
    "the first field of an item": ("a:\n- b: 1 # c\n  d: 2\n", ("a", 0, "b"), None, "a:\n- d: 2\n"),
    "the first field of an item, a comment behind": ("a:\n- b: 1\n  # d\n  d: 2\n", ("a", 0, "b"), None, "a:\n-\n  # d\n  d: 2\n"),
    "an item": ("a:\n  # one\n  - 1\n  # two\n  - 2\n", ("a", 0), None, "a:\n  # one\n  # two\n  - 2\n"),
    "an item of a nested list": ("a:\n- - 1\n  - 2\n", ("a", 0, 0), None, "a:\n- - 2\n"),
    "first in brackets": ("a: { b: 1, c: 2 }\n", ("a", "b"), None, "a: { c: 2 }\n"),
    "last in brackets": ("a: [1,2 , 3]\n", ("a", 2), None, "a: [1,2]\n"),
    "alone in brackets": ("a: [ 1 ]\n", ("a", 0), None, "a: []\n"),
    "a line in brackets": ("a: [\n  1, # one\n  2 # two\n]\n", ("a", 1), None, "a: [\n  1, # one\n]\n"),
    "the last line, no final line break": ("a: 1\nb: 2", ("b",), None, "a: 1"),
    "an absent field": ("a: 1\n", ("b", "c"), None, "a: 1\n"),
    "an empty field": ("a:\nb: 1\n", ("a",), None, "b: 1\n"),
}

COLLECTIONS: dict[str, Case] = {
    "fields that stay keep their comments": (
        "s:\n  # about a\n  a: 1 # one\n  b: 2 # two\n",
        ("s",),
        {"a": 1, "c": 3},
        "s:\n  # about a\n  a: 1 # one\n  c: 3\n",
    ),
    "items that stay keep their comments": (
        "s:\n  - x # ex\n  # about y\n  - y\n",
        ("s",),
        ["w", "x", "y", "z"],
        "s:\n  - w\n  - x # ex\n  # about y\n  - y\n  - z\n",
    ),
    "items with a name are changed inside": (
        "s:\n  - id: a # first\n    n: 1\n  - id: b\n    n: 2\n",
        ("s",),
        [{"id": "b", "n": 3}],
        "s:\n  - id: b\n    n: 3\n",
    ),
    "another kind of store": (
        "store: {kind: embedded} # c\n",
        ("store",),
        {"kind": "pgvector", "connection": {"env": "URL"}},
        "store: {kind: pgvector, connection: {env: URL}} # c\n",
    ),
    "a value to a map": ("a: x # c\nb: 1\n", ("a",), {"p": 1, "q": [2]}, "a: # c\n  p: 1\n  q:\n    - 2\nb: 1\n"),
    "a map to a value": ("a: # c\n  p: 1\n  q: 2\nb: 1\n", ("a",), 5, "a: 5 # c\nb: 1\n"),
    "a list under its key to a map": ("a:\n- 1\n- 2\nb: 1\n", ("a",), {"p": 1}, "a:\n  p: 1\nb: 1\n"),
    "a value of an item to a map": ("a:\n- x # c\n- y\n", ("a", 0), {"p": 1, "q": 2}, "a:\n- p: 1 # c\n  q: 2\n- y\n"),
    "a list in brackets to a text": ("a: [1, 2] # c\n", ("a",), "x: y", 'a: "x: y" # c\n'),
    "a map to nothing inside": ("a:\n  p: 1 # c\nb: 1\n", ("a",), {}, "a: {} # c\nb: 1\n"),
}

ALL = {f"{group}: {name}": case for group, cases in {
    "scalar": SCALARS, "block": BLOCKS, "add": ADDITIONS, "remove": REMOVALS, "collection": COLLECTIONS,
}.items() for name, case in cases.items()}  # fmt: skip


@pytest.mark.parametrize(("before", "path", "value", "after"), ALL.values(), ids=ALL)
def test_edit(before: str, path: tuple[str | int, ...], value: Any, after: str) -> None:
    assert edited(before, 0, path, value) == after


@pytest.mark.parametrize(("before", "path", "value", "after"), ALL.values(), ids=ALL)
def test_the_same_edit_in_the_third_document(before: str, path: tuple[str | int, ...], value: Any, after: str) -> None:
    """Documents before it stay, the empty one too, which takes an index."""
    head = "# head\nz: 0\n--- # empty\n---\n"
    if "\r" not in before:
        assert edited(head + before, 2, path, value) == head + after


@pytest.mark.parametrize("index", [0, 2, 3])
def test_documents_count_as_the_loader_counts_them(index: int) -> None:
    text = "a: 0\n--- # empty\n---\na: 2\n--- # c\na: 3\n...\n"
    assert edited(text, index, ("a",), 9) == text.replace(f"a: {index}", "a: 9")


REFUSED: dict[str, tuple[str, tuple[str | int, ...], Any, str]] = {
    "through a value": ("a: 1\n", ("a", "b"), 2, "a.b cannot be reached: a is a single value"),
    "an item of a map": ("a: {b: 1}\n", ("a", 0), 2, "a[0] cannot be reached: a is a map"),
    "a field of a list": ("a: [1]\n", ("a", "b"), 2, "a.b cannot be reached: a is a list of 1"),
    "far behind a list": ("a: [1]\n", ("a", 3), 2, "a[3] cannot be reached: a is a list of 1"),
    "an item before the first": ("a: [1]\n", ("a", -1), 2, "a[-1] cannot be reached: a is a list of 1"),
    "a whole document": ("a: 1\n", (), None, "A whole document is only replaced where it is a map, by a map"),
    "no YAML": ("a: [1\n", ("a",), 2, "The file is not valid: Not valid YAML"),
    "a field given twice": ("a: 1\na: 2\n", ("a",), 3, "The file is not valid: Field 'a' is given twice"),
    "an anchor": ("a: &x 1\n", ("a",), 3, "The file is not valid: Anchor &x"),
    "a number that JSON cannot hold": ("a: 1\n", ("a",), 2**60, "a cannot be edited here: The file is not valid: The number is larger"),
    "behind a text that would change": ("a: |\n  x", ("b",), 1, "b cannot be edited without changing something else"),
    "a text that would take in the blank lines": (
        "a: |+\n  x\nb: 1\n\n",
        ("b",),
        None,
        "b cannot be edited without changing something else",
    ),
}


@pytest.mark.parametrize(("text", "path", "value", "message"), REFUSED.values(), ids=REFUSED)
def test_refused(text: str, path: tuple[str | int, ...], value: Any, message: str) -> None:
    with pytest.raises(EditRefused) as refused:
        edited(text, 0, path, value)
    assert str(refused.value).startswith(message)
    assert refused.value.hint


@pytest.mark.parametrize("index", [-1, 1])
def test_a_document_that_is_not_there_is_refused(index: int) -> None:
    with pytest.raises(EditRefused, match=f"no document {index}"):
        edited("a: 1\n", index, ("a",), 2)


def spoiling(text: str) -> Any:
    """A way to replace that also does something else: the first comment goes."""

    def replace(page: Page, entry: Entry, value: Any) -> Splice:
        start, end = page.text.index("#"), entry.value.end_mark.index
        return Splice(start, end, f"{text}{page.text[page.text.index(chr(10)) : entry.value.start_mark.index]}{value}")

    return replace


@pytest.mark.parametrize(
    ("spoilt", "message"),
    [("", "a cannot be edited without changing other lines"), ("b: 1", "a cannot be edited without changing something else")],
    ids=["a lost comment", "a value more"],
)
def test_what_an_edit_must_not_do_is_noticed(spoilt: str, message: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("llmops.edit.document.replace", spoiling(spoilt))
    with pytest.raises(EditRefused, match=message):
        edited("# c\na: 1\n", 0, ("a",), 2)


def test_a_lost_last_line_break_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("llmops.edit.document.replace", lambda page, _, value: Splice(3, len(page.text), str(value)))
    with pytest.raises(EditRefused, match="without changing other lines"):
        edited("a: 1\n", 0, ("a",), 2)
