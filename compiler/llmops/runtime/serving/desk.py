"""Where requests are admitted and answers handed out: limits, circuit, deadline and metrics around the assistants."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from starlette.responses import JSONResponse

from llmops.errors import LlmopsError, UsageError
from llmops.runtime.assistant import Answer, Assistant, ModelFailed, ModelUnavailable
from llmops.runtime.interactions.sealed import seal
from llmops.runtime.serving.breaker import Breaker
from llmops.runtime.serving.errors import body_of, error_response, failure_of
from llmops.runtime.serving.flags import FlagError, FlagFile
from llmops.runtime.serving.limits import Concurrency, RateLimit
from llmops.runtime.serving.metrics import Metrics
from llmops.runtime.serving.switch import Switch

if TYPE_CHECKING:
    from llmops.runtime.serving.settings import Settings

logger = logging.getLogger("llmops.serving")

WATCH_SECONDS = 1.0
"""How often the flag file is looked at."""
PROVE_SECONDS = 60.0
"""How often what is loaded is held against what was rendered."""
SEAL_SECONDS = 3600.0
"""How often rows of closed hours are sealed."""


class Desk:
    """One for a server; everything in it belongs to the server's event loop."""

    def __init__(self, root: Path, switch: Switch, settings: Settings, metrics: Metrics, flags: FlagFile | None) -> None:
        self._root = root
        self.settings = settings
        self.metrics = metrics
        self.stopping = False
        self._switch = switch
        self._flags = flags
        self._rate = RateLimit(settings.rate) if settings.rate else None
        self._turns = Concurrency(settings.concurrency, settings.waiting, settings.patience)
        self._breakers: dict[str, Breaker] = {}
        self._watchers: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Begins to watch the flag file and the proof. Raises `FlagError` where the file cannot be followed from the start."""
        self._follow_flags()
        self._watchers = [asyncio.create_task(work) for work in (self._watch_flags(), self._watch_proof(), self._seal())]

    async def close(self) -> None:
        """Ends what `start` began, and retires the bundle."""
        for watcher in self._watchers:
            watcher.cancel()
        await self._switch.close()

    async def answer(self, client: str, application: str, question: str, user: str) -> Answer:
        """The whole answer, logged. Raises what `errors.FAILURES` names."""
        async with AsyncExitStack() as stack:
            assistant = await self._admit(stack, client, application)
            return self._counted(assistant, await assistant.answer(question, user=user, seconds=self.settings.timeout))

    async def stream(self, client: str, application: str, question: str, user: str) -> AsyncIterator[str | Answer]:
        """The pieces of the answer and the `Answer` itself. Raises as `answer`, before the first piece or later."""
        async with AsyncExitStack() as stack:
            assistant = await self._admit(stack, client, application)
            async for item in assistant.stream(question, user=user, seconds=self.settings.timeout):
                yield self._counted(assistant, item) if isinstance(item, Answer) else item

    async def _admit(self, stack: AsyncExitStack, client: str, application: str) -> Assistant:
        """Whoever comes in holds a turn and the bundle until the stack closes."""
        if self._rate:
            self._rate.take(client)
        await stack.enter_async_context(self._turns.turn())
        generation = await stack.enter_async_context(self._switch.lease())
        assistant = generation.assistant(application)
        stack.enter_context(self.metrics.in_flight(application))
        stack.enter_context(self._breaker(assistant).attempt(ModelUnavailable, ModelFailed, TimeoutError))
        return assistant

    def _breaker(self, assistant: Assistant) -> Breaker:
        return self._breakers.setdefault(assistant.application.model, Breaker())

    def _counted(self, assistant: Assistant, answer: Answer) -> Answer:
        self.metrics.answered(assistant, answer)
        return answer

    def failed(self, application: str, error: BaseException) -> JSONResponse:
        """Counts a request that got no answer, and what its client is told."""
        name = application if application in self._switch.current.assistants else ""
        self.metrics.failed(name, failure_of(error).code)
        return error_response(error)

    def only_application(self) -> str:
        names = list(self._switch.current.assistants)
        if len(names) != 1:
            raise UsageError("The request names no application.", f"This server has {', '.join(names)}.")
        return names[0]

    def applications(self) -> list[dict[str, Any]]:
        """What there is to ask."""
        generation = self._switch.current
        return [_described(generation.bundle.manifest["resources"], assistant) for assistant in generation.assistants.values()]

    def disclosure(self, application: str) -> str | None:
        spec = self._switch.current.bundle.resource(f"Application/{application}").spec
        return spec.get("disclosure")

    def reasons_not_ready(self) -> list[str]:
        """Why no request should be sent here; none where all is well."""
        proof = self._switch.current.proof
        open_circuits = [model for model, breaker in self._breakers.items() if breaker.is_open]
        return [
            *(["the server is stopping"] if self.stopping else []),
            *([] if proof["attested"] else proof["differences"]),
            *(f"{model} does not answer" for model in open_circuits),
        ]

    def exposed(self) -> tuple[bytes, str]:
        """What Prometheus reads, and its type."""
        for model, breaker in self._breakers.items():
            self.metrics.circuit(model, is_open=breaker.is_open)
        return self.metrics.expose()

    async def prove(self) -> dict[str, Any]:
        """The proof, made now."""
        async with self._switch.lease() as generation:
            proof = await asyncio.to_thread(generation.prove, self.settings.release)
        self.metrics.attested(bool(proof["attested"]))
        return {**proof, "flags": self._flags.state if self._flags else None}

    async def switch_to(self, directory: Path | None) -> dict[str, Any]:
        releases = await self._switch.to(directory)
        self._forget_flags()
        logger.warning("Switched to %s.", releases["now"])
        return releases

    def switch_refused(self, error: Exception) -> JSONResponse:
        """The old bundle goes on."""
        logger.error("The new bundle was refused: %s", error)
        if not isinstance(error, LlmopsError):
            return error_response(error)
        body = body_of(error)["error"] | {"message": str(error), "code": "bundle_refused", "hint": error.hint}
        return JSONResponse({"switched": False, "error": body}, 409)

    def _forget_flags(self) -> None:
        if self._flags:
            self._flags.forget()
            try:
                self._follow_flags()
            except FlagError as error:
                logger.error("%s", error)

    def _follow_flags(self) -> None:
        assistants = self._switch.current.assistants
        weights = self._flags.read({name: a.application for name, a in assistants.items()}) if self._flags else None
        for name, variants in (weights or {}).items():
            assistants[name].rollout.variants = variants
            logger.warning("%s now answers with %s.", name, ", ".join(f"{v.label} {v.weight}" for v in variants))

    async def _watch_flags(self) -> None:
        told = ""
        while self._flags:
            await asyncio.sleep(WATCH_SECONDS)
            try:
                self._follow_flags()
                told = ""
            except FlagError as error:
                if str(error) != told:
                    logger.error("%s", error)
                told = str(error)

    async def _watch_proof(self) -> None:
        while True:
            await asyncio.sleep(PROVE_SECONDS)
            try:
                proof = await self.prove()
                if not proof["attested"]:
                    logger.error("What is served is not what was rendered: %s", "; ".join(proof["differences"]))
            except Exception:  # a proof that cannot be made is an alarm, not the end of the server
                self.metrics.attested(False)
                logger.exception("What is served could not be proved.")

    async def _seal(self) -> None:
        """Rows of closed hours go into Parquet. One that fails is tried again: the rows stay where they are."""
        while True:
            await asyncio.sleep(SEAL_SECONDS)
            try:
                await asyncio.to_thread(seal, self._root, datetime.now(UTC) - timedelta(hours=1))
            except Exception:
                logger.exception("The log could not be sealed.")


def _described(resources: Any, assistant: Assistant) -> dict[str, Any]:
    entry = resources[f"Application/{assistant.application.name}"]
    return {
        "name": assistant.application.name,
        "owner": entry["owner"],
        "description": entry["description"],
        "release": assistant.application.release,
        "disclosure": entry["spec"].get("disclosure"),
        "audience": entry["spec"]["audience"],
    }
