"""Runs the server: opens the first bundle, guards the routes, stops only when the last answer is given."""

from __future__ import annotations

import logging
import signal
import uuid
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import uvicorn
from fastapi import FastAPI

from llmops.runtime.interactions import Log
from llmops.runtime.serving.app import build_app
from llmops.runtime.serving.desk import Desk
from llmops.runtime.serving.flags import FlagFile
from llmops.runtime.serving.generation import Generation, Opener
from llmops.runtime.serving.limits import BodyLimit
from llmops.runtime.serving.metrics import Metrics
from llmops.runtime.serving.settings import Settings
from llmops.runtime.serving.switch import Switch
from llmops.runtime.serving.tokens import Guard, read_tokens, require_bindable

if TYPE_CHECKING:
    from starlette.types import ASGIApp

    from llmops.runtime.bundle import Bundle

logger = logging.getLogger("llmops.serving")


@dataclass(frozen=True, slots=True)
class Served:
    """What to serve. `names` are applications; none means all of the bundle's."""

    bundle: Path
    root: Path
    names: Sequence[str]
    flags: Path | None
    prepare: Callable[[Bundle], None]
    progress: Callable[[str], None]


def serve(served: Served, settings: Settings, ready: Callable[[Generation], None]) -> None:
    """Serves until SIGINT or SIGTERM. Raises what is wrong with the bundle, the host or the flag file before a port is open.

    `ready` is called when requests can come in.
    """
    tokens = read_tokens()
    require_bindable(settings.host, tokens)
    with Log.open(served.root) as log:
        opener = Opener(served.root, served.names, log, uuid.uuid4().hex[:12], settings, served.prepare, served.progress)
        first = opener.open(served.bundle)
        app = _assemble(opener, first, served, settings, ready)
        guarded: ASGIApp = Guard(BodyLimit(app, settings.body), tokens, settings.host)
        config = uvicorn.Config(
            guarded,
            host=settings.host,
            port=settings.port,
            log_level="warning",
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=int(settings.grace),
        )
        for stop in (signal.SIGINT, signal.SIGTERM):
            # uvicorn sends itself the signal once more when it has stopped: that it did so in order is no failure.
            signal.signal(stop, lambda number, frame: None)
        uvicorn.Server(config).run()


def _assemble(opener: Opener, first: Generation, served: Served, settings: Settings, ready: Callable[[Generation], None]) -> FastAPI:
    metrics = Metrics()

    def switched(generation: Generation) -> None:
        metrics.released(generation.bundle, generation.assistants)
        metrics.attested(bool(generation.proof["attested"]))

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        await first.warm_up()
        desk.start()
        ready(first)
        yield
        desk.stopping = True
        await desk.close()

    flags = FlagFile(served.flags) if served.flags else None
    desk = Desk(served.root, Switch(opener, first, switched), settings, metrics, flags)
    app = build_app(desk)
    app.router.lifespan_context = lifespan
    return app
