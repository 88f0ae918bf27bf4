"""Measures whole processes: CPU seconds of the child and its children, wall seconds, the largest resident set.

Start-up, imports and teardown are inside the figures, as they are for a person who waits.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Contender:
    """A command under its name in the table. `prepare` runs before each round, outside the clock.

    It must print `says`, so that nobody wins by doing nothing; then it may exit with 1, which means findings.
    """

    name: str
    command: tuple[str, ...]
    folder: Path
    prepare: Callable[[], None] = lambda: None
    says: str = ""
    variables: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Run:
    """One process: seconds, seconds, and megabytes (10^6 bytes), of which the system shows no fewer than the bench itself holds."""

    cpu: float
    wall: float
    rss: float


@dataclass(frozen=True, slots=True)
class Bench:
    """A folder for what the contenders print, and the variables they see."""

    folder: Path
    variables: Mapping[str, str]


class Failed(Exception):
    """A contender that did not finish, or did not find what there is: a figure for it would mean nothing."""


def bench_in(folder: Path, *paths: Path) -> Bench:
    """A bench whose Pythons also look into `paths`, and keep bytecode in `folder` as installed packages keep it beside them."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ}
    python = {"PYTHONPYCACHEPREFIX": str(folder / "bytecode"), "PYTHONPATH": os.pathsep.join(map(str, paths))}
    return Bench(folder, {**kept, **python, "NO_COLOR": "1", "DO_NOT_TRACK": "1"})


def measure(contenders: Iterable[Contender], repeats: int, bench: Bench) -> dict[str, Run]:
    """The median of each figure over `repeats` rounds, after one round that only fills the caches.

    All contenders run in turn within a round, so that a busy minute of the machine falls on all of them.
    """
    everyone = list(contenders)
    runs: dict[str, list[Run]] = {contender.name: [] for contender in everyone}
    for number in range(repeats + 1):
        for contender in everyone:
            print(f"round {number} of {repeats}: {contender.name}", file=sys.stderr)
            run = _run(contender, bench)
            if number:
                runs[contender.name].append(run)
    return {name: _median(found) for name, found in runs.items()}


def _run(contender: Contender, bench: Bench) -> Run:
    contender.prepare()
    log = bench.folder / "output.txt"
    variables = {**bench.variables, **contender.variables}
    with log.open("wb") as output:
        start = time.perf_counter()
        process = subprocess.Popen(contender.command, cwd=contender.folder, env=variables, stdout=output, stderr=subprocess.STDOUT)
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)  # it is reaped here, so `subprocess` need not wait for it
    printed = log.read_text("utf-8", "replace")
    if process.returncode not in ((0, 1) if contender.says else (0,)):
        raise Failed(f"{contender.name} exited with {process.returncode}:\n{printed[-2_000:]}")
    if contender.says not in printed:
        raise Failed(f"{contender.name} does not say {contender.says!r}:\n{printed[-2_000:]}")
    return Run(usage.ru_utime + usage.ru_stime, wall, usage.ru_maxrss * 1024 / 1e6)


def _median(runs: Sequence[Run]) -> Run:
    return Run(*(statistics.median(getattr(run, field) for run in runs) for field in ("cpu", "wall", "rss")))
