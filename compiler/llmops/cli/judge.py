"""Judges: how well the language model that grades answers agrees with people.

`calibrate` has the judge of an evaluation grade answers that people have labelled, and records its agreement (Cohen's kappa, with
its interval) in llmops.lock. A judge whose model or rubric changes afterwards is another judge: earlier evidence is void.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from llmops.cli.inspection import write_whole
from llmops.cli.parts import compiled_bundle
from llmops.cli.terminal import add_workspace_arguments, progress
from llmops.errors import UsageError
from llmops.validate.explain import nearest

if TYPE_CHECKING:
    from llmops.evaluate.calibration import Agreement, Label
    from llmops.runtime.bundle import Bundle, BundledResource

EXAMPLES = """\
examples:
  llmops judge calibrate --evaluation answers --labels evals/judge-labels.jsonl
  llmops judge calibrate --evaluation answers --labels reviews.jsonl --dry-run
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_workspace_arguments(parser)
    parser.add_argument("what", choices=("calibrate",), help="what to do")
    parser.add_argument("--evaluation", metavar="NAME", required=True, help="the evaluation whose judge is meant")
    parser.add_argument(
        "--labels", metavar="FILE", type=Path, required=True, help="JSON Lines: question, answer, reference, label (1 or 0)"
    )
    parser.add_argument("--dry-run", action="store_true", help="show the agreement, and record nothing")


def run(args: argparse.Namespace) -> int:
    from llmops.cli.evaluating import lock_in
    from llmops.evaluate.calibration import read_labels

    labels = read_labels(args.labels)
    compiled = compiled_bundle(args, unmeasured=True)
    if compiled is None:
        return 1
    root, bundle = compiled
    lock = lock_in(root)
    evaluation, rubric = _rubric(bundle, args.evaluation)
    agreement = _agreement(bundle, root, evaluation, rubric, labels)
    print(_shown(evaluation, agreement))
    if not args.dry_run:
        _record(root, lock, evaluation, agreement)
    return 0


def _rubric(bundle: Bundle, name: str) -> tuple[BundledResource, str]:
    """The evaluation and the rubric that answers are graded by. Raises `UsageError` where it has no such judge."""
    known = {each.name: each for each in bundle.of_kind("Evaluation")}
    if name not in known:
        raise UsageError(f"The workspace has no evaluation {name!r}", nearest(name, list(known)))
    evaluation = known[name]
    rubrics = [metric["rubric"] for metric in evaluation.spec["metrics"] if metric["name"] == "judge_rubric"]
    if evaluation.judge is None or not rubrics:
        raise UsageError(f"{evaluation.id} has no metric judge_rubric", "Only a judge that grades can be held against labels.")
    return evaluation, str(rubrics[0])


def _agreement(bundle: Bundle, root: Path, evaluation: BundledResource, rubric: str, labels: Sequence[Label]) -> Agreement:
    from llmops.evaluate.calibration import agreement_of, prompts_of
    from llmops.runtime.measuring.tools import judge_of

    with progress() as tell, judge_of(bundle, root, evaluation, tell) as judge:
        return agreement_of(labels, judge.ask(prompts_of(labels, rubric)))


def _shown(evaluation: BundledResource, agreement: Agreement) -> str:
    assert evaluation.judge
    kappa, unreadable = agreement.kappa, agreement.unreadable
    lines = [
        f"{evaluation.judge.model} judging {evaluation.id}: κ = {kappa.value:.2f} [{kappa.low:.2f}, {kappa.high:.2f}], {kappa.n} labels",
        f"  calls good what people call good: {agreement.true_good} of {agreement.good}",
        f"  calls bad what people call bad:   {agreement.true_bad} of {agreement.bad}",
    ]
    lines += [f"  gave no readable grade on {unreadable}, which counts as disagreement"] if unreadable else []
    return "\n".join([*lines, f"  {_worth(kappa.low)}"])


def _worth(low: float) -> str:
    """People themselves agree at about 0.5 on whether an answer is faithful: nobody should ask for more than 0.8."""
    if low < 0.2:
        return "No better than chance for certain: it decides nothing where a policy asks for agreement."
    return "Usable." if low < 0.6 else "As good as people agree with each other."


def _record(root: Path, lock: Any, evaluation: BundledResource, agreement: Agreement) -> None:
    from llmops.lock.entries import Calibration
    from llmops.lock.record import record
    from llmops.lock.source import FILE
    from llmops.lock.text import render_lock

    assert evaluation.judge
    kappa, judge = agreement.kappa, f"{evaluation.judge.model}@{evaluation.judge.digest}"
    figures = (round(kappa.value, 3), round(kappa.low, 3), round(kappa.high, 3))
    entry = Calibration(judge, evaluation.id, *figures, kappa.n, datetime.now(UTC).date().isoformat())
    write_whole(root / FILE, render_lock(record(lock, [entry])))
    print(f"recorded in {FILE}")
