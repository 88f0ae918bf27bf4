"""Any edit of any commented YAML: exactly the value that was meant differs, and every byte that is not part of it stays."""

from __future__ import annotations

import copy
import os
import re
from dataclasses import dataclass, field
from random import Random
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from llmops.edit import EditRefused, edited
from llmops.load.yaml_core import YamlProblem, build, compose

KEYS = ["a", "b", "spec", "name", "top_k", "on", "x-y", "'q 1'", '"d: 1"', "é"]
SCALARS = [
    *["1", "-2", "0.50", "1e3", "0o17", "0x1F", "true", "False", "null", "~", "word", "two words", "a:b", "a#b", "yes", "2027-01-31"],
    *["'single'", "'it''s'", "''", '"double"', '"tab\\tand \\u00e9"', '"# no comment"', "é😀", "- no", "http://x/y?z=1#w", "a \t b"],
]
FLOW_SCALARS = [text for text in SCALARS if text != "- no"]
TEXTS = st.sampled_from(
    [
        *[
            "x",
            "other words",
            "true",
            "1",
            "",
            " lead",
            "trail ",
            "a: b",
            "a #b",
            "it's",
            'say "hi"',
            "back\\slash",
            "[x",
            "{y}",
            "a, b",
            "*x",
        ],
        *[
            "two\nlines",
            "two\nlines\n",
            "\nlead",
            "  in\ndented",
            "end\n\n",
            "é😀",
            "nbsp\xa0",
            "nel\x85x",
            "ls\u2028x",
            "bell\x07",
            "tab\tx",
        ],
        *[
            "---",
            "- x",
            "? x",
            "null",
            "~",
            "0o17",
            "1e3",
            ".5",
            "%x",
            "@x",
            "`x",
            "<<",
            "long " * 40,
            "\n",
            "a\n\n\nb",
            "#",
            ":",
            "-",
            "\ufeff",
        ],
    ]
) | st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
PLAIN = st.booleans() | st.integers(-(10**9), 10**9) | st.floats(allow_nan=False, allow_infinity=False, width=32) | TEXTS
NAMES = st.sampled_from(["new", "a", "b", "true", "1", "a b", "k: v", "é", "#", "-"])
VALUES = st.recursive(
    PLAIN, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner | st.none(), max_size=3), max_leaves=5
)


@dataclass
class Writer:
    """Writes random YAML. Every comment has its own number, so that a lost one is seen."""

    random: Random
    step: int
    offset: int
    dash: int
    comments: int = 0
    lines: list[str] = field(default_factory=list)
    deep: bool = False
    """Whether comments are indented deeper than what they follow. Below a literal text they would be part of it."""

    def comment(self) -> str:
        self.comments += 1
        return f"#c{self.comments}."

    def pick(self, *options: Any) -> Any:
        return self.random.choice(options)

    def noise(self, column: int) -> None:
        kind = self.pick(*"......", "blank", "comment", "shallow", "deep" if self.deep else ".")
        if kind == "blank":
            self.lines.append("")
        elif kind != ".":
            self.lines.append(" " * {"comment": column, "shallow": 0, "deep": column + 3}[kind] + self.comment())

    def behind(self) -> str:
        return self.pick("", "", "", "  ") + (f" {self.comment()}" if self.pick(*"....", "c") == "c" else "")

    def value(self, head: str, column: int, depth: int) -> None:
        """One value behind `head`, which is `key:` or a dash; `column` is that of its parent."""
        kind = self.pick(
            "scalar",
            "scalar",
            "scalar",
            "empty",
            "flow",
            "flow" if self.deep else "literal",
            "quoted lines",
            "below",
            *(["map", "list"] * 2 if depth else []),
        )
        gap = self.pick(" ", " ", "  ")
        if kind == "scalar":
            self.lines.append(head + gap + self.pick(*SCALARS) + self.behind())
        elif kind == "empty":
            self.lines.append(head + self.behind())
        elif kind == "flow":
            self.flow(head + gap, column)
        elif kind == "literal":
            self.literal(head + gap, column)
        elif kind == "quoted lines":
            self.lines += [f'{head}{gap}"one', "", " " * (column + 3) + 'two"' + self.behind()]
        elif kind == "below":
            self.lines += [head + self.behind(), " " * (column + self.step) + self.pick("word", "'q'", "7") + self.behind()]
        elif kind == "map":
            self.lines.append(head + self.behind())
            self.map(column + self.step, depth - 1)
        else:
            self.lines.append(head + self.behind())
            self.list(column + (self.offset if head.endswith(":") else self.step), depth - 1)

    def literal(self, head: str, column: int) -> None:
        sign, keep = self.pick("|", ">"), self.pick("", "-", "+")
        self.lines.append(head + sign + keep + self.behind())
        rows = self.pick(["x"], ["x", "", "y # z"], ["some words", "more: words", ""], ["x", "  deeper", "back"])
        self.lines += [" " * (column + self.step) + row if row else "" for row in rows]

    def flow(self, head: str, column: int) -> None:
        left, right = self.pick("{}", "[]")
        items = [self.flow_item(left, number) for number in range(self.pick(0, 1, 2, 3))]
        layout = self.pick("tight", "spaced", "lines")
        if layout != "lines" or not items:
            pad, comma = (" ", " , ") if layout == "spaced" else ("", ", ")
            last = "," if items and self.pick(*"...", "comma") == "comma" else ""
            self.lines.append(f"{head}{left}{pad}{comma.join(items)}{last}{pad}{right}{self.behind()}")
            return
        self.lines.append(head + left + self.behind())
        for number, item in enumerate(items):
            comma = "," if number + 1 < len(items) or self.pick(True, False) else ""
            self.lines.append(" " * (column + self.step) + item + comma + self.behind())
        self.lines.append(" " * (column + 1) + right + self.behind())

    def flow_item(self, left: str, number: int) -> str:
        text = self.pick(*FLOW_SCALARS, "{p: 1, q: [x, 'y']}", "[1,[2]]")
        return f"k{number}: {text}" if left == "{" else text

    def map(self, column: int, depth: int, first: str = "") -> None:
        names = self.random.sample(KEYS, self.pick(1, 2, 3, 4))
        for number, name in enumerate(names):
            if number or not first:
                self.noise(column)
            head = first if number == 0 and first else " " * column
            self.value(f"{head}{name}:", column, depth)

    def list(self, column: int, depth: int) -> None:
        for _ in range(self.pick(1, 2, 3)):
            self.noise(column)
            dash = " " * column + "-" + " " * (self.dash - 1)
            if depth and self.pick(*"..", "map") == "map":
                self.map(column + self.dash, depth - 1, dash)
            else:
                self.value(" " * column + "-", column, depth if self.pick(True, False) else 0)


def written(seed: int) -> str:
    random = Random(seed)
    writer = Writer(random, random.choice([2, 2, 3, 4]), random.choice([0, 2]), random.choice([2, 2, 4]), deep=random.choice([False, True]))
    for number in range(random.choice([1, 1, 2, 3])):
        if number or writer.pick(*"..", "start") == "start":
            writer.lines += [*(["..."] if number and writer.pick(*"...", "end") == "end" else []), "---" + writer.behind()]
        if writer.pick(*"......", "empty") != "empty":
            writer.map(0, 3)
    writer.noise(0)
    newline = random.choice(["\n", "\n", "\r\n"])
    return newline.join(writer.lines) + (random.choice([newline, ""]) if writer.deep else newline)


def read(text: str) -> list[Any]:
    return [build(node) for node in compose(text)]


def is_readable(text: str) -> bool:
    try:
        return any(isinstance(data, dict) for data in read(text))
    except YamlProblem:
        return False


def paths_in(data: Any, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    items = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    return [path, *(inside for key, value in items for inside in paths_in(value, (*path, key)))]


def at(data: Any, path: tuple[str | int, ...]) -> Any:
    for step in path:
        data = data[step]
    return data


def typed(data: Any) -> Any:
    """The same, so that `1`, `1.0` and `true` differ."""
    if isinstance(data, dict):
        return {key: typed(value) for key, value in data.items()}
    return [typed(item) for item in data] if isinstance(data, list) else (type(data).__name__, data)


def node_at(root: Node, path: tuple[str | int, ...]) -> tuple[Node | None, Node]:
    key, node = None, root
    for step in path:
        if isinstance(node, MappingNode):
            key, node = next((k, v) for k, v in node.value if k.value == step)
        else:
            assert isinstance(node, SequenceNode)
            key, node = None, node.value[step]
    return key, node


def comments_of(text: str) -> set[str]:
    return set(re.findall(r"#c\d+\.", text))


def is_subsequence(part: str, whole: str) -> bool:
    rest = iter(whole)
    return all(character in rest for character in part)


def insertion(before: str, after: str) -> bool:
    """Whether `after` is `before` with one stretch more."""
    start = len(os.path.commonprefix([before, after]))  # noqa: RUF071 - texts, not paths
    return before[start:] == after[len(after) - len(before) + start :]


def draw_document(draw: st.DrawFn) -> tuple[str, int, Any]:
    text = written(draw(st.integers(0, 2**32)))
    assume(is_readable(text))
    documents = read(text)
    index = draw(st.sampled_from([i for i, data in enumerate(documents) if isinstance(data, dict)]))
    return text, index, documents[index]


def hold_the_data(before: str, after: str, index: int, wanted: Any) -> None:
    expected = read(before)
    expected[index] = wanted
    assert typed(read(after)) == typed(expected)


@st.composite
def replacements(draw: st.DrawFn) -> tuple[str, int, tuple[str | int, ...], Any]:
    text, index, data = draw_document(draw)
    path = draw(st.sampled_from([p for p in paths_in(data) if p]))
    return text, index, path, draw(VALUES)


@settings(max_examples=1500)
@given(replacements())
def test_a_value_is_replaced_and_nothing_else(case: tuple[str, int, tuple[str | int, ...], Any]) -> None:
    before, index, path, value = case
    after = edited(before, index, path, value)
    wanted = copy.deepcopy(read(before)[index])
    at(wanted, path[:-1])[path[-1]] = value
    hold_the_data(before, after, index, wanted)
    key, node = node_at(compose(before)[index], path)
    start = (key or node).start_mark.index
    assert after.startswith(before[:start].rstrip(" "))
    end = node.end_mark.index
    assert comments_of(before[:start] + before[end:]) <= comments_of(after)
    if isinstance(node, ScalarNode):
        rest = before[end:].partition("\n")[2] if not node.style or node.style in "'\"" else before[end:]
        assert after.endswith(rest)
        assert comments_of(before) - comments_of(before[start:end] if node.style in ("|", ">") else "") <= comments_of(after)


@settings(max_examples=700)
@given(st.data())
def test_a_field_or_item_is_added_and_nothing_is_lost(data: st.DataObject) -> None:
    before, index, document = data.draw(st.composite(draw_document)())
    path = data.draw(st.sampled_from([p for p in paths_in(document) if isinstance(at(document, p), dict | list)]))
    value = data.draw(VALUES)
    wanted = copy.deepcopy(document)
    holder = at(wanted, path)
    if isinstance(holder, list):
        step: str | int = len(holder)
        holder.append(value)
    else:
        step = data.draw(NAMES.filter(lambda name: name not in holder))
        holder[step] = value
    after = edited(before, index, (*path, step), value)
    hold_the_data(before, after, index, wanted)
    assert is_subsequence(before, after)
    _, node = node_at(compose(before)[index], path)
    assert not isinstance(node, ScalarNode)
    if not node.flow_style:
        assert insertion(before, after)


@settings(max_examples=700)
@given(st.data())
def test_a_field_or_item_is_taken_out_and_nothing_is_added(data: st.DataObject) -> None:
    before, index, document = data.draw(st.composite(draw_document)())
    assume("|+" not in before and ">+" not in before)  # which would take in the blank lines behind what goes
    path = data.draw(st.sampled_from([p for p in paths_in(document) if p]))
    wanted = copy.deepcopy(document)
    del at(wanted, path[:-1])[path[-1]]
    after = edited(before, index, path, None)
    hold_the_data(before, after, index, wanted)
    key, node = node_at(compose(before)[index], path)
    start, end = (key or node).start_mark.index, node.end_mark.index
    _, holder = node_at(compose(before)[index], path[:-1])
    start = start if key or holder.flow_style else before.rindex("-", 0, start)  # type: ignore[attr-defined]
    behind = len(re.match(r"[^\n]*", before[end:])[0])  # type: ignore[index]
    assert comments_of(before[:start] + before[end + behind :]) <= comments_of(after)
    if holder.flow_style or len(holder.value) > 1:  # type: ignore[attr-defined]
        assert insertion(after, before)


@settings(max_examples=300)
@given(replacements())
def test_another_reader_sees_the_same(case: tuple[str, int, tuple[str | int, ...], Any]) -> None:
    """ruamel.yaml, a YAML 1.2 reader that shares no code with ours, takes the edited text for the same data as before, but there."""
    before, index, path, value = case
    assume("\t" not in before)  # which ruamel.yaml takes for indentation, against YAML 1.2
    after = edited(before, index, path, value)
    other = list(YAML(typ="safe", pure=True).load_all(after))
    assert len(other) == len(read(after))
    assert at(other[index], path) == at(read(after)[index], path)


@settings(max_examples=300)
@given(replacements())
def test_the_same_edit_again_changes_nothing(case: tuple[str, int, tuple[str | int, ...], Any]) -> None:
    before, index, path, value = case
    after = edited(before, index, path, value)
    assert edited(after, index, path, value) == after
    present = at(read(before)[index], path)
    assert present is None or edited(before, index, path, present) == before


def mutated(random: Random, data: Any) -> Any:
    """A map or list with one to three of its entries, at any depth, replaced, taken out, or joined by new ones."""
    data = copy.deepcopy(data)
    for _ in range(random.choice([1, 1, 2, 3])):
        places = [place for place in paths_in(data) if place]
        if not places:
            break
        *above, last = random.choice(places)
        holder, new = at(data, tuple(above)), random.choice(["x", "true", 1, "two\nlines\n", [], {"k": [1]}, {"id": "k", "v": [1, 2]}])
        change = random.choice(["replace", "remove", "add"])
        if change == "replace":
            holder[last] = copy.deepcopy(new)
        elif change == "remove":
            del holder[last]
        elif isinstance(holder, list):
            holder.insert(last, copy.deepcopy(new))
        else:
            holder["new"] = copy.deepcopy(new)
    return data


def test_collections_are_changed_entry_by_entry() -> None:
    """Of thousands of random changes of whole maps and lists, next to none is refused, and none goes wrong."""
    made, refused = 0, 0
    for seed in range(4000):
        before = written(seed)
        if not is_readable(before):
            continue
        random, documents = Random(seed), read(before)
        index = random.choice([i for i, data in enumerate(documents) if isinstance(data, dict)])
        path = random.choice([p for p in paths_in(documents[index]) if isinstance(at(documents[index], p), dict | list)])
        wanted = {"document": copy.deepcopy(documents[index])}
        value = mutated(random, at(wanted, ("document", *path)))
        at(wanted, ("document", *path[:-1]) if path else ())[path[-1] if path else "document"] = value
        try:
            after = edited(before, index, path, value)
        except EditRefused:
            refused += 1
            continue
        made += 1
        hold_the_data(before, after, index, wanted["document"])
        key, node = node_at(compose(before)[index], path)
        assert after.startswith(before[: (key or node).start_mark.index].rstrip(" "))
        assert after.endswith(before[node.end_mark.index :].lstrip())
    assert made > 3000
    assert refused < made / 500


@pytest.mark.parametrize("whole", ["a: 1\n", "a:\n- 1\n"])
def test_the_check_of_insertions_sees_a_change(whole: str) -> None:
    assert insertion(whole, whole + "b: 2\n")
    assert not insertion(whole, "b: 2\n" + whole.upper())
