"""What changes a release and what does not, and that the same specs give the same bytes anywhere."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path

import pytest

from llmops.fingerprint import digest
from llmops.pipeline import compile_workspace
from llmops.resources import Graph
from tests.conftest import Run, copy_example

APPLICATION = "Application/handbook-assistant"


def graph_of(root: Path, environment: str | None = None) -> Graph:
    compiled = compile_workspace(root, environment)
    assert not any(d.counts for d in compiled.diagnostics) and compiled.graph is not None
    return compiled.graph


def edit(root: Path, file: str, old: str, new: str) -> None:
    text = (root / file).read_text()
    assert old in text
    (root / file).write_text(text.replace(old, new, 1))


NO_BEHAVIOUR = {
    "a comment": ("specs/models.yaml", "kind: Model", "# chosen in spring\nkind: Model"),
    "the order of fields": ("specs/models.yaml", "  dimension: 384\n  max_input_tokens: 512", "  max_input_tokens: 512\n  dimension: 384"),
    "the style": ("specs/models.yaml", "  dimension: 384", '  "dimension":   384'),
    "a default written out": ("specs/safety.yaml", "action: refuse", "action: refuse\n      mode: enforce\n      on_error: block"),
}
METADATA = {
    "owner": ("specs/models.yaml", "owner: ml-platform", "owner: ml-team"),
    "description": ("specs/models.yaml", "A small base model", "A tiny base model"),
    "labels": ("specs/models.yaml", 'tier: "2"', 'tier: "1"'),
}
NO_ANSWER = {
    "schedule": ("specs/handbook-assistant.yaml", '"0 3 * * *"', '"0 4 * * *"'),
    "changelog": ("specs/handbook-assistant.yaml", "First version.", "The first version."),
    "traffic": ("specs/handbook-assistant.yaml", "5000", "6000"),
    "a monitor's limit": ("specs/quality.yaml", "max: 0.05", "max: 0.1"),
    "a variable's description": ("specs/handbook-assistant.yaml", "What the user asks", "The user's question"),
    "a rule's category": ("specs/safety.yaml", "owasp: LLM01", "owasp: LLM10"),
    "a rule's cases": ("specs/safety.yaml", '"What is a release?"', '"What is a bundle?"'),
}
BEHAVIOUR = {
    "prompt text": ("specs/handbook-assistant.yaml", "in a few words", "in one sentence"),
    "document": ("docs/index.md", "", "\n"),
    "dataset row": ("evals/handbook.jsonl", "", "\n"),
    "top_k": ("specs/handbook-assistant.yaml", "top_k: 3", "top_k: 2"),
    "rule threshold": ("specs/safety.yaml", "threshold: 0.35", "threshold: 0.5"),
    "rule order": ("specs/safety.yaml", "engines: [guardrails-ai, nemoguardrails]", "engines: [nemoguardrails, guardrails-ai]"),
    "model": ("specs/models.yaml", "temperature: 0", "temperature: 1"),
    "embedder, two steps away": ("specs/models.yaml", "revision: int8", "revision: int4"),
    "limit": ("specs/handbook-assistant.yaml", "question_tokens: 128", "question_tokens: 100"),
    "evaluation's threshold": ("specs/quality.yaml", "threshold: 0.7", "threshold: 0.8"),
}


def release_of(root: Path) -> str:
    return graph_of(root).releases[APPLICATION]


@pytest.mark.parametrize("name", [*NO_BEHAVIOUR, *NO_ANSWER])
def test_what_changes_no_answer_keeps_the_release(example: Path, name: str) -> None:
    before = release_of(example)
    edit(example, *(NO_BEHAVIOUR | NO_ANSWER)[name])
    assert release_of(example) == before


def test_the_file_that_holds_a_spec_is_no_behaviour(example: Path) -> None:
    before = release_of(example)
    (example / "specs" / "safety.yaml").rename(example / "specs" / "rules.yml")
    assert release_of(example) == before


@pytest.mark.parametrize("name", METADATA)
def test_metadata_has_a_hash_of_its_own(example: Path, name: str) -> None:
    before = graph_of(example)
    edit(example, *METADATA[name])
    after = graph_of(example)
    assert after.releases == before.releases and after.behaviour == before.behaviour
    changed = {id_ for id_ in after.metadata_hash if after.metadata_hash[id_] != before.metadata_hash[id_]}
    assert changed == {"Model/gemma-local"}


@pytest.mark.parametrize("name", BEHAVIOUR)
def test_what_changes_behaviour_changes_the_release(example: Path, name: str) -> None:
    before = release_of(example)
    file, old, new = BEHAVIOUR[name]
    if old:
        edit(example, file, old, new)
    else:
        with open(example / file, "a") as stream:
            stream.write(new)
    assert release_of(example) != before


@pytest.mark.parametrize("name", ["schedule", "tests", "licence", "refresh", "traffic", "changelog", "description"])
def test_a_variable_counts_whatever_its_name(example: Path, name: str) -> None:
    file = "specs/handbook-assistant.yaml"
    edit(example, file, "  variables:\n", f"  variables:\n    {name}: {{type: string}}\n")
    edit(example, file, "Question: {{ question }}", f"{{{{ {name} }}}} Question: {{{{ question }}}}")
    edit(example, file, "  limits:", f"  variables: {{{name}: weekdays}}\n  limits:")
    before = release_of(example)
    edit(example, file, "weekdays", "sundays")
    assert release_of(example) != before


def test_environments_have_releases_of_their_own(example: Path) -> None:
    assert len({graph_of(example, name).releases[APPLICATION] for name in ("dev", "staging", "prod")}) == 3


def test_the_name_of_the_workspace_is_no_behaviour(example: Path) -> None:
    before = graph_of(example)
    edit(example, "llmops.yaml", "name: handbook", "name: renamed")
    assert graph_of(example).releases == before.releases


def test_digests_are_canonical() -> None:
    assert digest({"b": 1, "a": [1.0, "é"]}) == hashlib.sha256('{"a":[1,"é"],"b":1}'.encode()).hexdigest()


HOSTS = [
    {"PYTHONHASHSEED": "0", "TZ": "UTC", "LC_ALL": "C"},
    {"PYTHONHASHSEED": "1", "TZ": "Asia/Kathmandu", "LC_ALL": "C.UTF-8"},
    {"PYTHONHASHSEED": "4294967295", "TZ": "America/St_Johns", "LC_ALL": "POSIX", "PYTHONOPTIMIZE": "1"},
]


@pytest.mark.parametrize("environment", ["dev", "prod"])
def test_bundles_are_the_same_bytes_anywhere(tmp_path: Path, llmops: Run, environment: str) -> None:
    bundles = []
    for number, variables in enumerate(HOSTS):
        root = copy_example(tmp_path / f"{'deep/' * number}workspace {number}")
        done = llmops("compile", "--env", environment, cwd=root, **variables)
        assert done.returncode == 0, done.stderr
        bundle = root / "build" / environment
        bundles.append({str(p.relative_to(bundle)): p.read_bytes() for p in sorted(bundle.rglob("*")) if p.is_file()})
    assert len(bundles[0]) > 10
    assert bundles[0] == bundles[1] == bundles[2]


def test_a_bundle_names_no_folder_of_the_machine(example: Path) -> None:
    text = b"\n".join(artifact.content for artifact in compile_workspace(example).artifacts).decode()
    assert str(example) not in text and not re.search(r"/(home|tmp|root|Users)/", text)


PARENTS = {
    "embedder, two steps away": (("specs/models.yaml", "revision: int8", "revision: int4"), ("behaviour", "")),
    "a monitor's limit": (("specs/quality.yaml", "max: 0.05", "max: 0.1"), ("", "metadata")),
    "owner of the embedder": (("specs/models.yaml", "name: minilm\n  owner: ml-platform", "name: minilm\n  owner: x"), ("", "metadata")),
    "its own limit": (("specs/handbook-assistant.yaml", "question_tokens: 128", "question_tokens: 100"), ("", "")),
    "a comment": (("specs/models.yaml", "kind: Model", "# why\nkind: Model"), ("", "")),
}


@pytest.mark.parametrize("name", PARENTS)
def test_parents_hashes_tell_what_an_application_uses_from_what_it_says(example: Path, name: str) -> None:
    before = graph_of(example).parents[APPLICATION]
    edited, moved = PARENTS[name]
    edit(example, *edited)
    after = graph_of(example).parents[APPLICATION]
    assert (before.behaviour != after.behaviour, before.metadata != after.metadata) == tuple(map(bool, moved))


def test_the_manifest_holds_all_four_hashes(example: Path, llmops: Run) -> None:
    assert llmops("compile", cwd=example).returncode == 0
    resources = json.loads((example / "build/dev/manifest.json").read_text())["resources"]
    graph = graph_of(example)
    for id_, entry in resources.items():
        parents = graph.parents[id_]
        assert entry["parents"] == {"behaviour": parents.behaviour, "metadata": parents.metadata}
        assert (entry["behaviour"], entry["metadata"]) == (graph.behaviour[id_], graph.metadata_hash[id_])
    assert len({entry["parents"]["behaviour"] for entry in resources.values()}) > 3
