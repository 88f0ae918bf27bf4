"""Who an owner of specs is on GitHub."""

from __future__ import annotations

from collections.abc import Mapping


def handle_of(owner: str, handles: Mapping[str, str]) -> str | None:
    """The handle that `spec.owners` gives an owner, an e-mail address as it is, None for anybody else."""
    return handles.get(owner) or (owner if "@" in owner else None)
