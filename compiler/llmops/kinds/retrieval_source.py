"""`RetrievalSource`: documents, how they are cut and embedded, where they are stored and how they are found."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from llmops.kinds.base import Cron, EnvironmentVariable, Licence, Path, Spec, Strict, reference, values


class Documents(Strict):
    """Which files may be quoted."""

    paths: Annotated[list[Path], Field(min_length=1, examples=[["../docs/**/*.md"]])]
    """Globs of Markdown or text files, relative to this spec; `**` crosses folders."""
    exclude: Annotated[list[Path], Field(examples=[["../docs/drafts/**"]])] = []
    """Globs taken out again, relative to this spec."""
    licence: Licence
    """Licence of the documents, as an SPDX identifier."""


class Chunking(Strict):
    """How documents are cut into the pieces that are found and quoted."""

    by: Annotated[
        Literal["word", "sentence", "passage", "line"],
        values(
            {
                "word": "Words between spaces.",
                "sentence": "Sentences, ended by a full stop.",
                "passage": "Paragraphs, ended by a blank line.",
                "line": "Lines.",
            }
        ),
    ] = "word"
    """The unit that `length` and `overlap` count."""
    length: Annotated[int, Field(ge=1, examples=[180])]
    """Length of a chunk, counted in `by`."""
    overlap: Annotated[int, Field(ge=0, examples=[30])] = 0
    """How much of the previous chunk is repeated, counted in `by`; smaller than `length`."""


class Embedding(Strict):
    """How chunks and questions become vectors."""

    model: Annotated[str, reference("Model", "The Model, with `task: embedding`, for documents and questions.")]


class EmbeddedStore(Strict):
    """A Postgres with pgvector that llmops starts on this machine."""

    kind: Literal["embedded"]
    """`embedded`: a Postgres with pgvector that llmops starts on this machine."""
    dimension: Annotated[int, Field(ge=1, examples=[384])] | None = None
    """Length of the stored vectors; taken from the model when absent."""


class PgvectorStore(Strict):
    """Any Postgres with the pgvector extension."""

    kind: Literal["pgvector"]
    """`pgvector`: any Postgres with the pgvector extension."""
    connection: EnvironmentVariable
    """The variable that holds the connection string."""
    dimension: Annotated[int, Field(ge=1, examples=[384])] | None = None
    """Length of the vectors that the table already holds; it must be the model's."""
    search: Annotated[
        Literal["exact", "hnsw"],
        values(
            {
                "exact": "Compares every vector: the right answer, slower in large collections.",
                "hnsw": "An approximate index, for large ones.",
            }
        ),
    ] = "exact"
    """How the nearest vectors are found: `exact` compares every vector; `hnsw` is an approximate index."""


class Retrieve(Strict):
    """How passages are found for a question."""

    mode: Annotated[
        Literal["embedding", "keyword", "hybrid"],
        values(
            {
                "embedding": "By meaning: the nearest vectors.",
                "keyword": "By words: Postgres' full-text search.",
                "hybrid": "Both, joined by reciprocal rank.",
            }
        ),
    ] = "hybrid"
    """How passages are found; `hybrid` joins both by reciprocal rank."""
    top_k: Annotated[int, Field(ge=1, le=100, examples=[3, 8])] = 4
    """Number of passages given to the prompt, from 1 to 100."""


class Refresh(Strict):
    """When the index is rebuilt."""

    schedule: Cron
    """When the index is brought up to date, as five cron fields in UTC."""


class RetrievalSourceSpec(Strict):
    documents: Documents
    """The files that may be quoted."""
    chunking: Chunking
    """How documents are cut."""
    embedding: Embedding
    """How chunks and questions become vectors."""
    store: Annotated[EmbeddedStore | PgvectorStore, Field(discriminator="kind")]
    """Where chunks and vectors are kept; `kind` decides which fields there are."""
    retrieve: Annotated[Retrieve, Field(default_factory=Retrieve)]
    """How passages are found, and how many."""
    refresh: Refresh | None = None
    """When the index is rebuilt; without it, only on demand."""


class RetrievalSource(Spec):
    """Documents, how they are cut and embedded, where they are stored and how they are found."""

    kind: Literal["RetrievalSource"]
    """The kind of resource."""
    spec: RetrievalSourceSpec
    """Documents, chunking, embedding, store and retrieval."""
