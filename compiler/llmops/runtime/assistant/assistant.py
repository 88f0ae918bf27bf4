"""An application that answers, whole or piece by piece. It is opened with everything that the bundle says, or not at all."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from llmops.errors import RuntimeUnavailable
from llmops.runtime.assistant.answer import Answer, Judged, Reply, Source
from llmops.runtime.assistant.attempt import Attempt
from llmops.runtime.assistant.loop import run_sync, until
from llmops.runtime.assistant.query import Begun, Generated, Query, retrieval_inputs, retrieves, run_pipeline, sources_of
from llmops.runtime.assistant.question import check_question
from llmops.runtime.assistant.records import failure, success
from llmops.runtime.assistant.release import Releaser
from llmops.runtime.assistant.rollout import Rollout
from llmops.runtime.bundle import Bundle, BundledApplication
from llmops.runtime.indexing import check_index
from llmops.runtime.interactions import Interaction, Retention, forget, record
from llmops.runtime.pipelines import load_pipeline

if TYPE_CHECKING:
    from haystack import Pipeline

    from llmops.runtime.interactions import Log
    from llmops.runtime.rails import Rails, Verdict


@dataclass(frozen=True, slots=True)
class Assistant:
    """One application of a bundle, ready to answer. Open it with `Assistant.open`, inside `services`."""

    bundle: Bundle
    application: BundledApplication
    root: Path
    rails: Rails | None
    queries: Mapping[str, Query]
    """Query pipeline of each prompt id."""
    retrieval: Pipeline | None
    retention: Retention | None
    """Nothing is ever deleted without one."""
    rollout: Rollout
    log: Log | None = None
    """Where a server logs; without one, each row is written by itself."""
    server: str = "cli"
    """Who answers, in the log."""

    @classmethod
    def open(cls, bundle: Bundle, application: str, root: Path) -> Assistant:
        """Loads rails and pipelines, and checks that the indexes hold this bundle's documents.

        Interactions that are older than the application keeps them are deleted. Raises `RuntimeUnavailable` when a part is
        missing: it never opens with less than the bundle says.
        """
        entry = bundle.application(application)
        for source in entry.retrieval:
            check_index(bundle, source, root)
        assistant = cls(
            bundle=bundle,
            application=entry,
            root=root,
            rails=_load_rails(bundle, entry),
            queries={prompt: Query(load_pipeline(bundle, path, root)) for prompt, path in query_files(entry).items()},
            retrieval=load_pipeline(bundle, entry.query, root, retrieves) if entry.retrieval else None,
            retention=_retention(bundle, entry),
            rollout=Rollout(entry),
        )
        assistant._forget()
        return assistant

    def serving(self, log: Log, server: str) -> Assistant:
        """The same assistant for a server: its rows go into `log` under the name `server`."""
        return replace(self, log=log, server=server)

    def ask(self, question: str, *, user: str = "") -> Answer:
        """As `answer`, for callers without an event loop."""
        return run_sync(self.answer(question, user=user))

    async def answer(self, question: str, *, user: str = "", seconds: float | None = None) -> Answer:
        """Answers one question and logs it, also when it fails.

        `user` decides which prompt variant answers, always the same for the same user. Raises `QuestionRejected` for a
        question that is empty or too long, `TimeoutError` after `seconds`, what `faults` names, and `LogUnavailable`: what cannot
        be logged is not answered.
        """
        attempt = self._begin(question, user)
        try:
            async with asyncio.timeout(seconds):
                answer = attempt.answered(await self._reply(attempt))
        except asyncio.CancelledError:
            await self._log(failure(self, attempt, None))
            raise
        except Exception as error:
            await self._log(failure(self, attempt, error))
            raise
        await self._log(success(self, attempt, answer))
        return answer

    async def stream(self, question: str, *, user: str = "", seconds: float | None = None) -> AsyncIterator[str | Answer]:
        """The answer piece by piece, as far as the output rails have judged it, and last the whole `Answer`, once it is logged.

        Where a rule needs the whole answer, it comes as one piece. Where a rule stops an answer after its beginning has left,
        the `Answer` is blocked and no more pieces come. Raises as `answer`; closing it early logs a cancelled interaction.
        """
        attempt = self._begin(question, user)
        finished = False
        try:
            async for item in until(seconds, self._pieces(attempt)):
                if isinstance(item, str):
                    attempt.mark_first()
                    yield item
                else:
                    answer = attempt.answered(item)
            await self._log(success(self, attempt, answer))
            finished = True
            yield answer
        except (asyncio.CancelledError, GeneratorExit):
            if not finished:
                await self._log(failure(self, attempt, None))
            raise
        except Exception as error:
            if not finished:
                await self._log(failure(self, attempt, error))
            raise

    def retrieve(self, question: str) -> tuple[Source, ...]:
        """The passages that `ask` would put into the prompt, without asking the model. Not logged."""
        if self.retrieval is None:
            return ()
        self._check(question)
        outputs = run_sync(run_pipeline(self.retrieval, retrieval_inputs(self.retrieval, question)))
        (documents,) = (out["documents"] for out in outputs.values() if "documents" in out)
        return sources_of(documents)

    async def warm_up(self) -> None:
        """Makes the clients of models and stores, on the loop that is going to answer: no user should wait for that."""
        for query in self.queries.values():
            await query.pipeline.warm_up_async()

    async def aclose(self) -> None:
        """Ends the pipelines' connections. Call it on the loop that answered, when the last answer has been given."""
        for query in self.queries.values():
            await query.pipeline.close_async()

    def _begin(self, question: str, user: str) -> Attempt:
        return Attempt.begin(self.bundle, self.application, self.rollout.choose(user or question), question, user)

    def _check(self, question: str) -> None:
        limit = self.bundle.resource(f"Application/{self.application.name}").spec["limits"]["question_tokens"]
        check_question(question, limit, self.application.name)

    async def _asked(self, attempt: Attempt) -> tuple[Judged, ...] | Reply:
        """The input rails' verdict; a `Reply` where they stop the question. `attempt` then holds what may go on."""
        self._check(attempt.question)
        if self.rails is None:
            return ()
        with attempt.timed("input"):
            verdict = await self.rails.check_async("input", attempt.question)
        attempt.question = verdict.text
        attempt.redacted = True
        judged = (Judged.of("input", verdict),)
        return judged if verdict.allowed else Reply(verdict.message, verdict.text, blocked=True, verdicts=judged)

    async def _reply(self, attempt: Attempt) -> Reply:
        before = await self._asked(attempt)
        if isinstance(before, Reply):
            return before
        generated = await self._query(attempt).run(self._inputs(attempt))
        if self.rails is None:
            return _reply(attempt, before, generated, None)
        with attempt.timed("output"):
            context = [source.content for source in generated.sources]
            after = await self.rails.check_async("output", generated.text, context=context, prompt=generated.system)
        return _reply(attempt, before, generated, after)

    async def _pieces(self, attempt: Attempt) -> AsyncGenerator[str | Reply, None]:
        holdback = self.rails.holdback("output") if self.rails else 0
        if holdback is None:
            reply = await self._reply(attempt)
            yield reply.text
            yield reply
            return
        before = await self._asked(attempt)
        if isinstance(before, Reply):
            yield before.text
            yield before
            return
        async for item in self._released(attempt, before, holdback):
            yield item

    async def _released(self, attempt: Attempt, before: tuple[Judged, ...], holdback: int) -> AsyncIterator[str | Reply]:
        """The pieces that may leave, then the reply."""
        releaser: Releaser | None = None
        begun: Begun | None = None
        text = ""
        steps = self._query(attempt).stream(self._inputs(attempt))
        async for item in steps:
            if isinstance(item, Begun):
                begun, releaser = item, Releaser(self.rails, holdback, [s.content for s in item.sources], item.system)
            elif isinstance(item, str) and releaser and begun:
                text = (text + item).lstrip()
                with attempt.timed("output"):
                    piece, stopped = await releaser.feed(text)
                if stopped:
                    await steps.aclose()
                    yield _stopped(attempt, before, begun, stopped)
                    return
                if piece:
                    yield piece
            elif isinstance(item, Generated) and releaser:
                with attempt.timed("output"):
                    piece, verdict = await releaser.finish(item.text)
                if piece:
                    yield piece
                yield _reply(attempt, before, item, verdict)

    def _query(self, attempt: Attempt) -> Query:
        return self.queries[attempt.variant.prompt]

    def _inputs(self, attempt: Attempt) -> dict[str, dict[str, Any]]:
        values = {**self.application.variables, "question": attempt.question}
        variables = self.bundle.resource(attempt.variant.prompt).spec["variables"]
        return self._query(attempt).inputs(attempt.question, {name: values[name] for name in variables if name in values})

    async def _log(self, interaction: Interaction) -> None:
        if self.log:
            await asyncio.shield(self.log.append_async(interaction))
        else:
            await asyncio.to_thread(record, self.root, interaction)
        if self.retention and self.retention.is_due(datetime.now(UTC)):
            await asyncio.to_thread(self._forget)

    def _forget(self) -> None:
        before = self.retention.due(datetime.now(UTC)) if self.retention else None
        if before:
            forget(self.root, self.application.name, self.bundle.environment, before)


def query_files(entry: BundledApplication) -> dict[str, str]:
    """Query pipeline of each prompt id."""
    if not entry.variants:
        return {entry.prompts[0]: entry.query}
    folder = entry.query.rpartition("/")[0]
    return {v.prompt: f"{folder}/query-{v.prompt.removeprefix('Prompt/').replace('@', '-')}.yaml" for v in entry.variants}


def _reply(attempt: Attempt, before: tuple[Judged, ...], made: Generated, after: Verdict | None) -> Reply:
    verdicts = (*before, *made.verdicts, *((Judged.of("output", after),) if after else ()))
    blocked = after is not None and not after.allowed
    text = made.text if after is None else after.message if blocked else after.text
    return Reply(text, attempt.question, blocked=blocked, verdicts=verdicts, sources=made.sources, tokens=made.tokens)


def _stopped(attempt: Attempt, before: tuple[Judged, ...], begun: Begun, verdict: Verdict) -> Reply:
    """The model was cut off, so nobody counted its tokens."""
    verdicts = (*before, *begun.verdicts, Judged.of("output", verdict))
    return Reply(verdict.message, attempt.question, blocked=True, verdicts=verdicts, sources=begun.sources)


def _load_rails(bundle: Bundle, entry: BundledApplication) -> Rails | None:
    if entry.safety is None:
        return None
    try:
        from llmops.runtime.rails import load_rails
    except ImportError as error:
        raise RuntimeUnavailable(f"The rails of {entry.safety} cannot be loaded: {error}.", 'pip install "llmops-compiler[run]"') from error
    return load_rails(bundle.directory, bundle.resource(entry.safety).name)


def _retention(bundle: Bundle, entry: BundledApplication) -> Retention | None:
    logging = bundle.resource(f"Application/{entry.name}").spec.get("logging")
    return Retention(logging["retention_days"]) if logging else None
