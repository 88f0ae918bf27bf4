"""Another bundle takes over under load, and every request is answered by the one that it began with."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from bench.serving import Server, served, write_workspace
from bench.stub_model import Running, stub_model
from llmops.runtime.interactions import read
from tests.conftest import Run

CLIENTS = 6


@pytest.fixture(scope="module")
def stub() -> Iterator[Running]:
    with stub_model() as running:
        running.behave(delay=0.02)
        yield running


def compile_marked(root: Path, stub: Running, llmops: Run, mark: str) -> Path:
    write_workspace(root, stub.url, mark=mark)
    compiled = llmops("compile", cwd=root)
    assert compiled.returncode == 0, compiled.stderr
    return root / "build/dev"


class Load:
    """Clients that ask without a pause until they are told to stop; half of them take the answer as a stream."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._ending = threading.Event()
        self.answers: list[tuple[str, str]] = []
        """Text and release of each answer."""
        self.failures: list[str] = []
        self._threads = [threading.Thread(target=self._ask, args=(number,)) for number in range(CLIENTS)]

    def __enter__(self) -> Load:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ending.set()
        for thread in self._threads:
            thread.join()

    def _ask(self, number: int) -> None:
        take = self._streamed if number % 2 else self._whole
        while not self._ending.is_set():
            try:
                self.answers.append(take(f"question {number}"))
            except Exception as error:
                self.failures.append(repr(error))

    def _whole(self, question: str) -> tuple[str, str]:
        response = self._server.ask(question)
        assert response.status_code == 200, response.text
        return response.json()["answer"], response.json()["release"]

    def _streamed(self, question: str) -> tuple[str, str]:
        *events, end = list(self._server.stream(question))
        assert end == "data: [DONE]", events
        values = [json.loads(event.removeprefix("data: ")) for event in events]
        text = "".join(value["choices"][0]["delta"].get("content", "") for value in values)
        return text, values[-1]["llmops"]["release"]

    def wait_for(self, release: str) -> None:
        wait(lambda: any(answer[1] == release for answer in self.answers[-CLIENTS:]))


def wait(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


def switch(server: Server, **body: Any) -> httpx.Response:
    return httpx.post(f"{server.url}/-/switch", json=body, timeout=60) if body else httpx.post(f"{server.url}/-/switch", timeout=60)


def test_a_switch_under_load_loses_nothing(stub: Running, tmp_path: Path, llmops: Run) -> None:
    bundle = compile_marked(tmp_path, stub, llmops, "red ")
    with served(tmp_path, "--bundle", str(bundle)) as server, Load(server) as load:
        releases = {"red": httpx.get(f"{server.url}/v1/applications").json()[0]["release"]}
        for mark in ("blue", "red", "blue"):
            compile_marked(tmp_path, stub, llmops, f"{mark} ")
            response = switch(server)
            assert response.status_code == 200, response.text
            releases[mark] = response.json()["now"]["shop"]
            load.wait_for(releases[mark])
    assert load.failures == []
    assert len(set(releases.values())) == 2
    colours = {release: mark for mark, release in releases.items()}
    assert all(text.startswith(f"The answer to: {colours[release]} question") for text, release in load.answers)
    assert {colours[release] for _, release in load.answers} == {"red", "blue"}
    assert len(read(tmp_path, "shop")) == len(load.answers) > 20


def test_a_corrupt_bundle_is_refused_and_the_old_one_goes_on(stub: Running, tmp_path: Path, llmops: Run) -> None:
    bundle = compile_marked(tmp_path, stub, llmops, "")
    other = compile_marked(tmp_path / "other", stub, llmops, "new ")
    with served(tmp_path, "--bundle", str(bundle)) as server, Load(server) as load:
        before = httpx.get(f"{server.url}/release").json()["applications"]["shop"]["release"]
        rules = other / "guardrails/strict/rules.json"
        rules.write_text(rules.read_text("utf-8").replace("block", "log"), "utf-8")
        refused = switch(server, bundle=str(other))
        assert refused.status_code == 409
        assert refused.json()["error"]["code"] == "bundle_refused"
        assert "guardrails/strict/rules.json differs from its manifest" in refused.json()["error"]["message"]
        assert switch(server, bundle=str(tmp_path / "nowhere")).status_code == 409
        seen = len(load.answers)
        wait(lambda: len(load.answers) > seen + CLIENTS)
    assert load.failures == []
    assert {release for _, release in load.answers} == {before}


def test_an_old_stream_ends_with_the_old_release(stub: Running, tmp_path: Path, llmops: Run) -> None:
    bundle = compile_marked(tmp_path, stub, llmops, "old ")
    stub.behave(text="{question} " * 100, pause=0.01)
    with served(tmp_path, "--bundle", str(bundle)) as server:
        lines = server.stream("question", "bare")
        first = next(lines)
        stub.behave()
        compile_marked(tmp_path, stub, llmops, "new ")
        releases = switch(server).json()
        values = [json.loads(line.removeprefix("data: ")) for line in [first, *lines] if line != "data: [DONE]"]
        assert values[-1]["llmops"]["release"] == releases["before"]["bare"]
        assert server.ask("question", "bare").json()["release"] == releases["now"]["bare"] != releases["before"]["bare"]


def test_a_stopping_server_gives_the_answers_that_it_began(stub: Running, tmp_path: Path) -> None:
    write_workspace(tmp_path, stub.url)
    stub.behave(delay=1)
    with served(tmp_path) as server:
        given: list[int] = []
        threads = [threading.Thread(target=lambda: given.append(server.ask("Still there?").status_code)) for _ in range(4)]
        for thread in threads:
            thread.start()
        wait(lambda: 'llmops_in_flight{application="shop"} 4.0' in httpx.get(f"{server.url}/metrics").text)
        assert server.stop() == 0
        for thread in threads:
            thread.join()
        assert given == [200, 200, 200, 200]
    stub.behave()
    assert [row.finish for row in read(tmp_path, "shop")] == ["stop"] * 4


VARIANTS = """\
apiVersion: llmops/v1
kind: Prompt
metadata: {name: answer, owner: ml}
spec:
  version: 2.0.0
  changelog: Second.
  variables: {question: {type: string, description: The question}}
  messages: [{role: user, content: "canary {{ question }}"}]
"""


def with_variants(root: Path, stub: Running) -> Path:
    write_workspace(root, stub.url)
    specs = root / "specs/all.yaml"
    variants = "variants: [{prompt: answer@1.0.0, weight: 100, label: stable}, {prompt: answer@2.0.0, weight: 0, label: canary}]"
    pinned = specs.read_text("utf-8").replace("prompt: answer", variants, 1).replace("prompt: answer,", "prompt: answer@1.0.0,")
    specs.write_text(f"{pinned}---\n{VARIANTS}", "utf-8")
    return root


def flags(root: Path, **shares: int) -> Path:
    variants = {"stable": "Prompt/answer@1.0.0", "canary": "Prompt/answer@2.0.0"}
    flag = {
        "state": "ENABLED",
        "variants": variants,
        "defaultVariant": "stable",
        "targeting": {"fractional": list(map(list, shares.items()))},
    }
    (root / "flags.json").write_text(json.dumps({"flags": {"shop": flag}}), "utf-8")
    return root / "flags.json"


def test_a_flag_file_moves_users_while_it_runs_and_answers_name_their_version(stub: Running, tmp_path: Path) -> None:
    root = with_variants(tmp_path, stub)
    with served(root, "--flags", str(flags(root, stable=100))) as server:
        first = server.ask("Hi", user="ada").json()
        assert (first["prompt"], first["label"]) == ("Prompt/answer@1.0.0", "stable")
        flags(root, canary=1)
        wait(lambda: server.ask("Hi", user="ada").json()["label"] == "canary")
        moved = server.ask("Hi", user="ada").json()
        assert (moved["prompt"], moved["answer"], moved["release"]) == ("Prompt/answer@2.0.0", "The answer to: canary Hi", first["release"])
        flags(root, nobody=1)
        wait(lambda: "'nobody'" in server.log)
        assert server.ask("Hi", user="ada").json()["label"] == "canary"
        proof = httpx.get(f"{server.url}/release").json()
        assert [(p["label"], p["weight"]) for p in proof["applications"]["shop"]["prompts"]] == [("canary", 1)]
        assert "'nobody'" in proof["flags"]["fault"]
    assert {row.label for row in read(root, "shop")} == {"stable", "canary"}
