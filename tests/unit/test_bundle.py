"""A bundle opens whole and unchanged, or not at all."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import orjson
import pytest

from llmops.errors import LlmopsError, UsageError
from llmops.runtime.bundle import Bundle
from tests.bundles import write_bundle
from tests.graphs import application, graph, source

QUERY = "haystack/assistant/query.yaml"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_bundle(graph(source(), application()), tmp_path / "build")


def test_it_holds_what_the_manifest_says(folder: Path) -> None:
    bundle = Bundle.open(folder)
    assert (bundle.workspace, bundle.environment) == ("tests", "dev")
    entry = bundle.application("assistant")
    assert entry.model == "Model/gemma"
    assert entry.prompts == ("Prompt/answer@1.0.0",)
    assert entry.retrieval == ("RetrievalSource/handbook",)
    assert (entry.safety, entry.variants, entry.query) == (None, (), QUERY)
    assert entry.release in bundle.text(QUERY)


def test_resources_carry_spec_references_and_version(folder: Path) -> None:
    bundle = Bundle.open(folder)
    handbook = bundle.resource("RetrievalSource/handbook")
    assert handbook.spec["retrieve"] == {"mode": "hybrid", "top_k": 3}
    assert [m.id for m in bundle.referenced(handbook, "Model")] == ["Model/minilm"]
    assert bundle.resource("Prompt/answer@1.0.0").version == "1.0.0"
    assert [r.id for r in bundle.of_kind("Model")] == ["Model/gemma", "Model/minilm"]


def test_reach_follows_references(folder: Path) -> None:
    bundle = Bundle.open(folder)
    assert set(bundle.reach("RetrievalSource/handbook")) == {"RetrievalSource/handbook", "Model/minilm"}
    assert "Model/gemma" in bundle.reach("Application/assistant")


def test_pythons_own_cache_is_no_change(folder: Path) -> None:
    """`dagster -f definitions.py` leaves one behind."""
    (folder / "dagster" / "__pycache__").mkdir(parents=True, exist_ok=True)
    (folder / "dagster" / "__pycache__" / "definitions.cpython-311.pyc").write_bytes(b"x")
    assert Bundle.open(folder).workspace


def _change(folder: Path) -> None:
    (folder / QUERY).write_text("components: {}")


def _remove(folder: Path) -> None:
    (folder / QUERY).unlink()


def _add(folder: Path) -> None:
    (folder / "haystack/assistant/actions.py").write_text("print('hello')")


def _link(folder: Path) -> None:
    target = folder.parent / "elsewhere.yaml"
    (folder / QUERY).rename(target)
    (folder / QUERY).symlink_to(target)


def _hide(folder: Path) -> None:
    (folder / ".hidden").write_text("x")


@pytest.mark.parametrize(
    ("tamper", "path", "fault"),
    [
        (_change, QUERY, "differs from its manifest"),
        (_remove, QUERY, "is missing"),
        (_add, "haystack/assistant/actions.py", "is not in its manifest"),
        (_link, QUERY, "is a symbolic link"),
        (_hide, ".hidden", "is not in its manifest"),
    ],
)
def test_a_changed_bundle_does_not_open(folder: Path, tamper: Callable[[Path], None], path: str, fault: str) -> None:
    tamper(folder)
    with pytest.raises(LlmopsError, match=f"{path} {fault}") as caught:
        Bundle.open(folder)
    assert caught.value.hint == "llmops compile"


def test_a_file_changed_after_opening_is_not_read(folder: Path) -> None:
    bundle = Bundle.open(folder)
    _change(folder)
    with pytest.raises(LlmopsError, match="differs from its manifest"):
        bundle.text(QUERY)


def test_a_file_outside_the_bundle_is_not_read(folder: Path) -> None:
    (folder.parent / "secret").write_text("x")
    with pytest.raises(LlmopsError, match="has no file"):
        Bundle.open(folder).text("../secret")


def test_a_missing_bundle_names_the_command(tmp_path: Path) -> None:
    with pytest.raises(LlmopsError, match="There is no bundle") as caught:
        Bundle.open(tmp_path)
    assert caught.value.hint == "llmops compile"


def test_a_broken_manifest_is_refused(folder: Path) -> None:
    (folder / "manifest.json").write_text("{")
    with pytest.raises(LlmopsError, match="is not JSON"):
        Bundle.open(folder)


def test_a_manifest_of_another_version_is_refused(folder: Path) -> None:
    manifest = orjson.loads((folder / "manifest.json").read_bytes())
    (folder / "manifest.json").write_bytes(orjson.dumps({**manifest, "manifest_version": 9}))
    with pytest.raises(LlmopsError, match="version 9"):
        Bundle.open(folder)


def test_an_unknown_application_gets_a_suggestion(folder: Path) -> None:
    with pytest.raises(UsageError) as caught:
        Bundle.open(folder).application("asistant")
    assert "assistant" in caught.value.hint


def test_an_unknown_resource_is_named(folder: Path) -> None:
    with pytest.raises(UsageError, match="Model/nothing"):
        Bundle.open(folder).resource("Model/nothing")
