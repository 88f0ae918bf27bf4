"""A plan's comment as a reader gets it: through a real Markdown renderer, then taken apart as HTML, with GitHub's own ideas looked for."""

from __future__ import annotations

import re
from collections import Counter
from html.parser import HTMLParser

from markdown_it import MarkdownIt

from llmops.report.plans.markdown import MARKER

ALLOWED = {
    *("br", "code", "del", "details", "div", "h3", "h4", "ins", "li", "p", "pre", "strong", "sub", "summary"),
    *("table", "tbody", "td", "th", "thead", "tr", "ul"),
}
"""What the comment is made of; GitHub's sanitizer lets all of it through."""
VOID = {"br"}
ACTED_ON = re.compile(
    r"@\w|#\d|\bGH-\d|://|\bwww\.|:[\w+-]+:|\b[0-9a-f]{7,40}\b|[\w.]+/[\w.]+|\w\.\w|[<>`|*_~\\\[\]{}]|\w@\w", re.IGNORECASE | re.ASCII
)
"""What GitHub makes a mention, a reference, an address, an emoji or a commit of, outside `code` and `pre`."""
AMOUNT = re.compile(r"\d\.\d")
"""What looks like an address and is none."""
RENDERER = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])


def rendered(markdown: str) -> str:
    return str(RENDERER.render(markdown))


class Page(HTMLParser):
    """The tags of a page, their nesting, and the texts of each tag by its name."""

    def __init__(self, markdown: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[str] = []
        self.attributes: set[tuple[str, str]] = set()
        self.comments: list[str] = []
        self.texts: dict[str, list[str]] = {}
        self.loose: list[str] = []
        self._open: list[tuple[str, list[str]]] = []
        self.feed(rendered(markdown))
        self.close()
        assert not self._open, f"left open: {self._open}"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes |= {(tag, name) for name, _ in attrs}
        if tag not in VOID:
            self._open.append((tag, []))

    def handle_endtag(self, tag: str) -> None:
        opened, parts = self._open.pop()
        assert opened == tag, f"{opened} is closed by {tag}"
        self.texts.setdefault(tag, []).append("".join(parts))

    def handle_data(self, data: str) -> None:
        for _, parts in self._open:
            parts.append(data)
        if not {"code", "pre"} & {tag for tag, _ in self._open}:
            self.loose.append(data)

    def handle_comment(self, data: str) -> None:
        self.comments.append(data)

    def handle_decl(self, decl: str) -> None:
        raise AssertionError(f"a declaration: {decl}")

    def handle_pi(self, data: str) -> None:
        raise AssertionError(f"an instruction: {data}")

    @property
    def acted_on(self) -> list[str]:
        """Texts outside `code` and `pre` that GitHub would make something of."""
        return [text for text in self.loose if ACTED_ON.search(AMOUNT.sub("", text))]

    @property
    def skeleton(self) -> Counter[str]:
        """How many there are of each tag but those around single words and long values."""
        return Counter(tag for tag in self.tags if tag not in {"code", "del", "ins", "details", "summary", "pre"})


def safe_page(markdown: str) -> Page:
    """The page, after everything that must hold for any plan was looked at."""
    page = Page(markdown)
    assert set(page.tags) <= ALLOWED
    assert page.attributes <= {("details", "open")}
    assert page.comments == [MARKER.removeprefix("<!--").removesuffix("-->")]
    assert page.acted_on == []
    assert markdown.startswith(f"{MARKER}\n") and markdown.count("<!--") == 1
    return page
