"""An evaluation as one page that needs nothing but itself: no network, no other file, and a policy that forbids both.

The script only filters and sorts; the page is whole without it.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from llmops.report.evaluations.view import view

_FOLDER = Path(__file__).parent


def report(document: Mapping[str, Any], *, colour: bool = False, width: int | None = None) -> str:
    """The page, the same whatever the terminal is like."""
    from jinja2 import Environment, StrictUndefined

    page, style, script = ((_FOLDER / name).read_text("utf-8") for name in ("page.html", "page.css", "page.js"))
    template = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True).from_string(page)
    return template.render(view(document), style=style, script=script, policy=_policy(style, script)) + "\n"


def _policy(style: str, script: str) -> str:
    """Runs this script and applies this style, known by their hashes, and loads nothing."""
    return f"default-src 'none'; script-src {_hash(script)}; style-src {_hash(style)}; img-src data:; base-uri 'none'; form-action 'none'"


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
