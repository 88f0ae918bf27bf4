"""The proof that what is served is what was rendered: digests of what was loaded, held against the bundle's manifest."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

import orjson
import rfc8785

from llmops.runtime.assistant.assistant import query_files
from llmops.runtime.bundle import MANIFEST, Bundle, differences
from llmops.runtime.pipelines import definition_of
from llmops.version import VERSION

if TYPE_CHECKING:
    from haystack import Pipeline

    from llmops.runtime.assistant import Assistant

PACKAGES = ("dagster", "guardrails-ai", "haystack-ai", "llmops-compiler", "nemoguardrails", "openai", "pgvector-haystack")
"""What runs the files, with its version in the proof."""


def attest(bundle: Bundle, assistants: Mapping[str, Assistant], expected: str = "") -> dict[str, Any]:
    """The proof as plain data; `differences` is empty and `attested` true where everything is as rendered.

    `expected` is a release that one of the applications must have; empty expects none. Reads the bundle's files again.
    """
    found = [
        *differences(bundle.directory),
        *_moved(bundle),
        *(line for assistant in assistants.values() for line in _loaded_otherwise(assistant)),
        *_unexpected(assistants.values(), expected),
    ]
    return {
        "attested": not found,
        "differences": found,
        "checked_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "workspace": bundle.workspace,
        "environment": bundle.environment,
        "bundle": manifest_digest(bundle),
        "git": bundle.manifest["git"],
        "applications": {name: _application(assistant) for name, assistant in assistants.items()},
        "packages": {"llmops": VERSION, **dict(_versions())},
    }


def manifest_digest(bundle: Bundle) -> str:
    """SHA-256 of the manifest as it was read: it names every other file with its digest."""
    return f"sha256:{bundle.digest}"


def _moved(bundle: Bundle) -> Iterator[str]:
    if hashlib.sha256((bundle.directory / MANIFEST).read_bytes()).hexdigest() != bundle.digest:
        yield f"{MANIFEST} is another one than that which was loaded"


def _unexpected(assistants: Any, expected: str) -> Iterator[str]:
    releases = [assistant.application.release for assistant in assistants]
    if expected and expected not in releases:
        yield f"no application has the expected release {expected}; they have {', '.join(releases)}"


def _loaded_otherwise(assistant: Assistant) -> Iterator[str]:
    """Components of the pipelines in memory that are not those of their files."""
    files = query_files(assistant.application)
    for prompt, query in assistant.queries.items():
        rendered = definition_of(assistant.bundle, files[prompt], assistant.root)
        for place in _unlike(rendered, loaded_form(query.pipeline)):
            yield f"{files[prompt]}: {place} was loaded otherwise than it was rendered"


def loaded_form(pipeline: Pipeline) -> dict[str, Any]:
    """A pipeline in memory in the form of its file."""
    return orjson.loads(orjson.dumps(pipeline.to_dict(), default=str))  # type: ignore[no-any-return]


def _unlike(rendered: Mapping[str, Any], loaded: Mapping[str, Any]) -> Iterator[str]:
    """Haystack writes out defaults that the file leaves to it, so only what the file says is compared."""
    for name in sorted(rendered["components"].keys() | loaded["components"].keys()):
        if not _within(rendered["components"].get(name), loaded["components"].get(name)):
            yield f"the component {name}"
    if _pairs(rendered["connections"]) != _pairs(loaded["connections"]):
        yield "the connections"


def _within(part: Any, whole: Any) -> bool:
    if isinstance(part, Mapping) and isinstance(whole, Mapping):
        return all(key in whole and _within(value, whole[key]) for key, value in part.items())
    if isinstance(part, list) and isinstance(whole, list):
        return len(part) == len(whole) and all(map(_within, part, whole))
    return bool(part == whole)


def _pairs(connections: Sequence[Mapping[str, str]]) -> set[tuple[str, str]]:
    return {(c["sender"], c["receiver"]) for c in connections}


def _application(assistant: Assistant) -> dict[str, Any]:
    entry, bundle = assistant.application, assistant.bundle
    files = query_files(entry)
    return {
        "release": entry.release,
        "source": bundle.manifest["resources"][f"Application/{entry.name}"]["source"],
        "model": entry.model,
        "safety": entry.safety,
        "engine": assistant.rails.engine if assistant.rails else None,
        "prompts": [{"prompt": v.prompt, "label": v.label, "weight": v.weight} for v in assistant.rollout.variants],
        "pipelines": {file: _digest(loaded_form(assistant.queries[prompt].pipeline)) for prompt, file in files.items()},
        "files": {path: digest for path, digest in bundle.manifest["files"].items() if _belongs(path, assistant)},
        "indexes": {id_: len(bundle.resource(id_).files) for id_ in entry.retrieval},
    }


def _belongs(path: str, assistant: Assistant) -> bool:
    entry = assistant.application
    folders = [f"haystack/{entry.name}/"]
    if entry.safety:
        name = entry.safety.partition("/")[2]
        folders += [f"guardrails/{name}/", f"nemoguardrails/{name}/"]
    return path.startswith(tuple(folders))


def _digest(value: Any) -> str:
    return f"sha256:{hashlib.sha256(rfc8785.dumps(value)).hexdigest()}"


def _versions() -> Iterator[tuple[str, str]]:
    for package in PACKAGES:
        try:
            yield package, version(package)
        except PackageNotFoundError:
            continue
