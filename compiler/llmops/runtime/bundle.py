"""A rendered bundle, read and verified: what every part of the runtime starts from.

Nothing is handed out unless every file of the bundle is the one that its manifest names.
"""

from __future__ import annotations

import difflib
import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from llmops.errors import LlmopsError, UsageError

MANIFEST = "manifest.json"
MANIFEST_VERSION = 1


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A file of the workspace as it was compiled. `path` is relative to the workspace."""

    path: str
    sha256: str
    size: int


@dataclass(frozen=True, slots=True)
class BundledJudge:
    """The model that judges an evaluation's answers, and the digest over all that decides its opinion."""

    model: str
    digest: str


@dataclass(frozen=True, slots=True)
class BundledResource:
    """A resource as the manifest records it. `spec` is the effective one, defaults filled in."""

    id: str
    kind: str
    name: str
    version: str | None
    spec: Mapping[str, Any]
    references: tuple[str, ...]
    files: tuple[SourceFile, ...]
    behaviour: str
    judge: BundledJudge | None = None


@dataclass(frozen=True, slots=True)
class BundledVariant:
    """A prompt version and the percentage of users that get it."""

    prompt: str
    weight: int
    label: str
    """What people call it, as `canary`; empty where it has no name."""


@dataclass(frozen=True, slots=True)
class BundledApplication:
    """An application's entry: resource ids, and paths of its pipelines inside the bundle (`indexing` empty without retrieval)."""

    name: str
    release: str
    model: str
    prompts: tuple[str, ...]
    variants: tuple[BundledVariant, ...]
    retrieval: tuple[str, ...]
    safety: str | None
    evaluations: tuple[str, ...]
    monitors: tuple[str, ...]
    variables: Mapping[str, Any]
    query: str
    indexing: str


@dataclass(frozen=True, slots=True)
class Bundle:
    """One environment's rendered files. Open it with `Bundle.open`, which verifies them."""

    directory: Path
    workspace: str
    environment: str
    applications: Mapping[str, BundledApplication]
    resources: Mapping[str, BundledResource]
    manifest: Mapping[str, Any] = field(repr=False)
    digest: str
    """SHA-256 of the manifest's bytes, in hexadecimal."""
    tolerant: bool = False
    """Whether files that differ from the manifest may be used. Only a server that was told to raise an alarm instead does."""

    @classmethod
    def open(cls, directory: Path | str, *, tolerant: bool = False) -> Bundle:
        """Reads the manifest and checks every file against it.

        Raises `LlmopsError` naming the first file that differs, is missing or is not listed; a `tolerant` bundle opens all the same.
        """
        folder = Path(directory).resolve()
        content, manifest = _read_manifest(folder)
        faults = [] if tolerant else differences(folder, manifest["files"])
        if faults:
            raise _damaged(folder, faults[0])
        return cls(
            directory=folder,
            workspace=manifest["workspace"],
            environment=manifest["environment"],
            applications={name: _application(name, entry) for name, entry in manifest["applications"].items()},
            resources={id_: _resource(id_, entry) for id_, entry in manifest["resources"].items()},
            manifest=manifest,
            digest=hashlib.sha256(content).hexdigest(),
            tolerant=tolerant,
        )

    def application(self, name: str) -> BundledApplication:
        """The application's entry. Raises `UsageError` with a suggestion for an unknown name."""
        if name in self.applications:
            return self.applications[name]
        near = difflib.get_close_matches(name, self.applications, 1) or sorted(self.applications)
        raise UsageError(f"The bundle has no application {name!r}.", f"Did you mean {', '.join(near)}?" if near else "")

    def resource(self, id_: str) -> BundledResource:
        """The resource with this id. Raises `UsageError` for an unknown one."""
        if id_ not in self.resources:
            raise UsageError(f"The bundle has no resource {id_!r}.")
        return self.resources[id_]

    def of_kind(self, kind: str) -> Iterator[BundledResource]:
        return (r for r in self.resources.values() if r.kind == kind)

    def referenced(self, resource: BundledResource, kind: str) -> list[BundledResource]:
        """The resources of one kind that `resource` names, in the manifest's order."""
        found = (self.resource(id_) for id_ in resource.references)
        return [r for r in found if r.kind == kind]

    def reach(self, *ids: str) -> dict[str, BundledResource]:
        """These resources and everything they depend on, by id."""
        found: dict[str, BundledResource] = {}
        waiting = list(ids)
        while waiting:
            id_ = waiting.pop()
            if id_ not in found:
                found[id_] = self.resource(id_)
                waiting.extend(found[id_].references)
        return found

    def text(self, path: str) -> str:
        """A file of the bundle, checked again: what is used is what was rendered."""
        if path not in self.manifest["files"]:
            raise LlmopsError(f"The bundle in {self.directory} has no file {path!r}.", "Add its target to spec.targets of llmops.yaml.")
        content = (self.directory / path).read_bytes()
        if not self.tolerant and hashlib.sha256(content).hexdigest() != self.manifest["files"][path]:
            raise _damaged(self.directory, f"{path} differs from its manifest")
        return content.decode()


def differences(folder: Path, listed: Mapping[str, str] | None = None) -> list[str]:
    """How the files in `folder` differ from the manifest there, or from `listed`: a phrase for each, with its path."""
    return list(_faults(folder, _read_manifest(folder)[1]["files"] if listed is None else listed))


def _read_manifest(folder: Path) -> tuple[bytes, dict[str, Any]]:
    path = folder / MANIFEST
    if not path.is_file():
        raise LlmopsError(f"There is no bundle in {folder}.", "llmops compile")
    try:
        content = path.read_bytes()
        manifest: dict[str, Any] = orjson.loads(content)
    except orjson.JSONDecodeError as error:
        raise _damaged(folder, f"{MANIFEST} is not JSON ({error})") from error
    if manifest.get("manifest_version") != MANIFEST_VERSION:
        found = manifest.get("manifest_version")
        raise LlmopsError(f"The bundle in {folder} has manifest version {found}; this llmops reads {MANIFEST_VERSION}.", "llmops compile")
    return content, manifest


def _faults(folder: Path, listed: Mapping[str, str]) -> Iterator[str]:
    """Python's own cache beside `definitions.py` is left out: any tool that imports the file makes one."""
    present = {p.relative_to(folder).as_posix(): p for p in sorted(folder.rglob("*")) if p.is_symlink() or not p.is_dir()}
    present = {path: file for path, file in present.items() if path != MANIFEST and "__pycache__" not in file.parts}
    for path in sorted(listed.keys() | present.keys()):
        if path not in present:
            yield f"{path} is missing"
        elif path not in listed:
            yield f"{path} is not in its manifest"
        elif present[path].is_symlink():
            yield f"{path} is a symbolic link"
        elif hashlib.sha256(present[path].read_bytes()).hexdigest() != listed[path]:
            yield f"{path} differs from its manifest"


def _damaged(folder: Path, fault: str) -> LlmopsError:
    return LlmopsError(f"The bundle in {folder} was changed after it was rendered: {fault}.", "llmops compile")


def _application(name: str, entry: Mapping[str, Any]) -> BundledApplication:
    return BundledApplication(
        name=name,
        release=entry["release"],
        model=entry["model"],
        prompts=tuple(entry["prompts"]),
        variants=tuple(BundledVariant(v["prompt"], v["weight"], v.get("label") or "") for v in entry.get("variants") or ()),
        retrieval=tuple(entry["retrieval"]),
        safety=entry["safety"],
        evaluations=tuple(entry["evaluations"]),
        monitors=tuple(entry["monitors"]),
        variables=entry["variables"],
        query=entry["query"],
        indexing=entry.get("indexing") or "",
    )


def _resource(id_: str, entry: Mapping[str, Any]) -> BundledResource:
    return BundledResource(
        id=id_,
        kind=entry["kind"],
        name=entry["name"],
        version=entry["version"],
        spec=entry["spec"],
        references=tuple(entry["references"]),
        files=tuple(SourceFile(f["path"], f["sha256"], f["size"]) for f in entry["files"]),
        behaviour=entry["behaviour"],
        judge=BundledJudge(**entry["judge"]) if entry.get("judge") else None,
    )
