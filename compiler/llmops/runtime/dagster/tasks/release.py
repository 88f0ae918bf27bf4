"""Task `release`: one hash over everything that decides an application's behaviour, and what it is made of."""

from __future__ import annotations

from typing import Any

import dagster as dg

from llmops.runtime.bundle import BundledResource
from llmops.runtime.dagster.tables import table
from llmops.runtime.dagster.translator import Node, git_url
from llmops.runtime.dagster.workbench import Workbench

DIGITS = 12
"""Of a behaviour hash in the table; the whole hash is the part's code version."""

COLUMNS = ("resource", "owner", "source", "behaviour", "git")


def assemble_release(bench: Workbench, node: Node, key: dg.AssetKey) -> dg.MaterializeResult[None]:
    application = bench.bundle.application(node["task"]["application"])
    parts = sorted(bench.bundle.reach(node["resource"]).values(), key=lambda part: part.id)
    metadata: dict[str, Any] = {
        "release": application.release,
        "environment": bench.bundle.environment,
        "parts": table([_row(bench, part) for part in parts], COLUMNS),
        "bundle": dg.MetadataValue.path(str(bench.place.bundle)),
    }
    return dg.MaterializeResult(asset_key=key, metadata=metadata, data_version=dg.DataVersion(application.release))


def _row(bench: Workbench, part: BundledResource) -> dict[str, str]:
    entry = bench.bundle.manifest["resources"][part.id]
    source = entry["source"]
    return {
        "resource": part.id,
        "owner": entry["owner"],
        "source": f"{source['file']}:{source['line']}",
        "behaviour": part.behaviour[:DIGITS],
        "git": git_url(bench.place.git, source) if bench.place.git else "",
    }
