"""Answers that are kept: by release, question and repeat, from several processes at once, through any sudden end."""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from llmops.evaluate.observation import Passage, Reply
from llmops.evaluate.questions import Question
from llmops.runtime.measuring import answers as module
from llmops.runtime.measuring.answers import ANSWERS_FILE, Answers
from tests.conftest import ROOT

ONE, OTHER = f"sha256:{'1' * 64}", f"sha256:{'2' * 64}"
ASKED = Question("reply", "How long?")
WHOLE = Reply("14 days", True, (Passage("docs/a.md", "one\ntwo"), Passage("docs/b.md", "")), ("pii", "length"), 12.5, 7, 3, 0.25)
WRITER = """
import sys
from pathlib import Path
from llmops.evaluate.observation import Reply
from llmops.evaluate.questions import Question
from llmops.runtime.measuring.answers import Answers
root, release, first, last = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
with Answers.open(root) as answers:
    for number in range(first, last):
        answers.keep(release, Question("reply", f"question {number}"), Reply(f"{release} says {number} " + "x" * (number % 700)))
        print(number, flush=True)
"""


def writer(root: Path, release: str, first: int, last: int) -> subprocess.Popen[str]:
    """A process that keeps answers as fast as it can, and tells the number of each once it is kept."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "compiler")}
    command = [sys.executable, "-c", WRITER, str(root), release, str(first), str(last)]
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def is_whole(root: Path) -> bool:
    connection = sqlite3.connect(root / ANSWERS_FILE)
    try:
        return connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    finally:
        connection.close()


def test_an_answer_is_read_as_it_was_given(tmp_path: Path) -> None:
    with Answers.open(tmp_path) as answers:
        assert answers.find(ONE, ASKED) is None
        before = datetime.now(UTC).date()
        answers.keep(ONE, ASKED, WHOLE)
        kept = answers.find(ONE, ASKED)
        assert kept
        assert kept.result == WHOLE
        assert before <= kept.day <= datetime.now(UTC).date()


@pytest.mark.parametrize("result", [(), (Passage("docs/a.md", "one"), Passage("docs/a.md", "two\N{SNOWMAN}"))])
def test_passages_are_read_as_they_were_found(tmp_path: Path, result: tuple[Passage, ...]) -> None:
    question = Question("passages", "How long?")
    with Answers.open(tmp_path) as answers:
        answers.keep(ONE, question, result)
        kept = answers.find(ONE, question)
        assert kept
        assert kept.result == result


def test_an_answer_belongs_to_its_release_question_repeat_and_need(tmp_path: Path) -> None:
    with Answers.open(tmp_path) as answers:
        answers.keep(ONE, ASKED, WHOLE)
        others = [Question("reply", "How long ?"), Question("reply", "How long?", 1), Question("passages", "How long?")]
        assert answers.known(ONE, [ASKED, *others]).keys() == {ASKED}
        assert answers.known(OTHER, [ASKED, *others]) == {}
        for repeat in range(1, 4):
            answers.keep(ONE, Question("reply", "How long?", repeat), Reply(f"answer {repeat}"))
        asked = [Question("reply", "How long?", repeat) for repeat in range(5)]
        found = answers.known(ONE, asked)
        assert [kept.result for kept in found.values()] == [WHOLE, *(Reply(f"answer {repeat}") for repeat in range(1, 4))]


@pytest.mark.parametrize("text", ["", "NUL \0 inside", "half a pair \ud83d", "\N{GRINNING FACE}" * 3000, "'; DROP TABLE answers; --"])
def test_any_question_has_an_answer_of_its_own(tmp_path: Path, text: str) -> None:
    with Answers.open(tmp_path) as answers:
        answers.keep(ONE, Question("reply", text), Reply("this one"))
        answers.keep(ONE, Question("reply", f"{text}."), Reply("another"))
        kept = answers.find(ONE, Question("reply", text))
        assert kept
        assert kept.result == Reply("this one")


@pytest.mark.parametrize("text", ["", "NUL \0 inside", "\N{GRINNING FACE}" * 3000])
def test_any_answer_is_kept_as_it_is(tmp_path: Path, text: str) -> None:
    with Answers.open(tmp_path) as answers:
        answers.keep(ONE, ASKED, Reply(text, passages=(Passage("docs/a.md", text),)))
        kept = answers.find(ONE, ASKED)
        assert kept
        assert kept.result == Reply(text, passages=(Passage("docs/a.md", text),))


def test_answers_survive_reopening(tmp_path: Path) -> None:
    with Answers.open(tmp_path) as answers:
        answers.keep(ONE, ASKED, WHOLE)
        answers.keep_said("judge", "prompt", "4")
    with Answers.open(tmp_path) as answers:
        assert answers.known(ONE, [ASKED])[ASKED].result == WHOLE
        assert answers.said("judge", ["prompt"]) == {"prompt": "4"}


def test_the_first_answer_stays(tmp_path: Path) -> None:
    with Answers.open(tmp_path) as one, Answers.open(tmp_path) as other:
        one.keep(ONE, ASKED, Reply("first"))
        other.keep(ONE, ASKED, Reply("second"))
        assert [each.known(ONE, [ASKED])[ASKED].result for each in (one, other)] == [Reply("first")] * 2


def test_what_is_forgotten_is_asked_again_and_nothing_else(tmp_path: Path) -> None:
    repeat = Question("reply", "How long?", 1)
    with Answers.open(tmp_path) as answers:
        for release, question in ((ONE, ASKED), (ONE, repeat), (OTHER, ASKED)):
            answers.keep(release, question, WHOLE)
        answers.forget(ONE, [ASKED, Question("reply", "never asked")])
        assert answers.known(ONE, [ASKED, repeat]).keys() == {repeat}
        assert answers.known(OTHER, [ASKED]).keys() == {ASKED}
        answers.keep(ONE, ASKED, Reply("anew"))
        assert answers.known(ONE, [ASKED])[ASKED].result == Reply("anew")
        answers.forget(ONE, [])
        assert answers.known(ONE, [ASKED, repeat]).keys() == {ASKED, repeat}


def test_what_a_judge_said_is_its_own(tmp_path: Path) -> None:
    with Answers.open(tmp_path) as answers:
        answers.keep_said("one", "prompt", "4")
        answers.keep_said("one", "prompt", "1")
        answers.keep_said("other", "prompt", "2")
        assert answers.said("one", ["prompt", "another prompt"]) == {"prompt": "4"}
        assert answers.said("other", ["prompt"]) == {"prompt": "2"}
        assert answers.said("third", ["prompt"]) == {}


def test_what_an_earlier_form_kept_is_asked_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Answers.open(tmp_path) as answers:
        answers.keep(ONE, ASKED, WHOLE)
        monkeypatch.setattr(module, "FORMAT", module.FORMAT + 1)
        assert answers.find(ONE, ASKED) is None
        answers.keep(ONE, ASKED, Reply("in the new form"))
        assert answers.known(ONE, [ASKED])[ASKED].result == Reply("in the new form")


def test_threads_may_share_the_file(tmp_path: Path) -> None:
    with Answers.open(tmp_path) as answers:

        def work(number: int) -> None:
            for repeat in range(50):
                answers.keep(ONE, Question("reply", f"thread {number}", repeat), Reply(str(repeat)))
                answers.keep_said("judge", f"{number} {repeat}", "4")

        threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        wanted = [Question("reply", f"thread {number}", repeat) for number in range(4) for repeat in range(50)]
        assert {q: kept.result for q, kept in answers.known(ONE, wanted).items()} == {q: Reply(str(q.repeat)) for q in wanted}
        assert len(answers.said("judge", [f"{number} {repeat}" for number in range(4) for repeat in range(50)])) == 200


def test_processes_that_start_and_write_at_once_lose_nothing(tmp_path: Path) -> None:
    """The file is made by whoever comes first. Two share a release, and each question belongs to the first that kept it."""
    runs = [(ONE, 0, 150), (ONE, 75, 225), (OTHER, 0, 150), (OTHER, 150, 300)]
    processes = [writer(tmp_path, *run) for run in runs]
    for process in processes:
        _, said = process.communicate(timeout=120)
        assert (process.returncode, said) == (0, "")
    with Answers.open(tmp_path) as answers:
        for release, last in ((ONE, 225), (OTHER, 300)):
            found = answers.known(release, [Question("reply", f"question {number}") for number in range(last)])
            assert len(found) == last
            texts = {int(question.text.split()[1]): kept.result for question, kept in found.items()}
            assert all(isinstance(r, Reply) and r.text.startswith(f"{release} says {number} ") for number, r in texts.items())
    assert is_whole(tmp_path)


def test_a_writer_that_is_killed_loses_nothing_that_it_told(tmp_path: Path) -> None:
    """Twenty times over the same file, with another process that writes meanwhile."""
    chance = random.Random(20)
    steady = writer(tmp_path, OTHER, 0, 10**9)
    told: set[int] = set()
    try:
        for start in range(0, 20_000_000, 1_000_000):
            victim = writer(tmp_path, ONE, start, start + 1_000_000)
            assert victim.stdout
            first = victim.stdout.readline()
            time.sleep(chance.uniform(0, 0.05))
            victim.send_signal(signal.SIGKILL)
            rest, said = victim.communicate(timeout=60)
            assert (victim.returncode, said) == (-signal.SIGKILL, "")
            told |= {int(line) for line in (first + rest).splitlines(keepends=True) if line.endswith("\n")}
            with Answers.open(tmp_path) as answers:
                assert len(answers.known(ONE, [Question("reply", f"question {number}") for number in told])) == len(told)
        assert steady.poll() is None
    finally:
        steady.kill()
        acknowledged, _ = steady.communicate()
    assert len(told) > 20
    with Answers.open(tmp_path) as answers:
        others = [int(line) for line in acknowledged.splitlines(keepends=True) if line.endswith("\n")]
        assert len(answers.known(OTHER, [Question("reply", f"question {number}") for number in others])) == len(others) > 20
        answers.keep(ONE, ASKED, WHOLE)
        assert answers.known(ONE, [ASKED])[ASKED].result == WHOLE
    assert is_whole(tmp_path)
