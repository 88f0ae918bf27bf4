"""Answers questions: input rails, the rendered query pipeline, output rails; every attempt is logged.

An application with a safety policy never answers without its rails.
"""

from __future__ import annotations

import hashlib
import re
import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from llmops.errors import LlmopsError, RuntimeUnavailable
from llmops.runtime.bundle import Bundle, BundledApplication
from llmops.runtime.indexing import check_index
from llmops.runtime.interactions import Interaction, Retention, forget, record, stamp
from llmops.runtime.pipelines import load_pipeline

if TYPE_CHECKING:
    from haystack import Document, Pipeline
    from haystack.dataclasses import GeneratedAnswer

    from llmops.runtime.rails import Rails, Verdict

GENERATION = frozenset({"prompt", "chat", "answer"})
"""Components of the query pipeline that come after retrieval."""

_PIECE = re.compile(r"\w{1,4}|[^\w\s]")


class QuestionRejected(LlmopsError):
    """The question itself cannot be asked: empty, too long, or not text."""


@dataclass(frozen=True, slots=True)
class Source:
    """A passage that the answer may rest on. `path` is relative to the workspace; `score` is the retriever's, larger is better."""

    path: str
    score: float
    content: str


@dataclass(frozen=True, slots=True)
class Tokens:
    """As the model's server counted them."""

    input: int = 0
    output: int = 0


@dataclass(frozen=True, slots=True)
class Answer:
    """What the user reads, and everything needed to trace it. `blocked`: a rule's message stands in place of an answer."""

    id: str
    text: str
    sources: tuple[Source, ...]
    release: str
    prompt: str
    model: str
    verdicts: tuple[Verdict, ...]
    blocked: bool
    latency_ms: float
    tokens: Tokens
    question: str
    """As the pipeline saw it, after redaction."""


@dataclass(frozen=True, slots=True)
class _Reply:
    """What the rails and the pipeline made of a question."""

    text: str
    question: str
    blocked: bool
    verdicts: tuple[Verdict, ...] = ()
    sources: tuple[Source, ...] = ()
    tokens: Tokens = Tokens()


@dataclass(frozen=True, slots=True)
class Assistant:
    """One application of a bundle, ready to answer. Open it with `Assistant.open`, inside `services`."""

    bundle: Bundle
    application: BundledApplication
    root: Path
    rails: Rails | None
    pipelines: Mapping[str, Pipeline]
    """Query pipeline of each prompt id."""
    retrieval: Pipeline | None
    retention: Retention | None
    """Nothing is ever deleted without one."""

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
            pipelines={prompt: load_pipeline(bundle, path, root) for prompt, path in _query_files(entry).items()},
            retrieval=load_pipeline(bundle, entry.query, root, _retrieves) if entry.retrieval else None,
            retention=_retention(bundle, entry),
        )
        assistant._forget()
        return assistant

    def ask(self, question: str, *, user: str = "") -> Answer:
        """Answers one question and logs it, also when it fails.

        `user` decides which prompt variant answers, always the same for the same user. Raises `QuestionRejected` for a
        question that is empty or too long, and `RuntimeUnavailable` when the model or the store does not answer.
        """
        attempt = _Attempt(uuid.uuid4().hex, datetime.now(UTC), time.monotonic(), question, user, self._choose(user or question))
        try:
            answer = self._answered(attempt, self._reply(question, attempt.prompt))
        except Exception as error:
            self._log(self._failure(attempt, error))
            raise
        self._log(self._success(attempt, answer))
        return answer

    def retrieve(self, question: str) -> tuple[Source, ...]:
        """The passages that `ask` would put into the prompt, without asking the model. Not logged."""
        if self.retrieval is None:
            return ()
        self._check_question(question)
        outputs = _run(self.retrieval, _retrieval_inputs(self.retrieval, question))
        (documents,) = (out["documents"] for out in outputs.values() if "documents" in out)
        return _sources(documents)

    def _choose(self, key: str) -> str:
        """The prompt of this user: a percentage decided by a digest, so that it is the same on every host."""
        variants = self.application.variants
        if not variants:
            return self.application.prompts[0]
        point = int(hashlib.sha256(f"{self.application.name}\0{key}".encode()).hexdigest(), 16) % sum(v.weight for v in variants)
        for variant in variants:
            point -= variant.weight
            if point < 0:
                return variant.prompt
        raise AssertionError("a point below the sum of the weights lies in one of them")

    def _check_question(self, question: str) -> None:
        limit = self.bundle.resource(f"Application/{self.application.name}").spec["limits"]["question_tokens"]
        length = count_tokens(question)
        if not question.strip():
            raise QuestionRejected("The question is empty.")
        if "\x00" in question:
            raise QuestionRejected("The question holds a NUL character.")
        if length > limit:
            raise QuestionRejected(
                f"The question has about {length} tokens; {self.application.name} takes {limit}.",
                "Ask a shorter question, or raise limits.question_tokens of the application.",
            )

    def _reply(self, question: str, prompt: str) -> _Reply:
        self._check_question(question)
        before = self.rails.check("input", question) if self.rails else None
        if before and not before.allowed:
            return _Reply(before.message, before.text, blocked=True, verdicts=(before,))
        asked = before.text if before else question
        outputs = _run(self.pipelines[prompt], self._inputs(prompt, asked))
        generated = outputs["answer"]["answers"][0]
        verdicts = (*((before,) if before else ()), *outputs.get("passage_guard", {}).get("verdicts", ()))
        return self._guarded(asked, generated, _system_text(outputs["prompt"]["prompt"]), verdicts)

    def _guarded(self, asked: str, generated: GeneratedAnswer, system: str, verdicts: tuple[Verdict, ...]) -> _Reply:
        """The answer, as the output rails leave it."""
        sources, text, usage = _sources(generated.documents), (generated.data or "").strip(), generated.meta.get("usage") or {}
        tokens = Tokens(usage.get("prompt_tokens", 0), usage.get("completion_tokens", 0))
        if self.rails is None:
            return _Reply(text, asked, blocked=False, verdicts=verdicts, sources=sources, tokens=tokens)
        after = self.rails.check("output", text, context=[s.content for s in sources], prompt=system)
        shown = after.text if after.allowed else after.message
        return _Reply(shown, asked, blocked=not after.allowed, verdicts=(*verdicts, after), sources=sources, tokens=tokens)

    def _inputs(self, prompt: str, question: str) -> dict[str, dict[str, Any]]:
        values = {**self.application.variables, "question": question}
        variables = self.bundle.resource(prompt).spec["variables"]
        return {
            **_retrieval_inputs(self.pipelines[prompt], question),
            "prompt": {name: values[name] for name in variables if name in values},
            "answer": {"query": question},
        }

    def _answered(self, attempt: _Attempt, reply: _Reply) -> Answer:
        return Answer(
            id=attempt.id,
            text=reply.text,
            sources=reply.sources,
            release=self.application.release,
            prompt=attempt.prompt,
            model=self.application.model,
            verdicts=reply.verdicts,
            blocked=reply.blocked,
            latency_ms=attempt.elapsed_ms(),
            tokens=reply.tokens,
            question=reply.question,
        )

    def _log(self, interaction: Interaction) -> None:
        record(self.root, interaction)
        self._forget()

    def _forget(self) -> None:
        before = self.retention.due(datetime.now(UTC)) if self.retention else None
        if before:
            forget(self.root, self.application.name, self.bundle.environment, before)

    def _success(self, attempt: _Attempt, answer: Answer) -> Interaction:
        return self._interaction(
            attempt,
            question=answer.question,
            answer=answer.text,
            sources_json=orjson.dumps([asdict(s) for s in answer.sources]).decode(),
            verdicts_json=orjson.dumps([asdict(v) for v in answer.verdicts]).decode(),
            blocked=answer.blocked,
            latency_ms=answer.latency_ms,
            input_tokens=answer.tokens.input,
            output_tokens=answer.tokens.output,
        )

    def _failure(self, attempt: _Attempt, error: Exception) -> Interaction:
        # Rails that did not finish have redacted nothing, so their question is not stored.
        question = "" if self.rails else attempt.question
        values = {"question": question, "error_type": type(error).__name__, "error": str(error)}
        return self._interaction(attempt, **values, latency_ms=attempt.elapsed_ms())

    def _interaction(self, attempt: _Attempt, **values: Any) -> Interaction:
        empty = {"question": attempt.question, "answer": "", "sources_json": "[]", "verdicts_json": "[]", "blocked": False}
        unset = {"error_type": "", "error": "", "input_tokens": 0, "output_tokens": 0}
        return Interaction(
            id=attempt.id,
            time=stamp(attempt.began),
            workspace=self.bundle.workspace,
            environment=self.bundle.environment,
            application=self.application.name,
            release=self.application.release,
            prompt=attempt.prompt,
            model=self.application.model,
            user=hashlib.sha256(attempt.user.encode()).hexdigest()[:16] if attempt.user else "",
            **{**empty, **unset, **values},
        )


@dataclass(frozen=True, slots=True)
class _Attempt:
    """A question as it came in."""

    id: str
    began: datetime
    clock: float
    question: str
    user: str
    prompt: str

    def elapsed_ms(self) -> float:
        return (time.monotonic() - self.clock) * 1000


def count_tokens(text: str) -> int:
    """About how many tokens a model reads: pieces of at most four letters, and marks. Seldom fewer than a real tokenizer's."""
    return len(_PIECE.findall(text))


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


def _query_files(entry: BundledApplication) -> dict[str, str]:
    """Query pipeline of each prompt id."""
    if not entry.variants:
        return {entry.prompts[0]: entry.query}
    folder = entry.query.rpartition("/")[0]
    return {v.prompt: f"{folder}/query-{v.prompt.removeprefix('Prompt/').replace('@', '-')}.yaml" for v in entry.variants}


def _retrieves(component: str) -> bool:
    return component not in GENERATION


def _retrieval_inputs(pipeline: Pipeline, question: str) -> dict[str, dict[str, Any]]:
    """What the text embedders and keyword retrievers take."""
    names = list(pipeline.graph.nodes)
    embedders = {name: {"text": question} for name in names if name.startswith("embedder_")}
    return {**embedders, **{name: {"query": question} for name in names if name.startswith("keyword_")}}


def _run(pipeline: Pipeline, inputs: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """The outputs of every component that ends a branch, and the rendered prompt."""
    import openai
    from haystack.core.errors import PipelineRuntimeError
    from haystack.document_stores.errors import DocumentStoreError

    include = {"prompt"} & set(pipeline.graph.nodes)
    try:
        return dict(pipeline.run(inputs, include_outputs_from=include))
    except PipelineRuntimeError as error:
        cause = error.__cause__
        if isinstance(cause, openai.APIConnectionError):
            address = pipeline.get_component("chat").api_base_url  # type: ignore[attr-defined]
            raise RuntimeUnavailable(f"The model at {address} does not answer: {cause}", f"curl {address}/models") from error
        if isinstance(cause, openai.APIStatusError):
            raise RuntimeUnavailable(f"The model refused the request: {cause}") from error
        if isinstance(cause, DocumentStoreError):
            raise RuntimeUnavailable(f"The document store does not answer: {cause}") from error
        raise


def _sources(documents: Sequence[Document]) -> tuple[Source, ...]:
    return tuple(Source(str(d.meta["file_path"]), float(d.score or 0.0), d.content or "") for d in documents)


def _system_text(messages: Sequence[Any]) -> str:
    return "\n".join(m.text or "" for m in messages if m.role == "system")
