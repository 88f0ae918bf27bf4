"""Show which engine enforces which safety rule, and try the rules on the real engines.

`test` runs the cases of each rule, or a suite file, on every engine of the rule. It exits with 1 where a case does not behave, a
detector fails or two engines disagree; what a suite misses is measured, not failed.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from llmops.cli.terminal import add_workspace_arguments, progress, uses_colour, workspace_root
from llmops.enforcement import ON_THE_ANSWER, Rule, enforce_rule, engines_of, matrix
from llmops.errors import UsageError
from llmops.pipeline import open_policies
from llmops.validate.explain import nearest

if TYPE_CHECKING:
    from llmops.link import Linked
    from llmops.report.matrix import Place, RuleLine
    from llmops.report.trials import Summary
    from llmops.resources import Resource
    from llmops.runtime.bundle import Bundle
    from llmops.runtime.rails import Rails
    from llmops.runtime.rails.trials import Mistake, Target, Trial

EXAMPLES = """\
examples:
  llmops safety matrix                                rule x engine x stage: native, adapted or impossible, and why
  llmops safety matrix --all                          every detector x engine x stage x action
  llmops safety test                                  the cases of every rule, on every engine
  llmops safety test --engine nemoguardrails
  llmops safety test --suite evals/safety.jsonl       catch and false-alarm rates, with misses by line
  llmops safety test --format junit > safety.xml
"""


NO_PROMPT = "(the cases of a rule have no system prompt)"
"""Stands for it where the policy has a rule that compares the answer with it, which fails without any."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_workspace_arguments(parser)
    parser.add_argument("action", choices=list(ACTIONS), help="what to do")
    parser.add_argument("--policy", metavar="NAME", help="this safety policy only (default: all)")
    parser.add_argument("--engine", metavar="ENGINE", help="this engine only (default: all that a rule names)")
    parser.add_argument("--all", action="store_true", help="with matrix: every cell there is; needs no workspace")
    parser.add_argument("--suite", metavar="FILE", type=Path, help="with test: a JSON Lines file instead of the rules' own cases")
    parser.add_argument(
        "--format",
        choices=["text", "markdown", "json", "junit"],
        default="text",
        help="how it is reported (default: text); junit: test only",
    )


def run(args: argparse.Namespace) -> int:
    if args.action == "matrix" and (args.suite or args.format == "junit"):
        raise UsageError("--suite and --format junit go with `llmops safety test`", "`llmops safety matrix` runs nothing.")
    if args.all and (args.action == "test" or args.policy):
        raise UsageError("--all goes with `llmops safety matrix` and no --policy", "It shows what any policy could ask for.")
    return ACTIONS[args.action](args)


def _matrix(args: argparse.Namespace) -> int:
    report = import_module("llmops.report.matrix")
    colour = {"colour": uses_colour(sys.stdout)} if args.format == "text" else {}
    if args.all:
        cells = [cell for cell in matrix() if args.engine in (None, cell.engine)]
        if not cells:
            raise UsageError(f"There is no engine {args.engine!r}", nearest(args.engine, {cell.engine for cell in matrix()}))
        print(getattr(report, f"all_{args.format}")(cells, **colour), end="")
        return 0
    linked = open_policies(workspace_root(args), args.env).linked
    lines = [line for policy in _chosen(linked, args) for line in _rule_lines(linked, policy, args.engine)]
    print(getattr(report, f"{args.format}_matrix")(lines, **colour), end="")
    return 1 if any(place.level == "impossible" for line in lines for place in line.places) else 0


def _chosen(linked: Linked, args: argparse.Namespace) -> list[Resource]:
    """The safety policies that the flags name. Raises `UsageError` where there is none."""
    policies = {policy.name: policy for policy in linked.graph.of_kind("SafetyPolicy")}
    if args.policy and args.policy not in policies:
        raise UsageError(f"No safety policy is called {args.policy!r}", nearest(args.policy, policies, "Safety policies"))
    wanted = [policies[args.policy]] if args.policy else list(policies.values())
    if not wanted:
        raise UsageError("The workspace has no safety policy", "docs/safety-policy.md shows one; `llmops check` says what is wrong.")
    engines = {engine for policy in wanted for engine in policy.spec["engines"]}
    if args.engine and args.engine not in engines:
        raise UsageError(f"No safety policy names the engine {args.engine!r}", nearest(args.engine, engines, "Engines"))
    return [policy for policy in wanted if not args.engine or args.engine in policy.spec["engines"]]


def _rule_lines(linked: Linked, policy: Resource, engine: str | None) -> Iterator[RuleLine]:
    from llmops.report.matrix import RuleLine

    for index, rule in enumerate(policy.spec["rules"]):
        places = tuple(_place(policy, rule, e, stage) for stage in rule["stage"] for e in policy.spec["engines"] if engine in (None, e))
        source = _where(linked, policy, index)
        yield RuleLine(policy.name, rule["id"], rule["detector"]["kind"], rule["action"], rule["mode"], source, places)


def _place(policy: Resource, rule: Rule, engine: str, stage: str) -> Place:
    from llmops.report.matrix import Place

    if engine not in engines_of(policy.spec, rule):
        return Place(engine, stage, "", "The rule's field engines leaves it out.", "")
    support = enforce_rule(engine, rule, stage)
    return Place(engine, stage, support.level, support.reason, support.remedy)


def _where(linked: Linked, policy: Resource, index: int, *path: str | int) -> str:
    """`file:line` of a rule, or of what lies below it."""
    place = linked.locator.value(policy.id, ("spec", "rules", index, *(path or ("id",))))[0]
    return f"{place.file}:{place.line}"


def _test(args: argparse.Namespace) -> int:
    from llmops.cli.parts import TARGET_OF_ENGINE, compiled_bundle

    root = workspace_root(args).resolve()
    linked = open_policies(root, args.env).linked
    policies = _chosen(linked, args)
    engines = {engine for policy in policies for engine in _engines(policy, args)}
    suite = _suite_text(args.suite) if args.suite else None
    opened = compiled_bundle(args, *(TARGET_OF_ENGINE[engine] for engine in engines))
    if opened is None:
        return 1
    trials, mistakes = _suite(args, policies, suite) if suite is not None else _own_cases(args, linked, policies)
    if suite is not None and mistakes:
        print("".join(f"{m.source}: error: {m.message}\n" for m in mistakes), end="", file=sys.stderr)
        return 1
    summary = _tried(opened[1], trials, mistakes, rated=suite is not None)
    print(_reported(summary, args.format), end="")
    return 1 if summary.failed else 0


def _suite_text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"The suite {path} cannot be read: {error}", "Name a file of JSON Lines in UTF-8.") from error


def _suite(args: argparse.Namespace, policies: Sequence[Resource], content: str) -> tuple[list[Trial], list[Mistake]]:
    from llmops.runtime.rails.trials import read_suite, suite_trials

    rows, mistakes = read_suite(args.suite.as_posix(), content)
    trials, unjudged = suite_trials(rows, [target for policy in policies for target in _targets(policy, args)])
    return trials, [*mistakes, *unjudged]


def _targets(policy: Resource, args: argparse.Namespace) -> Iterator[Target]:
    from llmops.runtime.rails.trials import Target

    for rule in policy.spec["rules"]:
        engines = tuple(e for e in engines_of(policy.spec, rule) if args.engine in (None, e))
        yield Target(policy.name, rule["id"], tuple(rule["stage"]), engines, tuple(rule["category"].values()))


def _own_cases(args: argparse.Namespace, linked: Linked, policies: Sequence[Resource]) -> tuple[list[Trial], list[Mistake]]:
    """The cases of every rule, and a warning for each rule whose cases show nothing."""
    from llmops.runtime.rails.trials import Mistake

    trials: list[Trial] = []
    warnings: list[Mistake] = []
    for policy in policies:
        for index, rule in enumerate(policy.spec["rules"]):
            lack = _lack(rule)
            if lack:
                warnings.append(Mistake(_where(linked, policy, index), f"{rule['id']}: {lack}"))
            else:
                trials += _rule_trials(args, linked, policy, index)
    return trials, warnings


def _lack(rule: Rule) -> str:
    """Why a rule's own cases show nothing, if so."""
    if rule["detector"]["kind"] in ON_THE_ANSWER:
        return f"{rule['detector']['kind']} needs what the answer was made from; its cases are not run. Try it with --suite."
    missing = [name for name in ("hit", "pass") if not rule["tests"][name]]
    return f"the rule has no case under tests.{' and tests.'.join(missing)}" if len(missing) == 2 else ""


def _rule_trials(args: argparse.Namespace, linked: Linked, policy: Resource, index: int) -> Iterator[Trial]:
    from llmops.runtime.rails.trials import Trial
    from llmops.runtime.rails.trials.suite import EXPECTATIONS

    rule = policy.spec["rules"][index]
    for expect in EXPECTATIONS:
        for number, text in enumerate(rule["tests"][expect]):
            source = _where(linked, policy, index, "tests", expect, number)
            for engine in (e for e in engines_of(policy.spec, rule) if args.engine in (None, e)):
                # The text is its own passage: rules beside this one that compare an answer must not fail or stop it.
                yield from (
                    Trial(rule["id"], policy.name, (rule["id"],), engine, stage, expect, text, source, (text,), NO_PROMPT)
                    for stage in rule["stage"]
                )


def _engines(policy: Resource, args: argparse.Namespace) -> list[str]:
    return [engine for engine in policy.spec["engines"] if args.engine in (None, engine)]


def _tried(bundle: Bundle, trials: Sequence[Trial], warnings: Sequence[Mistake], *, rated: bool) -> Summary:
    from llmops.report.trials import Summary
    from llmops.runtime.rails.trials import disagreements, rates_of, run_trials

    with progress() as tell:
        results = run_trials(trials, _loaded(bundle, trials), tell)
    return Summary(results, rates_of(results) if rated else (), list(disagreements(results)), warnings)


def _loaded(bundle: Bundle, trials: Sequence[Trial]) -> dict[tuple[str, str], Rails]:
    from llmops.runtime.rails import load_rails

    wanted = dict.fromkeys((trial.policy, trial.engine) for trial in trials)
    return {(policy, engine): load_rails(bundle.directory, policy, engine) for policy, engine in wanted}


def _reported(summary: Summary, format_: str) -> str:
    if format_ == "junit":
        from llmops.report.trials_junit import junit_report

        return junit_report(summary)
    report = import_module("llmops.report.trials")
    if format_ == "text":
        return str(report.text_report(summary, colour=uses_colour(sys.stdout)))
    return str(getattr(report, f"{format_}_report")(summary))


ACTIONS = {"matrix": _matrix, "test": _test}
