"""Brings a retrieval source's index to the documents of the bundle: new and changed files in, others out."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from llmops.errors import LlmopsError, RuntimeUnavailable, UsageError
from llmops.runtime.bundle import Bundle, BundledResource, SourceFile
from llmops.runtime.pipelines import load_pipeline

if TYPE_CHECKING:
    from haystack import Pipeline
    from psycopg import Connection

STAGES = ("converter", "cleaner", "splitter", "embedder", "writer")
BATCH = 8
"""Files read, embedded and written at a time; the write of a batch is one transaction."""

_DELETE = """
DELETE FROM {table} WHERE NOT EXISTS (
  SELECT 1 FROM unnest(%s::text[], %s::text[]) AS kept(path, sha256)
  WHERE kept.path = meta->>'file_path' AND kept.sha256 = meta->>'sha256'
)"""


@dataclass(frozen=True, slots=True)
class IndexResult:
    """`documents` and `chunks` now in the index; `indexed` files read in this run, `removed` chunks taken out; `seconds` of this run."""

    documents: int
    chunks: int
    indexed: int
    removed: int
    seconds: float


def index_source(bundle: Bundle, source: str, root: Path, progress: Callable[[str], None]) -> IndexResult:
    """Makes the index of `source` (a resource id) hold exactly the files of the manifest.

    A file that is already indexed with the same digest is not read again. Raises `LlmopsError` when a file of the workspace
    is not the one that was compiled, and `RuntimeUnavailable` when the store does not answer.
    """
    started = time.monotonic()
    resource = bundle.resource(source)
    contents = {file: _read(root, file) for file in resource.files}
    pipeline = _indexing_pipeline(bundle, resource, root)
    with _table(pipeline, resource) as table:
        table.lock()
        present = table.files()
        new = [file for file in resource.files if (file.path, file.sha256) not in present]
        for done, batch in _batches(new):
            _run(pipeline, resource, [(file, contents[file]) for file in batch])
            progress(f"{resource.name}: {done} of {len(new)} files indexed")
        removed = table.keep_only(resource.files)
        chunks = table.count()
    return IndexResult(len(resource.files), chunks, len(new), removed, time.monotonic() - started)


def check_index(bundle: Bundle, source: str, root: Path) -> None:
    """Raises `RuntimeUnavailable` unless the index holds exactly the files of the bundle."""
    resource = bundle.resource(source)
    with _table(_indexing_pipeline(bundle, resource, root), resource) as table:
        present = table.files()
    expected = {(file.path, file.sha256) for file in resource.files}
    if present != expected:
        what = "is empty" if not present else f"differs from the bundle in {min(present ^ expected)[0]}"
        raise RuntimeUnavailable(f"The index of {resource.id} {what}.", f"llmops run --select indexes/{resource.name}")


def _read(root: Path, file: SourceFile) -> bytes:
    try:
        content = (root / file.path).read_bytes()
    except FileNotFoundError as error:
        raise LlmopsError(f"{file.path} is gone since the bundle was compiled.", "llmops compile") from error
    if hashlib.sha256(content).hexdigest() != file.sha256:
        raise LlmopsError(f"{file.path} changed since the bundle was compiled.", "llmops compile")
    if not content.strip():
        raise LlmopsError(f"{file.path} holds no text.", "Take it out with documents.exclude, then llmops compile")
    return content


def _indexing_pipeline(bundle: Bundle, source: BundledResource, root: Path) -> Pipeline:
    """The branch of this source, out of the first application that uses it."""
    users = sorted(a.name for a in bundle.applications.values() if source.id in a.retrieval)
    if not users:
        raise UsageError(f"No application uses {source.id}, so nothing says how to index it.")
    names = {f"{stage}_{_suffix(source)}" for stage in STAGES}
    return load_pipeline(bundle, bundle.application(users[0]).indexing, root, names.__contains__)


def _suffix(source: BundledResource) -> str:
    return source.name.replace("-", "_")


def _batches(files: Sequence[SourceFile]) -> Iterator[tuple[int, Sequence[SourceFile]]]:
    for start in range(0, len(files), BATCH):
        batch = files[start : start + BATCH]
        yield start + len(batch), batch


def _run(pipeline: Pipeline, source: BundledResource, batch: Sequence[tuple[SourceFile, bytes]]) -> None:
    from haystack.dataclasses import ByteStream

    # The bytes whose digest was checked, not the path: a file could change in between.
    streams = [ByteStream(content, meta={"file_path": file.path, "sha256": file.sha256}) for file, content in batch]
    pipeline.run({f"converter_{_suffix(source)}": {"sources": streams}})


@dataclass(frozen=True, slots=True)
class _Table:
    """The chunks of one source in Postgres. Haystack's store has no query for distinct pairs, nor a deletion by pairs."""

    connection: Connection[Any]
    name: Any

    def lock(self) -> None:
        """Waits for another indexing run of this table, and holds the next one off until the connection closes."""
        self.connection.execute("SELECT pg_advisory_lock(hashtextextended(%s, 0))", [str(self.name)])

    def files(self) -> set[tuple[str, str]]:
        rows = self._execute("SELECT DISTINCT meta->>'file_path', meta->>'sha256' FROM {table}")
        return {(str(path), str(sha256)) for path, sha256 in rows}

    def count(self) -> int:
        return int(next(self._execute("SELECT count(*) FROM {table}"))[0])

    def keep_only(self, files: Sequence[SourceFile]) -> int:
        """Deletes the chunks of every other file or version, and says how many."""
        pairs = [file.path for file in files], [file.sha256 for file in files]
        return int(self._execute(_DELETE, pairs).rowcount)

    def _execute(self, statement: str, values: Any = None) -> Any:
        from psycopg.sql import SQL

        return self.connection.execute(SQL(statement).format(table=self.name), values)


@contextmanager
def _table(pipeline: Pipeline, source: BundledResource) -> Iterator[_Table]:
    """The table of the pipeline's writer, created if need be."""
    import psycopg
    from haystack.document_stores.errors import DocumentStoreError
    from psycopg.sql import Identifier

    store = pipeline.get_component(f"writer_{_suffix(source)}").document_store  # type: ignore[attr-defined]
    try:
        with psycopg.connect(store.connection_string.resolve_value(), autocommit=True) as connection:
            with connection.transaction():
                # Haystack looks whether extension, table and indexes are there and then creates them: one at a time.
                connection.execute("SELECT pg_advisory_xact_lock(hashtextextended('llmops create', 0))")
                store.count_documents()
            yield _Table(connection, Identifier(store.schema_name, store.table_name))
    except (psycopg.OperationalError, DocumentStoreError) as error:
        raise RuntimeUnavailable(f"The store of {source.id} does not answer: {error}") from error
    finally:
        store.close()
