"""Starting, sharing and stopping the local model and store, as several processes do it."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import IO, Any

import numpy as np
import psycopg
import pytest

from llmops.errors import RuntimeUnavailable
from llmops.runtime.bundle import Bundle, BundledResource
from llmops.runtime.local.chat_model import serve_chat_model, served_name
from llmops.runtime.local.services import services
from llmops.runtime.local.store import serve_store
from tests.bundles import documents, open_bundle
from tests.e2e.conftest import CHAT, PORT, Running
from tests.graphs import application, graph, make, source

OTHER_PORT = 18392
SOURCES = Path(__file__).parents[2]


def model(root: Path, **changes: Any) -> BundledResource:
    of = graph(make("Model", "gemma", {**CHAT, **changes}), application(sources=()))
    return open_bundle(of, root / "model-build").resource("Model/gemma")


def served(port: int) -> str:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/v1/models", timeout=5) as answer:
        return str(json.load(answer)["data"][0]["id"])


def eventually(condition: Callable[[], bool]) -> bool:
    """Whether the condition comes true within a generous time."""
    deadline = time.monotonic() + 30
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.05)
    return condition()


def refused(port: int) -> bool:
    try:
        served(port)
    except urllib.error.URLError as error:
        return isinstance(error.reason, ConnectionRefusedError)
    except ConnectionError:
        return True
    return False


# --- chat model


def test_the_server_says_which_model_it_serves(running: Running) -> None:
    assert served(PORT) == served_name(running.bundle.resource("Model/gemma"))


def test_the_model_answers_to_its_name_in_the_spec(running: Running) -> None:
    messages = [{"role": "user", "content": "Question: What is 2 + 2?"}]
    body = {"model": "gemma-3-270m", "messages": messages, "max_tokens": 4, "temperature": 0}
    request = urllib.request.Request(
        f"http://127.0.0.1:{PORT}/v1/chat/completions", json.dumps(body).encode(), {"content-type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=120) as answer:
        assert json.load(answer)["usage"]["completion_tokens"] in range(1, 5)


def test_a_second_user_joins_the_running_server(running: Running, tmp_path: Path) -> None:
    (tmp_path / ".llmops").mkdir()
    (tmp_path / ".llmops/models").symlink_to(running.root / ".llmops/models")
    with serve_chat_model(model(tmp_path), tmp_path) as address:
        assert address == f"http://127.0.0.1:{PORT}/v1"
    assert not (tmp_path / ".llmops/logs").exists()
    assert served(PORT).startswith("gemma-3-270m@")


def test_a_port_that_serves_another_template_is_refused(running: Running, tmp_path: Path) -> None:
    (tmp_path / ".llmops").mkdir()
    (tmp_path / ".llmops/models").symlink_to(running.root / ".llmops/models")
    other = model(tmp_path, chat_template="{{ messages[0].content }}")
    with pytest.raises(RuntimeUnavailable, match=f"Port {PORT} already serves gemma-3-270m@") as caught, serve_chat_model(other, tmp_path):
        pass
    assert "endpoint.url of Model/gemma" in caught.value.hint


class _Stranger(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"<html>")

    def log_message(self, *_: object) -> None:
        pass


def test_a_port_with_a_stranger_is_refused(running: Running, tmp_path: Path) -> None:
    (tmp_path / ".llmops").mkdir()
    (tmp_path / ".llmops/models").symlink_to(running.root / ".llmops/models")
    stranger = HTTPServer(("127.0.0.1", 0), _Stranger)
    threading.Thread(target=stranger.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{stranger.server_port}/v1"
    try:
        with (
            pytest.raises(RuntimeUnavailable, match="already serves something else"),
            serve_chat_model(model(tmp_path, endpoint={"url": url}), tmp_path),
        ):
            pass
    finally:
        stranger.shutdown()
        stranger.server_close()


def test_a_server_that_cannot_start_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "broken_weights"
    package.mkdir()
    (package / "__init__.py").write_text("def assemble(path):\n    path.write_bytes(b'not a model')\n")
    monkeypatch.syspath_prepend(str(tmp_path))

    weights = {"package": "broken-weights", "sha256": hashlib.sha256(b"not a model").hexdigest()}
    broken = model(tmp_path, weights=weights, endpoint={"url": f"http://127.0.0.1:{OTHER_PORT}/v1"})
    with pytest.raises(RuntimeUnavailable, match="Model/gemma did not start") as caught, serve_chat_model(broken, tmp_path):
        pass
    log = tmp_path / ".llmops/logs/chat-gemma.log"
    assert caught.value.hint == f"Read {log}."
    assert "model" in log.read_text("utf-8", "replace")


_USER = """
import sys, time
from pathlib import Path
from llmops.runtime.bundle import Bundle
from llmops.runtime.local.chat_model import serve_chat_model
root = Path(sys.argv[1])
with serve_chat_model(Bundle.open(root / "model-build").resource("Model/gemma"), root):
    print("serving", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def users(running: Running, tmp_path: Path) -> Iterator[Callable[[], subprocess.Popen[bytes]]]:
    """Starts processes that lease a model of their own port and wait."""
    (tmp_path / ".llmops").mkdir()
    (tmp_path / ".llmops/models").symlink_to(running.root / ".llmops/models")
    model(tmp_path, endpoint={"url": f"http://127.0.0.1:{OTHER_PORT}/v1"})
    started: list[subprocess.Popen[bytes]] = []
    environment = {**os.environ, "PYTHONPATH": f"{SOURCES / 'compiler'}{os.pathsep}{SOURCES}"}

    def start() -> subprocess.Popen[bytes]:
        command = [sys.executable, "-c", _USER, str(tmp_path)]
        user = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment)
        started.append(user)
        assert pipe(user.stdout).readline() == b"serving\n"
        return user

    yield start
    for user in started:
        user.kill()
        user.communicate()


def pipe(end: IO[bytes] | None) -> IO[bytes]:
    assert end is not None
    return end


def test_the_server_outlives_its_starter_while_another_uses_it_and_ends_with_the_last(users: Callable[[], subprocess.Popen[bytes]]) -> None:
    first, second = users(), users()
    first.communicate()
    time.sleep(1)  # several polls of the lease
    assert served(OTHER_PORT).startswith("gemma-3-270m@")
    second.communicate()
    assert eventually(lambda: refused(OTHER_PORT))


def test_the_server_ends_when_its_user_is_killed(users: Callable[[], subprocess.Popen[bytes]]) -> None:
    user = users()
    user.kill()
    user.wait()
    assert eventually(lambda: refused(OTHER_PORT))


def test_a_server_that_still_loads_is_joined(users: Callable[[], subprocess.Popen[bytes]], tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": f"{SOURCES / 'compiler'}{os.pathsep}{SOURCES}"}
    killed = subprocess.Popen([sys.executable, "-c", _USER, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment)
    # The server is its own group: it goes on loading after the one who started it is gone.
    assert eventually((tmp_path / ".llmops/logs/chat-gemma.log").exists)
    killed.kill()
    killed.communicate()
    users()
    assert served(OTHER_PORT).startswith("gemma-3-270m@")


# --- store


def test_the_store_has_pgvector_and_listens_on_no_network(running: Running) -> None:
    with psycopg.connect(os.environ["LLMOPS_EMBEDDED_STORE"]) as connection:
        assert connection.execute("SELECT '[3,4]'::vector <-> '[0,0]'::vector").fetchone() == (5.0,)
        assert connection.execute("SHOW listen_addresses").fetchone() == ("",)


def test_leaving_an_inner_use_keeps_the_store_for_the_outer_one(running: Running) -> None:
    with serve_store(running.root) as address:
        assert address == os.environ["LLMOPS_EMBEDDED_STORE"]
    with psycopg.connect(address) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)


_READER = """
import sys
from pathlib import Path
import psycopg
from llmops.runtime.local.store import serve_store
with serve_store(Path(sys.argv[1])) as address, psycopg.connect(address) as connection:
    print(connection.execute("SELECT count(*) FROM pg_database").fetchone()[0])
"""


def test_another_process_uses_the_same_store_and_leaves_it_running(running: Running) -> None:
    environment = {**os.environ, "PYTHONPATH": f"{SOURCES / 'compiler'}{os.pathsep}{SOURCES}"}
    run = subprocess.run([sys.executable, "-c", _READER, str(running.root)], env=environment, capture_output=True, text=True, check=True)
    assert int(run.stdout) == 3
    assert run.stderr == ""
    with psycopg.connect(os.environ["LLMOPS_EMBEDDED_STORE"]) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)


_HOLDER = """
import sys
from pathlib import Path
from llmops.runtime.local.store import serve_store
with serve_store(Path(sys.argv[1])):
    print("serving", flush=True)
    sys.stdin.read()
"""


def test_a_killed_user_does_not_keep_the_store_running(tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": f"{SOURCES / 'compiler'}{os.pathsep}{SOURCES}"}
    command = [sys.executable, "-c", _HOLDER, str(tmp_path)]
    holder = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment)
    assert pipe(holder.stdout).readline() == b"serving\n"
    with serve_store(tmp_path) as address:
        holder.kill()
        holder.communicate()
        with psycopg.connect(address) as connection:
            assert connection.execute("SELECT 1").fetchone() == (1,)
    assert not (tmp_path / ".llmops/store/postmaster.pid").exists()


def test_a_user_killed_while_it_makes_the_store_leaves_none_that_cannot_start(tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": f"{SOURCES / 'compiler'}{os.pathsep}{SOURCES}"}
    command = [sys.executable, "-c", _HOLDER, str(tmp_path)]
    holder = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment, start_new_session=True)
    # initdb writes this file first and its databases a good second later.
    assert eventually(lambda: any((tmp_path / ".llmops").glob("*/PG_VERSION")))
    os.killpg(holder.pid, signal.SIGKILL)
    holder.communicate()
    with serve_store(tmp_path) as address, psycopg.connect(address) as connection:
        assert connection.execute("SELECT count(*) FROM pg_database").fetchone() == (3,)
    assert not list((tmp_path / ".llmops").glob(".store-*"))


def test_the_store_keeps_its_data_between_uses(tmp_path: Path) -> None:
    with serve_store(tmp_path) as address, psycopg.connect(address) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 7 AS number")
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(address)
    with serve_store(tmp_path) as again, psycopg.connect(again) as connection:
        assert connection.execute("SELECT number FROM kept").fetchone() == (7,)


# --- services


def test_only_what_the_bundle_needs_is_started(running: Running, tmp_path: Path) -> None:
    hosted = {**CHAT, "provider": "openai", "weights": None, "chat_template": None}
    bundle = open_bundle(graph(make("Model", "gemma", hosted), application(sources=())), tmp_path / "build")
    with services(bundle, tmp_path, progress=lambda message: None, resources=bundle.reach("Application/assistant")) as found:
        assert found.started == ()
    assert not (tmp_path / ".llmops").exists()


def test_an_index_starts_no_chat_model(running: Running, tmp_path: Path) -> None:
    messages: list[str] = []
    wanted = running.bundle.reach("RetrievalSource/handbook")
    with services(running.bundle, tmp_path, progress=messages.append, resources=wanted) as found:
        assert set(found.started) == {"Model/minilm", "store"}
        assert set(messages) == {"Model/minilm is ready", "store is ready"}


def test_variables_are_set_inside_and_put_back_outside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "0")
    monkeypatch.delenv("LLMOPS_LOCAL_API_KEY", raising=False)
    bundle = open_bundle(graph(application(sources=())), tmp_path / "build")
    with services(bundle, tmp_path, progress=lambda message: None, resources=()) as found:
        assert os.environ["HF_HUB_OFFLINE"] == "1"
        assert os.environ["LLMOPS_BUNDLE"] == str(bundle.directory)
        assert found.environment["HAYSTACK_TELEMETRY_ENABLED"] == "False"
    assert os.environ["HF_HUB_OFFLINE"] == "0"
    assert "LLMOPS_LOCAL_API_KEY" not in os.environ


def test_when_one_part_fails_the_others_are_stopped(running: Running, tmp_path: Path) -> None:
    wrong = {**CHAT, "weights": {**CHAT["weights"], "sha256": "0" * 64}}
    files = documents(tmp_path, {"docs/a.md": "A."})
    bundle: Bundle = open_bundle(graph(make("Model", "gemma", wrong), source(files=files), application()), tmp_path / "build")
    with pytest.raises(RuntimeUnavailable, match="other weights"), services(bundle, tmp_path, progress=lambda message: None):
        pass
    assert not (tmp_path / ".llmops/store/postmaster.pid").exists()


# --- embeddings


def test_the_int8_model_tells_related_sentences_from_others(running: Running) -> None:
    from fastembed import TextEmbedding

    folder = running.root / ".llmops/models/minilm"
    embedder = TextEmbedding("sentence-transformers/all-MiniLM-L6-v2", specific_model_path=str(folder), local_files_only=True)
    question, answer, other = embedder.embed(
        ["How do I reset my password?", "Open Settings and click Reset password.", "The weather is sunny in Paris today."]
    )
    # The float model gives 0.711 and -0.018.
    assert float(question @ answer) == pytest.approx(0.711, abs=0.03)
    assert abs(float(question @ other)) < 0.05
    assert np.linalg.norm(question) == pytest.approx(1, abs=1e-5)
