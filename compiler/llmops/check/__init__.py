"""Stage `check`: a linked graph → what the organisation's policies say against it.

The stage has its place; policies themselves (`policies/*.yaml`) are not part of this version.
"""

from __future__ import annotations

from llmops.diagnostics import Diagnostic
from llmops.resources import Graph


def check(_graph: Graph) -> list[Diagnostic]:
    """No policies yet, so no findings."""
    return []
