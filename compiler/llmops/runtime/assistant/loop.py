"""One event loop for callers that have none: clients of models and stores belong to the loop that first used them."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Coroutine
from functools import cache
from typing import Any, TypeVar

T = TypeVar("T")


def run_sync(work: Coroutine[Any, Any, T]) -> T:
    """The result of `work`, run on the process's own loop. Inside an event loop, await it instead."""
    return asyncio.run_coroutine_threadsafe(work, _loop(os.getpid())).result()


@cache
def _loop(pid: int) -> asyncio.AbstractEventLoop:
    """A thread does not survive a fork, so each process has its own."""
    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, name="llmops-loop", daemon=True).start()
    return loop
