"""`llmops eval` as a user runs it: real model, real Postgres, real git. What got worse, better or stayed, killed runs, evidence."""

from __future__ import annotations

import json
import os
import random
import re
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from llmops.evaluate.questions import Question
from llmops.evaluate.scoring import Result
from llmops.pipeline import compile_workspace
from llmops.runtime.bundle import Bundle
from llmops.runtime.interactions import read
from llmops.runtime.measuring.answers import Answers
from llmops.runtime.measuring.session import Subject, session
from llmops.write import write
from tests.conftest import ROOT, Run
from tests.diff.repositories import commit_all
from tests.e2e.eval_workspace import PLACES, edit, restore, without_passages, write_workspace

ANSWERS = ".llmops/evaluations/answers.sqlite"
REWORDED = ("Answer the question from the context in a few words.", "Answer in a few words, from the context.")


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Kept between the tests of this file: the answers of its first release serve them all."""
    return write_workspace(tmp_path_factory.mktemp("atlas") / "w")


@pytest.fixture(autouse=True)
def as_committed(workspace: Path) -> None:
    restore(workspace)
    subprocess.run(["git", "-C", str(workspace), "clean", "-qfd"], check=True)


def document(done: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    assert done.returncode in (0, 1), done.stdout + done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def measured(llmops: Run, root: Path, *arguments: str) -> dict[str, Any]:
    """The document, and its exit code under `code`."""
    done = llmops("eval", "--format", "json", *arguments, cwd=root)
    return {**document(done), "code": done.returncode}


def kept(root: Path) -> Counter[str]:
    """Answers in the file, by release."""
    with closing(sqlite3.connect(root / ANSWERS)) as connection:
        return Counter(row[0] for row in connection.execute("SELECT release FROM answers WHERE needs = 'reply'"))


def asked(root: Path, release: str) -> int:
    """Questions that the model was really asked, by the log of evaluations."""
    return sum(row.release == release for row in read(root / ".llmops/evaluations", "guide"))


def test_an_early_stop_leaves_cases_unasked(workspace: Path, llmops: Run) -> None:
    without_passages(workspace)
    found = measured(llmops, workspace, "--base", "HEAD", "--early-stop")
    (run,) = found["runs"]
    assert (found["code"], run["verdict"], run["stopped_early"], run["evidence"]) == (1, "regressed", True, None)
    assert 0 < kept(workspace)[run["release"]] < len(PLACES)
    assert run["cases"] == kept(workspace)[run["release"]] == len(run["answers"])
    assert run["asked"] + run["cached"] == len(PLACES) + run["cases"]
    said = llmops("eval", "--base", "HEAD", "--early-stop", cwd=workspace)
    assert said.returncode == 1 and "stopped early" in said.stdout, said.stdout


def test_a_prompt_without_its_passages_regresses(workspace: Path, llmops: Run, tmp_path: Path) -> None:
    without_passages(workspace)
    page, data = tmp_path / "gate.html", tmp_path / "gate.json"
    found = measured(llmops, workspace, "--base", "HEAD", "--report", str(page), "--report", str(data))
    (run,) = found["runs"]
    (metric,) = run["metrics"]
    assert json.loads(data.read_text()) == {name: value for name, value in found.items() if name != "code"}
    assert (found["code"], found["verdict"], metric["verdict"]) == (1, "regressed", "regressed")
    assert metric["base"]["value"] >= 0.4, "the model finds many capitals where it is given the passages"
    assert metric["head"]["value"] <= 0.1, "and cannot know them"
    assert metric["difference"]["high"] < -metric["margin"]
    assert (run["asked"] + run["cached"], run["cases"], run["stopped_early"]) == (48, 24, False)
    assert run["release"] != run["base_release"]
    lost = [row for row in run["answers"] if score_of(row, "base") > score_of(row, "head")]
    assert (metric["worse"], metric["better"], metric["same"]) == (len(lost), 0, 24 - len(lost))
    assert all(row["expected"] in row["base"]["text"] and row["expected"] not in row["head"]["text"] for row in lost)
    assert all(row["question"] in page.read_text() for row in run["answers"])


def score_of(row: dict[str, Any], side: str) -> float:
    return float(row[side]["scores"]["answer_contains"])


def test_the_same_edit_backwards_is_an_improvement_and_asks_nothing(workspace: Path, llmops: Run) -> None:
    without_passages(workspace)
    commit_all(workspace, "worse")
    subprocess.run(["git", "-C", str(workspace), "checkout", "-q", "HEAD~1", "--", "specs"], check=True)
    found = measured(llmops, workspace, "--base", "HEAD")
    subprocess.run(["git", "-C", str(workspace), "reset", "-q", "--hard", "HEAD~1"], check=True)
    assert (found["code"], found["verdict"]) == (0, "improved")
    assert (found["runs"][0]["asked"], found["runs"][0]["cached"]) == (0, 48)


def test_what_decides_no_answer_is_not_measured(workspace: Path, llmops: Run) -> None:
    edit(workspace, "description: Knows capitals.", "description: Knows capitals by heart.")
    found = measured(llmops, workspace, "--base", "HEAD")
    assert (found["code"], found["verdict"], found["runs"]) == (0, "unchanged", [])
    assert [row["why"] for row in found["skipped"]] == ["its release is unchanged"]


def test_repeats_are_answers_of_their_own(workspace: Path, llmops: Run) -> None:
    edit(workspace, "  dataset: capitals\n", "  dataset: capitals\n  sample: 2\n  repeats: 3\n")
    found = measured(llmops, workspace)
    (run,) = found["runs"]
    assert (run["cases"], run["repeats"], run["asked"], len(run["answers"])) == (2, 3, 6, 6)
    assert kept(workspace)[run["release"]] == asked(workspace, run["release"]) == 6
    again = measured(llmops, workspace)["runs"][0]
    assert (again["asked"], again["cached"]) == (0, 6)


def reworded(root: Path) -> None:
    """The instruction says the same in other words; fewer cases are asked."""
    edit(root, *REWORDED)
    edit(root, "  dataset: capitals\n", "  dataset: capitals\n  sample: 8\n")


def start(root: Path) -> subprocess.Popen[bytes]:
    """An evaluation in a process group of its own."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "compiler")}
    command = [sys.executable, "-m", "llmops", "eval", "--base", "HEAD", "--format", "json"]
    quiet = subprocess.DEVNULL
    return subprocess.Popen(command, cwd=root, env=environment, stdout=quiet, stderr=quiet, start_new_session=True)


def kill(process: subprocess.Popen[bytes]) -> None:
    """With everything that it started, all of which must still run."""
    assert process.poll() is None, "it ended before it could be killed"
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def kill_after(root: Path, answers: int) -> None:
    """Kills a run once so many more answers are kept."""
    wanted, process, deadline = kept(root).total() + answers, start(root), time.monotonic() + 120
    while kept(root).total() < wanted:
        assert process.poll() is None and time.monotonic() < deadline, "no answers came"
        time.sleep(0.05)
    kill(process)


def times_asked(root: Path) -> Counter[tuple[str, str]]:
    """How often the model was really asked, by release and question."""
    return Counter((row.release, row.question) for row in read(root / ".llmops/evaluations", "guide"))


def kept_questions(root: Path, release: str) -> set[tuple[str, str]]:
    """Those of this release with an answer in the file, in the form of `times_asked`."""
    questions = [Question("reply", f"What is the capital of {country}?") for country in PLACES]
    with Answers.open(root) as answers:
        return {(release, question.text) for question in answers.known(release, questions)}


def result_of(run: dict[str, Any]) -> dict[str, Any]:
    """What a run found, without what it took to find it."""
    return {name: value for name, value in run.items() if name not in ("seconds", "asked", "cached")}


def test_a_run_that_is_killed_twice_comes_to_the_same_result(workspace: Path, llmops: Run) -> None:
    """Before its first answer and between two: nothing that is kept is asked again, and at most what was on its way is asked twice."""
    measured(llmops, workspace)  # the base is known, whichever tests ran before
    reworded(workspace)
    graph, dice = compile_workspace(workspace, "dev").graph, random.Random(20261201)
    assert graph
    release = graph.releases["Application/guide"]
    process = start(workspace)
    time.sleep(dice.uniform(0.1, 2))
    kill(process)
    kill_after(workspace, dice.randint(2, 5))
    known, before = kept_questions(workspace, release), times_asked(workspace)
    assert 2 <= len(known) < 8
    found = measured(llmops, workspace, "--base", "HEAD")["runs"][0]
    again = measured(llmops, workspace)["runs"][0]
    assert (found["release"], found["asked"], found["cached"]) == (release, 8 - len(known), 8 + len(known))
    now = times_asked(workspace)
    assert not known & (now - before).keys()
    # A local model takes one question at a time: the second kill may lose the one that was on its way.
    assert 8 <= sum(count for (asked_of, _), count in now.items() if asked_of == release) <= 8 + 1
    anew = measured(llmops, workspace, "--again")["runs"][0]
    assert anew["asked"] == 8
    assert result_of(anew) == result_of(again)
    assert [row["head"] for row in anew["answers"]] == [row["head"] for row in found["answers"]]


def test_another_wording_does_not_fail(workspace: Path, llmops: Run) -> None:
    reworded(workspace)
    found = measured(llmops, workspace, "--base", "HEAD")
    assert (found["code"], found["runs"][0]["asked"] + found["runs"][0]["cached"]) == (0, 16)
    assert found["verdict"] in ("no worse", "unproven", "improved")


GATE = """\
spec:
  default_environment: dev
  environments: {dev: , prod: }
  policies: [{path: policies}]
"""


def gated(root: Path, *policies: str) -> None:
    """prod takes only what these policies let through."""
    edit(root, "spec: {default_environment: dev, environments: {dev: , prod: }}", GATE.rstrip(), "llmops.yaml")
    (root / "policies").mkdir()
    for name in (*policies, "pack"):
        (root / "policies" / f"{name}.yaml").write_text((ROOT / "policies" / f"{name}.yaml").read_text())


def refused(llmops: Run, root: Path, policy: str, *verb: str) -> bool:
    """Whether prod is refused for this policy alone, at the name of the evaluation."""
    done = llmops(*(verb or ("check",)), "--env", "prod", cwd=root)
    said = done.stdout + done.stderr
    line = (root / "specs/guide.yaml").read_text().splitlines().index("  evaluations: [capitals]") + 1
    return done.returncode == 1 and re.findall(r"error\[(.*)\].*\n *--> (.*)", said) == [(policy, f"specs/guide.yaml:{line}:17")]


def recorded(llmops: Run, root: Path, **variables: str) -> dict[str, Any]:
    """Evidence for prod is written; the run that it is of."""
    done = llmops("eval", "--env", "prod", "--record", "--format", "json", cwd=root, **variables)
    (run,) = document(done)["runs"]
    judge = f"{run['judge']['model']}@{run['judge']['digest']}" if run["judge"] else "-"
    line = f"evidence {run['release']} prod Evaluation/capitals judge={judge} n={run['cases']} result={run['evidence']} date="
    assert line in (root / "llmops.lock").read_text()
    return dict(run)


def test_a_release_is_promoted_with_evidence_and_its_successor_is_not(workspace: Path, llmops: Run) -> None:
    """prod has its store elsewhere: it is measured on the embedded one, and the variable with its address is not even set."""
    gated(workspace, "release-has-evidence")
    edit(workspace, "    - {name: answer_contains, threshold: 0.3}", "    - {name: answer_contains, threshold: 0.1}")
    edit(workspace, "  dataset: capitals\n", "  dataset: capitals\n  sample: 10\n")
    (workspace / "environments" / "prod").mkdir(parents=True)
    patch = "target: {kind: RetrievalSource, name: atlas}\npatch: {spec: {store: {kind: pgvector, connection: {env: ATLAS_STORE}}}}\n"
    (workspace / "environments" / "prod" / "store.yaml").write_text(f"apiVersion: llmops/v1\nkind: Patch\n{patch}")
    assert refused(llmops, workspace, "release-has-evidence", "compile")
    assert recorded(llmops, workspace)["evidence"] == "pass"
    assert llmops("check", "--env", "prod", cwd=workspace).returncode == 0
    assert llmops("compile", "--env", "prod", cwd=workspace).returncode == 0
    edit(workspace, *REWORDED)
    assert refused(llmops, workspace, "release-has-evidence")


@pytest.mark.parametrize("address", [None, "postgresql://127.0.0.1:1/nobody"])
def test_a_store_elsewhere_is_left_alone(workspace: Path, monkeypatch: pytest.MonkeyPatch, address: str | None) -> None:
    """Measured on the embedded store; the variable is afterwards as it was."""
    edit(workspace, "store: {kind: embedded}", "store: {kind: pgvector, connection: {env: ATLAS_STORE}}")
    monkeypatch.setenv("ATLAS_STORE", address) if address else monkeypatch.delenv("ATLAS_STORE", raising=False)
    write(compile_workspace(workspace, "prod").artifacts, workspace / "build/prod")
    subject, found = Subject(Bundle.open(workspace / "build/prod"), workspace, "guide"), list[Result]()
    with session(subject, lambda _: None, answers=False) as opened:
        assert str(workspace / ".llmops/store") in os.environ["ATLAS_STORE"]
        opened.ask([Question("passages", "What is the capital of Lirandel?")], lambda _, passages: found.append(passages))
    (passages,) = found
    assert isinstance(passages, tuple) and passages[0].path == "docs/lirandel.md"
    assert os.environ.get("ATLAS_STORE") == address


@contextmanager
def scripted_judge() -> Iterator[tuple[str, list[str]]]:
    """The address of an endpoint that grades 5 where the answer holds the reference, else 1; and the prompts that it was sent.

    It stands for a capable judge, which no small machine can run. How well a real one grades is no matter here.
    """
    prompts: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            prompts.append(json.loads(self.rfile.read(int(self.headers["content-length"])))["messages"][-1]["content"])
            found = re.search(r"Reference answer: (.*?)\n\nAnswer to grade: (.*?)\n[0-9a-f]{16}\n", prompts[-1], re.DOTALL)
            grade = "5" if found and found[1].casefold() in found[2].casefold() else "1"
            said = json.dumps({"choices": [{"message": {"role": "assistant", "content": grade}}]}).encode()
            self.send_response(200)
            self.send_header("content-length", str(len(said)))
            self.end_headers()
            self.wfile.write(said)

        def log_message(self, *_: Any) -> None:
            """Nobody reads it."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/v1", prompts
    finally:
        server.shutdown()
        server.server_close()


JUDGE = """\
---
apiVersion: llmops/v1
kind: Model
metadata: {{name: grader, owner: docs}}
spec:
  task: chat
  provider: openai
  model: grader
  revision: "1"
  endpoint: {{url: "{url}", api_key: {{env: GRADER_KEY}}, timeout_seconds: 20}}
  context_window: 4096
"""
JUDGED = """\
  dataset: capitals
  judge: grader
  sample: 8
  metrics:
    - {name: judge_rubric, rubric: The answer names the capital., threshold: 0.1}
    - {name: answer_contains, threshold: 0.1}
"""


def labels() -> str:
    """A right and a wrong answer for each country. People see four otherwise than the judge: it agrees on 44 of 48, so κ = 0.83."""
    wrong = [*list(PLACES.values())[1:], next(iter(PLACES.values()))]
    rows = [(country, right, answer) for (country, right), other in zip(PLACES.items(), wrong, strict=True) for answer in (right, other)]
    good = [(right == answer) != (number < 4) for number, (_, right, answer) in enumerate(rows)]
    texts = [{"question": f"What is the capital of {c}?", "answer": f"It is {a}.", "reference": r} for c, r, a in rows]
    return "".join(json.dumps({**text, "label": int(label)}) + "\n" for text, label in zip(texts, good, strict=True))


def test_what_a_judge_decided_counts_as_long_as_it_is_the_judge_that_people_agreed_with(workspace: Path, llmops: Run) -> None:
    gated(workspace, "release-has-evidence", "evidence-judge-holds")
    (workspace / "labels.jsonl").write_text(labels())
    edit(workspace, (workspace / "specs/guide.yaml").read_text().split("kind: Evaluation")[1].split("spec:\n")[1], JUDGED)
    with scripted_judge() as (url, prompts):
        with (workspace / "specs/guide.yaml").open("a") as specs:
            specs.write(JUDGE.format(url=url))
        before = recorded(llmops, workspace, GRADER_KEY="x")
        assert (before["asked"], before["evidence"], before["judge"]["kappa"], len(prompts)) == (8, "unproven", None, 8)
        assert refused(llmops, workspace, "release-has-evidence")

        calibrate = ("judge", "calibrate", "--evaluation", "capitals", "--labels", "labels.jsonl")
        done = llmops(*calibrate, cwd=workspace, GRADER_KEY="x")
        assert done.returncode == 0 and "κ = 0.83" in done.stdout and len(prompts) == 8 + 48, done.stderr
        after = recorded(llmops, workspace, GRADER_KEY="x")
        assert (after["asked"], after["evidence"], after["judge"]["kappa"], len(prompts)) == (0, "pass", 0.833, 8 + 48)
        assert llmops("check", "--env", "prod", cwd=workspace).returncode == 0

    # Another judge is no other release, and what the first one said of it is void. Another rubric is another release.
    edit(workspace, 'revision: "1"', 'revision: "2"')
    assert refused(llmops, workspace, "evidence-judge-holds")
    edit(workspace, 'revision: "2"', 'revision: "1"')
    edit(workspace, "The answer names the capital.", "The answer is the capital and nothing else.")
    assert refused(llmops, workspace, "release-has-evidence")
