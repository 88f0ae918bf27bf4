"""One application of one bundle, started and ready to be measured.

Documents are indexed into the embedded store of the folder that is measured, also where the specs name a Postgres elsewhere: a
measurement must not rewrite the index that users are answered from. The rendered files stay as they are; only the variable
that names the store's address is another.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from llmops.evaluate.observation import Passage, Reply
from llmops.evaluate.questions import Question
from llmops.evaluate.scoring import Result
from llmops.runtime.bundle import Bundle

if TYPE_CHECKING:
    from llmops.runtime.assistant import Answer, Assistant

EVALUATION_LOG = ".llmops/evaluations"
"""Folder of the workspace that holds the log of questions asked by evaluations."""
PARALLEL = 4
"""Questions on their way at the same time. A local model answers one after the other all the same."""

Keep = Callable[[Question, Result], None]
Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Subject:
    """What is measured: an application of a bundle. `root` is the folder that was compiled, with its services' data."""

    bundle: Bundle
    root: Path
    application: str

    @property
    def release(self) -> str:
        return self.bundle.application(self.application).release

    def lanes(self, wanted: int) -> int:
        """Questions to have on their way: one where the model runs on this machine, since waiting in line is no latency of an answer."""
        model = self.bundle.resource(self.bundle.application(self.application).model)
        return 1 if model.spec["provider"] == "llama.cpp" else wanted


@dataclass(frozen=True, slots=True)
class Session:
    """Asks an opened assistant."""

    assistant: Assistant
    parallel: int = PARALLEL

    def ask(self, questions: Sequence[Question], keep: Keep) -> None:
        """Calls `keep` with each result as it comes. What fails raises: no case is left out silently."""
        from llmops.runtime.assistant.loop import run_sync

        for question in questions:
            if question.needs == "passages":
                keep(question, tuple(Passage(s.path, s.content) for s in self.assistant.retrieve(question.text)))
        try:
            run_sync(self._answer([question for question in questions if question.needs == "reply"], keep))
        except ExceptionGroup as group:
            raise group.exceptions[0] from group

    async def _answer(self, questions: Sequence[Question], keep: Keep) -> None:
        waiting = iter(questions)

        async def work() -> None:
            for question in waiting:
                keep(question, await self._reply(question.text))

        async with asyncio.TaskGroup() as group:
            for _ in range(self.parallel):
                group.create_task(work())

    async def _reply(self, text: str) -> Reply:
        """A question that the application does not take was stopped, as by a rule: that is its answer."""
        from llmops.runtime.assistant import QuestionRejected

        try:
            return _reply_of(await self.assistant.answer(text))
        except QuestionRejected as rejected:
            return Reply(str(rejected), blocked=True, rules=("question",))


@contextmanager
def session(subject: Subject, progress: Progress, *, answers: bool = True, parallel: int = PARALLEL) -> Iterator[Session]:
    """Starts what the application needs, fills its indexes and opens it. Without `answers` the chat model stays away.

    Raises `RuntimeUnavailable` where a part does not start.
    """
    from llmops.runtime.indexing import index_source
    from llmops.runtime.local.services import services

    bundle, root = subject.bundle, subject.root
    needed = bundle.reach(f"Application/{subject.application}")
    chosen = [id_ for id_, resource in needed.items() if answers or resource.spec.get("task") != "chat"]
    with ExitStack() as stack:
        stack.enter_context(services(bundle, root, progress=progress, resources=chosen))
        stack.enter_context(embedded_stores(subject, chosen))
        for source in bundle.application(subject.application).retrieval:
            index_source(bundle, source, root, progress)
        yield opened(subject, parallel)


def opened(subject: Subject, parallel: int = PARALLEL) -> Session:
    """The assistant, whose services run and whose indexes are filled. Cases are no traffic: they are logged where no monitor looks."""
    from llmops.runtime.assistant import Assistant

    assistant = Assistant.open(subject.bundle, subject.application, subject.root)
    return Session(replace(assistant, root=subject.root / EVALUATION_LOG, retention=None), subject.lanes(parallel))


@contextmanager
def embedded_stores(subject: Subject, chosen: Sequence[str]) -> Iterator[None]:
    """Every store elsewhere that these resources name is the embedded one for as long as the block lasts."""
    sources = (subject.bundle.resource(id_) for id_ in chosen if id_.startswith("RetrievalSource/"))
    names = {str(source.spec["store"]["connection"]["env"]) for source in sources if source.spec["store"].get("connection")}
    with ExitStack() as stack:
        if names:
            from llmops.runtime.local.store import serve_store

            address = stack.enter_context(serve_store(subject.root))
            stack.enter_context(_set(dict.fromkeys(names, address)))
        yield


@contextmanager
def _set(variables: dict[str, str]) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name, None) if value is None else os.environ.update({name: value})


def _reply_of(answer: Answer) -> Reply:
    return Reply(
        text=answer.text.encode("utf-8", "replace").decode(),  # half a surrogate pair, which a model may write, cannot be kept
        blocked=answer.blocked,
        passages=tuple(Passage(source.path, source.content) for source in answer.sources),
        rules=tuple(dict.fromkeys(hit.rule for verdict in answer.verdicts for hit in verdict.hits)),
        latency_ms=answer.latency_ms,
        input_tokens=answer.tokens.input,
        output_tokens=answer.tokens.output,
        cost_usd=answer.cost_usd,
    )
