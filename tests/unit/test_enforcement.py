"""The enforcement matrix: complete, strict, and true of the engines that are installed."""

from __future__ import annotations

from collections import Counter
from typing import Annotated, get_args, get_origin

import pytest

from llmops.enforcement import ACTIONS, ENGINES, KINDS, NATIVE, OURS, STAGES, Cell, enforce, enforce_rule, engines_of, matrix, rules_at
from llmops.kinds.safety_policy import Detector, Engine, Rule, Stage
from llmops.runtime.rails.detectors import ASKS_A_MODEL
from tests.policies_graph import example, policy_of, rule, rules_of
from tests.rails_samples import SAMPLES

CELLS = list(matrix())
LENGTH = {"kind": "length", "min": 0, "max": 9}
REGEX = {"kind": "regex", "patterns": ["x"]}


def cells(**wanted: str) -> list[Cell]:
    return [cell for cell in CELLS if all(getattr(cell, key) == value for key, value in wanted.items())]


def levels(**wanted: str) -> set[str]:
    return {cell.support.level for cell in cells(**wanted)}


def choices(annotation: object) -> tuple[object, ...]:
    """The values of a Literal, with or without their explanations."""
    inner = get_args(annotation)
    return get_args(inner[0]) if get_origin(annotation) is Annotated else inner


def test_the_matrix_covers_the_language() -> None:
    detectors = get_args(get_args(Detector)[0])
    assert set(KINDS) == {get_args(d.model_fields["kind"].annotation)[0] for d in detectors}
    assert set(STAGES) == set(choices(Stage)) and set(ENGINES) == set(choices(Engine))
    assert set(ACTIONS) == set(choices(Rule.model_fields["action"].annotation))
    assert len(CELLS) == len(KINDS) * len(STAGES) * len(ENGINES) * len(ACTIONS) == 600


def test_each_detector_has_a_means_in_each_engine_or_is_impossible_there() -> None:
    pairs = {(engine, kind) for engine in ENGINES for kind in KINDS}
    assert pairs - {*NATIVE, *OURS} == {("nemoguardrails", "groundedness")}
    assert not set(NATIVE) & set(OURS)


def test_counts_of_the_matrix() -> None:
    found = {engine: Counter(cell.support.level for cell in cells(engine=engine)) for engine in ENGINES}
    assert found["guardrails-ai"] == {"native": 24, "adapted": 152, "impossible": 124}
    assert found["nemoguardrails"] == {"native": 6, "adapted": 166, "impossible": 128}


@pytest.mark.parametrize("cell", [c for c in CELLS if not c.support.possible], ids=lambda c: f"{c.engine}-{c.kind}-{c.stage}-{c.action}")
def test_an_impossible_cell_says_why_and_what_to_do(cell: Cell) -> None:
    assert cell.support.reason.endswith(".") and cell.support.remedy.endswith(".")
    expected = (
        cell.stage == "tool"
        or (cell.kind in ("groundedness", "prompt_leakage") and cell.stage != "output")
        or (cell.kind == "groundedness" and cell.engine == "nemoguardrails")
        or (cell.action == "redact" and cell.kind not in ("regex", "keywords", "pii", "secrets"))
    )
    assert expected


def test_no_engine_enforces_at_the_tool_stage() -> None:
    assert levels(stage="tool") == {"impossible"}


def test_groundedness_is_for_guardrails_at_the_output_only() -> None:
    possible = [c for c in cells(kind="groundedness") if c.support.possible]
    assert {(c.engine, c.stage) for c in possible} == {("guardrails-ai", "output")}
    assert {c.action for c in possible} == {"block", "refuse", "flag", "log"}


def test_prompt_leakage_is_for_the_output_only() -> None:
    assert {c.stage for c in cells(kind="prompt_leakage") if c.support.possible} == {"output"}


def test_redaction_needs_a_place_in_the_text() -> None:
    assert {c.kind for c in cells(action="redact") if c.support.possible} == {"regex", "keywords", "pii", "secrets"}


def test_nemo_blocks_with_its_own_regex_flow_and_records_with_ours() -> None:
    assert enforce("nemoguardrails", REGEX, "input", "block").level == "native"
    assert enforce("nemoguardrails", REGEX, "input", "log").level == "adapted"
    assert enforce("nemoguardrails", REGEX, "input", "redact").level == "adapted"


def test_a_rule_that_monitors_asks_for_no_more_than_a_log() -> None:
    one = rules_of(policy_of([rule("long", LENGTH, action="redact", mode="monitor")]))[0]
    assert not enforce("guardrails-ai", LENGTH, "output", "redact").possible
    assert enforce_rule("guardrails-ai", one, "output").possible


@pytest.mark.parametrize(
    "cell",
    [("openai", "regex", "input", "block"), ("guardrails-ai", "mood", "input", "block"), ("guardrails-ai", "regex", "inputs", "block")],
)
def test_an_unknown_name_is_never_a_pass(cell: tuple[str, str, str, str]) -> None:
    engine, kind, stage, action = cell
    with pytest.raises(KeyError, match="has no cell"):
        enforce(engine, {"kind": kind}, stage, action)


def test_engines_of_a_rule_keep_the_policys_order() -> None:
    spec = {"engines": ["nemoguardrails", "guardrails-ai"]}
    assert engines_of(spec, {}) == ["nemoguardrails", "guardrails-ai"]
    assert engines_of(spec, {"engines": ["guardrails-ai", "nemoguardrails"]}) == ["nemoguardrails", "guardrails-ai"]
    assert engines_of(spec, {"engines": ["guardrails-ai"]}) == ["guardrails-ai"]


def test_rules_run_recording_then_patterns_then_judges_then_redaction() -> None:
    graph = policy_of(
        [
            rule("cut", REGEX, action="redact"),
            rule("long", LENGTH),
            rule("pattern", REGEX),
            rule("watched", LENGTH, mode="monitor"),
            rule("noted", REGEX, action="flag"),
            rule("elsewhere", REGEX, stage=["input"]),
            rule("other-engine", REGEX, engines=["nemoguardrails"]),
        ]
    )
    spec = next(graph.of_kind("SafetyPolicy")).spec
    assert [r["id"] for r in rules_at(spec, "guardrails-ai", "output")] == ["watched", "noted", "pattern", "long", "cut"]
    assert [r["id"] for r in rules_at(spec, "nemoguardrails", "output")] == ["watched", "noted", "pattern", "other-engine", "long", "cut"]


def test_the_examples_rules_are_possible_on_both_engines() -> None:
    for one in rules_of(example()):
        assert all(enforce_rule(engine, one, stage).possible for engine in ENGINES for stage in one["stage"])


def test_every_kind_has_a_sample_that_the_engines_are_tried_with() -> None:
    assert SAMPLES.keys() | ASKS_A_MODEL == set(KINDS)
