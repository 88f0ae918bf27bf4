"""Patches: what is merged, what is replaced, and where each value then comes from."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from llmops.diagnostics import Diagnostic
from llmops.load.source import Places, Source, load
from llmops.overlay import Draft, overlay, patches_of

BASE = """\
kind: Application
metadata: {name: bot, labels: {tier: gold, team: docs}}
spec:
  model: small
  retrieval: [a, b]
  limits: {question_tokens: 100}
  store: {kind: embedded, dimension: 3}
  rules:
    - {id: one, action: block}
    - {id: two, action: flag}
"""


def apply(*patches: str, base: str = BASE) -> tuple[list[Draft], list[Diagnostic], Places]:
    sources = [Source("base.yaml", base), *(Source(f"patch{i}.yaml", text) for i, text in enumerate(patches))]
    documents, broken = load(sources)
    assert not [d for d in broken if d.location.file.startswith("patch")]
    specs = [d for d in documents if d.file == "base.yaml"]
    patched = [patches_of(d, d.data) for d in documents if d.file != "base.yaml"]
    places = Places(sources)
    drafts, diagnostics = overlay(specs, patched, places)
    return drafts, diagnostics, places


def patch(body: str, target: str = "{name: bot}") -> str:
    return f"target: {target}\npatch:\n  spec: {body}\n"


def spec_after(*bodies: str) -> Any:
    drafts, diagnostics, _ = apply(*(patch(body) for body in bodies))
    assert not diagnostics
    return drafts[0].data["spec"]


@pytest.mark.parametrize(
    ("body", "changed"),
    [
        ("{model: large}", {"model": "large"}),
        ("{model: null}", {"model": "gone"}),
        ("{limits: {answer_tokens: 5}}", {"limits": {"question_tokens": 100, "answer_tokens": 5}}),
        ("{limits: {question_tokens: null}}", {"limits": {}}),
        ("{retrieval: [c]}", {"retrieval": ["c"]}),
        ("{retrieval: []}", {"retrieval": []}),
        ("{store: {dimension: 4}}", {"store": {"kind": "embedded", "dimension": 4}}),
        ("{store: {kind: pgvector}}", {"store": {"kind": "pgvector"}}),
        ("{rules: [{id: two, action: block}]}", {"rules": [{"id": "one", "action": "block"}, {"id": "two", "action": "block"}]}),
        ("{rules: [{id: three}]}", {"rules": [{"id": "one", "action": "block"}, {"id": "two", "action": "flag"}, {"id": "three"}]}),
        ("{rules: [{action: log}]}", {"rules": [{"action": "log"}]}),
        ("{new: {deep: 1}}", {"new": {"deep": 1}}),
        ("{model: {name: large}}", {"model": {"name": "large"}}),
    ],
)
def test_merging(body: str, changed: dict[str, Any]) -> None:
    before = yaml.safe_load(BASE)["spec"]
    expected = {key: value for key, value in (before | changed).items() if value != "gone"}
    assert spec_after(body) == expected


def test_later_patches_win() -> None:
    assert spec_after("{model: a}", "{model: b}")["model"] == "b"


def test_nothing_given_is_changed() -> None:
    documents, _ = load([Source("base.yaml", BASE)])
    before = yaml.safe_load(BASE)
    body, _ = load([Source("p.yaml", patch("{limits: {x: 1}, rules: [{id: one, action: log}]}"))])
    overlay(documents, [patches_of(body[0], body[0].data)], Places([]))
    assert documents[0].data == before


@pytest.mark.parametrize(
    ("target", "matches"),
    [
        ("{name: bot}", True),
        ("{kind: Application}", True),
        ("{kind: Application, name: bot}", True),
        ("{labels: {tier: gold}}", True),
        ("{labels: {tier: gold, team: docs}}", True),
        ("{name: other}", False),
        ("{kind: Model, name: bot}", False),
        ("{labels: {tier: gold, team: ml}}", False),
        ("{labels: {missing: x}}", False),
    ],
)
def test_targets(target: str, matches: bool) -> None:
    drafts, diagnostics, _ = apply(patch("{model: large}", target))
    assert (drafts[0].data["spec"]["model"] == "large") == matches
    assert [d.code for d in diagnostics] == ([] if matches else ["LLM0301"])


def test_a_patch_of_labels_changes_every_match() -> None:
    two = BASE + "---\n" + BASE.replace("name: bot", "name: other")
    drafts, _, _ = apply(patch("{model: large}", "{labels: {team: docs}}"), base=two)
    assert [draft.data["spec"]["model"] for draft in drafts] == ["large", "large"]


@pytest.mark.parametrize(
    "extra", ["a: [", "kind: Model\nspec: {}", "kind: Model\nmetadata: {}", "- a", "kind: Model\nmetadata: {name: [x]}"]
)
def test_a_target_that_may_be_in_what_is_broken_is_no_finding(extra: str) -> None:
    """The document without a name is a finding of its own; that its patch matches nothing would be a second one."""
    sources = [Source("base.yaml", BASE), Source("broken.yaml", extra)]
    documents, _ = load(sources)
    body, _ = load([Source("p.yaml", patch("{model: large}", "{name: lost}"))])
    assert overlay(documents, [patches_of(body[0], body[0].data)], Places(sources))[1] == []


def test_values_know_the_patch_and_the_base() -> None:
    (draft,), _, places = apply(patch("{model: large, limits: {question_tokens: 5}}"))
    here, base = draft.value(places, ("spec", "model"))
    assert (here.file, here.line, base.file, base.line, base.label) == ("patch0.yaml", 3, "base.yaml", 4, "the base is here")
    assert [p.file for p in draft.value(places, ("spec", "limits", "question_tokens"))] == ["patch0.yaml", "base.yaml"]
    assert [p.file for p in draft.value(places, ("spec", "retrieval"))] == ["base.yaml"]
    assert [p.file for p in draft.value(places, ("spec",))] == ["base.yaml"]


def test_what_is_added_says_where_it_is_merged_in() -> None:
    (draft,), _, places = apply(patch("{limits: {answer_tokens: 5}}"))
    here, base = draft.key(places, ("spec", "limits", "answer_tokens"))
    assert here.file == "patch0.yaml" and (base.line, base.label) == (6, "it is merged in here")


def test_what_is_removed_is_found_in_the_patch() -> None:
    (draft,), _, places = apply(patch("{model: null}"))
    here, base = draft.key(places, ("spec", "model"))
    assert (here.file, base.label) == ("patch0.yaml", "the base is here")


def test_merged_list_items_are_found_where_they_were_written() -> None:
    (draft,), _, places = apply(patch("{rules: [{id: three, action: x}, {id: one, action: log}]}"))
    assert draft.data["spec"]["rules"][2]["id"] == "three"
    added = draft.value(places, ("spec", "rules", 2, "action"))[0]
    changed = draft.value(places, ("spec", "rules", 0, "action"))[0]
    untouched = draft.value(places, ("spec", "rules", 1, "action"))
    assert (added.file, changed.file) == ("patch0.yaml", "patch0.yaml") and added.column < changed.column
    assert [p.file for p in untouched] == ["base.yaml"]


def test_the_last_of_several_patches_is_blamed() -> None:
    (draft,), _, places = apply(patch("{limits: {question_tokens: 1}}"), patch("{limits: {question_tokens: 2}}"))
    assert draft.value(places, ("spec", "limits", "question_tokens"))[0].file == "patch1.yaml"


def test_a_near_name_is_offered() -> None:
    _, (found,), _ = apply(patch("{model: x}", "{kind: Application, name: bott}"))
    assert found.hint == "Did you mean bot?" and "name bott" in found.message
