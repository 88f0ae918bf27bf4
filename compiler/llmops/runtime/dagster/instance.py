"""Dagster's own instance in the workspace: its home, runs in this process, and the web server.

Everything lies in `.llmops/dagster`, so that runs of the command line show in the UI.
"""

from __future__ import annotations

import json
import logging
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dagster as dg

from llmops.errors import RuntimeUnavailable, UsageError
from llmops.runtime.dagster.definitions import build_defs_from_manifest, load_manifest

HOME = ".llmops/dagster"
LOOPBACK = "127.0.0.1"
START_SECONDS = 60
STOP_SECONDS = 15

# Without `nux` a sign-up window covers the first graph.
_SETTINGS = """\
# Written by llmops. Storage is SQLite, beside this file.
telemetry: {enabled: false}
nux: {enabled: false}
"""


@dataclass(frozen=True, slots=True)
class CheckOutcome:
    """One asset check of a run. `value` is None where nothing was measured."""

    asset: str
    name: str
    passed: bool
    blocking: bool
    value: float | None
    description: str
    unproven: bool = False
    """Whether its interval reaches over the limit: chance may explain what it says."""


@dataclass(frozen=True, slots=True)
class RunOutcome:
    """A finished run. `errors` are one line each: the asset's op and what went wrong."""

    run_id: str
    success: bool
    materialized: tuple[str, ...]
    checks: tuple[CheckOutcome, ...]
    errors: tuple[str, ...]
    seconds: float


def ensure_home(root: Path) -> Path:
    """`<root>/.llmops/dagster` with its `dagster.yaml`. A file that is already there is kept: it may be tuned by hand."""
    home = (root / HOME).resolve()
    home.mkdir(parents=True, exist_ok=True)
    settings = home / "dagster.yaml"
    if not settings.exists():
        settings.write_text(_SETTINGS, encoding="utf-8")
    return home


def materialize(bundle_dir: Path, root: Path, selection: str | None, progress: Callable[[str], None]) -> RunOutcome:
    """Runs the selected assets and their checks in this process, and records the run where the UI finds it.

    `selection` is Dagster's, as `group:docs_team` or `+key:"releases/handbook-assistant"`; None takes everything.
    A failed op or check is an outcome, not an exception. Raises `UsageError` for a selection that is wrong or selects nothing.
    """
    started = time.monotonic()
    defs = dg.Definitions.merge(
        build_defs_from_manifest(bundle_dir / "dagster" / "manifest.json", root=root),
        dg.Definitions(loggers={"console": _progress_logger(progress)}),
    )
    keys = _select(defs, selection)
    with dg.DagsterInstance.from_config(str(ensure_home(root))) as instance:
        job = defs.resolve_implicit_global_asset_job_def()
        # Without being chosen here, Dagster's own console logger prints every event.
        run_config: dict[str, Any] = {"loggers": {"console": {}}}
        result = job.execute_in_process(run_config, instance, asset_selection=keys, raise_on_error=False)
    return _outcome(result, _blocking(defs), time.monotonic() - started)


@contextmanager
def webserver(root: Path, bundle_dir: Path, port: int) -> Iterator[str]:
    """Dagster's UI and daemon over one bundle, on the loopback address only, for as long as the block lasts. Gives its address.

    Raises `RuntimeUnavailable` where the port is taken or the UI does not answer in time; the hint names the log.
    """
    _require_free(port)
    home = ensure_home(root)
    location = ["-w", str(_write_locations(home, root, bundle_dir))]
    web = ["dagster_webserver", *location, "-h", LOOPBACK, "-p", str(port)]
    with ExitStack() as stack:
        server = stack.enter_context(_process(web, root, home))
        stack.enter_context(_process(["dagster._daemon", "run", *location], root, home))
        address = f"http://{LOOPBACK}:{port}"
        _wait(server, f"{address}/server_info", home)
        yield address


def _write_locations(home: Path, root: Path, bundle_dir: Path) -> Path:
    """Dagster's list of code: one location, by the workspace's name instead of the file's."""
    folder = bundle_dir.resolve() / "dagster"
    location = {
        "relative_path": str(folder / "definitions.py"),
        "working_directory": str(root.resolve()),
        "location_name": load_manifest(folder / "manifest.json")["workspace"],
    }
    path = home / "workspace.yaml"
    path.write_text(json.dumps({"load_from": [{"python_file": location}]}), encoding="utf-8")
    return path


def _select(defs: dg.Definitions, selection: str | None) -> list[dg.AssetKey]:
    graph = defs.resolve_asset_graph()
    try:
        chosen = dg.AssetSelection.from_string(selection).resolve(graph) if selection else graph.executable_asset_keys
    except Exception as error:  # Dagster raises many kinds for a text that it cannot read
        hint = 'Write it as key:"prompts/*", or group:NAME, or an asset\'s key.'
        raise UsageError(f"Dagster cannot read the selection {selection!r}: {error}", hint) from error
    keys = sorted(chosen & graph.executable_asset_keys)
    if not keys:
        raise UsageError(f"The selection {selection!r} holds no asset that can be built", "llmops graph")
    return keys


def _blocking(defs: dg.Definitions) -> set[dg.AssetCheckKey]:
    graph = defs.resolve_asset_graph()
    return {key for key in graph.asset_check_keys if graph.get_check_spec(key).blocking}


def _outcome(result: dg.ExecuteInProcessResult, blocking: set[dg.AssetCheckKey], seconds: float) -> RunOutcome:
    keys = (event.asset_key for event in result.get_asset_materialization_events())
    checks = (_check(evaluation, blocking) for evaluation in result.get_asset_check_evaluations())
    return RunOutcome(
        run_id=result.run_id,
        success=result.success,
        materialized=tuple(sorted(key.to_user_string() for key in keys if key)),
        checks=tuple(sorted(checks, key=lambda c: (c.asset, c.name))),
        errors=tuple(_error(event) for event in result.filter_events(lambda e: e.is_step_failure)),
        seconds=seconds,
    )


def _check(evaluation: Any, blocking: set[dg.AssetCheckKey]) -> CheckOutcome:
    value = evaluation.metadata.get("value")
    return CheckOutcome(
        asset=evaluation.asset_key.to_user_string(),
        name=evaluation.check_name,
        passed=evaluation.passed,
        blocking=evaluation.asset_check_key in blocking,
        value=None if value is None else float(value.value),
        description=evaluation.description or "",
        unproven=getattr(evaluation.metadata.get("outcome"), "value", "") == "unproven",
    )


def _error(event: dg.DagsterEvent) -> str:
    """What we said of it; for an unexpected error the cause, without Dagster's frame around it."""
    failure = event.step_failure_data
    if failure.user_failure_data:
        return f"{event.step_key}: {failure.user_failure_data.description}"
    error: Any = failure.error
    while error.cause:
        error = error.cause
    return f"{event.step_key}: {error.message.strip()}"


def _progress_logger(progress: Callable[[str], None]) -> dg.LoggerDefinition:
    class Handler(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            line = _line(record)
            if line:
                progress(line)

    @dg.logger
    def console(_context: dg.InitLoggerContext) -> logging.Logger:
        logger = logging.Logger("llmops.run", logging.DEBUG)  # events come at DEBUG
        logger.addHandler(Handler())
        return logger

    return console


def _line(record: logging.LogRecord) -> str:
    """What is worth a line: a step that starts, and what an op itself says."""
    event = getattr(record, "dagster_event", None)
    if event is None:
        return str(getattr(record, "dagster_meta", {}).get("orig_message", ""))
    return str(event.step_key) if event.event_type_value == "STEP_START" else ""


def _require_free(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError as error:
            raise RuntimeUnavailable(f"Port {port} is taken", "name another one with --port") from error


@contextmanager
def _process(module: Sequence[str], root: Path, home: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A Python module as a process of its own; its output goes to a log in Dagster's home."""
    # Python must not leave compiled files in the bundle: the bundle is verified file by file.
    environment = {**os.environ, "DAGSTER_HOME": str(home), "LLMOPS_WORKSPACE": str(root), "PYTHONDONTWRITEBYTECODE": "1"}
    with _log(home, module[0]).open("wb") as log:
        command = [sys.executable, "-m", *module]
        process = subprocess.Popen(
            command, cwd=root, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, start_new_session=True
        )
        try:
            yield process
        finally:
            _stop(process)


def _log(home: Path, module: str) -> Path:
    return home / f"{module.strip('_').replace('._', '-')}.log"


def _stop(process: subprocess.Popen[bytes]) -> None:
    """Ends the process and its children: Dagster's code servers would stay for a while, and write into the workspace."""
    _signal(process, signal.SIGTERM)
    deadline = time.monotonic() + STOP_SECONDS
    while _signal(process, 0):
        process.poll()
        if time.monotonic() > deadline:
            _signal(process, signal.SIGKILL)
            break
        time.sleep(0.05)
    process.wait()


def _signal(process: subprocess.Popen[bytes], number: int) -> bool:
    """To the group that the process leads, 0 to ask only; False where none of it is left."""
    try:
        os.killpg(process.pid, number)
    except ProcessLookupError:
        return False
    return True


def _wait(server: subprocess.Popen[bytes], address: str, home: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and server.poll() is None:
        try:
            with urllib.request.urlopen(address, timeout=5):  # noqa: S310 - our own http address on this machine
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.2)
    raise RuntimeUnavailable("Dagster's web server did not start", f"read {_log(home, 'dagster_webserver')}")
