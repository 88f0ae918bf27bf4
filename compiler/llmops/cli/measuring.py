"""Has both sides of an application answer what its evaluations need, in processes of their own, and scores what they said.

Input: subjects and specs. Output: `Measured`, which the gate judges. Answers that are kept are not asked for again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from statistics import fmean
from typing import Any

from llmops.evaluate.cases import Case, read_cases
from llmops.evaluate.gate import Measured
from llmops.evaluate.metrics import METRICS
from llmops.evaluate.questions import Chosen, Question, Spec, choose, questions
from llmops.evaluate.scoring import Material, MetricScores, Sides, score
from llmops.evaluate.side_by_side import answer_rows
from llmops.evaluate.statistics import Sequential
from llmops.runtime.bundle import BundledResource
from llmops.runtime.measuring.answers import Answers, Kept
from llmops.runtime.measuring.process import Job, Measuring, measuring
from llmops.runtime.measuring.session import Subject
from llmops.runtime.measuring.tools import tools

Progress = Callable[[str], None]
CHUNK = 10
"""Clusters that are answered between two looks of a run that may stop early."""


@dataclass(frozen=True, slots=True)
class Manner:
    """How a run goes: how many questions at a time, whether it may stop early, whether kept answers are asked for again."""

    parallel: int
    early_stop: bool = False
    again: bool = False


@dataclass(slots=True)
class Side:
    """One release. The process is started when a question first needs it, and stopped with the stack."""

    name: str
    subject: Subject
    home: Path
    answers: Answers
    stack: ExitStack
    manner: Manner
    progress: Progress
    _process: Measuring | None = field(default=None)
    _chat: bool = False
    _anew: set[Question] = field(default_factory=set)
    """What was asked anew, where kept answers do not count: evaluations that share a question share its answer all the same."""

    def ask(self, wanted: Sequence[Question]) -> int:
        """Has these answered, as far as they are not kept; returns how many had to be asked."""
        if self.manner.again:
            self.answers.forget(self.subject.release, set(wanted) - self._anew)
            self._anew |= set(wanted)
        known = self.answers.known(self.subject.release, wanted)
        missing = [question for question in wanted if question not in known]
        if missing:
            self._start(chat=any(question.needs == "reply" for question in missing)).ask(missing, self._counting(len(missing)))
        return len(missing)

    def kept(self, wanted: Iterable[Question]) -> dict[Question, Kept]:
        return self.answers.known(self.subject.release, wanted)

    def material(self, wanted: Iterable[Question]) -> Material:
        return Material({question: kept.result for question, kept in self.kept(wanted).items()})

    def _counting(self, total: int) -> Callable[[], None]:
        done = iter(range(1, total + 1))
        return lambda: self.progress(f"{self.name}: answered {next(done)} of {total}")

    def _start(self, *, chat: bool) -> Measuring:
        """A process without a chat model is replaced by one that has it."""
        if self._process is None or (chat and not self._chat):
            self.stack.close()
            bundle, root = str(self.subject.bundle.directory), str(self.subject.root)
            job = Job(bundle, root, self.subject.application, str(self.home), chat, self.manner.parallel)
            self._process = self.stack.enter_context(measuring(job, self.name, lambda text: self.progress(f"{self.name}: {text}")))
            self._chat = chat
        return self._process


@dataclass(frozen=True, slots=True)
class Task:
    """One evaluation to run: its spec as head declares it, the cases, and what must be asked for them."""

    evaluation: BundledResource
    chosen: Chosen
    questions: tuple[Question, ...]

    @property
    def spec(self) -> Spec:
        return self.evaluation.spec


def task_of(subject: Subject, evaluation: BundledResource) -> Task:
    """Raises `CasesError` for a dataset that cannot be read."""
    (dataset,) = subject.bundle.referenced(evaluation, "Dataset")
    cases = read_cases(subject.root / dataset.files[0].path, dataset.spec["fields"], dataset.spec["format"])
    chosen = choose(evaluation.spec, cases)
    return Task(evaluation, chosen, tuple(questions(evaluation.spec, chosen)))


@dataclass(frozen=True, slots=True)
class Bench:
    """Both sides of one application; `base` is None where there is nothing to compare with."""

    head: Side
    base: Side | None
    progress: Progress

    def measure(
        self, tasks: Sequence[Task], about: Callable[[Task, Mapping[str, Any]], Mapping[str, Any]]
    ) -> Iterator[tuple[Measured, date | None]]:
        """One at a time, and the day of head's oldest answer. Base answers all it must before head begins: they may share a port."""
        asked: dict[str, int] = dict.fromkeys((task.evaluation.id for task in tasks), 0)
        if self.base:
            for task in tasks:
                asked[task.evaluation.id] += self.base.ask(task.questions)
            self.base.stack.close()
        for task in tasks:
            decisions, answered, count = self._head(task)
            counts = {"asked": asked[task.evaluation.id] + count, "cached": self._size(task, answered) - asked[task.evaluation.id] - count}
            yield self._measured(task, answered, decisions, about(task, counts)), self._oldest(task, answered)

    def _head(self, task: Task) -> tuple[dict[str, str | None] | None, frozenset[int] | None, int]:
        """Decisions and lines of the answered cases where the run stopped early, None for both where it did not; how many were asked."""
        if not (self.base and self.head.manner.early_stop):
            return None, None, self.head.ask(task.questions)
        tests = _Tests(task, self.base, self.head, self.progress)
        count, done = self.head.ask([question for question in task.questions if question.needs == "passages"]), set[int]()
        for chunk in _chunks(task.chosen.asked):
            count += self.head.ask(_questions_of(task, chunk))
            done |= {case.line for case in chunk}
            if tests.look(chunk) and len(done) < len(task.chosen.asked):
                return tests.decisions, frozenset(done), count
        return None, None, count + self.head.ask(task.questions)

    def _measured(self, task: Task, answered: frozenset[int] | None, decisions: Any, about: Mapping[str, Any]) -> Measured:
        with tools(self.head.subject, task.evaluation, self.progress) as borrowed:
            head = self.head.material(task.questions)
            base = self.base.material(task.questions) if self.base else None
            chosen = _answered(task.chosen, answered)
            own = Sides(chosen, head, base)
            scores = score(task.spec, own, borrowed)
            others = None
            if base:
                # A preference has been asked of both sides at once; it has no score of the base alone.
                alone = {**task.spec, "metrics": [m for m in task.spec["metrics"] if m["name"] != "judge_preference"]}
                found = {each.name: each for each in score(alone, Sides(chosen, base), borrowed)}
                others = [found.get(each.name, MetricScores(each.declared, ())) for each in scores]
        rows = tuple(answer_rows(task.spec, own, scores, others))
        return Measured(about, task.spec, chosen, scores, others, decisions, rows)

    def _size(self, task: Task, answered: frozenset[int] | None) -> int:
        """Questions of both sides."""
        of_head = questions(task.spec, _answered(task.chosen, answered))
        return len(of_head) + (len(task.questions) if self.base else 0)

    def _oldest(self, task: Task, answered: frozenset[int] | None) -> date | None:
        return None if answered is not None else min((kept.day for kept in self.head.kept(task.questions).values()), default=None)


def _answered(chosen: Chosen, answered: frozenset[int] | None) -> Chosen:
    if answered is None:
        return chosen
    return replace(chosen, asked=tuple(case for case in chosen.asked if case.line in answered))


def _questions_of(task: Task, cases: Sequence[Case]) -> list[Question]:
    return questions(task.spec, Chosen((), tuple(cases)))


def _chunks(cases: Sequence[Case]) -> Iterator[list[Case]]:
    """Whole clusters in an order that has nothing to do with the dataset's: a file sorted by topic would fool a sequential test."""
    clusters: dict[str, list[Case]] = {}
    for case in cases:
        clusters.setdefault(case.group, []).append(case)
    shuffled = sorted(clusters, key=lambda name: hashlib.sha256(name.encode()).digest())
    for start in range(0, len(shuffled), CHUNK):
        yield [case for name in shuffled[start : start + CHUNK] for case in clusters[name]]


class _Tests:
    """A sequential test for each score of an evaluation. Judges are not asked before the end: each look would cost anew."""

    def __init__(self, task: Task, base: Side, head: Side, progress: Progress) -> None:
        self._task, self._base, self._head, self._progress = task, base, head, progress
        self._declared = [m for m in task.spec["metrics"] if _can_be_watched(m["name"])]
        self._tests = {m["name"]: Sequential(m["margin"], family=len(self._declared)) for m in self._declared}

    @property
    def decisions(self) -> dict[str, str | None]:
        return {name: test.decision for name, test in self._tests.items()}

    def look(self, cases: Sequence[Case]) -> bool:
        """Takes the differences of more clusters in; whether the run may stop: one metric has regressed, or none can any more."""
        spec = {**self._task.spec, "metrics": self._declared}
        wanted = _questions_of(self._task, cases)
        chosen = Chosen((), tuple(cases))
        with tools(self._head.subject, self._task.evaluation, self._progress) as borrowed:
            head, base = (score(spec, Sides(chosen, side.material(wanted)), borrowed) for side in (self._head, self._base))
        for own, other in zip(head, base, strict=True):
            for difference in _differences(own, other):
                self._tests[own.name].add(difference)
        found = list(self.decisions.values())
        return "regressed" in found or (bool(found) and all(found))


def _can_be_watched(name: str) -> bool:
    metric = METRICS[name]
    return metric.needs == "reply" and not metric.unit and not metric.judged


def _differences(head: MetricScores, base: MetricScores) -> list[float]:
    """Head less base, a mean for each cluster."""
    others = {case.case.line: case.value for case in base.cases}
    found: dict[str, list[float]] = {}
    for case in head.cases:
        other = others.get(case.case.line)
        if case.value is not None and other is not None:
            found.setdefault(case.case.group, []).append(case.value - other)
    return [fmean(values) for values in found.values()]


@contextmanager
def bench(root: Path, head: Subject, base: Subject | None, manner: Manner, progress: Progress) -> Iterator[Bench]:
    """Both sides of an application, with the answers that the workspace at `root` keeps."""
    with Answers.open(root) as answers, ExitStack() as stack:

        def side(name: str, subject: Subject) -> Side:
            return Side(name, subject, root, answers, stack.enter_context(ExitStack()), manner, progress)

        yield Bench(side("head", head), side("base", base) if base else None, progress)
