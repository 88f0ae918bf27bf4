"""A llama.cpp server in a process of its own, on the loopback address that the `Model` names, shared by all who lease it.

Every user holds a shared lock on a lease file; the server ends itself when nobody holds one, however they ended.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import IO
from urllib.parse import urlsplit

from llmops.errors import RuntimeUnavailable
from llmops.runtime.bundle import BundledResource
from llmops.runtime.local import chat_server
from llmops.runtime.local.chat_server import ServerSettings
from llmops.runtime.local.weights import MODELS_FOLDER, materialise

LOGS_FOLDER = ".llmops/logs"
LOOPBACK = ("127.0.0.1", "localhost", "::1")
START_SECONDS = 60.0
POLL_SECONDS = 0.05
LOADING = "503"
"""What a port serves whose server still loads its model: llama.cpp answers 503."""


@contextmanager
def serve_chat_model(model: BundledResource, root: Path) -> Iterator[str]:
    """Starts the model, or joins a server that already serves exactly it; gives its address, `http://host:port/v1`.

    Raises `RuntimeUnavailable` when the weights are wrong, the port serves something else or the server does not start.
    """
    settings = _settings(model, materialise(model.spec["weights"], root / MODELS_FOLDER / f"{model.name}.gguf"))
    with _locked(Path(settings.lease), fcntl.LOCK_SH):
        # One starts, the others wait and then find it serving.
        with _locked(Path(f"{settings.lease}.start"), fcntl.LOCK_EX):
            _ensure_serving(settings, model, root)
        yield str(model.spec["endpoint"]["url"])


def _settings(model: BundledResource, weights: Path) -> ServerSettings:
    address = urlsplit(model.spec["endpoint"]["url"])
    if address.hostname not in LOOPBACK or address.port is None:
        raise RuntimeUnavailable(
            f"{model.id} runs on this machine, but its endpoint is {model.spec['endpoint']['url']}.",
            "Give endpoint.url a loopback address with a port, as http://127.0.0.1:18181/v1.",
        )
    return ServerSettings(
        weights=str(weights),
        alias=served_name(model),
        host="::1" if address.hostname == "::1" else "127.0.0.1",
        port=address.port,
        chat_template=model.spec.get("chat_template") or "",
        context_window=model.spec["context_window"],
        lease=str(_lease_folder() / f"chat-{address.port}"),
    )


def served_name(model: BundledResource) -> str:
    """`<model>@<12 hex>`, a digest over everything that decides the server's answers."""
    spec = model.spec
    identity = [spec["weights"]["sha256"], spec.get("chat_template") or "", spec["context_window"]]
    return f"{spec['model']}@{hashlib.sha256(json.dumps(identity).encode()).hexdigest()[:12]}"


def _lease_folder() -> Path:
    """A folder of this user's own: two workspaces may name the same port."""
    folder = Path(tempfile.gettempdir()) / f"llmops-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    if folder.is_symlink() or folder.stat().st_uid != os.getuid():
        raise RuntimeUnavailable(f"{folder} belongs to somebody else.", "Set TMPDIR to a folder of your own.")
    return folder


@contextmanager
def _locked(path: Path, operation: int) -> Iterator[None]:
    with path.open("a") as file:
        fcntl.flock(file, operation)
        yield


def _ensure_serving(settings: ServerSettings, model: BundledResource, root: Path) -> None:
    serving = _served(settings)
    if serving in (None, LOADING):
        _start(settings, model, root)
    elif serving != settings.alias:
        raise RuntimeUnavailable(
            f"Port {settings.port} already serves {serving or 'something else'}, not {settings.alias} ({model.id}).",
            f"Stop what listens on port {settings.port}, or change endpoint.url of {model.id}.",
        )


def _served(settings: ServerSettings) -> str | None:
    """The model that the port serves; `LOADING` before it does, empty for a foreign server, None when nothing answers."""
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    try:
        with urllib.request.urlopen(f"http://{host}:{settings.port}/v1/models", timeout=10) as answer:
            return str(json.load(answer)["data"][0]["id"])
    except urllib.error.HTTPError as error:
        return LOADING if error.code == 503 else ""
    except (urllib.error.URLError, ConnectionError) as error:
        reason = getattr(error, "reason", error)
        return None if isinstance(reason, ConnectionRefusedError) else ""
    except (ValueError, KeyError, IndexError, TypeError, OSError):
        return ""


def _start(settings: ServerSettings, model: BundledResource, root: Path) -> None:
    log = root / LOGS_FOLDER / f"chat-{model.name}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as output:
        process = _spawn(settings, output)
    deadline = time.monotonic() + START_SECONDS
    while True:
        ended, serving = process.poll() is not None, _served(settings)
        if serving == settings.alias:
            return
        # Whoever was killed while it waited leaves a server that comes up and takes the port: then it is joined.
        if (ended and serving != LOADING) or time.monotonic() > deadline:
            process.kill()
            process.wait()
            raise RuntimeUnavailable(f"{model.id} did not start: {_last_line(log)}", f"Read {log}.")
        time.sleep(POLL_SECONDS)


def _spawn(settings: ServerSettings, output: IO[bytes]) -> subprocess.Popen[bytes]:
    """The server's process. In a session of its own, so that Ctrl-C in one user's terminal spares the others."""
    command = [sys.executable, "-P", chat_server.__file__]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=output, stderr=output, start_new_session=True)
    assert process.stdin is not None
    process.stdin.write(json.dumps(asdict(settings)).encode())
    process.stdin.close()
    _reap()
    _children.append(process)
    return process


_children: list[subprocess.Popen[bytes]] = []
"""Servers this process started. They may outlive its lease, so they are reaped later."""


def _reap() -> None:
    _children[:] = [child for child in _children if child.poll() is None]


def _last_line(log: Path) -> str:
    lines = [line for line in log.read_text("utf-8", "replace").splitlines() if line.strip()]
    return lines[-1] if lines else "it wrote nothing"
