"""Markup that a browser would run: scripts, frames, event handlers, script addresses; in HTML and in Markdown links.

Plain markup and lone `<` or `&` pass. A page that shows answers must still escape them.
"""

from __future__ import annotations

import re
from html import unescape
from html.parser import HTMLParser

from llmops.runtime.rails.detectors.finding import Detect, Finding, Request, Settings

ACTIVE_TAGS = frozenset({"applet", "base", "embed", "form", "frame", "iframe", "link", "meta", "object", "script", "style"})
ADDRESSES = frozenset({"action", "formaction", "href", "src", "srcdoc", "data", "xlink:href"})
SCRIPT_ADDRESS = re.compile(r"^(?:javascript|vbscript|data:text/html|data:image/svg)", re.IGNORECASE)
MARKDOWN_LINK = re.compile(r"\]\(\s*<?([^)>]+)|^\s*\[[^\]]+\]:\s*(\S+)", re.MULTILINE)
IGNORED_BY_BROWSERS = re.compile(r"[\x00-\x20]")
"""A browser drops these inside an address: `java\\nscript:` runs."""


def build_web(settings: Settings) -> Detect:
    def detect(request: Request) -> Finding | None:
        reasons = active_markup(request.text)
        return Finding("; ".join(reasons)) if reasons else None

    return detect


def active_markup(text: str) -> list[str]:
    """What would run, in the order found, each once."""
    parser = _Markup()
    # A tag left open at the end becomes one as soon as the page goes on: the closing mark makes the parser say it.
    parser.feed(text + ">")
    parser.close()
    links = [first or second for first, second in MARKDOWN_LINK.findall(text)]
    return list(dict.fromkeys([*parser.reasons, *("script address in a Markdown link" for link in links if _is_script(unescape(link)))]))


class _Markup(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.reasons: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in ACTIVE_TAGS:
            self.reasons.append(f"<{tag}>")
        self.reasons += [f"{name} on <{tag}>" for name, value in attrs if _runs(name, value or "")]


def _runs(name: str, value: str) -> bool:
    return name.startswith("on") or name == "srcdoc" or (name in ADDRESSES and _is_script(value))


def _is_script(address: str) -> bool:
    return bool(SCRIPT_ADDRESS.match(IGNORED_BY_BROWSERS.sub("", address)))
