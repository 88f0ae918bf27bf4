"""The process that measures a release, over a stub of a model: what it tells, and what is left when it fails or is killed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from bench.stub_model import Running, stub_model
from llmops.cli.measuring import Manner, Side, bench
from llmops.errors import RuntimeUnavailable
from llmops.evaluate.observation import Reply
from llmops.evaluate.questions import Question
from llmops.runtime.bundle import Bundle
from llmops.runtime.interactions import LOG_FILE, read
from llmops.runtime.measuring.answers import Answers
from llmops.runtime.measuring.process import Job, Measuring, measuring
from llmops.runtime.measuring.session import EVALUATION_LOG, Subject
from tests.bundles import open_bundle
from tests.conftest import ROOT
from tests.graphs import application, graph, make

ONE, TWO, THREE = (Question("reply", text) for text in ("One?", "Two?", "Three?"))
CHAT: dict[str, Any] = {
    "task": "chat",
    "provider": "openai",
    "model": "stub",
    "context_window": 2048,
    "max_output_tokens": 64,
    "parameters": {},
    "price": {"input": 1, "output": 2},
}
PROMPT: dict[str, Any] = {
    "version": "1.0.0",
    "changelog": "",
    "variables": {"question": {"type": "string"}},
    "messages": [{"role": "user", "content": "{{ question }}"}],
}
ENGINE = """
import os, sys

def talk(event, arguments):
    if event == "open" and str(arguments[0]).endswith("manifest.json"):
        print("an engine prints")
        sys.stdout.flush()
        os.write(1, b'{"done": true}\\n')

sys.addaudithook(talk)
"""
"""Run at the start of every Python process: prints, and writes past Python, once the bundle is opened."""


@pytest.fixture(scope="module")
def stub() -> Iterator[Running]:
    with stub_model() as running:
        yield running


@pytest.fixture(autouse=True)
def _usual(stub: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    stub.behave()
    monkeypatch.setenv("STUB_KEY", "x")
    monkeypatch.setenv("PYTHONPATH", str(ROOT / "compiler"))


@pytest.fixture
def bundle(stub: Running, tmp_path: Path) -> Bundle:
    endpoint = {"url": f"{stub.url}/v1", "api_key": {"env": "STUB_KEY"}, "timeout_seconds": 5}
    chat = make("Model", "gemma", {**CHAT, "endpoint": endpoint})
    return open_bundle(graph(chat, make("Prompt", "answer", PROMPT), application(sources=())), tmp_path / "build/dev")


def job(bundle: Bundle, **known: Any) -> Job:
    home = str(bundle.directory.parents[1])
    return Job(**{"bundle": str(bundle.directory), "root": home, "application": "assistant", "answers": home, **known})


@dataclass
class Heard:
    """What the parent was told."""

    progress: list[str] = field(default_factory=list)
    answered: int = 0

    def count(self) -> None:
        self.answered += 1


def kept(bundle: Bundle, *questions: Question) -> dict[str, str]:
    release = bundle.application("assistant").release
    with Answers.open(bundle.directory.parents[1]) as answers:
        found = answers.known(release, questions).items()
    return {q.text: k.result.text for q, k in found if isinstance(k.result, Reply)}


def ask(bundle: Bundle, act: Callable[[Measuring, Heard], None], **known: Any) -> Heard:
    heard = Heard()
    with measuring(job(bundle, **known), "head", heard.progress.append) as process:
        act(process, heard)
    return heard


def is_running(pid: int) -> bool:
    with suppress(ProcessLookupError):
        os.kill(pid, 0)
        return True
    return False


def test_every_answer_is_kept_before_it_is_told(bundle: Bundle, stub: Running) -> None:
    before, seen = stub.calls, []

    def act(process: Measuring, heard: Heard) -> None:
        def answered() -> None:
            heard.count()
            seen.append(len(kept(bundle, ONE, TWO)))

        process.ask([ONE, TWO], answered)
        process.ask([THREE], heard.count)
        seen.append(process.process.pid)

    heard = ask(bundle, act)
    assert heard.answered == 3
    assert seen[0] >= 1 and seen[1] == 2
    assert stub.calls - before == 3
    assert {text: said.rpartition(text)[1] for text, said in kept(bundle, ONE, TWO, THREE).items()} == {
        q.text: q.text for q in (ONE, TWO, THREE)
    }
    assert not is_running(seen[2])


def test_what_was_measured_of_an_answer_is_kept_with_it(bundle: Bundle, stub: Running) -> None:
    stub.behave(text="four words of text", delay=0.05)
    ask(bundle, lambda process, heard: process.ask([ONE], heard.count))
    with Answers.open(bundle.directory.parents[1]) as answers:
        reply = answers.known(bundle.application("assistant").release, [ONE])[ONE].result
    assert isinstance(reply, Reply)
    assert (reply.text, reply.blocked, reply.input_tokens, reply.output_tokens) == ("four words of text", False, 10, 4)
    assert 50 <= reply.latency_ms < 5000
    assert reply.cost_usd == pytest.approx((10 * 1 + 4 * 2) / 1e6)


def test_a_question_that_is_not_taken_is_an_answer_of_a_rule(bundle: Bundle) -> None:
    long = Question("reply", "why " * 500)
    ask(bundle, lambda process, heard: process.ask([long], heard.count))
    with Answers.open(bundle.directory.parents[1]) as answers:
        reply = answers.known(bundle.application("assistant").release, [long])[long].result
    assert isinstance(reply, Reply)
    assert (reply.blocked, reply.rules) == (True, ("question",))


def test_only_so_many_questions_are_on_their_way(bundle: Bundle, stub: Running) -> None:
    many = [Question("reply", "How?", repeat) for repeat in range(6)]
    stub.behave(delay=0.1)
    heard = ask(bundle, lambda process, heard: process.ask(many, heard.count), parallel=2)
    assert (heard.answered, stub.peak) == (6, 2)


def test_a_bundle_that_was_changed_tells_its_error_and_hint(bundle: Bundle) -> None:
    (bundle.directory / "stranger.txt").write_text("hello")
    with pytest.raises(RuntimeUnavailable, match=r"stranger\.txt is not in its manifest") as caught:
        ask(bundle, lambda process, heard: None)
    assert "llmops compile" in caught.value.hint


def test_an_error_without_a_hint_names_the_log(bundle: Bundle) -> None:
    with pytest.raises(RuntimeUnavailable, match="no resource 'Application/assistent'") as caught:
        ask(bundle, lambda process, heard: None, application="assistent")
    assert caught.value.hint == f"Read {bundle.directory.parents[1] / '.llmops/logs/evaluation-head.log'}."


def test_a_model_that_does_not_answer_ends_the_run_and_what_was_answered_stays(bundle: Bundle, stub: Running) -> None:
    heard = Heard()

    def act(process: Measuring, _: Heard) -> None:
        process.ask([ONE], heard.count)
        stub.behave(status=500)
        process.ask([TWO, THREE], heard.count)

    with pytest.raises(RuntimeUnavailable) as caught:
        ask(bundle, act)
    assert str(caught.value) and caught.value.hint
    assert heard.answered == 1
    assert kept(bundle, ONE, TWO, THREE).keys() == {"One?"}


def test_a_key_that_is_not_set_is_said(bundle: Bundle, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("STUB_KEY")
    with pytest.raises(RuntimeUnavailable, match="STUB_KEY"):
        ask(bundle, lambda process, heard: process.ask([ONE], heard.count))


def test_a_crash_that_nobody_foresaw_names_the_log(bundle: Bundle) -> None:
    manifest = json.loads((bundle.directory / "manifest.json").read_text("utf-8"))
    del manifest["applications"]
    (bundle.directory / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(RuntimeUnavailable, match="The measuring process failed: KeyError: 'applications'") as caught:
        ask(bundle, lambda process, heard: None)
    log = bundle.directory.parents[1] / ".llmops/logs/evaluation-head.log"
    assert caught.value.hint == f"Read {log}."
    assert "Traceback" in log.read_text("utf-8")


def test_a_process_that_is_killed_in_the_middle_leaves_what_it_told(bundle: Bundle, stub: Running) -> None:
    heard = Heard()
    many = [Question("reply", "How?", repeat) for repeat in range(8)]
    stub.behave(delay=0.05)

    def act(process: Measuring, _: Heard) -> None:
        def answered() -> None:
            heard.count()
            if heard.answered == 3:
                process.process.send_signal(signal.SIGKILL)

        process.ask(many, answered)

    with pytest.raises(RuntimeUnavailable, match="The measuring process ended: exit code -9") as caught:
        ask(bundle, act, parallel=1)
    assert "evaluation-head.log" in caught.value.hint
    with Answers.open(bundle.directory.parents[1]) as answers:
        found = answers.known(bundle.application("assistant").release, many)
    assert 3 <= heard.answered <= len(found) < 8
    before = stub.calls
    with bench(bundle.directory.parents[1], subject(bundle), None, Manner(1), lambda _: None) as sides:
        assert sides.head.ask(many) == 8 - len(found)
    assert stub.calls - before == 8 - len(found)


def test_a_process_that_is_gone_takes_no_more_questions(bundle: Bundle) -> None:
    def act(process: Measuring, heard: Heard) -> None:
        process.process.kill()
        process.process.wait()
        process.ask([ONE], heard.count)

    with pytest.raises(RuntimeUnavailable, match="exit code -9"):
        ask(bundle, act)


@pytest.mark.parametrize("told", ['{"answered": ["reply", "One', '{"done": true}', ""])
def test_half_a_line_of_a_killed_process_is_no_event(tmp_path: Path, told: str) -> None:
    script = f"import sys; sys.stdout.write({told!r}); sys.stdout.flush(); sys.exit(7)"
    process = subprocess.Popen([sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    with process, pytest.raises(RuntimeUnavailable, match="exit code 7"):
        Measuring(process, tmp_path / "log", lambda _: None).hear("done")


def test_what_engines_print_goes_to_the_log(bundle: Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both Python's own prints and what a library writes to the standard output of the process."""
    (tmp_path / "engine").mkdir()
    (tmp_path / "engine/sitecustomize.py").write_text(ENGINE)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path / "engine"), str(ROOT / "compiler")]))
    heard = ask(bundle, lambda process, heard: process.ask([ONE, TWO], heard.count))
    assert heard.answered == 2
    said = (tmp_path / ".llmops/logs/evaluation-head.log").read_text("utf-8")
    assert "an engine prints" in said
    assert '{"done": true}' in said


def test_questions_of_evaluations_are_no_traffic(bundle: Bundle, tmp_path: Path) -> None:
    """They are logged, where no monitor looks."""
    ask(bundle, lambda process, heard: process.ask([ONE], heard.count))
    home = tmp_path / EVALUATION_LOG
    assert (home / LOG_FILE).is_file()
    assert not (tmp_path / LOG_FILE).exists()
    assert [row.question for row in read(home, "assistant")] == ["One?"]


def test_a_process_leaves_nothing_in_the_bundle(bundle: Bundle) -> None:
    ask(bundle, lambda process, heard: process.ask([ONE], heard.count))
    assert Bundle.open(bundle.directory).digest == bundle.digest


# --- A side of a comparison: what is kept is not asked


def subject(bundle: Bundle) -> Subject:
    return Subject(bundle, bundle.directory.parents[1], "assistant")


def asked(bundle: Bundle, manner: Manner, *rounds: list[Question]) -> list[int]:
    with bench(bundle.directory.parents[1], subject(bundle), None, manner, lambda _: None) as sides:
        assert sides.base is None
        return [sides.head.ask(questions) for questions in rounds]


def test_answers_that_are_kept_start_no_process(bundle: Bundle, stub: Running) -> None:
    assert asked(bundle, Manner(2), [ONE, TWO], [ONE, TWO, THREE], [THREE]) == [2, 1, 0]
    before, log = stub.calls, bundle.directory.parents[1] / ".llmops/logs/evaluation-head.log"
    log.unlink()
    assert asked(bundle, Manner(2), [ONE, TWO, THREE]) == [0]
    assert stub.calls == before
    assert not log.exists()


def test_asking_again_asks_each_question_once_more_and_not_for_every_evaluation(bundle: Bundle, stub: Running) -> None:
    stub.behave(text="first")
    assert asked(bundle, Manner(2), [ONE, TWO]) == [2]
    stub.behave(text="second")
    assert asked(bundle, Manner(2, again=True), [ONE], [ONE, TWO], [TWO, THREE]) == [1, 1, 1]
    assert kept(bundle, ONE, TWO, THREE) == dict.fromkeys(("One?", "Two?", "Three?"), "second")


def test_material_holds_what_is_kept_and_a_side_counts_what_it_asks(bundle: Bundle) -> None:
    told: list[str] = []
    with Answers.open(bundle.directory.parents[1]) as answers:
        answers.keep(bundle.application("assistant").release, ONE, Reply("kept"))
    with bench(bundle.directory.parents[1], subject(bundle), None, Manner(1), told.append) as sides:
        side: Side = sides.head
        assert side.ask([ONE, TWO, THREE]) == 2
        assert side.material([ONE]).reply("One?", 0) == Reply("kept")
        assert side.material([ONE, TWO, THREE]).results.keys() == {ONE, TWO, THREE}
    assert [text for text in told if "answered" in text] == ["head: answered 1 of 2", "head: answered 2 of 2"]
