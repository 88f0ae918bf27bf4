"""A bundle's manifest that may come from a stranger: read, then turned back into the linked graph that it claims to record.

Input: the bytes of `manifest.json`. Output: plain data of the right shape, and a `Graph` whose hashes can be computed again.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

import orjson

from llmops.diagnostics import Location
from llmops.kinds import KINDS
from llmops.kinds.fields import with_defaults
from llmops.link import CHECKS
from llmops.link.references import Names, id_of, names_in, references, version_of
from llmops.load.source import Document
from llmops.overlay import Draft
from llmops.provenance import PACK_AGAIN, Refused
from llmops.resources import File, Git, Graph, Reference, Resource
from llmops.validate import Spec, dotted, schema_mistakes
from llmops.version import VERSION

if TYPE_CHECKING:
    import jsonschema_rs

MANIFEST = "manifest.json"
MANIFEST_VERSION = 1

Manifest = Mapping[str, Any]

_TEXT = {"type": "string"}
_TEXTS = {"type": "array", "items": _TEXT}
_DIGEST = {"type": "string", "pattern": "^[0-9a-f]{64}$"}
_COUNT = {"type": "integer", "minimum": 0}


def _object(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "required": list(properties), "properties": properties}


def _map(values: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": "object", "additionalProperties": values}


_RESOURCE = _object(
    kind={"enum": list(KINDS)},
    name=_TEXT,
    version={"type": ["string", "null"]},
    owner=_TEXT,
    labels=_map(_TEXT),
    description=_TEXT,
    source=_object(file=_TEXT, line=_COUNT),
    behaviour=_DIGEST,
    metadata=_DIGEST,
    references=_TEXTS,
    judge={"anyOf": [{"type": "null"}, _object(model=_TEXT, digest=_TEXT)]},
    files={"type": "array", "items": _object(path=_TEXT, sha256=_DIGEST, size=_COUNT)},
    spec={"type": "object"},
)
SHAPE = _object(
    manifest_version={"const": MANIFEST_VERSION},
    llmops_version=_TEXT,
    workspace=_TEXT,
    environment=_TEXT,
    git={"anyOf": [{"type": "null"}, _object(url=_TEXT, branch=_TEXT, directory=_TEXT)]},
    applications=_map(_object(release={"type": "string", "pattern": "^sha256:[0-9a-f]{64}$"})),
    resources=_map(_RESOURCE),
    files=_map(_DIGEST),
)
"""JSON Schema of what is read from a manifest; the specs in it are held to their kinds' schemas."""


@cache
def _validator() -> jsonschema_rs.Validator:
    import jsonschema_rs  # `bundle` validates nothing

    return jsonschema_rs.validator_for(SHAPE, mask="the value")


def read_manifest(content: bytes) -> Manifest:
    """Raises `Refused` where the file is no manifest that this llmops reads."""
    try:
        manifest = orjson.loads(content)
    except orjson.JSONDecodeError as error:
        raise Refused(f"{MANIFEST} is not JSON.", PACK_AGAIN) from error
    for mistake in _validator().iter_errors(manifest):
        place = dotted(tuple(mistake.instance_path)) or "the whole"
        raise Refused(f"{MANIFEST} is not a manifest that this llmops reads: {place}: {mistake.message}", hint_of(manifest))
    return dict(manifest)


def hint_of(manifest: Any) -> str:
    """Another version may write and hash otherwise: that is no forgery."""
    version = manifest.get("llmops_version") if isinstance(manifest, dict) else VERSION
    return PACK_AGAIN if version == VERSION else f"It was packed by llmops {version}; this is {VERSION}. Verify it with that version."


def graph_of(manifest: Manifest) -> Graph:
    """The graph that a manifest records, its edges resolved again from the specs.

    Raises `Refused` where a spec is not valid, names what is not there, or is not the one that its entry is about.
    """
    specs = {id_: _spec(id_, manifest) for id_ in sorted(manifest["resources"])}
    names = names_in(specs)
    edges = {id_: _edges(id_, spec, names, manifest) for id_, spec in specs.items()}
    resources = {id_: _resource(spec, manifest["resources"][id_], edges[id_]) for id_, spec in specs.items()}
    git = manifest["git"]
    linked = Git(git["url"], git["branch"], git["directory"]) if git else None
    return Graph(manifest["workspace"], manifest["environment"], resources, linked, _targets(manifest), rules=manifest["rules"])


def check_specs(graph: Graph) -> None:
    """Holds the specs of a graph to what `llmops check` holds them to, so that they can be rendered. Raises `Refused`."""
    for resource in graph.resources.values():
        data = {"kind": resource.kind, "metadata": resource.metadata, "spec": resource.spec}
        if with_defaults(resource.kind, data) != data:
            raise Refused(f"{MANIFEST}: {resource.id} lacks a default that every spec has.", PACK_AGAIN)
    for finding in (finding for check in CHECKS for finding in check(graph)):
        if finding.severity == "error":
            raise Refused(f"{MANIFEST}: {finding.resource}: {finding.message}", PACK_AGAIN)


def _targets(manifest: Manifest) -> tuple[str, ...]:
    from llmops.render import TARGETS

    folders = {path.partition("/")[0] for path in manifest["files"]}
    return tuple(name for name in TARGETS if name in folders)


def _spec(id_: str, manifest: Manifest) -> Spec:
    entry = manifest["resources"][id_]
    metadata = {key: entry[key] for key in ("name", "owner", "labels", "description")}
    data = {"apiVersion": "llmops/v1", "kind": entry["kind"], "metadata": metadata, "spec": entry["spec"]}
    for mistake in schema_mistakes(data, entry["kind"]):
        raise Refused(f"{MANIFEST}: {id_}: {mistake.message}", hint_of(manifest))
    document = Document(entry["source"]["file"], 0, entry["source"]["line"], data)
    spec = Spec(Draft(document, data), data)
    if id_of(spec) != id_ or entry["version"] != version_of(spec):
        raise Refused(f"{MANIFEST}: {id_} is the entry of {id_of(spec)}.", PACK_AGAIN)
    return spec


def _edges(id_: str, spec: Spec, names: Names, manifest: Manifest) -> tuple[Reference, ...]:
    edges, findings = references(spec, names)
    for finding in findings:
        raise Refused(f"{MANIFEST}: {id_}: {finding.message}", hint_of(manifest))
    return edges


def _resource(spec: Spec, entry: Mapping[str, Any], edges: tuple[Reference, ...]) -> Resource:
    source = Location(entry["source"]["file"], entry["source"]["line"])
    files = tuple(File(file["path"], file["sha256"], file["size"]) for file in entry["files"])
    return Resource(spec.kind, spec.name, entry["version"], spec.data["metadata"], spec.data["spec"], source, edges, files)
