"""The bundle that answers now, and the way to another one without losing a request."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from llmops.runtime.serving.generation import Generation, Opener

logger = logging.getLogger("llmops.serving")


class Switch:
    """Requests that began with a bundle end with it; those that come later get the new one."""

    def __init__(self, opener: Opener, first: Generation, switched: Callable[[Generation], None]) -> None:
        self._opener = opener
        self._switched = switched
        self._turn = asyncio.Lock()
        self._retiring: set[asyncio.Task[None]] = set()
        self.current = first
        switched(first)

    @asynccontextmanager
    async def lease(self) -> AsyncIterator[Generation]:
        """The current generation, kept alive for the block."""
        generation = self.current
        generation.in_flight += 1
        try:
            yield generation
        finally:
            generation.in_flight -= 1
            if not generation.in_flight and generation is not self.current:
                generation.idle.set()

    async def to(self, directory: Path | None = None) -> dict[str, Any]:
        """Opens the bundle in `directory`, or the current one's folder again, and lets it answer. Returns the releases of both.

        Raises what is wrong with the new bundle; the old one then goes on.
        """
        async with self._turn:
            old = self.current
            new = await asyncio.to_thread(self._opener.open, directory or old.bundle.directory)
            await new.warm_up()
            self.current = new
            self._switched(new)
            task = asyncio.create_task(self._retire(old, new))
            self._retiring.add(task)
            task.add_done_callback(self._retiring.discard)
        return {"before": _releases(old), "now": _releases(new)}

    async def close(self) -> None:
        """Waits for what is retiring, then retires the current generation."""
        await asyncio.gather(*self._retiring)
        await self.current.retire()

    async def _retire(self, old: Generation, new: Generation) -> None:
        try:
            await old.retire()
        except Exception:  # an old connection that does not close must not take the server along
            logger.exception("The bundle that was replaced did not close cleanly.")
        finally:
            if self.current is new:
                new.take_environment()


def _releases(generation: Generation) -> dict[str, str]:
    return {name: assistant.application.release for name, assistant in generation.assistants.items()}
