"""Stage `link`: validated specs → one graph of resources, with every cross-check between kinds.

Input: `Spec`s and the workspace's files. Output: `Linked`. A new cross-check is one file here and one line in `CHECKS`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from llmops.diagnostics import Diagnostic, Edit, Location
from llmops.kinds.fields import with_defaults
from llmops.link.context_window import check_context_window
from llmops.link.datasets import row_problems
from llmops.link.enforceable import check_enforcement
from llmops.link.findings import Finding
from llmops.link.models import check_embeddings, check_models
from llmops.link.prompts import check_supply, check_templates
from llmops.link.references import UNRESOLVED, Names, id_of, index, names_in, references, version_of
from llmops.link.unused import check_unused
from llmops.link.uses import read_files
from llmops.load.files import Files
from llmops.load.root import SETTINGS
from llmops.load.source import Places
from llmops.resources import Graph, Path, Resource
from llmops.validate import Spec, Validated, dotted

CHECKS: tuple[Callable[[Graph], Iterator[Finding]], ...] = (
    check_models,
    check_embeddings,
    check_templates,
    check_supply,
    check_context_window,
    check_enforcement,
)


@dataclass(frozen=True, slots=True)
class Inputs:
    """What linking needs beside the specs: the graph's settings, the files, the positions."""

    graph: Graph
    files: Files
    places: Places


@dataclass(frozen=True, slots=True)
class Linked:
    """The graph, and where each of its resources was written. Not `complete` where a mistake hides what resources reach."""

    graph: Graph
    locator: Locator
    complete: bool


def link(validated: Validated, inputs: Inputs) -> tuple[Linked, list[Diagnostic]]:
    """The graph, and everything that does not fit together.

    Cross-checks run on what resolved; a resource with a broken reference is checked with the references it has. What a
    mistake elsewhere may explain is no finding: a reference to a resource that did not pass validation or whose file could
    not be read, and, as long as any reference leads nowhere, that a resource is not used.
    """
    if not validated.specs and not validated.doubts:
        place = (Location(SETTINGS),)
        return Linked(inputs.graph, Locator({}, inputs.places), complete=True), [
            Diagnostic(
                "LLM0105", "error", "The workspace declares no resource", place, "spec.specs", "Write a spec into a folder of spec.specs."
            )
        ]
    unique, repeated = index(validated.specs)
    names = names_in(unique, validated.doubts)
    findings: list[Finding] = []
    resources: dict[str, Resource] = {}
    for id_ in sorted(unique):
        resources[id_], found = _resource(unique[id_], names, inputs)
        findings += found
    graph = replace(inputs.graph, resources=resources)
    findings += [finding for check in CHECKS for finding in check(graph)]
    complete = not validated.doubts and not any(finding.code in UNRESOLVED for finding in findings)
    if complete:
        findings += check_unused(graph)
    locator = Locator(unique, inputs.places)
    return Linked(graph, locator, complete), [locator.repeated(*pair) for pair in repeated] + [
        locator.diagnostic(finding) for finding in findings
    ]


def _resource(spec: Spec, names: Names, inputs: Inputs) -> tuple[Resource, list[Finding]]:
    edges, findings = references(spec, names)
    data = with_defaults(spec.kind, spec.data)
    document = spec.draft.document
    source = Location(document.file, document.line)
    resource = Resource(spec.kind, spec.name, version_of(spec), data["metadata"], data["spec"], source, edges)
    resource, unread = read_files(resource, inputs.files)
    problems = row_problems(resource, inputs.files) if resource.kind == "Dataset" else ()
    rows = [Finding(resource.id, ("spec", "path"), p.code, p.message, p.hint) for p in problems]
    return resource, findings + unread + rows


@dataclass(frozen=True, slots=True)
class Locator:
    """Turns findings into diagnostics with places, the overlay and the base among them."""

    specs: Mapping[str, Spec]
    places: Places

    def value(self, id_: str, path: Path) -> tuple[Location, ...]:
        """Where a resource's value was written, then the base that an overlay replaced."""
        return self.specs[id_].draft.value(self.places, path)

    def edit(self, id_: str, path: Path, value: Any) -> Edit:
        """What to write where, so that the resource has `value` at `path`."""
        return self.specs[id_].draft.edit(path, value)

    def diagnostic(self, finding: Finding) -> Diagnostic:
        draft = self.specs[finding.resource].draft
        places = draft.key(self.places, finding.path) if finding.at_key else draft.value(self.places, finding.path)
        where = dotted(finding.path)
        found = Diagnostic(finding.code, finding.severity, finding.message, places, where, finding.hint, resource=finding.resource)
        return found.related(*(self._related(*related) for related in finding.related))

    def _related(self, id_: str, path: Path, label: str) -> Location:
        return replace(self.value(id_, path)[0], label=label)

    def repeated(self, later: Spec, first: Spec) -> Diagnostic:
        place = later.draft.value(self.places, ("metadata", "name"))
        other = replace(first.draft.value(self.places, ("metadata", "name"))[0], label="first declared here")
        message = f"{id_of(later)} is declared twice"
        return Diagnostic("LLM0407", "error", message, (*place, other), "metadata.name", "Rename one, or give it another version.")
