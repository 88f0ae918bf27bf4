"""Writes a hand-built graph as a bundle, so that a test of the runtime needs only the last stages of the compiler."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import orjson

from llmops.fingerprint import fingerprint
from llmops.render import render
from llmops.resources import File, Graph
from llmops.runtime.bundle import Bundle


def write_bundle(graph: Graph, directory: Path) -> Path:
    """Renders `graph` for Haystack and guardrails-ai into `directory`, and returns it."""
    for artifact in render(fingerprint(replace(graph, targets=("haystack", "guardrails")))):
        path = directory / artifact.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(artifact.content)
    return directory


def open_bundle(graph: Graph, directory: Path) -> Bundle:
    return Bundle.open(write_bundle(graph, directory))


def rewrite(directory: Path, path: str, content: bytes) -> None:
    """Changes a file of a bundle and its digest in the manifest, as somebody who tampers well would."""
    (directory / path).write_bytes(content)
    manifest = orjson.loads((directory / "manifest.json").read_bytes())
    manifest["files"][path] = hashlib.sha256(content).hexdigest()
    (directory / "manifest.json").write_bytes(orjson.dumps(manifest))


def documents(root: Path, texts: Mapping[str, str]) -> tuple[File, ...]:
    """Writes texts under `root` by their path, and gives them as the linker digests them."""
    for path, text in texts.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text, "utf-8")
    return tuple(File(path, hashlib.sha256(text.encode()).hexdigest(), len(text.encode())) for path, text in sorted(texts.items()))
