"""Everything that answers from one bundle: its assistants, the services they stand on, the proof of what was loaded."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from llmops.errors import LlmopsError
from llmops.runtime.assistant import Assistant
from llmops.runtime.bundle import Bundle
from llmops.runtime.local.services import services
from llmops.runtime.serving.attestation import attest

if TYPE_CHECKING:
    from llmops.runtime.interactions import Log
    from llmops.runtime.serving.settings import Settings


class NotAttested(LlmopsError):
    """What was loaded is not what was rendered, or not the release that is expected."""


@dataclass(slots=True)
class Generation:
    """Lives until the last request that began with it has ended."""

    bundle: Bundle
    assistants: Mapping[str, Assistant]
    environment: Mapping[str, str]
    proof: dict[str, Any]
    stack: ExitStack = field(repr=False)
    in_flight: int = 0
    idle: asyncio.Event = field(default_factory=asyncio.Event)

    def assistant(self, name: str) -> Assistant:
        """Raises `UsageError` with a suggestion for an unknown application, or one that this server was not told to serve."""
        if name not in self.assistants:
            self.bundle.application(name)
            raise LlmopsError(f"This server does not serve {name}.")
        return self.assistants[name]

    def prove(self, expected: str) -> dict[str, Any]:
        """The proof, made again: files are read and pipelines in memory compared."""
        self.proof = attest(self.bundle, self.assistants, expected)
        return self.proof

    async def warm_up(self) -> None:
        for assistant in self.assistants.values():
            await assistant.warm_up()

    async def retire(self) -> None:
        """Waits for the answers that are being made, then ends connections and services."""
        if self.in_flight:
            await self.idle.wait()
        for assistant in self.assistants.values():
            await assistant.aclose()
        await asyncio.to_thread(self.stack.close)

    def take_environment(self) -> None:
        """Connections that are made later read their addresses from the environment; the services of a retired bundle unset theirs."""
        os.environ.update(self.environment)


@dataclass(frozen=True, slots=True)
class Opener:
    """Opens bundles for one server. `names` are the applications to serve; none means all."""

    root: Path
    names: Sequence[str]
    log: Log
    server: str
    settings: Settings
    prepare: Callable[[Bundle], None]
    """What is done to a bundle before its applications open, such as building its indexes."""
    progress: Callable[[str], None]

    def open(self, directory: Path) -> Generation:
        """Loads everything; takes seconds. Raises what is wrong with the bundle, and leaves nothing running then.

        Raises `NotAttested` where what was loaded is not what was rendered, unless the settings ask for an alarm instead.
        """
        bundle = Bundle.open(directory, tolerant=self.settings.alarm)
        names = list(self.names or bundle.applications)
        wanted = bundle.reach(*(f"Application/{bundle.application(name).name}" for name in names))
        with ExitStack() as stack:
            running = stack.enter_context(services(bundle, self.root, progress=self.progress, resources=wanted))
            self.prepare(bundle)
            assistants = {name: self._open_assistant(bundle, name) for name in names}
            proof = attest(bundle, assistants, self.settings.release)
            if not proof["attested"] and not self.settings.alarm:
                raise NotAttested(f"The bundle in {directory} is not served: {'; '.join(proof['differences'])}.", "llmops compile")
            return Generation(bundle, assistants, running.environment, proof, stack.pop_all())

    def _open_assistant(self, bundle: Bundle, name: str) -> Assistant:
        self.progress(f"loading {name}")
        assistant = Assistant.open(bundle, name, self.root)
        if assistant.rails:
            for stage in assistant.rails.stages:  # engines load parts at their first text: no user should wait for that
                assistant.rails.check(stage, "warm", prompt="cold")
        return assistant.serving(self.log, self.server)
