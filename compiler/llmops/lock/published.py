"""Cross-check of a linked graph with `llmops.lock`: the content of a published version never changes again.

Input: the lock's text and what `link` made. Output: findings at the prompts whose content is not the published one.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace

from llmops.diagnostics import Diagnostic, Location
from llmops.link import Linked
from llmops.load.source import Source
from llmops.lock.entries import Lock, Published
from llmops.lock.text import parse_lock
from llmops.resources import Path, Resource, resource_id

_VERSION: Path = ("spec", "version")


def check_lock(source: Source | None, linked: Linked) -> list[Diagnostic]:
    """What is wrong with the text of `llmops.lock`, and with the published versions in the graph. None: there is no such file."""
    if source is None:
        return []
    lock, diagnostics = parse_lock(source)
    return [*diagnostics, *(_perhaps_new(found) for found in published_findings(linked, lock))]


def _perhaps_new(found: Diagnostic) -> Diagnostic:
    """Without a base nobody knows whether the lock's entry is more than a draft of this branch."""
    return replace(found, hint=f"{found.hint} A version that is not merged yet is recorded anew by `llmops lock`.")


def published_findings(linked: Linked, lock: Lock) -> list[Diagnostic]:
    """An error for each prompt with a version that the lock has with another content, at its version.

    The edit that mends it raises the version to the next that is neither published nor declared.
    """
    versions = lock.versions()
    return [
        _changed(linked, prompt, versions[prompt.id], versions)
        for prompt in published_kinds(linked)
        if prompt.id in versions and digest_of(prompt) not in {entry.digest for entry in versions[prompt.id]}
    ]


def published_kinds(linked: Linked) -> Iterator[Resource]:
    """The resources that are published: prompts, but for one whose text could not be read, which is a finding already."""
    return (prompt for prompt in linked.graph.of_kind("Prompt") if all("content" in message for message in prompt.spec["messages"]))


def digest_of(resource: Resource) -> str:
    """What the lock says of a version: `sha256:…` over its behaviour, which its changelog and its owner are not part of."""
    from llmops.fingerprint import behaviour_of  # a check of a workspace without a lock hashes nothing

    return f"sha256:{behaviour_of(resource)}"


def patched_at(linked: Linked, id_: str) -> tuple[Location, ...]:
    """Where patches of the environment write into a spec under the version that its own file declares."""
    draft = linked.locator.specs[id_].draft
    paths = [applied.path for applied in draft.applied if applied.path[0] == "spec" and applied.path != ("spec", "changelog")]
    if any(path[:2] == _VERSION for path in paths):
        return ()
    return tuple(draft.value(linked.locator.places, path)[0] for path in paths)


def _changed(linked: Linked, prompt: Resource, published: Sequence[Published], taken: Collection[str]) -> Diagnostic:
    patches = patched_at(linked, prompt.id)
    places = (
        *linked.locator.value(prompt.id, _VERSION),
        *(replace(place, label="patched here") for place in patches[:1]),
        *(replace(entry.place, label="published here") for entry in published),
    )
    taken = {*taken, *linked.graph.resources}
    patch, minor = (next_version(prompt, step, taken) for step in ("patch", "minor"))
    if patches:
        message = f"{prompt.id} is published, and says something else in {linked.graph.environment}"
        hint = f"A version says the same in every environment: move the patch into the spec as version {patch}, or let it set spec.version."
        return Diagnostic("LLM1007", "error", message, places, "spec.version", hint, resource=prompt.id)
    hint = f"Set spec.version to {patch}, or to {minor} if its variables changed."
    edit = linked.locator.edit(prompt.id, _VERSION, patch)
    message = f"{prompt.id} is published, and its content has changed"
    return Diagnostic("LLM1007", "error", message, places, "spec.version", hint, resource=prompt.id, edits=(edit,))


def next_version(resource: Resource, step: str, taken: Collection[str]) -> str:
    """The next `patch` or `minor` version of a resource whose id is not in `taken`."""
    major, minor, patch = (int(part) for part in str(resource.version).split("."))
    while True:
        minor, patch = (minor, patch + 1) if step == "patch" else (minor + 1, 0)
        version = f"{major}.{minor}.{patch}"
        if resource_id(resource.kind, resource.name, version) not in taken:
            return version
