"""The bill of materials of a bundle: CycloneDX 1.6 with models, data and what they depend on (an ML-BOM).

Input: the bundle's manifest and the archive's digest. Output: bytes, without a clock, so that it can be made again and compared.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import quote

import orjson

from llmops.provenance import PACK_AGAIN, Refused
from llmops.version import VERSION

Entry = Mapping[str, Any]
"""A resource as the manifest has it."""

SPDX = frozenset(
    {
        *("AGPL-3.0-only", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "BSL-1.0", "CC-BY-3.0", "CC-BY-4.0", "CC-BY-NC-4.0"),
        *("CC-BY-NC-SA-4.0", "CC-BY-SA-3.0", "CC-BY-SA-4.0", "CC0-1.0", "CDLA-Permissive-1.0", "CDLA-Permissive-2.0"),
        *("CDLA-Sharing-1.0", "EUPL-1.2", "GPL-2.0-only", "GPL-3.0-only", "ISC", "LGPL-3.0-only", "MIT", "MPL-2.0"),
        *("ODC-By-1.0", "ODbL-1.0", "PDDL-1.0", "Unlicense"),
    }
)
"""Identifiers of licences that models and data come under; another licence is written as a name."""

TASKS = {"chat": ("text-generation", "text"), "embedding": ("feature-extraction", "vector")}
"""Task of a model → its name among model cards, and what comes out."""
DATA = {
    "Prompt": "configuration",
    "SafetyPolicy": "configuration",
    "Evaluation": "configuration",
    "Monitor": "configuration",
    "Deployment": "configuration",
    "Dataset": "dataset",
    "RetrievalSource": "dataset",
}
"""Kind → CycloneDX's sort of data."""
ENGINES = {"haystack": "haystack-ai", "guardrails": "guardrails-ai", "nemoguardrails": "nemoguardrails", "dagster": "dagster"}
"""Folder of the bundle → the package that reads its files."""

_SPACE = uuid.uuid5(uuid.NAMESPACE_URL, "urn:llmops:bundle")


def list_materials(manifest: Entry, archive: str, digests: Mapping[str, str]) -> bytes:
    """The bill about the archive named `archive`; `digests` are the SHA-256 of the archive (`archive`) and of its manifest (`manifest`)."""
    bundle = _bundle(manifest, archive, digests)
    resources: Mapping[str, Entry] = manifest["resources"]
    engines = sorted({ENGINES[folder] for path in manifest["files"] if (folder := path.partition("/")[0]) in ENGINES})
    bill = {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{uuid.uuid5(_SPACE, digests['manifest'])}",
        "version": 1,
        "metadata": {
            "tools": {"components": [{"type": "application", "name": "llmops", "version": VERSION}]},
            "component": bundle,
        },
        "components": [
            *(_component(id_, entry, manifest) for id_, entry in resources.items()),
            *({"type": "framework", "bom-ref": name, "name": name, "purl": f"pkg:pypi/{name}"} for name in engines),
        ],
        "dependencies": [_dependency(bundle["name"], [*_applications(resources), *engines]), *_edges(resources, engines)],
    }
    return orjson.dumps(bill, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


def check_bill(content: bytes, manifest: Entry, name: str) -> None:
    """Raises `Refused` where a bill does not name exactly the manifest's releases."""
    try:
        components = orjson.loads(content)["components"]
        named = {c["bom-ref"]: c["version"] for c in components if c["type"] == "application"}
    except (ValueError, KeyError, TypeError) as error:
        raise Refused(f"{name} is no bill of materials that can be read.", "llmops bundle") from error
    releases = {f"Application/{app}": entry["release"] for app, entry in manifest["applications"].items()}
    if named != releases:
        raise Refused(f"{name} names other releases than the bundle's manifest.", PACK_AGAIN)


def _bundle(manifest: Entry, archive: str, digests: Mapping[str, str]) -> dict[str, Any]:
    """What the bill is about. A bundle has no version of its own: its manifest's digest tells one from another."""
    name = f"{manifest['workspace']}-{manifest['environment']}"
    properties = _properties({"archive": archive, "environment": manifest["environment"], "compiler": manifest["llmops_version"]})
    version = f"sha256:{digests['manifest']}"
    return {
        "type": "application",
        "bom-ref": name,
        "name": name,
        "version": version,
        "hashes": _hashes(digests["archive"]),
        "properties": properties,
    }


def _component(id_: str, entry: Entry, manifest: Entry) -> dict[str, Any]:
    """What every component has, then what its kind adds."""
    spec = entry["spec"]
    component = {
        "bom-ref": id_,
        "group": entry["kind"],
        "authors": [{"name": entry["owner"]}],
        **({"description": entry["description"]} if entry["description"] else {}),
        "properties": _properties({"behaviour": entry["behaviour"], "source": f"{entry['source']['file']}:{entry['source']['line']}"}),
        **({"components": [_file(id_, file) for file in entry["files"]]} if entry["files"] else {}),
    }
    if entry["kind"] == "Application":
        return {"type": "application", "name": entry["name"], "version": manifest["applications"][entry["name"]]["release"], **component}
    if entry["kind"] == "Model":
        return {**component, **_model(spec), "properties": [*component["properties"], *_model_properties(entry["name"], spec)]}
    data = {"type": "data", "name": entry["name"], "hashes": _hashes(entry["behaviour"]), **_licence(_licence_of(spec))}
    version = {"version": entry["version"]} if entry["version"] else {}
    return {**data, **version, **component, "data": [_data(entry)]}


def _model(spec: Entry) -> dict[str, Any]:
    task, output = TASKS[spec["task"]]
    return {
        "type": "machine-learning-model",
        "name": spec["model"],
        **({"version": spec["revision"]} if spec.get("revision") else {}),
        **({"hashes": _hashes(spec["weights"]["sha256"])} if spec.get("weights") else {}),
        **_licence(spec.get("licence")),
        "modelCard": {"modelParameters": {"task": task, "inputs": [{"format": "text"}], "outputs": [{"format": output}]}},
    }


def _model_properties(name: str, spec: Entry) -> list[dict[str, str]]:
    endpoint = (spec.get("endpoint") or {}).get("url")
    package = (spec.get("weights") or {}).get("package")
    weights = f"pkg:pypi/{quote(package)}" if package else None
    known = {"name": name, "provider": spec["provider"], "endpoint": endpoint, "weights": weights}
    return _properties({**known, "data-residency": spec.get("data_residency")})


def _data(entry: Entry) -> dict[str, Any]:
    governance = {"owners": [{"organization": {"name": entry["owner"]}}]}
    classification = entry["labels"].get("classification")
    classified = {"classification": classification} if classification else {}
    return {"type": DATA[entry["kind"]], "name": entry["name"], **classified, "governance": governance}


def _file(owner: str, file: Entry) -> dict[str, Any]:
    """The owner is part of the reference, since two resources may use one file."""
    return {"type": "file", "bom-ref": f"{owner}#{file['path']}", "name": file["path"], "hashes": _hashes(file["sha256"])}


def _licence_of(spec: Entry) -> str | None:
    licence: str | None = spec.get("licence") or (spec.get("documents") or {}).get("licence")
    return licence


def _licence(name: str | None) -> dict[str, Any]:
    if not name:
        return {}
    return {"licenses": [{"license": {"id": name} if name in SPDX else {"name": name}}]}


def _hashes(digest: str) -> list[dict[str, str]]:
    return [{"alg": "SHA-256", "content": digest}]


def _properties(values: Mapping[str, Any]) -> list[dict[str, str]]:
    return [{"name": f"llmops:{name}", "value": str(value)} for name, value in values.items() if value is not None]


def _applications(resources: Mapping[str, Entry]) -> list[str]:
    return [id_ for id_, entry in resources.items() if entry["kind"] == "Application"]


def _edges(resources: Mapping[str, Entry], engines: Iterable[str]) -> Iterable[dict[str, Any]]:
    """The references of the specs; safety policies depend on the engines that enforce them."""
    known = set(engines)
    for id_, entry in resources.items():
        enforced = [engine for engine in entry["spec"].get("engines", ()) if engine in known] if entry["kind"] == "SafetyPolicy" else []
        yield _dependency(id_, [*entry["references"], *enforced])
    yield from (_dependency(engine, []) for engine in engines)


def _dependency(ref: str, targets: Iterable[str]) -> dict[str, Any]:
    on = sorted(set(targets))
    return {"ref": ref, "dependsOn": on} if on else {"ref": ref}
