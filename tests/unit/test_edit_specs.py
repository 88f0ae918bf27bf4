"""This repository's own specs, overlays and templates: each of their values edited in turn."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from yaml.nodes import MappingNode, Node, ScalarNode

from llmops.edit import edited
from llmops.load.yaml_core import build, compose
from tests.conftest import ROOT

FILES = sorted(
    path.relative_to(ROOT).as_posix()
    for pattern in ("llmops.yaml", "specs/*.yaml", "environments/**/*.yaml", "compiler/llmops/templates/**/*.yaml")
    for path in ROOT.glob(pattern)
)
OTHERS = {str: "other: text #1", int: 7, float: 0.125, bool: None, type(None): "something"}


def scalars(node: Node, path: tuple[str | int, ...] = ()) -> Iterator[tuple[tuple[str | int, ...], ScalarNode]]:
    if isinstance(node, ScalarNode):
        yield path, node
        return
    entries = ((key.value, value) for key, value in node.value) if isinstance(node, MappingNode) else enumerate(node.value)
    for step, value in entries:
        yield from scalars(value, (*path, step))


def places(text: str) -> Iterator[tuple[int, tuple[str | int, ...], ScalarNode]]:
    for index, root in enumerate(compose(text)):
        for path, node in scalars(root):
            yield index, path, node


def at(data: Any, path: tuple[str | int, ...]) -> Any:
    for step in path:
        data = data[step]
    return data


def lines_changed(before: str, after: str) -> tuple[list[str], list[str]]:
    """The lines that differ, what is equal at both ends left out."""
    old, new = before.splitlines(), after.splitlines()
    while old and new and old[0] == new[0]:
        old, new = old[1:], new[1:]
    while old and new and old[-1] == new[-1]:
        old, new = old[:-1], new[:-1]
    return old, new


def test_there_are_specs_with_every_style() -> None:
    styles = {node.style for file in FILES for _, _, node in places((ROOT / file).read_text("utf-8"))}
    assert {"", '"', "'", "|"} <= {style or "" for style in styles}
    assert len(FILES) >= 8


@pytest.mark.parametrize("file", FILES)
def test_each_value_is_replaced_in_turn(file: str) -> None:
    text = (ROOT / file).read_text("utf-8")
    for index, path, node in places(text):
        old = at(build(compose(text)[index]), path)
        value = (not old) if isinstance(old, bool) else OTHERS[type(old)]
        after = edited(text, index, path, value)
        assert at(build(compose(after)[index]), path) == value
        start, end = node.start_mark, node.end_mark
        assert after.startswith(text[: start.index]), path
        if node.style not in ("|", ">"):
            assert after.endswith(text[end.index :]), path
            assert len(lines_changed(text, after)[1]) == 1
        assert edited(after, index, path, old) == text or node.style not in ("'", '"')


@pytest.mark.parametrize("file", FILES)
def test_each_value_put_back_is_the_file_again(file: str) -> None:
    """With the same value nothing is written, and every other value survives a round of its own."""
    text = (ROOT / file).read_text("utf-8")
    for index, path, _ in places(text):
        assert edited(text, index, path, at(build(compose(text)[index]), path)) == text or at(build(compose(text)[index]), path) is None


@pytest.mark.parametrize("file", FILES)
def test_every_document_takes_a_label_and_gives_it_back(file: str) -> None:
    text = (ROOT / file).read_text("utf-8")
    for index, root in enumerate(compose(text)):
        data = build(root)
        path = ("metadata", "labels", "reviewed")
        after = edited(text, index, path, "2027-01-31")
        assert at(build(compose(after)[index]), path) == "2027-01-31"
        old, new = lines_changed(text, after)
        assert len(old) <= 1
        assert len(new) <= 3
        parent = path if "labels" in data.get("metadata", {}) else path[:2] if "metadata" in data else path[:1]
        assert edited(after, index, parent, None) == text


def test_lines_changed_sees_a_change() -> None:
    assert lines_changed("a\nb\nc", "a\nx\ny\nc") == (["b"], ["x", "y"])
