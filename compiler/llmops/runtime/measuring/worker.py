"""A process that measures one release: base and head each have their own, so that stores, models and variables never meet.

Standard input: a line of JSON with the job, then lines with questions. Standard output: a line of JSON for everything that happens.
Each answer is in the workspace's file before it is told.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Any

from llmops.errors import LlmopsError
from llmops.evaluate.questions import Question
from llmops.evaluate.scoring import Result
from llmops.runtime.bundle import Bundle
from llmops.runtime.measuring.answers import Answers
from llmops.runtime.measuring.session import Subject, session


def main() -> None:
    """Works until standard input ends. What goes wrong is told on standard output, with its hint."""
    # Engines print as they please: what they say goes to the log, and the pipe to the parent is ours alone.
    told = os.fdopen(os.dup(1), "w", encoding="utf-8", buffering=1)
    os.dup2(2, 1)
    job = json.loads(sys.stdin.readline())
    try:
        work(job, sys.stdin, told)
    except LlmopsError as error:
        tell(told, error=str(error), hint=error.hint)
    except Exception as error:
        tell(told, error=f"The measuring process failed: {type(error).__name__}: {error}", hint="")
        raise  # the log has the rest


def work(job: dict[str, Any], orders: IO[str], told: IO[str]) -> None:
    subject = Subject(Bundle.open(job["bundle"]), Path(job["root"]), job["application"])
    with (
        Answers.open(Path(job["answers"])) as answers,
        session(subject, lambda text: tell(told, progress=text), answers=job["chat"], parallel=job["parallel"]) as opened,
    ):

        def keep(question: Question, result: Result) -> None:
            answers.keep(subject.release, question, result)
            tell(told, answered=[question.needs, question.text, question.repeat])

        tell(told, ready=True)
        for line in orders:
            opened.ask(_questions(json.loads(line)), keep)
            tell(told, done=True)


def tell(told: IO[str], **event: Any) -> None:
    told.write(json.dumps(event) + "\n")


def _questions(plain: Sequence[Sequence[Any]]) -> list[Question]:
    return [Question(needs, text, repeat) for needs, text, repeat in plain]


if __name__ == "__main__":
    main()
