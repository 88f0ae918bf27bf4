"""What an op does, by the `type` of the task in the manifest. A new one is a function and a line in `TASKS`."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import dagster as dg

from llmops.runtime.dagster.tasks.dataset import read_dataset
from llmops.runtime.dagster.tasks.index import build_index
from llmops.runtime.dagster.tasks.monitor import watch
from llmops.runtime.dagster.tasks.prompt import publish_prompt
from llmops.runtime.dagster.tasks.release import assemble_release
from llmops.runtime.dagster.tasks.safety_policy import load_policy
from llmops.runtime.dagster.translator import Node
from llmops.runtime.dagster.workbench import Workbench

TASKS: Mapping[str, Callable[[Workbench, Node, dg.AssetKey], dg.MaterializeResult[None]]] = {
    "dataset": read_dataset,
    "index": build_index,
    "monitor": watch,
    "prompt": publish_prompt,
    "release": assemble_release,
    "safety_policy": load_policy,
}
