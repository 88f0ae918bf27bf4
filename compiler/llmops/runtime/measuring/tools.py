"""What metrics borrow: the embedder of an application's first retrieval source, and the evaluation's judge."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from llmops.errors import RuntimeUnavailable
from llmops.evaluate.observation import Embed, Tools
from llmops.runtime.bundle import Bundle, BundledResource
from llmops.runtime.measuring.answers import Answers
from llmops.runtime.measuring.judge import Judge
from llmops.runtime.measuring.session import Progress, Subject


@contextmanager
def tools(subject: Subject, evaluation: BundledResource, progress: Progress) -> Iterator[Tools]:
    """Each starts when a metric first asks for it, and stops with the block."""
    with ExitStack() as stack:
        judges: list[Judge] = []

        def ask(prompts: Sequence[str]) -> Sequence[str]:
            if not judges:
                judges.append(stack.enter_context(judge_of(subject.bundle, subject.root, evaluation, progress)))
            return judges[0].ask(prompts)

        yield Tools(embedder(subject), ask)


def embedder(subject: Subject) -> Embed:
    """The embedding model of the application's first retrieval source, loaded when a metric first asks for it."""
    loaded: list[Any] = []

    def embed(texts: list[str]) -> Sequence[Sequence[float]]:
        from haystack import Document

        if not loaded:
            loaded.append(_document_embedder(subject))
        documents = loaded[0].run(documents=[Document(content=text) for text in texts])["documents"]
        return [document.embedding for document in documents]

    return embed


def _document_embedder(subject: Subject) -> Any:
    from llmops.runtime.local.embedding_model import materialise_embedding_model
    from llmops.runtime.pipelines import load_pipeline

    bundle, root = subject.bundle, subject.root
    entry = bundle.application(subject.application)
    if not entry.retrieval:
        raise RuntimeUnavailable(
            f"answer_similarity needs an embedding model, and {subject.application} has no retrieval source to name one"
        )
    source = bundle.resource(entry.retrieval[0])
    for model in bundle.referenced(source, "Model"):
        if model.spec["provider"] == "onnx":
            materialise_embedding_model(model, root)
    name = f"embedder_{source.name.replace('-', '_')}"
    return load_pipeline(bundle, entry.indexing, root, lambda component: component == name).get_component(name)


@contextmanager
def judge_of(bundle: Bundle, root: Path, evaluation: BundledResource, progress: Progress) -> Iterator[Judge]:
    """The judge that an evaluation names, started where it runs on this machine."""
    from llmops.runtime.local.services import services

    if evaluation.judge is None:
        raise RuntimeUnavailable(f"{evaluation.id} has a metric of a judge and names none", "Write spec.judge: the name of a chat Model.")
    model = bundle.resource(evaluation.judge.model)
    with services(bundle, root, progress=progress, resources=[model.id]), Answers.open(root) as answers:
        yield Judge(model, evaluation.judge.digest, answers, progress)
