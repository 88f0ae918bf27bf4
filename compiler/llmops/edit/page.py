"""A file while it is edited, and the one thing an edit does to it: exchange a span of characters."""

from __future__ import annotations

from dataclasses import dataclass

from yaml.nodes import Node

from llmops.edit.style import Style, style_of
from llmops.load.yaml_core import compose


@dataclass(frozen=True, slots=True)
class Splice:
    """The characters from `start` to `end` become `text`."""

    start: int
    end: int
    text: str


@dataclass(frozen=True, slots=True)
class Page:
    """A text, its documents' nodes and how it is written."""

    text: str
    roots: list[Node]
    style: Style

    def spliced(self, splice: Splice) -> str:
        return self.text[: splice.start] + splice.text + self.text[splice.end :]

    def joined(self, *lines: str) -> str:
        """Lines with this file's breaks between them."""
        return self.style.newline.join(lines)


def open_page(text: str) -> Page:
    """Raises `YamlProblem` for a text that is not YAML."""
    roots = compose(text)
    return Page(text, roots, style_of(text, roots))
