"""What a server takes in: how often a client may ask, how many answers are made at once, how large a request may be."""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from starlette.responses import JSONResponse

from llmops.errors import LlmopsError

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

CLIENTS = 10_000
"""Clients that are remembered; the one that was quiet longest is forgotten first."""


class RateLimited(LlmopsError):
    """The client asks too often. `retry_after` is in seconds."""

    def __init__(self, retry_after: float) -> None:
        super().__init__("Too many requests.", f"Ask again in {retry_after:.0f} seconds.")
        self.retry_after = retry_after


class Overloaded(LlmopsError):
    """More requests wait than the server can answer in time."""

    retry_after = 1.0


class RateLimit:
    """A token bucket for each client: `per_minute` requests a minute, and as many at once."""

    def __init__(self, per_minute: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._capacity = float(per_minute)
        self._clock = clock
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, client: str) -> None:
        """Raises `RateLimited` where the client's bucket is empty."""
        now = self._clock()
        level, since = self._buckets.pop(client, (self._capacity, now))
        level = min(self._capacity, level + (now - since) * self._capacity / 60)
        self._buckets[client] = (level - 1 if level >= 1 else level, now)
        if len(self._buckets) > CLIENTS:
            self._buckets.popitem(last=False)
        if level < 1:
            raise RateLimited((1 - level) * 60 / self._capacity)


class Concurrency:
    """At most `most` turns at once; `waiting` may wait for one, each for `patience` seconds."""

    def __init__(self, most: int, waiting: int, patience: float) -> None:
        self._turns = asyncio.Semaphore(most)
        self._room = waiting
        self._patience = patience
        self._waiting = 0

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Raises `Overloaded` where too many wait, or for too long."""
        await self._enter()
        try:
            yield
        finally:
            self._turns.release()

    async def _enter(self) -> None:
        if self._turns.locked() and self._waiting >= self._room:
            raise Overloaded("The server has too many requests waiting.", "Ask again in a moment.")
        self._waiting += 1
        try:
            async with asyncio.timeout(self._patience):
                await self._turns.acquire()
        except TimeoutError as error:
            raise Overloaded(f"The server had no time for this request in {self._patience:g} seconds.", "Ask again in a moment.") from error
        finally:
            self._waiting -= 1


class BodyLimit:
    """Middleware: refuses a request whose body is larger than `most` bytes, by its header or by what comes."""

    def __init__(self, app: ASGIApp, most: int) -> None:
        self._app = app
        self._most = most

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        body = await self._read(dict(scope["headers"]).get(b"content-length", b"0"), receive)
        if body is None:
            await _too_large(self._most)(scope, receive, send)
            return
        await self._app(scope, _replay(body, receive), send)

    async def _read(self, announced: bytes, receive: Receive) -> bytes | None:
        """The whole body; None where it is too large. Requests are small, so nothing is gained by streaming them."""
        if announced.isdigit() and int(announced) > self._most:
            return None
        body = bytearray()
        while True:
            message = await receive()
            body += message.get("body", b"")
            if len(body) > self._most:
                return None
            if not message.get("more_body"):
                return bytes(body)


def _replay(body: bytes, receive: Receive) -> Receive:
    """The body once, then what comes after it: that the client went away."""
    given = False

    async def again() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return again


def _too_large(most: int) -> JSONResponse:
    error = {"message": f"The request has more than {most} bytes.", "type": "invalid_request_error", "code": "too_large", "hint": ""}
    return JSONResponse({"error": error}, 413)
