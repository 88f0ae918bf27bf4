"""Clients that ask over HTTP without a pause, and what their waiting was like."""

from __future__ import annotations

import asyncio
import os
import resource
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import aiohttp

QUESTION = "How long is the guarantee on the large kettle, and does it cover the lid? " * 2
PAGE = resource.getpagesize()


@dataclass(frozen=True, slots=True)
class Figures:
    """Requests a second; milliseconds that a request took; CPU milliseconds of the server for one request."""

    clients: int
    rate: float
    p50: float
    p95: float
    cpu: float


def press(url: str, pid: int, clients: int, requests: int) -> Figures:
    """Asks `requests` times with so many clients. Raises `RuntimeError` for any answer but 200."""
    cpu, began = cpu_of(pid), time.perf_counter()
    waits = asyncio.run(_press(url, clients, requests))
    took = time.perf_counter() - began
    return Figures(clients, len(waits) / took, *quantiles(waits), (cpu_of(pid) - cpu) * 1000 / len(waits))


def quantiles(waits: Sequence[float]) -> tuple[float, float]:
    """The 50th and the 95th hundredth."""
    return statistics.median(waits), statistics.quantiles(waits, n=20)[-1]


async def _press(url: str, clients: int, requests: int) -> list[float]:
    waits: list[float] = []
    left = iter(range(requests))
    connector = aiohttp.TCPConnector(limit=clients)
    async with aiohttp.ClientSession(connector=connector) as session:
        await asyncio.gather(*(_ask(session, url, left, waits) for _ in range(clients)))
    return waits


async def _ask(session: aiohttp.ClientSession, url: str, left: object, waits: list[float]) -> None:
    for number in left:  # type: ignore[attr-defined]
        began = time.perf_counter()
        async with session.post(f"{url}/v1/answers", json={"application": "shop", "question": f"{QUESTION}{number}"}) as response:
            body = await response.read()
            if response.status != 200:
                raise RuntimeError(f"{url} answered {response.status}: {body[:200]!r}")
        waits.append((time.perf_counter() - began) * 1000)


def cpu_of(pid: int) -> float:
    """Seconds of processor time of a process and its threads so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def rss_of(pid: int) -> float:
    """Megabytes (10^6 bytes) that a process holds in memory."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * PAGE / 1e6
