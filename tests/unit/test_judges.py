"""A judge is no part of a release: it moves alone, is not started to answer, and is known by a digest over all that decides its opinion."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from llmops.fingerprint import fingerprint, judge_identity
from llmops.link.models import check_models
from llmops.link.unused import check_unused
from llmops.plan.classes import METADATA, field_class
from llmops.render.dagster import _users
from llmops.resources import Graph, Reference, Resource
from llmops.resources import Path as FieldPath
from llmops.runtime.bundle import BundledJudge
from tests.bundles import open_bundle
from tests.graphs import GEMMA, MINILM, application, graph, make, source

EVALUATION, JUDGE, APP = "Evaluation/tone", "Model/grader", "Application/assistant"
RUBRIC = {"name": "judge_rubric", "rubric": "It is kind.", "margin": 0.05, "blocking": False}


def judged(grader: Mapping[str, Any] = GEMMA, judge: str | None = "grader", **metric: Any) -> Graph:
    """An application with an evaluation that a model of its own judges."""
    questions = make("Dataset", "questions", {"path": "q.jsonl", "format": "jsonl", "licence": "Apache-2.0", "purpose": "evaluation"})
    spec = {"dataset": "questions", "metrics": [{**RUBRIC, **metric}], "repeats": 1, **({"judge": judge} if judge else {})}
    references: dict[FieldPath, str] = {("spec", "dataset"): questions.id, **({("spec", "judge"): f"Model/{judge}"} if judge else {})}
    evaluation = make("Evaluation", "tone", spec, references)
    plain = application(evaluations=["tone"])
    assistant = replace(plain, references=(*plain.references, Reference(("spec", "evaluations", 0), EVALUATION)))
    return fingerprint(graph(questions, evaluation, make("Model", "grader", grader), source(), assistant))


def identity(of: Graph) -> str | None:
    return judge_identity(of, of[EVALUATION])


OTHER = {**GEMMA, "model": "gemma-3-1b"}


class TestRelease:
    @pytest.mark.parametrize("other", [judged(OTHER), judged(judge="gemma")], ids=["another model", "another name"])
    def test_it_stays_when_the_judge_moves(self, other: Graph) -> None:
        before = judged()
        assert other.releases == before.releases
        assert other.behaviour[EVALUATION] == before.behaviour[EVALUATION]
        assert other.parents[EVALUATION].behaviour == before.parents[EVALUATION].behaviour
        assert other.parents[APP].behaviour == before.parents[APP].behaviour

    def test_the_hash_of_what_is_aside_sees_it(self) -> None:
        before, after = judged(), judged(OTHER)
        assert after.parents[EVALUATION].metadata != before.parents[EVALUATION].metadata
        assert after.parents[APP].metadata != before.parents[APP].metadata

    def test_a_rubric_belongs_to_it(self) -> None:
        assert judged(rubric="It is short.").releases != judged().releases

    def test_a_model_that_answers_and_judges_is_part_of_it(self) -> None:
        before = judged(judge="gemma")
        answering = replace(before, resources={**before.resources, "Model/gemma": make("Model", "gemma", OTHER)})
        assert fingerprint(answering).releases != before.releases


class TestReach:
    def test_it_leaves_judges_out(self) -> None:
        found = judged()
        assert JUDGE not in found.reach(APP) and JUDGE not in found.reach(EVALUATION)
        assert JUDGE in found.reach(APP, judges=True)

    def test_a_judge_is_used(self) -> None:
        assert [finding.resource for finding in check_unused(judged())] == []

    def test_dagster_counts_it_to_no_application(self) -> None:
        assert JUDGE not in _users(judged())

    def test_a_change_of_the_field_is_metadata(self) -> None:
        assert field_class(judged()[EVALUATION], ("spec", "judge")) == METADATA

    def test_it_must_be_a_chat_model(self) -> None:
        (found,) = check_models(judged(MINILM))
        assert (found.resource, found.path, found.code) == (EVALUATION, ("spec", "judge"), "LLM0404")
        assert found.message == "grader is a model for embedding; this field takes one for chat"


class TestIdentity:
    def test_sixteen_digits_or_none(self) -> None:
        found = identity(judged())
        assert found is not None and len(found) == 16 and int(found, 16)
        assert identity(judged(judge=None)) is None

    def test_the_same_whether_hashed_or_not(self) -> None:
        hashed = judged()
        assert identity(replace(hashed, behaviour={})) == identity(hashed)

    @pytest.mark.parametrize("other", [judged(OTHER), judged(judge="gemma", grader=OTHER), judged(rubric="It is short.")])
    def test_the_model_and_the_rubric_decide(self, other: Graph) -> None:
        moved = identity(other) != identity(judged())
        # The name decides nothing: gemma and the grader are the same model here.
        assert moved == (other[EVALUATION].spec["judge"] == "grader")

    @pytest.mark.parametrize("changed", [{"threshold": 0.9}, {"margin": 0.5}, {"blocking": True}])
    def test_limits_decide_nothing(self, changed: Mapping[str, Any]) -> None:
        assert identity(judged(**changed)) == identity(judged())

    @pytest.mark.parametrize("aside", [{"price": {"input": 1, "output": 2}}, {"licence": "MIT"}])
    def test_what_changes_no_answer_decides_nothing(self, aside: Mapping[str, Any]) -> None:
        assert identity(judged({**GEMMA, **aside})) == identity(judged())


class TestBundle:
    def test_it_knows_the_judge_apart_from_what_must_run(self, tmp_path: Path) -> None:
        found = judged()
        bundle = open_bundle(found, tmp_path / "build")
        evaluation = bundle.resource(EVALUATION)
        assert evaluation.judge == BundledJudge(JUDGE, str(identity(found)))
        assert evaluation.references == ("Dataset/questions",)
        assert JUDGE not in bundle.reach(APP) and JUDGE in bundle.resources

    def test_no_other_resource_has_one(self, tmp_path: Path) -> None:
        bundle = open_bundle(judged(judge=None), tmp_path / "build")
        assert {resource.judge for resource in bundle.resources.values()} == {None}
        assert {entry["judge"] for entry in bundle.manifest["resources"].values()} == {None}


def test_a_reference_says_whether_it_judges() -> None:
    evaluation: Resource = judged()[EVALUATION]
    assert {reference.path[-1]: reference.judges for reference in evaluation.references} == {"dataset": False, "judge": True}
