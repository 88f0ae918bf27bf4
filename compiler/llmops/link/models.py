"""Cross-check: the right task for each model, and vectors that fit the store."""

from __future__ import annotations

from collections.abc import Iterator
from math import ceil

from llmops.link.findings import Finding
from llmops.resources import Graph, Reference, Resource

TASK_OF_FIELD = {"Application": "chat", "Evaluation": "chat", "RetrievalSource": "embedding"}


def check_models(graph: Graph) -> Iterator[Finding]:
    for resource in graph.resources.values():
        task = TASK_OF_FIELD.get(resource.kind)
        for reference in resource.references if task else ():
            yield from _check_task(graph, resource, reference, str(task))


def _check_task(graph: Graph, resource: Resource, reference: Reference, task: str) -> Iterator[Finding]:
    model = graph[reference.target]
    if model.kind == "Model" and model.spec["task"] != task:
        message = f"{model.name} is a model for {model.spec['task']}; this field takes one for {task}"
        related = ((model.id, ("spec", "task"), "declared here"),)
        yield Finding(resource.id, reference.path, "LLM0404", message, f"Name a Model with `task: {task}`.", related=related)


def check_embeddings(graph: Graph) -> Iterator[Finding]:
    """The store's vectors must be as long as the model's, and the model must read a whole chunk."""
    for source in graph.of_kind("RetrievalSource"):
        model = graph.target_of(source, "spec", "embedding")
        if model is None or model.spec["task"] != "embedding":
            continue
        yield from _check_dimension(source, model)
        yield from _check_chunk(source, model)


def _check_dimension(source: Resource, model: Resource) -> Iterator[Finding]:
    stored, made = source.spec["store"].get("dimension"), model.spec["dimension"]
    if stored is not None and stored != made:
        message = f"The store holds vectors of {stored}, {model.name} makes vectors of {made}"
        related = ((model.id, ("spec", "dimension"), "the model's dimension"),)
        hint = f"Write dimension: {made} and plan a re-index, or keep the model that filled the store."
        yield Finding(source.id, ("spec", "store", "dimension"), "LLM0601", message, hint, related=related)


def _check_chunk(source: Resource, model: Resource) -> Iterator[Finding]:
    tokens = chunk_tokens(source)
    limit = int(model.spec["max_input_tokens"])
    if tokens > limit:
        message = f"A chunk has about {tokens} tokens, {model.name} reads {limit}: the rest would not be found"
        yield Finding(source.id, ("spec", "chunking", "length"), "LLM0602", message, "Make the chunks shorter.")


TOKENS_PER_UNIT = {"word": 1.5, "line": 20.0, "sentence": 30.0, "passage": 150.0}
"""Tokens in one unit of a chunk. Technical English has 1.3 to 1.6 tokens a word; the rest are usual lengths times that."""


def chunk_tokens(source: Resource) -> int:
    """About how many tokens a chunk has."""
    chunking = source.spec["chunking"]
    return ceil(int(chunking["length"]) * TOKENS_PER_UNIT[chunking["by"]])
