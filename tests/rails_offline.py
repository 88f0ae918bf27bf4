"""Runs the example policy in a process whose network is cut: `python -m tests.rails_offline <bundle> <engine>`."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

SWITCHES = ("OTEL", "NEMO", "LITELLM", "GUARDRAILS")


def run_without_network(bundle: Path, engine: str) -> dict[str, Any]:
    """What the process tried to reach, what it answered, and the switches it set in its environment."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith(SWITCHES)}
    command = [sys.executable, "-m", "tests.rails_offline", str(bundle), engine]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=clean)
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def main(bundle: str, engine: str) -> None:
    attempts: list[str] = []

    def refuse(*where: Any, **_: Any) -> Any:
        attempts.append(repr(where))
        raise OSError("the network is cut")

    socket.socket.connect = refuse  # type: ignore[method-assign]
    socket.getaddrinfo = refuse
    from llmops.runtime.rails import load_rails

    rails = load_rails(Path(bundle), "public-assistant", engine)
    redacted = rails.check("output", "mail me at jane.doe@example.co.uk").text
    asked = rails.check("input", "What is a release?").allowed
    switches = {name: value for name, value in os.environ.items() if name.startswith(SWITCHES)}
    sys.stdout.write(json.dumps({"attempts": attempts, "text": redacted, "allowed": asked, "environment": switches}) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
