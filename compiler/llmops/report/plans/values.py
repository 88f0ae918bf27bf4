"""Values and texts of a plan on one line: what cannot be seen is marked, what is long is cut and its length said."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from llmops.report.excerpt import plain

LONGEST = 300
"""Characters of a value that are shown."""
SHORT = 60
"""Characters up to which a value stands beside its field rather than below it."""
NEWLINE = "↵"
_SLACK = 20
"""Characters that a cut must save: fewer than it takes to say the length."""
_OVERLAP = 500
"""Characters beyond a cut in which a secret may end that began before it."""


def one_line(text: str, most: int = LONGEST) -> str:
    """A text that holds no secret of a known form and steers no terminal; line ends are arrows."""
    whole = len(text) <= most + _SLACK
    shown = plain(text[: most + _OVERLAP].replace("\n", NEWLINE))
    return shown if whole else f"{shown[:most]}… ({len(text):,} characters)"


def value_text(value: Any, most: int = LONGEST) -> str:
    """A value as YAML would have it; quoted where a text could be taken for another value or for nothing."""
    bare = isinstance(value, str) and not _is_ambiguous(value)
    return one_line(value if bare else json.dumps(value, ensure_ascii=False), most)


def _is_ambiguous(text: str) -> bool:
    if text != text.strip() or not text:
        return True
    return text in ("true", "false", "null") or (text.lstrip("+-")[:1].isdecimal() and _is_number(text))


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def is_long(row: Mapping[str, Any]) -> bool:
    """Whether a field's values need lines of their own."""
    return bool(row.get("words")) or any(len(value_text(row[side])) > SHORT for side in ("old", "new"))
