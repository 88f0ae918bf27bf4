"""What `llmops ask` prints: the answer as text or JSON, and the application's disclosure."""

from __future__ import annotations

import json

import pytest

from llmops.cli.ask import _as_json, _as_text, _disclose
from llmops.runtime.assistant import Answer, Source, Tokens

ANSWER = Answer(
    id="1",
    text="From 9 to 17.",
    sources=(Source("docs/office.md", 0.031, "The office is open from 9 to 17."),),
    release="sha256:" + "a" * 64,
    prompt="Prompt/answer@1.0.0",
    label="",
    model="Model/gemma",
    first_token_ms=None,
    rails_ms={},
    cost_usd=None,
    verdicts=(),
    blocked=False,
    latency_ms=1234.0,
    tokens=Tokens(7, 3),
    question="When is the office open?",
)
TOLD = "You are talking to a machine."


@pytest.mark.parametrize(
    ("disclosure", "as_json", "printed"), [(TOLD, False, TOLD + "\n"), (TOLD, True, ""), (None, False, ""), (None, True, "")]
)
def test_the_disclosure_stands_beside_the_answers_never_among_them(
    disclosure: str | None, as_json: bool, printed: str, capsys: pytest.CaptureFixture[str]
) -> None:
    _disclose(disclosure, as_json=as_json)
    assert capsys.readouterr() == ("", printed)


@pytest.mark.parametrize("disclosure", [TOLD, None])
def test_json_has_everything_of_the_answer(disclosure: str | None) -> None:
    said = json.loads(_as_json(ANSWER, disclosure))
    assert said.pop("disclosure") == disclosure
    assert set(said) == set(Answer.__dataclass_fields__)
    assert said["sources"] == [{"path": "docs/office.md", "score": 0.031, "content": "The office is open from 9 to 17."}]
    assert said["tokens"] == {"input": 7, "output": 3} and said["verdicts"] == []


def test_text_ends_with_where_it_comes_from() -> None:
    assert _as_text(ANSWER) == (
        "From 9 to 17.\n\nsources:\n  docs/office.md  0.03\nrelease sha256:aaaaaaaaaaaa  Prompt/answer@1.0.0  1.2 s\n"
    )
