"""Task `index`: the documents of a retrieval source, cut, embedded and stored."""

from __future__ import annotations

from typing import Any

import dagster as dg

from llmops.runtime.bundle import BundledResource
from llmops.runtime.dagster.tables import table
from llmops.runtime.dagster.translator import Node
from llmops.runtime.dagster.workbench import Workbench


def build_index(bench: Workbench, node: Node, key: dg.AssetKey) -> dg.MaterializeResult[None]:
    from llmops.runtime.indexing import index_source

    bench.start(bench.bundle.reach(node["resource"]))
    result = index_source(bench.bundle, node["resource"], bench.place.root, bench.progress)
    metadata: dict[str, Any] = {
        "dagster/row_count": result.chunks,
        "documents": result.documents,
        "documents_indexed": result.indexed,
        "chunks": result.chunks,
        "chunks_removed": result.removed,
        "seconds": round(result.seconds, 3),
        "files": table(_files(bench.bundle.resource(node["resource"])), ("path", "bytes", "sha256")),
    }
    return dg.MaterializeResult(asset_key=key, metadata=metadata, data_version=dg.DataVersion(node["code_version"]))


def _files(source: BundledResource) -> list[dict[str, str | int]]:
    return [{"path": file.path, "bytes": file.size, "sha256": file.sha256[:12]} for file in source.files]
