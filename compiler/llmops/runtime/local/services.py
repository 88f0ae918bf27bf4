"""Starts what a bundle needs on this machine, and nothing else: chat models, embedding models, the embedded store."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from llmops.runtime.bundle import Bundle, BundledResource
from llmops.runtime.local.chat_model import serve_chat_model
from llmops.runtime.local.embedding_model import materialise_embedding_model
from llmops.runtime.local.store import serve_store

Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Services:
    """What runs. `environment` holds the variables that were set for the bundle's pipelines."""

    environment: Mapping[str, str]
    started: tuple[str, ...]


@contextmanager
def services(bundle: Bundle, root: Path, *, progress: Progress, resources: Collection[str] | None = None) -> Iterator[Services]:
    """Everything local that the bundle's resources need, for as long as the block lasts.

    `resources` limits it to these ids, as an index needs no chat model. Raises `RuntimeUnavailable` when a part does not start.
    """
    wanted = [r for r in bundle.resources.values() if resources is None or r.id in resources]
    with ExitStack() as stack:
        parts = _parts(wanted, root)
        connections = _start_all(parts, stack, progress)
        environment = _environment(bundle, connections)
        stack.enter_context(_exported(environment))
        yield Services(environment, tuple(parts))


def _parts(wanted: list[BundledResource], root: Path) -> dict[str, AbstractContextManager[str]]:
    """A context manager for each part to start, by the name that people see."""
    parts: dict[str, AbstractContextManager[str]] = {}
    for resource in wanted:
        spec = resource.spec
        if resource.kind == "Model" and spec["provider"] == "llama.cpp":
            parts[resource.id] = serve_chat_model(resource, root)
        elif resource.kind == "Model" and spec["provider"] == "onnx":
            parts[resource.id] = _embedding_model(resource, root)
        elif resource.kind == "RetrievalSource" and spec["store"]["kind"] == "embedded":
            parts.setdefault("store", serve_store(root))
    return parts


@contextmanager
def _embedding_model(model: BundledResource, root: Path) -> Iterator[str]:
    yield str(materialise_embedding_model(model, root))


def _start_all(parts: Mapping[str, AbstractContextManager[str]], stack: ExitStack, progress: Progress) -> dict[str, str]:
    """Starts the parts side by side: a server and a model's weights wait for different things."""
    with ThreadPoolExecutor(max(1, len(parts))) as pool:
        pending: dict[str, Future[str]] = {name: pool.submit(part.__enter__) for name, part in parts.items()}
    # Every part that came up is handed to the stack before the first failure is raised, so that it is stopped again.
    for name, future in pending.items():
        if future.exception() is None:
            stack.push(parts[name].__exit__)
            progress(f"{name} is ready")
    return {name: future.result() for name, future in pending.items()}


def _environment(bundle: Bundle, connections: Mapping[str, str]) -> dict[str, str]:
    environment = {
        "LLMOPS_BUNDLE": str(bundle.directory),
        "LLMOPS_LOCAL_API_KEY": "local",
        "HAYSTACK_TELEMETRY_ENABLED": "False",
        "HF_HUB_OFFLINE": "1",
    }
    return {**environment, "LLMOPS_EMBEDDED_STORE": connections["store"]} if "store" in connections else environment


@contextmanager
def _exported(environment: Mapping[str, str]) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in environment}
    os.environ.update(environment)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
