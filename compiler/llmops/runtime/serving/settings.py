"""How a server behaves under load and on the network. None of it decides what an application says, so it is no part of a release."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Settings:
    """Times in seconds, sizes in bytes."""

    host: str = "127.0.0.1"
    port: int = 8080
    timeout: float = 120.0
    """For one answer, from its admission to its last word."""
    concurrency: int = 64
    """Answers that are made at the same time."""
    waiting: int = 256
    """Requests that may wait for their turn."""
    patience: float = 30.0
    """How long one waits."""
    rate: int = 0
    """Requests a minute of one client; 0 is no limit."""
    body: int = 64 * 1024
    """Largest request."""
    grace: float = 30.0
    """For answers that are being made when the server is told to stop."""
    alarm: bool = False
    """Serve although what was loaded is not what was rendered; `/release`, `/ready` and the metrics then say so."""
    release: str = ""
    """The release that is expected; empty takes whatever the bundle has."""
