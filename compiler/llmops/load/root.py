"""Where a workspace is: the folder with `llmops.yaml`. Beside `discover` so that a verb finds it without importing YAML."""

from __future__ import annotations

from pathlib import Path

SETTINGS = "llmops.yaml"


def find_root(start: Path) -> Path | None:
    """The nearest folder at or above `start` with a `llmops.yaml`."""
    here = start.resolve()
    return next((folder for folder in (here, *here.parents) if (folder / SETTINGS).is_file()), None)
