"""`llmops judge calibrate`: which evaluations and labels it takes, and what it records, over a stub of a judge."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.stub_model import Running, stub_model
from tests.conftest import Run

JUDGED = """\
apiVersion: llmops/v1
kind: Model
metadata: {{name: judge, owner: ml}}
spec:
  task: chat
  provider: openai
  model: judge
  revision: "1"
  endpoint: {{url: "{url}/v1", api_key: {{env: JUDGE_KEY}}, timeout_seconds: 5}}
  context_window: 4096
---
apiVersion: llmops/v1
kind: Evaluation
metadata: {{name: graded, owner: docs}}
spec:
  dataset: questions
  judge: judge
  metrics:
    - {{name: judge_rubric, rubric: {rubric}}}
---
apiVersion: llmops/v1
kind: Evaluation
metadata: {{name: preferred, owner: docs}}
spec:
  dataset: questions
  judge: judge
  metrics:
    - {{name: judge_preference, rubric: The answer is right.}}
"""
CALIBRATE = ("judge", "calibrate", "--labels", "labels.jsonl", "--evaluation")


def label(good: int, number: int) -> dict[str, object]:
    return {"question": f"Question {number}?", "answer": f"Answer {number}.", "reference": "A hash.", "label": good}


@pytest.fixture(scope="module")
def stub() -> Iterator[Running]:
    with stub_model() as running:
        yield running


@pytest.fixture
def judged(base: Path, stub: Running) -> Path:
    """The small workspace with a judge that always grades 5, and twenty labels."""
    stub.behave(text="5")
    (base / "specs/judged.yaml").write_text(JUDGED.format(url=stub.url, rubric="The answer is right."))
    application = base / "specs/application.yaml"
    application.write_text(application.read_text("utf-8").replace("[answers]", "[answers, graded, preferred]"))
    (base / "labels.jsonl").write_text("".join(json.dumps(label(number % 2, number)) + "\n" for number in range(20)))
    return base


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("grade", "The workspace has no evaluation 'grade'\nhelp: Did you mean graded?"),
        ("answers", "Evaluation/answers has no metric judge_rubric"),
        ("preferred", "Evaluation/preferred has no metric judge_rubric"),
    ],
)
def test_an_evaluation_without_a_judge_that_grades_is_a_usage_error(judged: Path, llmops: Run, stub: Running, name: str, said: str) -> None:
    before = stub.calls
    done = llmops(*CALIBRATE, name, cwd=judged)
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr
    assert stub.calls == before
    assert not (judged / "llmops.lock").exists()


@pytest.mark.parametrize(
    "arguments", [("--evaluation", "graded"), ("--labels", "labels.jsonl"), ("agree", "--labels", "x", "--evaluation", "y")]
)
def test_what_is_missing_is_a_usage_error(judged: Path, llmops: Run, arguments: tuple[str, ...]) -> None:
    done = llmops("judge", *(("calibrate",) if arguments[0].startswith("--") else ()), *arguments, cwd=judged)
    assert (done.returncode, done.stdout) == (2, "")


GOOD, BAD = json.dumps(label(1, 1)), json.dumps(label(0, 2))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "labels.jsonl: labels of one kind only"),
        (f"{GOOD}\n{GOOD}\n", "labels.jsonl: labels of one kind only"),
        (f"{GOOD}\n{BAD}\n{{\n", "labels.jsonl:3:2: not JSON"),
        (f"{GOOD}\n\n[1]\n", "labels.jsonl:3: a label has the texts question, answer and reference"),
        (f"{GOOD}\n{BAD.replace(': 0', ': 2')}\n", "labels.jsonl:2: a label has the texts"),
        (f"{GOOD}\n{BAD.replace('A hash.', '')}\n", "labels.jsonl:2: a label has the texts"),
        (f'{GOOD}\n{{"question": "Why?", "label": 0}}\n', "labels.jsonl:2: a label has the texts"),
    ],
)
def test_labels_that_cannot_be_read_name_their_line(judged: Path, llmops: Run, stub: Running, text: str, said: str) -> None:
    (judged / "labels.jsonl").write_text(text)
    before = stub.calls
    done = llmops(*CALIBRATE, "graded", cwd=judged, JUDGE_KEY="x")
    assert (done.returncode, done.stdout) == (1, "")
    assert said in done.stderr
    assert stub.calls == before


def test_a_file_that_is_not_there_is_said(judged: Path, llmops: Run) -> None:
    (judged / "labels.jsonl").unlink()
    done = llmops(*CALIBRATE, "graded", cwd=judged)
    assert (done.returncode, done.stdout) == (1, "")
    assert "labels.jsonl: cannot be read" in done.stderr


def test_an_agreement_is_shown_and_recorded_and_what_was_said_is_kept(judged: Path, llmops: Run, stub: Running) -> None:
    before = stub.calls
    done = llmops(*CALIBRATE, "graded", "--dry-run", cwd=judged, JUDGE_KEY="x")
    assert done.returncode == 0, done.stderr
    assert "Model/judge judging Evaluation/graded: κ = 0.00" in done.stdout
    assert "calls good what people call good: 10 of 10" in done.stdout
    assert "calls bad what people call bad:   0 of 10" in done.stdout
    assert "No better than chance for certain" in done.stdout
    assert not (judged / "llmops.lock").exists()
    assert stub.calls - before == 20

    stub.behave(text="Never asked")
    recorded = llmops(*CALIBRATE, "graded", cwd=judged)  # without the key: nobody is asked
    assert (recorded.returncode, stub.calls - before) == (0, 20)
    assert recorded.stdout == f"{done.stdout}recorded in llmops.lock\n"
    (entry,) = [line for line in (judged / "llmops.lock").read_text("utf-8").splitlines() if "Model/judge@" in line]
    assert "Evaluation/graded" in entry and "20" in entry


def recorded_judges(root: Path) -> set[str]:
    return set(re.findall(r"Model/judge@[0-9a-f]+", (root / "llmops.lock").read_text("utf-8")))


def test_another_rubric_is_another_judge(judged: Path, llmops: Run, stub: Running) -> None:
    assert llmops(*CALIBRATE, "graded", cwd=judged, JUDGE_KEY="x").returncode == 0
    before, first = stub.calls, recorded_judges(judged)
    (judged / "specs/judged.yaml").write_text(JUDGED.format(url=stub.url, rubric="The answer is kind."))
    assert llmops(*CALIBRATE, "graded", cwd=judged, JUDGE_KEY="x").returncode == 0
    assert stub.calls - before == 20
    second = recorded_judges(judged)
    assert len(first) == 1 and second - first


def test_grades_that_cannot_be_read_count_against_the_judge(judged: Path, llmops: Run, stub: Running) -> None:
    stub.behave(text="I would say that it is rather good, 5 or so, because it names everything.")
    done = llmops(*CALIBRATE, "graded", "--dry-run", cwd=judged, JUDGE_KEY="x")
    assert done.returncode == 0
    assert "κ = -1.00" in done.stdout
    assert "gave no readable grade on 20, which counts as disagreement" in done.stdout


@pytest.mark.parametrize("behaviour", [{"status": 500}, {"fault": "garbage"}, {"fault": "empty"}, {"fault": "html"}])
def test_a_judge_that_does_not_answer_records_nothing(judged: Path, llmops: Run, stub: Running, behaviour: dict[str, object]) -> None:
    stub.behave(**behaviour)
    done = llmops(*CALIBRATE, "graded", cwd=judged, JUDGE_KEY="x")
    assert (done.returncode, done.stdout) == (1, "")
    assert f"The judge Model/judge at {stub.url}/v1/chat/completions does not answer" in done.stderr
    assert not (judged / "llmops.lock").exists()


def test_a_judge_without_its_key_is_not_asked(judged: Path, llmops: Run, stub: Running) -> None:
    before = stub.calls
    done = llmops(*CALIBRATE, "graded", cwd=judged)
    assert (done.returncode, done.stdout) == (1, "")
    assert "The judge's key is not set: JUDGE_KEY\nhelp: export JUDGE_KEY=" in done.stderr
    assert stub.calls == before
