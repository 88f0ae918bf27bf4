"""The rails of one safety policy: what an application calls with each question, passage and answer."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from llmops.errors import LlmopsError
from llmops.runtime.rails.detectors import JUDGING
from llmops.runtime.rails.detectors.finding import Request
from llmops.runtime.rails.guardrails_engine import GuardrailsEngine
from llmops.runtime.rails.nemo_engine import NemoEngine
from llmops.runtime.rails.rules import Announcement, read_rules
from llmops.runtime.rails.verdict import Verdict, conclude

ENGINES: Mapping[str, type[GuardrailsEngine | NemoEngine]] = {"guardrails-ai": GuardrailsEngine, "nemoguardrails": NemoEngine}
STAGES = ("input", "retrieval", "output")
THREADS = ThreadPoolExecutor(JUDGING, thread_name_prefix="llmops-rails")
"""Of their own: judges that wait for a model must not hold up what else runs in threads."""


def load_rails(bundle_dir: Path, policy: str, engine: str | None = None) -> Rails:
    """The rails of `policy`, run by `engine` or by the policy's first engine. Takes seconds: engines are imported here.

    Raises LlmopsError where a file of the bundle is missing or is not what `rules.json` announces, and RuntimeUnavailable
    where the engine is not installed.
    """
    return Rails(read_rules(bundle_dir, policy, engine))


class Rails:
    """Safe to share between threads and tasks."""

    def __init__(self, announcement: Announcement) -> None:
        self.policy = announcement.policy
        self.engine = announcement.engine
        self.stages = tuple(announcement.stages)
        self._stages = announcement.stages
        self._engine = ENGINES[announcement.engine](announcement)

    def check(self, stage: str, text: str, *, context: Sequence[str] = (), prompt: str = "") -> Verdict:
        """The verdict on a question (`input`), one passage (`retrieval`) or an answer (`output`).

        `context` are the passages and `prompt` the system prompt that an answer was made from. Inside an event loop call
        `check_async`.
        """
        _require_no_loop()
        if not self._has(stage):
            return Verdict(True, text, "", ())
        rewritten, outcomes = self._engine.run(stage, Request(text, tuple(context), prompt))
        return conclude(self.engine, rewritten, outcomes)

    async def check_async(self, stage: str, text: str, *, context: Sequence[str] = (), prompt: str = "") -> Verdict:
        """As `check`; does not block the event loop for long."""
        if not self._has(stage):
            return Verdict(True, text, "", ())
        request = Request(text, tuple(context), prompt)
        if isinstance(self._engine, NemoEngine):
            rewritten, outcomes = await self._engine.run_async(stage, request)
        else:
            rewritten, outcomes = await asyncio.get_running_loop().run_in_executor(THREADS, self._engine.run, stage, request)
        return conclude(self.engine, rewritten, outcomes)

    def holdback(self, stage: str) -> int | None:
        """How many characters at the end of a growing text a rule may still take away or stop at; None: judge only the whole text."""
        return self._stages[stage].holdback if self._has(stage) else 0

    def _has(self, stage: str) -> bool:
        if stage not in STAGES:
            raise LlmopsError(f"Rails do not run at stage {stage!r}", f"The stages are {', '.join(STAGES)}.")
        return stage in self.stages


def _require_no_loop() -> None:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return
    raise LlmopsError("Rails.check was called inside an event loop", "Await Rails.check_async instead.")
