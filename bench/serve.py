"""Measures `llmops serve`: what rails and log add to a request, requests a second beside the bare pipeline, memory, `kill -9`.

`python -m bench.serve [--json] [--requests 2000] [--clients 1 8 64] [--memory 20000] [--kills 0] [--no-peers]`; a stub endpoint stands
for the model, so that its time hides nothing. docs/performance.md explains it.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import httpx

from bench.kills import kill_repeatedly
from bench.load import QUESTION, Figures, press, quantiles, rss_of
from bench.serving import ROOT, Server, free_port, served, write_workspace
from bench.stub_model import Running, stub_model
from llmops.pipeline import compile_workspace
from llmops.runtime.assistant import Assistant
from llmops.runtime.bundle import Bundle
from llmops.runtime.interactions import Log
from llmops.write import write

ENGINES = ("guardrails-ai", "nemoguardrails")
RAILS_MS, LOG_MS, SLOPE_MB = 2.0, 0.5, 1.0
"""At most: added by the deterministic rules, added by the log (both at the median); growth over 10,000 requests."""
WARM = 0.3
"""Share of the requests after which memory should have settled."""
ANSWER = "The guarantee on the kettle is two years from the day of purchase, and the lid is part of it. " * 5


def main(argv: Sequence[str] | None = None) -> int:
    """1 where a target is missed."""
    parser = argparse.ArgumentParser("python -m bench.serve", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="figures and targets for programs")
    parser.add_argument("--requests", type=int, default=2000, metavar="N", help="of each measurement")
    parser.add_argument("--clients", type=int, nargs="+", default=[1, 8, 64], metavar="N", help="that ask at the same time")
    parser.add_argument("--memory", type=int, default=20_000, metavar="N", help="requests over which memory is watched; 0 leaves it out")
    parser.add_argument("--kills", type=int, default=0, metavar="N", help="times the server is killed under load")
    parser.add_argument("--no-peers", action="store_true", help="leave the bare server out")
    args = parser.parse_args(argv)
    os.environ["STUB_KEY"] = "any"  # the pipelines in this process ask for the model's key
    with tempfile.TemporaryDirectory(prefix="llmops-bench-") as folder, stub_model() as stub:
        stub.behave(text=ANSWER)
        report = run(Path(folder), stub, args)
    print(json.dumps(report, indent=2) if args.json else table(report))
    return 0 if all(target["holds"] for target in report["targets"]) else 1


def run(folder: Path, stub: Running, args: argparse.Namespace) -> dict[str, Any]:
    """Everything measured in one go, in the form that `--json` prints."""
    report: dict[str, Any] = {"added": {}, "servers": {}, "memory": {}, "kills": {}, "targets": []}
    for engine in ENGINES:
        root = write_workspace(folder / engine, stub.url, engine=engine)
        report["added"][engine] = asyncio.run(added(root, args.requests))
        with served(root) as server:
            report["servers"][f"llmops serve, {engine}"] = _pressed(server.url, _pid(server), args)
            if args.memory and engine == ENGINES[0]:
                report["memory"] = memory(server, args.memory)
    if not args.no_peers:
        with bare_server(folder / ENGINES[0] / "build/dev") as (url, pid):
            report["servers"]["bare pipeline, FastAPI"] = _pressed(url, pid, args)
    if args.kills:
        account = kill_repeatedly(folder / "killed", stub.url, args.kills, seed=int(time.time()))
        report["kills"] = {"told": str(account), "lost": len(account.lost), "doubled": len(account.doubled)}
    report["targets"] = judge(report)
    return report


async def added(root: Path, requests: int) -> dict[str, list[float]]:
    """Median and 95th hundredth, in milliseconds, of one request in this process: its pipeline, its rails, its log; and the sum of them."""
    compiled = compile_workspace(root, "dev")
    write(compiled.artifacts, root / "build/dev")
    assistant = await asyncio.to_thread(Assistant.open, Bundle.open(root / "build/dev"), "shop", root)
    assert assistant.rails
    (query,) = assistant.queries.values()
    taken: dict[str, list[float]] = {"pipeline": [], "rails": [], "log": [], "request": []}
    with Log.open(root) as log:
        row = None
        serving = assistant.serving(_Timed(log, taken["log"]), "bench")  # type: ignore[arg-type]
        for number in range(requests + 20):
            question = f"{QUESTION}{number}"
            began = time.perf_counter()
            await query.run(query.inputs(question, {"question": question}))
            taken["pipeline"].append(_since(began))
            began = time.perf_counter()
            row = await serving.answer(question)
            taken["request"].append(_since(began))
            taken["rails"].append(sum(row.rails_ms.values()))
    await assistant.aclose()
    return {name: [round(value, 3) for value in quantiles(times[20:])] for name, times in taken.items()}


class _Timed:
    """The log, with the time that each row took to be on record."""

    def __init__(self, log: Log, taken: list[float]) -> None:
        self._log, self._taken = log, taken

    async def append_async(self, interaction: Any) -> None:
        began = time.perf_counter()
        await self._log.append_async(interaction)
        self._taken.append(_since(began))


def _since(began: float) -> float:
    return (time.perf_counter() - began) * 1000


def _pressed(url: str, pid: int, args: argparse.Namespace) -> list[dict[str, float]]:
    press(url, pid, 4, 100)
    return [_rounded(press(url, pid, clients, args.requests)) for clients in args.clients]


def _rounded(figures: Figures) -> dict[str, float]:
    return {name: round(value, 2) for name, value in asdict(figures).items()}


def memory(server: Server, requests: int) -> dict[str, Any]:
    """Megabytes held after each tenth of the requests, and the growth over 10,000 of them once it has settled."""
    held = []
    for _ in range(10):
        press(server.url, _pid(server), 8, requests // 10)
        held.append(round(rss_of(_pid(server)), 1))
    settled = held[int(len(held) * WARM) :]
    slope = (settled[-1] - settled[0]) / (requests * (len(settled) - 1) / 10) * 10_000
    return {"requests": requests, "rss_mb": held, "mb_per_10000": round(slope, 2)}


def _pid(server: Server) -> int:
    assert server.process
    return server.process.pid


@contextmanager
def bare_server(bundle: Path) -> Iterator[tuple[str, int]]:
    """The bare pipeline's server: its address and process."""
    port = free_port()
    environment = {"PYTHONPATH": f"{ROOT / 'compiler'}:{ROOT}", "STUB_KEY": "x", "PATH": ""}
    process = subprocess.Popen([sys.executable, "-m", "bench.bare_server", str(bundle), str(port)], env=environment)
    try:
        while True:
            try:
                httpx.get(f"http://127.0.0.1:{port}/health")
                break
            except httpx.TransportError:
                assert process.poll() is None
                time.sleep(0.1)
        yield f"http://127.0.0.1:{port}", process.pid
    finally:
        process.kill()
        process.wait()


def judge(report: dict[str, Any]) -> list[dict[str, Any]]:
    """The targets, and whether they are met."""
    targets = [
        _target(f"{part} added at the median, ms ({engine})", figures[part][0], limit)
        for engine, figures in report["added"].items()
        for part, limit in (("rails", RAILS_MS), ("log", LOG_MS))
    ]
    if report["memory"]:
        targets.append(_target("memory grown over 10,000 requests, MB", report["memory"]["mb_per_10000"], SLOPE_MB))
    if report["kills"]:
        targets.append(_target("acknowledged answers lost or doubled", report["kills"]["lost"] + report["kills"]["doubled"], 0))
    return targets


def _target(name: str, value: float, limit: float) -> dict[str, Any]:
    return {"name": name, "value": value, "limit": limit, "holds": value <= limit}


def table(report: dict[str, Any]) -> str:
    """The figures for people."""
    lines = [f"{'one request in process, ms':36}{'p50':>9}{'p95':>9}"]
    for engine, parts in report["added"].items():
        lines += [f"  {f'{part}, {engine}':34}{values[0]:>9}{values[1]:>9}" for part, values in parts.items()]
    lines.append(f"\n{'over HTTP':36}{'clients':>9}{'req/s':>9}{'p50 ms':>9}{'p95 ms':>9}{'CPU ms':>9}{'x bare':>9}")
    bare = {row["clients"]: row["rate"] for row in report["servers"].get("bare pipeline, FastAPI", [])}
    for name, rows in report["servers"].items():
        for row in rows:
            ratio = round(row["rate"] / bare[row["clients"]], 2) if row["clients"] in bare else ""
            cells = (row["clients"], row["rate"], row["p50"], row["p95"], row["cpu"], ratio)
            lines.append(f"  {name:34}" + "".join(f"{cell:>9}" for cell in cells))
    if report["memory"]:
        lines.append(f"\nmemory over {report['memory']['requests']} requests, MB: {' '.join(map(str, report['memory']['rss_mb']))}")
    if report["kills"]:
        lines.append(f"\n{report['kills']['told']}")
    lines += [f"{'met' if t['holds'] else 'MISSED'}: {t['name']}: {t['value']}, at most {t['limit']}" for t in report["targets"]]
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
