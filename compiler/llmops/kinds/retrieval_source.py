"""`RetrievalSource`: documents, how they are cut and embedded, where they are stored and how they are found."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from llmops.kinds.base import Cron, EnvironmentVariable, Path, Spec, Strict, reference


class Documents(Strict):
    paths: Annotated[list[Path], Field(min_length=1)]
    """Globs of Markdown or text files, relative to this spec."""
    exclude: list[Path] = []
    """Globs taken out again."""
    licence: str
    """Licence of the documents, as an SPDX identifier."""


class Chunking(Strict):
    by: Literal["word", "sentence", "passage", "line"] = "word"
    length: Annotated[int, Field(ge=1)]
    """Length of a chunk, counted in `by`."""
    overlap: Annotated[int, Field(ge=0)] = 0
    """How much of the previous chunk is repeated, counted in `by`."""


class Embedding(Strict):
    model: Annotated[str, reference("Model", "The embedding model.")]


class EmbeddedStore(Strict):
    """A Postgres with pgvector that llmops starts on this machine."""

    kind: Literal["embedded"]
    dimension: Annotated[int, Field(ge=1)] | None = None
    """Length of the stored vectors; taken from the model when absent."""


class PgvectorStore(Strict):
    """Any Postgres with the pgvector extension."""

    kind: Literal["pgvector"]
    connection: EnvironmentVariable
    """The variable that holds the connection string."""
    dimension: Annotated[int, Field(ge=1)] | None = None
    """Length of the vectors that the table already holds; it must be the model's."""
    search: Literal["exact", "hnsw"] = "exact"
    """`exact` compares every vector; `hnsw` is an approximate index."""


class Retrieve(Strict):
    mode: Literal["embedding", "keyword", "hybrid"] = "hybrid"
    """`hybrid` joins both by reciprocal rank."""
    top_k: Annotated[int, Field(ge=1, le=100)] = 4
    """Passages given to the prompt."""


class Refresh(Strict):
    schedule: Cron


class RetrievalSourceSpec(Strict):
    documents: Documents
    chunking: Chunking
    embedding: Embedding
    store: Annotated[EmbeddedStore | PgvectorStore, Field(discriminator="kind")]
    retrieve: Annotated[Retrieve, Field(default_factory=Retrieve)]
    refresh: Refresh | None = None
    """When the index is rebuilt; without it, only on demand."""


class RetrievalSource(Spec):
    """Documents, how they are cut and embedded, where they are stored and how they are found."""

    kind: Literal["RetrievalSource"]
    spec: RetrievalSourceSpec
