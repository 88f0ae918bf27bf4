"""Target `haystack`: an indexing pipeline and a query pipeline for each application, in Haystack 3.4's serialized form.

Input: the linked graph. Output: `haystack/<application>/{indexing,query,query-<prompt>-<version>}.yaml`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import orjson

from llmops.fingerprint import index_identity
from llmops.render.base import Artifact, rendered_from, yaml_file
from llmops.resources import Graph, Resource

EMBEDDED_STORE_VARIABLE = "LLMOPS_EMBEDDED_STORE"
LOCAL_KEY_VARIABLE = "LLMOPS_LOCAL_API_KEY"
MODELS_FOLDER = ".llmops/models"
LONGEST_TABLE = 58
"""Postgres cuts identifiers at 63 characters; the indexes append up to five."""

_FASTEMBED = "haystack_integrations.components.embedders.fastembed"
_PGVECTOR = "haystack_integrations.components.retrievers.pgvector"
CONVERTER = "haystack.components.converters.txt.TextFileToDocument"
CLEANER = "haystack.components.preprocessors.document_cleaner.DocumentCleaner"
SPLITTER = "haystack.components.preprocessors.document_splitter.DocumentSplitter"
WRITER = "haystack.components.writers.document_writer.DocumentWriter"
STORE = "haystack_integrations.document_stores.pgvector.document_store.PgvectorDocumentStore"
EMBEDDING_RETRIEVER = f"{_PGVECTOR}.embedding_retriever.PgvectorEmbeddingRetriever"
KEYWORD_RETRIEVER = f"{_PGVECTOR}.keyword_retriever.PgvectorKeywordRetriever"
JOINER = "haystack.components.joiners.document_joiner.DocumentJoiner"
GUARD = "llmops.runtime.passage_guard.PassageGuard"
PROMPT = "haystack.components.builders.chat_prompt_builder.ChatPromptBuilder"
CHAT = "haystack.components.generators.chat.openai.OpenAIChatGenerator"
ANSWER = "haystack.components.builders.answer_builder.AnswerBuilder"
DOCUMENT_EMBEDDERS = {
    "onnx": f"{_FASTEMBED}.fastembed_document_embedder.FastembedDocumentEmbedder",
    "openai": "haystack.components.embedders.openai_document_embedder.OpenAIDocumentEmbedder",
}
TEXT_EMBEDDERS = {
    "onnx": f"{_FASTEMBED}.fastembed_text_embedder.FastembedTextEmbedder",
    "openai": "haystack.components.embedders.openai_text_embedder.OpenAITextEmbedder",
}
SPLIT_BY = {"word": "word", "sentence": "period", "passage": "passage", "line": "line"}
"""Haystack's own `sentence` downloads a tokenizer when it first runs; `period` needs nothing."""


@dataclass(slots=True)
class _Pipeline:
    """A pipeline under construction, in the order of its data flow."""

    metadata: dict[str, Any]
    components: dict[str, Any] = field(default_factory=dict)
    connections: list[dict[str, str]] = field(default_factory=list)

    def add(self, name: str, type_: str, **init_parameters: Any) -> str:
        self.components[name] = {"type": type_, "init_parameters": init_parameters}
        return name

    def connect(self, sender: str, receiver: str) -> None:
        self.connections.append({"sender": sender, "receiver": receiver})

    def serialize(self) -> dict[str, Any]:
        return {
            "metadata": {"llmops": self.metadata},
            "max_runs_per_component": 100,
            "connection_type_validation": True,
            "components": self.components,
            "connections": self.connections,
        }


def render(graph: Graph) -> Iterator[Artifact]:
    """The pipelines of every application, by name of the application."""
    for application in graph.of_kind("Application"):
        yield from _render_application(graph, application)


def _render_application(graph: Graph, application: Resource) -> Iterator[Artifact]:
    folder, comment = f"haystack/{application.name}", rendered_from(graph, application.id)
    if graph.targets_of(application, "spec", "retrieval"):
        yield yaml_file(f"{folder}/indexing.yaml", _indexing(graph, application), comment)
    variants = graph.targets_of(application, "spec", "variants")
    prompt = heaviest_variant(graph, application) if variants else graph.target_of(application, "spec", "prompt")
    assert prompt is not None, "the linker lets no application through without a prompt"
    yield yaml_file(f"{folder}/query.yaml", _query(graph, application, prompt), comment)
    for variant in variants:
        yield yaml_file(f"{folder}/{variant_file(variant)}", _query(graph, application, variant), comment)


def heaviest_variant(graph: Graph, application: Resource) -> Resource:
    """The prompt with the largest weight; the first of several."""
    prompts = graph.targets_of(application, "spec", "variants")
    weights = [int(v["weight"]) for v in application.spec["variants"]]
    return prompts[weights.index(max(weights))]


def variant_file(prompt: Resource) -> str:
    """File name of a variant's query pipeline, beside `query.yaml`."""
    return f"query-{prompt.name}-{prompt.version}.yaml"


def _metadata(graph: Graph, application: Resource, **more: Any) -> dict[str, Any]:
    return {
        "application": application.name,
        "environment": graph.environment,
        "release": graph.releases[application.id],
        **more,
    }


# --- indexing


def _indexing(graph: Graph, application: Resource) -> dict[str, Any]:
    sources = graph.targets_of(application, "spec", "retrieval")
    pipeline = _Pipeline(_metadata(graph, application, resources=[s.id for s in sources]))
    for source in sources:
        _add_branch(pipeline, graph, source)
    return pipeline.serialize()


def _add_branch(pipeline: _Pipeline, graph: Graph, source: Resource) -> None:
    suffix, chunking, model = _suffix(source), source.spec["chunking"], _embedding_model(graph, source)
    by = SPLIT_BY[chunking["by"]]
    names = [
        pipeline.add(f"converter_{suffix}", CONVERTER, encoding="utf-8-sig", store_full_path=True),
        pipeline.add(f"cleaner_{suffix}", CLEANER, **_cleaning(by)),
        pipeline.add(
            f"splitter_{suffix}",
            SPLITTER,
            split_by=by,
            split_length=chunking["length"],
            split_overlap=chunking.get("overlap", 0),
        ),
        pipeline.add(f"embedder_{suffix}", DOCUMENT_EMBEDDERS[model.spec["provider"]], **_document_embedder(model)),
        pipeline.add(f"writer_{suffix}", WRITER, policy="OVERWRITE", document_store=_store(source, model)),
    ]
    for sender, receiver in pairwise(names):
        pipeline.connect(f"{sender}.documents", f"{receiver}.documents")


def _cleaning(by: str) -> dict[str, bool]:
    # The cleaner folds the very blank lines and line ends that a splitter by passage or line cuts at.
    return {
        "remove_empty_lines": by != "passage",
        "remove_extra_whitespaces": by in ("word", "period"),
        "strip_whitespaces": True,
    }


def _store(source: Resource, model: Resource) -> dict[str, Any]:
    store, table = source.spec["store"], table_name(source, model)
    variable = EMBEDDED_STORE_VARIABLE if store["kind"] == "embedded" else store["connection"]["env"]
    parameters = {
        "connection_string": _secret(variable),
        "table_name": table,
        "embedding_dimension": model.spec["dimension"],
        "vector_function": "cosine_similarity",
        "search_strategy": "exact_nearest_neighbor",
        "keyword_index_name": f"{table}_kw",
    }
    if store.get("search") == "hnsw":
        parameters |= {"search_strategy": "hnsw", "hnsw_index_name": f"{table}_hnsw"}
    return {"type": STORE, "init_parameters": parameters}


def table_name(source: Resource, model: Resource) -> str:
    """The table of a source's chunks. Another chunking or another embedder is another table: vectors never mix."""
    name = f"llmops_{_suffix(source)}"
    if len(name) + 9 > LONGEST_TABLE:
        name = f"{name[: LONGEST_TABLE - 18]}_{_digest(source.name)}"
    return f"{name}_{_digest(index_identity(source, model))}"


def _digest(value: Any) -> str:
    return hashlib.sha256(orjson.dumps(value, option=orjson.OPT_SORT_KEYS)).hexdigest()[:8]


# --- query


def _query(graph: Graph, application: Resource, prompt: Resource) -> dict[str, Any]:
    model = graph.target_of(application, "spec", "model")
    assert model is not None, "the linker lets no application through without a model"
    pipeline = _Pipeline(_metadata(graph, application, prompt=prompt.id, model=model.id))
    passages = _add_retrieval(pipeline, graph, application)
    pipeline.add("prompt", PROMPT, template=_messages(prompt), variables=list(prompt.spec["variables"]), required_variables="*")
    pipeline.add("chat", CHAT, **_chat(model))
    pipeline.add("answer", ANSWER)
    if passages:
        _connect_passages(pipeline, passages, prompt)
    pipeline.connect("prompt.prompt", "chat.messages")
    pipeline.connect("chat.replies", "answer.replies")
    return pipeline.serialize()


def _connect_passages(pipeline: _Pipeline, passages: str, prompt: Resource) -> None:
    for name, variable in prompt.spec["variables"].items():
        if variable["type"] == "documents":
            pipeline.connect(f"{passages}.documents", f"prompt.{name}")
    pipeline.connect(f"{passages}.documents", "answer.documents")


def _add_retrieval(pipeline: _Pipeline, graph: Graph, application: Resource) -> str:
    """Adds everything that finds passages; the name of the component that hands them on, or empty."""
    sources = graph.targets_of(application, "spec", "retrieval")
    ends = [_add_source(pipeline, graph, source) for source in sources]
    if not ends:
        return ""
    end = ends[0]
    if len(ends) > 1:
        end = _join(pipeline, "joiner", ends, sum(s.spec["retrieve"]["top_k"] for s in sources))
    return _add_guard(pipeline, end, graph.target_of(application, "spec", "safety"))


def _add_source(pipeline: _Pipeline, graph: Graph, source: Resource) -> str:
    suffix, retrieve, model = _suffix(source), source.spec["retrieve"], _embedding_model(graph, source)
    mode, top_k = retrieve["mode"], int(retrieve["top_k"])
    # Fusion by rank needs more candidates than it returns, or the second list can only confirm the first.
    candidates = 2 * top_k if mode == "hybrid" else top_k
    ends = []
    if mode in ("embedding", "hybrid"):
        name = pipeline.add(f"embedding_{suffix}", EMBEDDING_RETRIEVER, top_k=candidates, document_store=_store(source, model))
        pipeline.connect(f"{_add_text_embedder(pipeline, model)}.embedding", f"{name}.query_embedding")
        ends.append(name)
    if mode in ("keyword", "hybrid"):
        ends.append(pipeline.add(f"keyword_{suffix}", KEYWORD_RETRIEVER, top_k=candidates, document_store=_store(source, model)))
    return ends[0] if len(ends) == 1 else _join(pipeline, f"joiner_{suffix}", ends, top_k)


def _add_text_embedder(pipeline: _Pipeline, model: Resource) -> str:
    name = f"embedder_{_suffix(model)}"
    if name not in pipeline.components:
        pipeline.add(name, TEXT_EMBEDDERS[model.spec["provider"]], **_text_embedder(model))
    return name


def _join(pipeline: _Pipeline, name: str, senders: list[str], top_k: int) -> str:
    pipeline.add(name, JOINER, join_mode="reciprocal_rank_fusion", top_k=top_k)
    for sender in senders:
        pipeline.connect(f"{sender}.documents", f"{name}.documents")
    return name


def _add_guard(pipeline: _Pipeline, end: str, safety: Resource | None) -> str:
    if safety is None or not any("retrieval" in rule["stage"] for rule in safety.spec["rules"]):
        return end
    pipeline.add("passage_guard", GUARD, policy=safety.name)
    pipeline.connect(f"{end}.documents", "passage_guard.documents")
    return "passage_guard"


# --- models and messages


def _document_embedder(model: Resource) -> dict[str, Any]:
    return {**_text_embedder(model), "batch_size": 8 if model.spec["provider"] == "onnx" else 32, "progress_bar": False}


def _text_embedder(model: Resource) -> dict[str, Any]:
    spec = model.spec
    if spec["provider"] == "onnx":
        weights = {"specific_model_path": f"{MODELS_FOLDER}/{model.name}"}
        return {"model": spec["model"], "threads": 2, "progress_bar": False, "local_files_only": True, "model_kwargs": weights}
    return {**_endpoint(model), "dimensions": spec["dimension"]}


def _chat(model: Resource) -> dict[str, Any]:
    sampling: Mapping[str, Any] = model.spec["parameters"]
    kwargs = {k: sampling[k] for k in ("temperature", "top_p", "seed", "stop") if sampling.get(k) is not None}
    return {**_endpoint(model), "generation_kwargs": {**kwargs, "max_tokens": model.spec["max_output_tokens"]}}


def _endpoint(model: Resource) -> dict[str, Any]:
    spec, endpoint = model.spec, model.spec["endpoint"]
    key = endpoint.get("api_key")
    return {
        "api_key": _secret(key["env"] if key else LOCAL_KEY_VARIABLE),
        "model": spec["model"],
        "api_base_url": endpoint["url"],
        "timeout": float(endpoint.get("timeout_seconds", 60)),
        # A server on this machine that refuses a connection will refuse the next one too.
        "max_retries": 0 if spec["provider"] == "llama.cpp" else 2,
    }


def _secret(variable: str) -> dict[str, Any]:
    return {"type": "env_var", "env_vars": [variable], "strict": True}


def _messages(prompt: Resource) -> list[dict[str, Any]]:
    # One entry a message, never one text with markers: a variable's value cannot open a message of another role.
    return [{"role": m["role"], "meta": {}, "name": None, "content": [{"text": m["content"]}]} for m in prompt.spec["messages"]]


def _suffix(resource: Resource) -> str:
    return resource.name.replace("-", "_")


def _embedding_model(graph: Graph, source: Resource) -> Resource:
    model = graph.target_of(source, "spec", "embedding")
    assert model is not None, "the linker lets no source through without an embedding model"
    return model
