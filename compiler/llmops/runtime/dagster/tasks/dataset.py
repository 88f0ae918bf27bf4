"""Task `dataset`: the file is the one that was compiled, and every row can be read."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import dagster as dg

from llmops.errors import RuntimeUnavailable
from llmops.evaluate.cases import Case, read_cases
from llmops.runtime.dagster.tables import table
from llmops.runtime.dagster.translator import Node
from llmops.runtime.dagster.workbench import Workbench

if TYPE_CHECKING:
    from llmops.runtime.bundle import BundledResource

SHOWN = 10
"""Rows in the preview."""


def read_dataset(bench: Workbench, node: Node, key: dg.AssetKey) -> dg.MaterializeResult[None]:
    dataset = bench.bundle.resource(node["resource"])
    cases = dataset_cases(dataset, bench.place.root)
    file = dataset.files[0]
    metadata: dict[str, Any] = {
        "dagster/row_count": len(cases),
        "answerable": sum(case.answerable for case in cases),
        "sha256": file.sha256,
        "bytes": file.size,
        "preview": table([_row(case) for case in cases[:SHOWN]], ("line", "question", "answer", "answerable")),
    }
    return dg.MaterializeResult(asset_key=key, metadata=metadata, data_version=dg.DataVersion(file.sha256))


def dataset_cases(dataset: BundledResource, root: Path) -> tuple[Case, ...]:
    """The cases of a dataset. Raises `RuntimeUnavailable` where the file is not the one that was compiled."""
    file = dataset.files[0]
    path = root / file.path
    if not path.is_file():
        raise RuntimeUnavailable(f"{file.path} is not in {root}", hint="set LLMOPS_WORKSPACE to the folder of llmops.yaml")
    if hashlib.sha256(path.read_bytes()).hexdigest() != file.sha256:
        raise RuntimeUnavailable(f"{file.path} was changed after the bundle was compiled", hint="llmops compile")
    return read_cases(path, dataset.spec["fields"], dataset.spec["format"])


def _row(case: Case) -> dict[str, str | int | bool]:
    return {"line": case.line, "question": case.question, "answer": case.answer, "answerable": case.answerable}
