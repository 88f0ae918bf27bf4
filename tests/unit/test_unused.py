"""Resources that nobody reaches."""

from __future__ import annotations

from pathlib import Path

import pytest

from llmops.pipeline import check_workspace


def add(base: Path, text: str) -> None:
    (base / "specs" / "extra.yaml").write_text("apiVersion: llmops/v1\n" + text)


def unused(base: Path) -> list[str]:
    found = check_workspace(base).diagnostics
    assert {(d.code, d.severity) for d in found} <= {("LLM0406", "warning")}
    return [d.message for d in found]


def test_nothing_is_unused_in_the_base(base: Path) -> None:
    assert unused(base) == []


def test_what_only_unused_resources_use_is_unused_too(base: Path) -> None:
    text = (
        (base / "specs" / "source.yaml").read_text().replace("name: handbook", "name: second").replace("model: embedder", "model: lonely")
    )
    (base / "specs" / "second.yaml").write_text(text)
    (base / "specs" / "lonely.yaml").write_text((base / "specs" / "embedder.yaml").read_text().replace("name: embedder", "name: lonely"))
    assert unused(base) == ["No application uses Model 'lonely'", "No application uses RetrievalSource 'second'"]


def test_an_older_version_may_stand_by(base: Path) -> None:
    old = (base / "specs" / "prompt.yaml").read_text()
    (base / "specs" / "old.yaml").write_text(old.replace("1.0.0", "0.9.0"))
    application = base / "specs" / "application.yaml"
    application.write_text(application.read_text().replace("prompt: answer", "prompt: answer@1.0.0"))
    assert unused(base) == []


def test_a_deployment_is_a_root(base: Path) -> None:
    add(base, "kind: Deployment\nmetadata: {name: prod, owner: ops}\nspec: {application: helper}\n")
    assert unused(base) == []


@pytest.mark.parametrize("mistake", ["kind: Promt\nmetadata: {name: x, owner: y}\nspec: {}\n", "a: ["])
def test_nothing_is_said_as_long_as_a_spec_is_broken(base: Path, mistake: str) -> None:
    (base / "specs" / "spare.yaml").write_text((base / "specs" / "embedder.yaml").read_text().replace("name: embedder", "name: spare"))
    assert unused(base) == ["No application uses Model 'spare'"]
    add(base, mistake)
    assert "LLM0406" not in [d.code for d in check_workspace(base).diagnostics]
