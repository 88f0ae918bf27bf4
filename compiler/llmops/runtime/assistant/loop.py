"""Event loops: one for callers that have none, since clients of models and stores belong to the loop that first used them; deadlines."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import AsyncGenerator, AsyncIterator, Coroutine
from contextlib import aclosing
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


async def until(seconds: float | None, items: AsyncGenerator[T, None]) -> AsyncIterator[T]:
    """The items that come in so many seconds. Raises `TimeoutError` then; `items` is closed in any case.

    A deadline around the loop itself would end the task that began to read, which need not be the one that reads on.
    """
    loop = asyncio.get_running_loop()
    end = None if seconds is None else loop.time() + seconds
    async with aclosing(items):
        while True:
            try:
                async with asyncio.timeout_at(end):
                    item = await anext(items)
            except StopAsyncIteration:
                return
            yield item
