"""Task `prompt`: one version of a prompt, as people read it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import dagster as dg

from llmops.runtime.dagster.tables import table
from llmops.runtime.dagster.translator import Node
from llmops.runtime.dagster.workbench import Workbench


def publish_prompt(bench: Workbench, node: Node, key: dg.AssetKey) -> dg.MaterializeResult[None]:
    prompt = bench.bundle.resource(node["resource"])
    variables = [{"variable": name, **variable} for name, variable in prompt.spec["variables"].items()]
    metadata: dict[str, Any] = {
        "messages": dg.MetadataValue.md(as_markdown(prompt.spec["messages"])),
        "variables": table(variables, ("variable", "type", "description")),
        "characters": sum(len(message["content"]) for message in prompt.spec["messages"]),
    }
    return dg.MaterializeResult(asset_key=key, metadata=metadata, data_version=dg.DataVersion(node["code_version"]))


def as_markdown(messages: Sequence[Mapping[str, Any]]) -> str:
    """Each message under its role. The fence is longer than any run of backticks in the text."""
    return "\n\n".join(f"**{m['role']}**\n\n{_fence(m['content'])}\n{m['content']}\n{_fence(m['content'])}" for m in messages)


def _fence(text: str) -> str:
    fence = "```"
    while fence in text:
        fence += "`"
    return fence
