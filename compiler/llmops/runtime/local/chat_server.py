"""The llama.cpp server's own process: serves one model until nobody holds its lease.

It is run by path and imports nothing of llmops, so that it starts fast wherever its parent found its modules.
"""

from __future__ import annotations

import fcntl
import json
import os
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

THREADS = 1
"""Measured on two cores: two threads are 1.8 times as fast on an idle machine, half as fast beside one busy process and thirty
times slower beside two, for they wait for each other at every layer. The number also changes the rounding, and so an answer."""
LEASE_POLL_SECONDS = 0.25


@dataclass(frozen=True, slots=True)
class ServerSettings:
    """What the process is told. `alias` identifies weights, template and context: all that decides an answer."""

    weights: str
    alias: str
    host: str
    port: int
    chat_template: str
    context_window: int
    lease: str


def main() -> None:
    """Serves the settings read from standard input until nobody holds the lease."""
    import xllamacpp

    settings = ServerSettings(**json.load(sys.stdin))
    server = xllamacpp.Server(_parameters(xllamacpp, settings))
    sys.stdout.write(f"serving {settings.alias} at {server.listening_address}\n")
    with Path(settings.lease).open("a") as lease:
        while not _abandoned(lease):
            time.sleep(LEASE_POLL_SECONDS)
        # The server's own threads would outlive a normal end of the interpreter. The lock is held until then, so that a
        # newcomer waits and finds the port free.
        os._exit(0)


def _parameters(xllamacpp: Any, settings: ServerSettings) -> Any:
    parameters = xllamacpp.CommonParams()
    parameters.model.path = settings.weights
    parameters.model_alias = {settings.alias}
    parameters.hostnames = [settings.host]
    parameters.port = settings.port
    parameters.n_ctx = settings.context_window
    parameters.n_parallel = 1
    parameters.cpuparams.n_threads = parameters.cpuparams_batch.n_threads = THREADS
    # A prompt read from the cache is computed in other batches, and an answer would depend on the question before it.
    parameters.cache_prompt = False
    parameters.cache_ram_mib = 0
    parameters.warmup = False
    # A page in this machine's browser must not talk to the model.
    parameters.cors_origins = f"http://{settings.host}:{settings.port}"
    parameters.ui = False
    if settings.chat_template:
        parameters.use_jinja = True
        parameters.chat_template = settings.chat_template
    return parameters


def _abandoned(lease: IO[str]) -> bool:
    """Whether nobody else holds the lease any more; it is then locked."""
    try:
        fcntl.flock(lease, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


if __name__ == "__main__":
    main()
