"""An evaluation as JSON: the document itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson


def report(document: Mapping[str, Any], *, colour: bool = False, width: int | None = None) -> str:
    """The same whatever the terminal is like. What is no number is null: JSON knows no NaN."""
    return orjson.dumps(document, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE).decode()
