"""A workspace's settings: `llmops.yaml` read and checked, and the patches of an environment.

Input: the folder. Output: `Project`, from which the pipeline starts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from llmops.diagnostics import Diagnostic, Location
from llmops.kinds.fields import with_defaults
from llmops.load.discover import PATCHES, read_folders, read_settings
from llmops.load.source import UNREAD, Document, Places, Source, load
from llmops.load.tree import Tree
from llmops.overlay import Patch, patches_of
from llmops.resources import Git, Graph
from llmops.validate import dotted, schema_mistakes
from llmops.validate.explain import Mistake, nearest
from llmops.validate.formats import FORMATS


@dataclass(frozen=True, slots=True)
class Project:
    """`settings` is the effective `spec` of `llmops.yaml`; `document` is where it was written."""

    tree: Tree
    name: str
    settings: Mapping[str, Any]
    document: Document
    source: Source

    @property
    def environments(self) -> list[str]:
        return list(self.settings["environments"])

    def graph(self, environment: str) -> Graph:
        """An empty graph with this project's settings."""
        git = self.settings.get("git")
        linked = Git(git["url"], git["branch"], git["directory"].strip("/")) if git else None
        return Graph(self.name, environment, {}, linked, tuple(self.settings["targets"]))


def open_project(tree: Tree) -> tuple[Project | None, list[Diagnostic]]:
    """The settings of a workspace."""
    source, diagnostics = read_settings(tree)
    if source is None or diagnostics:
        return None, diagnostics
    documents, diagnostics = load([source])
    if diagnostics:
        return None, diagnostics
    document = documents[0] if documents else Document(source.file, 0, 1, None)
    if documents[1:]:
        document, mistakes = (
            documents[1],
            [Mistake("LLM0201", (), "llmops.yaml holds one document, the workspace", "Put resources into a folder of spec.specs.")],
        )
    else:
        mistakes = _settings_mistakes(document.data) or _folder_mistakes(tree, document.data)
    if mistakes:
        return None, [_diagnostic(document, mistake, Places([source])) for mistake in mistakes]
    filled = with_defaults("Workspace", document.data)
    return Project(tree, filled["metadata"]["name"], filled["spec"], document, source), []


def _settings_mistakes(data: Any) -> list[Mistake]:
    if not isinstance(data, dict):
        return [Mistake("LLM0201", (), "llmops.yaml is a map with apiVersion, kind, metadata and spec", "Run `llmops init` for a start.")]
    mistakes = schema_mistakes(data, "Workspace")
    if mistakes:
        return mistakes
    spec = with_defaults("Workspace", data)["spec"]
    mistakes = [_pack_mistake(i) for i, entry in enumerate(spec.get("policies", ())) if ("path" in entry) == ("package" in entry)]
    if spec["default_environment"] not in spec["environments"]:
        name = spec["default_environment"]
        hint = nearest(name, spec["environments"])
        mistakes.append(Mistake("LLM0302", ("spec", "default_environment"), f"No environment is called {name!r}", hint))
    return mistakes


def _pack_mistake(index: int) -> Mistake:
    hint = "Write `path` for a folder of the workspace, `package` for an installed Python package."
    return Mistake("LLM0214", ("spec", "policies", index), "A pack has either a path or a package", hint)


def _folder_mistakes(tree: Tree, data: Mapping[str, Any]) -> list[Mistake]:
    mistakes = []
    for index, folder in enumerate(with_defaults("Workspace", data)["spec"]["specs"]):
        path = ("spec", "specs", index)
        malformed = list(FORMATS["path"](path, folder))
        if malformed:
            mistakes += malformed
        elif not tree.is_inside(folder):
            mistakes.append(Mistake("LLM0103", path, f"The folder {folder} lies outside the workspace", "Name a folder inside it."))
        elif not tree.is_folder(folder):
            mistakes.append(
                Mistake("LLM0104", path, f"The folder {folder} does not exist", f"Make it, or change spec.specs: mkdir {folder}")
            )
    return mistakes


def _diagnostic(document: Document, mistake: Mistake, places: Places) -> Diagnostic:
    if document.data is None:
        return Diagnostic(mistake.code, "error", mistake.message, (Location(document.file),), "", mistake.hint)
    place = places.key(document, mistake.path) if mistake.at_key else places.value(document, mistake.path)
    return Diagnostic(mistake.code, "error", mistake.message, (place,), dotted(mistake.path), mistake.hint)


@dataclass(frozen=True, slots=True)
class Overlay:
    """An environment's patches, in order: those of `llmops.yaml`, then `environments/<name>/*.yaml`."""

    patches: tuple[Patch, ...]
    documents: tuple[Document, ...]
    sources: tuple[Source, ...]


def read_overlay(project: Project, environment: str) -> tuple[Overlay, list[Diagnostic]]:
    """Reads and checks an environment's patches; a broken one is a diagnostic and is left out."""
    sources, diagnostics = read_folders(project.tree, [f"{PATCHES}/{environment}"])
    documents, found = load(sources)
    diagnostics += found
    places = Places(sources)
    patches = _inline(project, environment)
    for document in (document for document in documents if document.data is not UNREAD):
        mistakes = _patch_mistakes(document.data)
        diagnostics += [_diagnostic(document, mistake, places) for mistake in mistakes]
        if not mistakes:
            patches.append(patches_of(document, document.data))
    return Overlay(tuple(patches), tuple(documents), tuple(sources)), diagnostics


def _inline(project: Project, environment: str) -> list[Patch]:
    entries = (project.settings["environments"][environment] or {}).get("patches", [])
    return [patches_of(project.document, entry, ("spec", "environments", environment, "patches", i)) for i, entry in enumerate(entries)]


def _patch_mistakes(data: Any) -> list[Mistake]:
    if not isinstance(data, dict):
        return [Mistake("LLM0201", (), "A patch is a map with target and patch", "Start with `target: {kind: …, name: …}` and `patch:`.")]
    return schema_mistakes(data, "Patch")
