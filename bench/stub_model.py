"""An OpenAI-compatible endpoint that answers as it is told: at once, slowly, with rubbish, or not to the end.

Run by path; it prints its address. `POST /control` changes how it behaves from the next request on. Benchmarks use it so that a
model's own time does not hide what is measured, tests so that a model's faults can be had at will.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from subprocess import PIPE, Popen
from typing import Any
from urllib.request import Request as Call
from urllib.request import urlopen

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route


@dataclass
class Behaviour:
    """`text` may hold `{question}`. Times in seconds. `fault`: one of `FAULTS`, or empty."""

    text: str = "The answer to: {question}"
    delay: float = 0.0
    pause: float = 0.0
    """Between two pieces of a stream."""
    piece: int = 4
    """Characters of a piece."""
    status: int = 200
    fault: str = ""


FAULTS = ("garbage", "html", "empty", "drop", "endless")


class Stub:
    """One endpoint with its behaviour; `calls` counts the completions asked for, `peak` those at once."""

    def __init__(self) -> None:
        self.behaviour = Behaviour()
        self.calls = 0
        self.running = self.peak = 0

    def app(self) -> Starlette:
        routes = [
            Route("/v1/models", self.models),
            Route("/v1/chat/completions", self.complete, methods=["POST"]),
            Route("/control", self.control, methods=["GET", "POST"]),
        ]
        return Starlette(routes=routes)

    async def models(self, request: Request) -> Response:
        return JSONResponse({"object": "list", "data": [{"id": "stub", "object": "model"}]})

    async def control(self, request: Request) -> Response:
        if request.method == "POST":
            self.behaviour, self.peak = Behaviour(**await request.json()), 0
        return JSONResponse({**asdict(self.behaviour), "calls": self.calls, "peak": self.peak})

    async def complete(self, request: Request) -> Response:
        asked, told = await request.json(), self.behaviour
        self.calls += 1
        self.running += 1
        self.peak = max(self.peak, self.running)
        try:
            await asyncio.sleep(told.delay)
        finally:
            self.running -= 1
        if told.status != 200:
            return JSONResponse({"error": {"message": "told to fail", "type": "server_error"}}, told.status)
        text = told.text.replace("{question}", asked["messages"][-1]["content"])
        if asked.get("stream"):
            return StreamingResponse(_stream(told, text), media_type="text/event-stream")
        return _whole(told, text)


def _whole(told: Behaviour, text: str) -> Response:
    if told.fault in ("garbage", "drop"):
        return Response('{"choices": [{"mess', media_type="application/json")
    if told.fault == "html":
        return Response("<h1>502 Bad Gateway</h1>", media_type="text/html")
    choices = [] if told.fault == "empty" else [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": text}}]
    return JSONResponse({**_frame("chat.completion"), "choices": choices, "usage": _usage(text)})


async def _stream(told: Behaviour, text: str) -> AsyncIterator[bytes]:
    if told.fault in ("garbage", "html"):
        yield b'data: {"choices": [{"del\n\n'
        return
    pieces = [text[i : i + told.piece] for i in range(0, len(text), told.piece)]
    while pieces:
        for number, piece in enumerate(pieces):
            if told.fault == "drop" and number == len(pieces) // 2:
                raise ConnectionResetError("told to drop the connection")
            yield _event(_frame("chat.completion.chunk") | {"choices": [{"index": 0, "delta": {"role": "assistant", "content": piece}}]})
            await asyncio.sleep(told.pause)
        if told.fault != "endless":
            break
    yield _event(_frame("chat.completion.chunk") | {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
    yield _event(_frame("chat.completion.chunk") | {"choices": [], "usage": _usage(text)})
    yield b"data: [DONE]\n\n"


def _frame(kind: str) -> dict[str, Any]:
    return {"id": "stub", "object": kind, "created": int(time.time()), "model": "stub"}


def _usage(text: str) -> dict[str, int]:
    return {"prompt_tokens": 10, "completion_tokens": len(text) // 4, "total_tokens": 10 + len(text) // 4}


def _event(value: Any) -> bytes:
    return b"data: " + json.dumps(value).encode() + b"\n\n"


@dataclass(frozen=True)
class Running:
    """A stub in a process of its own."""

    url: str
    process: Popen[str]

    def behave(self, **behaviour: Any) -> None:
        """Changes how it behaves; what is not named takes its default."""
        with urlopen(Call(f"{self.url}/control", json.dumps(behaviour).encode(), {"content-type": "application/json"})):
            return

    @property
    def calls(self) -> int:
        """Completions that were asked for."""
        return self._told("calls")

    @property
    def peak(self) -> int:
        """Most completions that were waited for at the same time, since it was told how to behave."""
        return self._told("peak")

    def _told(self, name: str) -> int:
        with urlopen(f"{self.url}/control") as response:
            return int(json.load(response)[name])


@contextmanager
def stub_model() -> Iterator[Running]:
    """A running stub on a free port of loopback."""
    process = Popen([sys.executable, __file__], stdout=PIPE, text=True)
    try:
        assert process.stdout
        yield Running(process.stdout.readline().strip(), process)
    finally:
        process.kill()
        process.wait()


def main() -> None:
    config = uvicorn.Config(Stub().app(), host="127.0.0.1", port=0, log_level="critical", access_log=False)
    listener = config.bind_socket()
    listener.listen(2048)  # whoever reads the address may come before the server runs
    print(f"http://127.0.0.1:{listener.getsockname()[1]}", flush=True)
    uvicorn.Server(config).run(sockets=[listener])


if __name__ == "__main__":
    main()
