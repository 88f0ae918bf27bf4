"""Runs a piece of work per rule in a forked process with a limit of time and memory each, so that no rule can hang or fell a check.

Why a process: C++ code that loops or allocates cannot be interrupted from Python, but a process can be ended.
"""

from __future__ import annotations

import faulthandler
import gc
import os
import resource
import signal
import traceback
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import IO, Any

import orjson

SECONDS = 0.5
"""Processor time that one rule may take, whatever it looks at."""
SECONDS_EACH = 0.0005
"""What it may take beside that for each resource; a usual rule takes 4 microseconds, patterns over long prompts 300."""
BYTES = 512 * 1024 * 1024
"""Memory that evaluation may take beyond what the compiler holds already."""

Work = Callable[[int], list[Any]]
"""From the index of a rule to its outcomes, as plain data."""


class Exhausted(list[Any]):
    """In place of the outcomes of a rule that was ended; holds nothing."""


def seconds_for(resources: int) -> float:
    """The processor time of a rule that looks at so many resources."""
    return SECONDS + SECONDS_EACH * resources


def each_within_budget(budgets: Sequence[float], prepare: Callable[[], Work]) -> Iterator[list[Any]]:
    """The outcomes of rule 0, 1, …; `Exhausted` for one that took too much. `budgets` are their seconds of processor time.

    `prepare` runs once in each process.
    """
    done = 0
    while done < len(budgets):
        outcomes = _run_from(done, budgets, prepare)
        yield from outcomes
        done += len(outcomes)
        if done < len(budgets):
            yield Exhausted()
            done += 1


def _run_from(first: int, budgets: Sequence[float], prepare: Callable[[], Work]) -> Sequence[list[Any]]:
    """What one process finishes, which is less than all where a rule ends it. Raises `RuntimeError` for a mistake of ours in it."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reader)
        _work(list(enumerate(budgets))[first:], prepare, writer)
    os.close(writer)
    with os.fdopen(reader, "rb") as stream:
        lines = stream.read().splitlines(keepends=True)
    os.waitpid(child, 0)
    outcomes = [orjson.loads(line) for line in lines if line.endswith(b"\n")]
    if outcomes and isinstance(outcomes[-1], str):
        raise RuntimeError(f"Evaluating policies failed:\n{outcomes[-1]}")
    return outcomes


def _work(rules: Sequence[tuple[int, float]], prepare: Callable[[], Work], writer: int) -> None:
    """In the child; it never returns, and nothing of the parent's clean-up runs here."""
    gc.disable()  # a collection walks all that the parent holds, and a rule would pay for it with its budget
    _hush()
    with os.fdopen(writer, "wb") as stream:
        try:
            _work_through(rules, prepare(), stream)
        except MemoryError:
            pass  # the parent misses this rule's outcomes, as for one that is ended by a signal
        except BaseException:
            stream.write(orjson.dumps(traceback.format_exc()) + b"\n")
        stream.flush()
        os._exit(0)


def _work_through(rules: Sequence[tuple[int, float]], work: Work, stream: IO[bytes]) -> None:
    _limit_memory()
    signal.signal(signal.SIGPROF, signal.SIG_DFL)
    for index, seconds in rules:
        signal.setitimer(signal.ITIMER_PROF, seconds)
        stream.write(orjson.dumps(work(index)) + b"\n")
        stream.flush()


def _hush() -> None:
    """C++ that runs out of memory says so on standard error, where a report may be."""
    faulthandler.disable()
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)


def _limit_memory() -> None:
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    limit = pages * resource.getpagesize() + BYTES
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
