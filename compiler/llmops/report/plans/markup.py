"""Other people's words inside a comment on GitHub: shown as they are, and nothing that Markdown, HTML or GitHub would act on.

The comment is made of HTML blocks, in which GitHub reads no Markdown. GitHub looks for mentions, references, addresses and emoji in
the text of the rendered page, but not inside `code` and `pre`: so whatever is not a plain word stands in one of them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from html import escape

from llmops.report.excerpt import visible
from llmops.report.plans.values import LONGEST, one_line, value_text
from llmops.report.plans.wrap import Span, flow

WIDTH = 96
"""Characters of a line of a word diff: a comment is about as wide."""
_WORD = re.compile(r"""([("']*)(.*?)([,.;:!?)"']*)""")
_PLAIN = re.compile(r"[^\W\d_]+(?:['-][^\W\d_]+)*|[+-]?\$?[0-9]{1,3}(?:,[0-9]{3})*(?:\.[0-9]{1,6})?%?|[0-9]{4}-[0-9]{2}-[0-9]{2}|→")
"""Letters, a number that is no commit, a date, or an arrow."""
_COMMIT = re.compile(r"[0-9a-f]{7,}")
_LONGEST_WORD = 40
_HANDLE = re.compile(r"@[A-Za-z0-9][A-Za-z0-9-]{0,38}(?:/[A-Za-z0-9][A-Za-z0-9._-]{0,99})?")
_TAGS = {"removed": "del", "added": "ins"}


def code(text: str, most: int = LONGEST) -> str:
    """A name or another text, on one line."""
    return f"<code>{escape(one_line(text, most))}</code>"


def value(data: object, most: int = LONGEST) -> str:
    """A value of a field, on one line."""
    return f"<code>{escape(value_text(data, most))}</code>"


def prose(text: str, most: int = LONGEST) -> str:
    """A sentence: plain words stay words, everything else stands in `code`."""
    return " ".join(_word(word) for word in one_line(text, most).split(" "))


def _word(word: str) -> str:
    match = _WORD.fullmatch(word)
    assert match  # all of its parts may be empty
    before, inner, after = match.groups()
    is_plain = len(inner) <= _LONGEST_WORD and _PLAIN.fullmatch(inner) and not _COMMIT.search(inner)
    shown = escape(inner) if is_plain or not inner else f"<code>{escape(inner)}</code>"
    return f"{escape(before)}{shown}{escape(after)}"


def mention(handle: str) -> str:
    """A handle that notifies whoever it names; anything that is no handle stays text."""
    return handle if _HANDLE.fullmatch(handle) else code(handle)


def diff(spans: Iterable[Span]) -> str:
    """A word diff in one line of HTML: its own line ends are written as character references, since an empty line ends a block."""
    lines = flow(spans, WIDTH)
    return f"<pre>{'&#10;'.join(''.join(_marked(span) for span in line) for line in lines)}</pre>"


def _marked(span: Span) -> str:
    style, text = span
    tag = _TAGS.get(style)
    shown = escape(visible(text))
    return f"<{tag}>{shown}</{tag}>" if tag else shown
