"""`kill -9` of a server under load, again and again: which acknowledged answers are in the log, and how often.

An answer is acknowledged when the client has the whole of it: the body, or a stream up to `[DONE]`.
"""

from __future__ import annotations

import json
import random
import sqlite3
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from bench.serving import Server, write_workspace
from llmops.runtime.interactions import LOG_FILE

CLIENTS = 8
LONGEST = 0.6
"""Seconds from the first answer to the blow, at most."""


@dataclass
class Account:
    """What came of it. `lost` and `doubled` are ids of acknowledged answers."""

    kills: int
    seed: int
    acknowledged: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    unacknowledged: int = 0
    """Rows whose answer nobody got: written, and then the blow came."""
    integrity: str = ""

    def __str__(self) -> str:
        told = f"{self.kills} kills (seed {self.seed}): {len(self.acknowledged)} answers acknowledged"
        return f"{told}, {len(self.lost)} lost, {len(self.doubled)} doubled, {self.unacknowledged} more logged; integrity {self.integrity}"


def kill_repeatedly(root: Path, url: str, kills: int, seed: int, progress: Callable[[int], None] = lambda done: None) -> Account:
    """Serves a workspace at `root` over the stub at `url`, and kills it at random moments under load."""
    account, dice = Account(kills, seed), random.Random(seed)
    server = Server(write_workspace(root, url))
    for done in range(kills):
        _strike(server, account, dice.uniform(0, LONGEST))
        progress(done + 1)
    return _audited(root, account)


def _strike(server: Server, account: Account, seconds: float) -> None:
    server.start()
    over = threading.Event()
    threads = [threading.Thread(target=_ask, args=(server, account, over, number)) for number in range(CLIENTS)]
    before = len(account.acknowledged)
    for thread in threads:
        thread.start()
    while len(account.acknowledged) == before:
        time.sleep(0.001)
    time.sleep(seconds)
    server.kill()
    over.set()
    for thread in threads:
        thread.join()


def _ask(server: Server, account: Account, over: threading.Event, number: int) -> None:
    take = _streamed if number % 2 else _whole
    with httpx.Client(base_url=server.url, timeout=30) as client:
        while not over.is_set():
            try:
                account.acknowledged.append(take(client, f"question {number}"))
            except (httpx.TransportError, _Unfinished):
                continue


class _Unfinished(Exception):
    """The blow came before the whole answer."""


def _whole(client: httpx.Client, question: str) -> str:
    response = client.post("/v1/answers", json={"application": "shop", "question": question})
    response.raise_for_status()
    return str(response.json()["id"])


def _streamed(client: httpx.Client, question: str) -> str:
    body = {"model": "shop", "stream": True, "messages": [{"role": "user", "content": question}]}
    with client.stream("POST", "/v1/chat/completions", json=body) as response:
        lines = [line for line in response.iter_lines() if line]
    if lines[-1:] != ["data: [DONE]"]:
        raise _Unfinished
    return str(json.loads(lines[-2].removeprefix("data: "))["llmops"]["interaction"])


def _audited(root: Path, account: Account) -> Account:
    with closing(sqlite3.connect(root / LOG_FILE)) as connection:
        rows = Counter(row[0] for row in connection.execute('SELECT "gen_ai.response.id" FROM interactions'))
        account.integrity = connection.execute("PRAGMA integrity_check").fetchone()[0]
    account.lost = [id_ for id_ in account.acknowledged if id_ not in rows]
    account.doubled = [id_ for id_, times in rows.items() if times > 1]
    account.unacknowledged = len(rows) - len(set(account.acknowledged))
    return account
