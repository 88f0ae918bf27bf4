"""Names become edges; a name that leads nowhere is one finding, unless a mistake elsewhere explains it."""

from __future__ import annotations

from pathlib import Path

import pytest

from llmops.pipeline import Checked, check_workspace


def codes(checked: Checked) -> list[str]:
    return [d.code for d in checked.diagnostics]


def edit(base: Path, file: str, old: str, new: str) -> None:
    path = base / "specs" / file
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def test_every_reference_is_an_edge(base: Path) -> None:
    graph = check_workspace(base).graph
    assert graph is not None
    edges = {(r.id, ".".join(map(str, e.path)), e.target) for r in graph.resources.values() for e in r.references}
    assert edges == {
        ("Application/helper", "spec.model", "Model/chatter"),
        ("Application/helper", "spec.prompt", "Prompt/answer@1.0.0"),
        ("Application/helper", "spec.retrieval.0", "RetrievalSource/handbook"),
        ("Application/helper", "spec.safety", "SafetyPolicy/public"),
        ("Application/helper", "spec.evaluations.0", "Evaluation/answers"),
        ("Application/helper", "spec.monitors.0", "Monitor/errors"),
        ("RetrievalSource/handbook", "spec.embedding.model", "Model/embedder"),
        ("Evaluation/answers", "spec.dataset", "Dataset/questions"),
    }


BREAK = {
    "model.yaml": ("task: chat", "task: talk"),
    "embedder.yaml": ("dimension: 384", "dimension: many"),
    "prompt.yaml": ("role: user", "role: reader"),
    "source.yaml": ("top_k: 3", "top_k: 0"),
    "safety.yaml": ("action: refuse", "action: deny"),
    "quality.yaml": ("licence: CC0-1.0", "license: CC0-1.0"),
}


@pytest.mark.parametrize("file", BREAK)
def test_references_to_a_broken_spec_are_no_findings(base: Path, file: str) -> None:
    """Nor are the resources that only the broken one uses unused."""
    edit(base, file, *BREAK[file])
    found = check_workspace(base)
    assert {d.location.file for d in found.diagnostics} == {f"specs/{file}"}
    assert set(codes(found)) <= {"LLM0204", "LLM0205", "LLM0206", "LLM0207", "LLM0209"}


@pytest.mark.parametrize("file", BREAK)
@pytest.mark.parametrize("content", ["a: [", "a: 1\na: 2", "x: *y"])
def test_references_into_a_file_that_did_not_load_are_no_findings(base: Path, file: str, content: str) -> None:
    (base / "specs" / file).write_text(content)
    found = check_workspace(base)
    assert [d.location.file for d in found.diagnostics] == [f"specs/{file}"]


def test_a_reference_to_another_name_than_the_broken_one_is_a_finding(base: Path) -> None:
    edit(base, "prompt.yaml", *BREAK["prompt.yaml"])
    edit(base, "application.yaml", "model: chatter", "model: chater")
    assert codes(check_workspace(base)) == ["LLM0401", "LLM0206"]


def test_a_broken_spec_of_another_kind_with_that_name_explains_nothing(base: Path) -> None:
    edit(base, "prompt.yaml", "name: answer", "name: chater")
    edit(base, "prompt.yaml", *BREAK["prompt.yaml"])
    edit(base, "application.yaml", "model: chatter", "model: chater")
    assert codes(check_workspace(base)) == ["LLM0401", "LLM0401", "LLM0206"]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("name: answer", "name: An Answer"),
        ("name: answer, ", ""),
        ("kind: Prompt", "kind: Promt"),
        ("metadata: {name: answer, owner: docs}", "metadata: answer"),
    ],
)
def test_a_spec_whose_name_or_kind_is_wrong_may_be_the_one(base: Path, old: str, new: str) -> None:
    edit(base, "prompt.yaml", old, new)
    assert len(codes(check_workspace(base))) == 1


def test_unresolved_references_leave_unused_resources_alone(base: Path) -> None:
    edit(base, "application.yaml", "safety: public", "safety: publik")
    assert codes(check_workspace(base)) == ["LLM0401"]


def test_a_broken_patch_is_one_finding(base: Path) -> None:
    (base / "environments" / "prod").mkdir(parents=True)
    (base / "environments" / "prod" / "a.yaml").write_text("target: {kind: Model, name: chatter}\npatch: {spec: [x]}\n")
    assert codes(check_workspace(base, "prod")) == ["LLM0205"]


VERSIONS = """---
apiVersion: llmops/v1
kind: Prompt
metadata: {name: answer, owner: docs}
spec:
  version: VERSION
  variables: {question: {type: string}, documents: {type: documents}}
  messages: [{role: user, content: "{{ question }} {{ documents }}"}]
"""


@pytest.mark.parametrize(
    ("written", "found"),
    [
        ("answer@1.0.0", []),
        ("answer@2.10.0", []),
        ("answer", ["LLM0402"]),
        ("answer@3.0.0", ["LLM0403"]),
        ("answr@1.0.0", ["LLM0401"]),
        ("answer@1.0", ["LLM0208"]),
    ],
)
def test_versions(base: Path, written: str, found: list[str]) -> None:
    with open(base / "specs" / "prompt.yaml", "a") as stream:
        stream.write(VERSIONS.replace("VERSION", "2.10.0"))
    edit(base, "application.yaml", "prompt: answer", f"prompt: {written}")
    assert codes(check_workspace(base)) == found


def test_the_only_version_needs_no_pin(base: Path) -> None:
    graph = check_workspace(base).graph
    assert graph is not None
    assert [r.id for r in graph.targets_of(graph["Application/helper"], "spec", "prompt")] == ["Prompt/answer@1.0.0"]


def test_an_environment_s_patch_can_repair_a_reference(base: Path) -> None:
    edit(base, "application.yaml", "model: chatter", "model: nobody")
    (base / "environments" / "prod").mkdir(parents=True)
    (base / "environments" / "prod" / "a.yaml").write_text("target: {name: helper}\npatch: {spec: {model: chatter}}\n")
    assert codes(check_workspace(base, "dev")) == ["LLM0401"]
    assert codes(check_workspace(base, "prod")) == []


def test_three_specs_of_one_name_are_two_findings(base: Path) -> None:
    for name in ("x.yaml", "y.yaml"):
        (base / "specs" / name).write_text((base / "specs" / "embedder.yaml").read_text())
    assert codes(check_workspace(base)) == ["LLM0407", "LLM0407"]
