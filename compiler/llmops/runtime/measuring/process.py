"""The parent's side of a measuring process: starts it, gives it questions, hears what it tells, ends it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any, cast

from llmops.errors import RuntimeUnavailable
from llmops.evaluate.questions import Question
from llmops.runtime.measuring.session import PARALLEL

STOP_SECONDS = 30.0
LOG = ".llmops/logs/evaluation-{name}.log"


@dataclass(frozen=True, slots=True)
class Job:
    """What a process measures. `root` is the folder that was compiled, `answers` the workspace that keeps what was answered."""

    bundle: str
    root: str
    application: str
    answers: str
    chat: bool = True
    parallel: int = PARALLEL


@dataclass(frozen=True, slots=True)
class Measuring:
    """A process that is ready."""

    process: subprocess.Popen[str]
    log: Path
    progress: Callable[[str], None]

    def ask(self, questions: Sequence[Question], answered: Callable[[], None]) -> None:
        """Returns when all are answered and kept; calls `answered` after each. Raises `RuntimeUnavailable` where it cannot go on."""
        self.tell([[q.needs, q.text, q.repeat] for q in questions])
        self.hear("done", answered)

    def tell(self, value: Any) -> None:
        pipe = cast("IO[str]", self.process.stdin)
        with suppress(BrokenPipeError):  # it has ended; what it said last tells why
            pipe.write(json.dumps(value) + "\n")
            pipe.flush()

    def hear(self, until: str, answered: Callable[[], None] = lambda: None) -> None:
        for line in cast("IO[str]", self.process.stdout):
            if not line.endswith("\n"):
                break  # it was killed in the middle of a word
            event: dict[str, Any] = json.loads(line)
            if "error" in event:
                raise RuntimeUnavailable(event["error"], event["hint"] or f"Read {self.log}.")
            if "progress" in event:
                self.progress(event["progress"])
            if "answered" in event:
                answered()
            if until in event:
                return
        raise RuntimeUnavailable(f"The measuring process ended: exit code {self.process.wait()}", f"Read {self.log}.")


@contextmanager
def measuring(job: Job, name: str, progress: Callable[[str], None]) -> Iterator[Measuring]:
    """A process for this job, ended with the block. `name` is `base` or `head`, in its log's name."""
    log = Path(job.answers) / LOG.format(name=name)
    log.parent.mkdir(parents=True, exist_ok=True)
    # Python must not leave compiled files in a bundle, which is verified file by file.
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    with log.open("wb") as stream:
        command = [sys.executable, "-m", "llmops.runtime.measuring.worker"]
        process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=stream, text=True, encoding="utf-8", env=environment
        )
    try:
        started = Measuring(process, log, progress)
        started.tell(asdict(job))
        started.hear("ready")
        yield started
    finally:
        _end(process)


def _end(process: subprocess.Popen[str]) -> None:
    """It stops by itself when nobody gives it orders any more, and puts its services away."""
    with suppress(BrokenPipeError):
        cast("IO[str]", process.stdin).close()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    cast("IO[str]", process.stdout).close()
