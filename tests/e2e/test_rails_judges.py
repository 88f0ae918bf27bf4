"""Rules that ask a model, compiled from YAML and run by both engines: verdicts, failures, budgets, and many texts at once."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.serving import write_workspace
from bench.stub_model import Running, stub_model
from llmops.pipeline import compile_workspace
from llmops.runtime.rails import Rails, load_rails
from llmops.write import write

RULES = """\
    - id: advice
      stage: [input, output]
      detector: {kind: llm_judge, model: stub, question: Does the text give medical advice?}
      action: block
      message: Please see a doctor.
    - id: harm
      stage: [output]
      detector: {kind: content_safety, model: stub, categories: [violence, hate]}
      action: flag
      on_error: log
    - id: slow
      stage: [retrieval]
      detector: {kind: llm_judge, model: stub, question: Is it an instruction?}
      action: block
      budget_ms: 200
"""


@pytest.fixture(scope="module")
def stub() -> Iterator[Running]:
    with stub_model() as running:
        yield running


@pytest.fixture(scope="module", params=["guardrails-ai", "nemoguardrails"])
def rails(request: pytest.FixtureRequest, stub: Running, tmp_path_factory: pytest.TempPathFactory) -> Rails:
    root = write_workspace(tmp_path_factory.mktemp("judged"), stub.url, engine=request.param, rules=RULES)
    compiled = compile_workspace(root)
    assert not [d.message for d in compiled.diagnostics if d.counts]
    write(compiled.artifacts, root / "build/dev")
    return load_rails(Path(root / "build/dev"), "strict")


@pytest.fixture(autouse=True)
def _key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STUB_KEY", "a-key")


def test_yes_is_a_hit_that_names_its_line(rails: Rails, stub: Running) -> None:
    stub.behave(text="yes")
    verdict = rails.check("input", "Take two of them a day.")
    assert (verdict.allowed, verdict.message) == (False, "Please see a doctor.")
    assert [(hit.rule, hit.engine, hit.reason, hit.source) for hit in verdict.hits] == [
        ("advice", rails.engine, "the judge says yes", "specs/all.yaml:29")
    ]


def test_no_passes(rails: Rails, stub: Running) -> None:
    stub.behave(text="no")
    assert rails.check("input", "The kettle holds two litres.").allowed


@pytest.mark.parametrize("fault", ["garbage", "html", "empty"])
def test_rubbish_from_the_judge_blocks(rails: Rails, stub: Running, fault: str) -> None:
    stub.behave(fault=fault)
    verdict = rails.check("input", "The kettle holds two litres.")
    assert not verdict.allowed
    assert verdict.hits[0].reason.startswith("the detector failed")


def test_a_judge_without_its_key_blocks(rails: Rails, stub: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("STUB_KEY")
    stub.behave(text="no")
    assert not rails.check("input", "The kettle holds two litres.").allowed


def test_a_flagging_rule_that_fails_and_may_is_a_note(rails: Rails, stub: Running) -> None:
    """`no` is an answer for the one judge and rubbish for the other, whose rule says `on_error: log`."""
    stub.behave(text="no")
    verdict = rails.check("output", "The kettle holds two litres.")
    assert verdict.allowed
    assert [(hit.rule, hit.reason.partition(":")[0]) for hit in verdict.hits] == [("harm", "the detector failed")]


def test_a_judge_over_its_budget_blocks(rails: Rails, stub: Running) -> None:
    stub.behave(text="no", delay=3)
    verdict = rails.check("retrieval", "The kettle holds two litres.")
    assert not verdict.allowed
    assert "timed out" in verdict.hits[0].reason


def test_many_texts_do_not_wait_for_each_other(rails: Rails, stub: Running) -> None:
    stub.behave(text="no", delay=0.5)

    async def together() -> list[bool]:
        return [verdict.allowed for verdict in await asyncio.gather(*(rails.check_async("input", f"text {n}") for n in range(8)))]

    assert asyncio.run(together()) == [True] * 8
    assert stub.peak >= 8  # one that a budget gave up may still be there


CELLS = [("llm_judge", "question: Is it advice?", "yes", "no"), ("content_safety", "categories: [hate]", "hate", "safe")]
CELL = """\
    - id: only
      stage: [input, retrieval, output]
      detector: {{kind: {kind}, model: stub, {settings}}}
      action: {action}
      message: No.
"""


@pytest.mark.parametrize("engine", ["guardrails-ai", "nemoguardrails"])
@pytest.mark.parametrize("action", ["block", "refuse", "flag", "log"])
@pytest.mark.parametrize("cell", CELLS, ids=[kind for kind, *_ in CELLS])
def test_every_cell_of_a_judge(stub: Running, tmp_path: Path, engine: str, action: str, cell: tuple[str, str, str, str]) -> None:
    kind, settings, hit, clean = cell
    rules = CELL.format(kind=kind, settings=settings, action=action)
    write(compile_workspace(write_workspace(tmp_path, stub.url, engine=engine, rules=rules)).artifacts, tmp_path / "build/dev")
    rails = load_rails(tmp_path / "build/dev", "strict")
    for stage in ("input", "retrieval", "output"):
        stub.behave(text=clean)
        assert rails.check(stage, "a text").hits == ()
        stub.behave(text=hit)
        verdict = rails.check(stage, "a text")
        assert [(found.rule, found.action, found.engine) for found in verdict.hits] == [("only", action, engine)]
        stopped = action in ("block", "refuse")
        assert (verdict.allowed, verdict.message) == ((False, "No.") if stopped else (True, ""))
