"""The same pipelines against servers: an OpenAI-compatible endpoint and a Postgres of one's own, by overlay only."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from llmops.pipeline import compile_workspace
from llmops.runtime.assistant import Assistant
from llmops.runtime.bundle import Bundle
from llmops.runtime.indexing import index_source
from llmops.runtime.local.services import services
from llmops.write import write
from tests.e2e.test_cli_runs import new_team

SOURCE = "RetrievalSource/handbook"
APPLICATION = "handbook-assistant"


def bundle_of(root: Path, environment: str) -> Bundle:
    compiled = compile_workspace(root, environment)
    assert not any(d.counts for d in compiled.diagnostics)
    write(compiled.artifacts, root / "build" / environment)
    return Bundle.open(root / "build" / environment)


def point_production_at(root: Path, url: str) -> None:
    """Production's overlay names the endpoint; its key and its store are read from the environment."""
    patch = root / "environments" / "prod" / "model.yaml"
    content = yaml.safe_load(patch.read_text())
    content["patch"]["spec"]["endpoint"]["url"] = url
    patch.write_text(yaml.safe_dump(content))


def component_types(bundle: Bundle) -> dict[str, str]:
    pipeline = yaml.safe_load(bundle.text(bundle.application(APPLICATION).query))
    return {name: part["type"] for name, part in pipeline["components"].items()}


def test_production_answers_from_servers_that_it_did_not_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = new_team(tmp_path / "team", "assistant")
    dev = bundle_of(root, "dev")
    with services(dev, root, progress=lambda _: None) as local:
        point_production_at(root, dev.resource("Model/gemma-local").spec["endpoint"]["url"])
        monkeypatch.setenv("STORE_URL", local.environment["LLMOPS_EMBEDDED_STORE"])
        monkeypatch.setenv("LLM_API_KEY", "a-key-of-ours")
        prod = bundle_of(root, "prod")
        with services(prod, root, progress=lambda _: None) as started:
            assert started.started == ("Model/minilm",)
            index_source(prod, SOURCE, root, lambda _: None)
            answer = Assistant.open(prod, APPLICATION, root).ask("How long is the password link valid?")
    assert "one hour" in answer.text and answer.sources[0].path == "docs/support.md"
    assert answer.release == prod.application(APPLICATION).release != dev.application(APPLICATION).release
    assert component_types(prod) == component_types(dev)


def test_a_missing_variable_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = new_team(tmp_path / "team", "assistant")
    prod = bundle_of(root, "prod")
    monkeypatch.delenv("STORE_URL", raising=False)
    with services(prod, root, progress=lambda _: None), pytest.raises(Exception, match="STORE_URL"):
        index_source(prod, SOURCE, root, lambda _: None)
