"""The rendered query pipeline of one prompt, asked one question: its inputs, a run or a stream, and what its outputs mean."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from llmops.runtime.assistant.answer import Judged, Source, Tokens
from llmops.runtime.assistant.faults import CHAT, ModelFailed, explain

if TYPE_CHECKING:
    from haystack import Document, Pipeline
    from haystack.dataclasses import StreamingChunk

GENERATION = frozenset({"prompt", CHAT, "answer"})
"""Components of the query pipeline that come after retrieval."""
STREAMED: Mapping[str, Any] = {"generation_kwargs": {"stream_options": {"include_usage": True}}}
"""Asked of the model's server with a stream: without it there is no count of tokens."""
WAITING = 256
"""Pieces that may wait for a slow reader before the model has to."""

Inputs = dict[str, dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Generated:
    """What the pipeline made: the answer, the passages and verdicts on them, and the system prompt that the answer was made from."""

    text: str
    sources: tuple[Source, ...]
    verdicts: tuple[Judged, ...]
    tokens: Tokens
    system: str


@dataclass(frozen=True, slots=True)
class Begun:
    """What is known before the first word: what the output rails compare the answer with."""

    sources: tuple[Source, ...]
    verdicts: tuple[Judged, ...]
    system: str


@dataclass(frozen=True, slots=True)
class Query:
    """A pipeline, safe to share between tasks of one event loop."""

    pipeline: Pipeline

    def inputs(self, question: str, variables: Mapping[str, Any]) -> Inputs:
        return {**retrieval_inputs(self.pipeline, question), "prompt": dict(variables), "answer": {"query": question}}

    async def run(self, inputs: Inputs) -> Generated:
        """Raises what `faults` names."""
        return _generated(await run_pipeline(self.pipeline, inputs, {"prompt"}))

    async def stream(self, inputs: Inputs) -> AsyncGenerator[str | Begun | Generated, None]:
        """`Begun`, the pieces of the answer as the model writes them, `Generated`. Closing it stops the model."""
        queue: asyncio.Queue[str | Begun | Generated | None] = asyncio.Queue(WAITING)
        task = asyncio.create_task(self._fill(queue, inputs))
        try:
            while (item := await queue.get()) is not None:
                yield item
            await task  # raises what went wrong
        finally:
            task.cancel()

    async def _fill(self, queue: asyncio.Queue[str | Begun | Generated | None], inputs: Inputs) -> None:
        async def piece(chunk: StreamingChunk) -> None:
            if chunk.content:
                await queue.put(chunk.content)

        try:
            async for item in self._steps({**inputs, CHAT: {**STREAMED, "streaming_callback": piece}}):
                await queue.put(item)
        finally:
            await queue.put(None)

    async def _steps(self, inputs: Inputs) -> AsyncIterator[Begun | Generated]:
        from haystack.core.errors import PipelineRuntimeError

        ran: dict[str, Any] = {}
        outputs: dict[str, Any] = {}
        try:
            async for outputs in self.pipeline.run_async_generator(inputs, include_outputs_from={"prompt"}):
                if "prompt" in outputs and "prompt" not in ran:
                    yield _begun(ran, outputs["prompt"]["prompt"])
                ran |= outputs
        except PipelineRuntimeError as error:
            raise explain(error, self.pipeline) from error
        yield _generated(outputs)


async def run_pipeline(pipeline: Pipeline, inputs: Inputs, include: set[str] | None = None) -> dict[str, Any]:
    """The outputs of every component that ends a branch, and of those in `include`. Raises what `faults` names."""
    from haystack.core.errors import PipelineRuntimeError

    try:
        return dict(await pipeline.run_async(inputs, include_outputs_from=include))
    except PipelineRuntimeError as error:
        raise explain(error, pipeline) from error


def retrieval_inputs(pipeline: Pipeline, question: str) -> Inputs:
    """What the text embedders and keyword retrievers take."""
    names = list(pipeline.graph.nodes)
    embedders = {name: {"text": question} for name in names if name.startswith("embedder_")}
    return {**embedders, **{name: {"query": question} for name in names if name.startswith("keyword_")}}


def sources_of(documents: Sequence[Document]) -> tuple[Source, ...]:
    return tuple(Source(str(d.meta["file_path"]), float(d.score or 0.0), d.content or "") for d in documents)


def retrieves(component: str) -> bool:
    return component not in GENERATION


def _begun(ran: dict[str, Any], messages: Sequence[Any]) -> Begun:
    """From the outputs of what ran before the prompt: the last passages are those that it holds."""
    documents: Sequence[Document] = next((out["documents"] for out in reversed(ran.values()) if "documents" in out), ())
    return Begun(sources_of(documents), _passage_verdicts(ran), _system_text(messages))


def _passage_verdicts(outputs: Mapping[str, Any]) -> tuple[Judged, ...]:
    return tuple(Judged.of("retrieval", v) for v in outputs.get("passage_guard", {}).get("verdicts", ()))


def _generated(outputs: Mapping[str, Any]) -> Generated:
    if not outputs["answer"]["answers"]:
        raise ModelFailed("The model sent no answer.")
    answer = outputs["answer"]["answers"][0]
    usage = answer.meta.get("usage") or {}
    return Generated(
        text=(answer.data or "").strip(),
        sources=sources_of(answer.documents),
        verdicts=_passage_verdicts(outputs),
        tokens=Tokens(usage.get("prompt_tokens", 0), usage.get("completion_tokens", 0)),
        system=_system_text(outputs["prompt"]["prompt"]),
    )


def _system_text(messages: Sequence[Any]) -> str:
    return "\n".join(m.text or "" for m in messages if m.role == "system")
