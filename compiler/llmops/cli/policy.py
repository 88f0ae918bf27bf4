"""The organisation's policies: list them, explain one, run the cases that each carries.

`llmops check` holds the specs to them.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path

from llmops.check import Moment, examine
from llmops.check.cases import run_cases
from llmops.check.findings import Reporter
from llmops.check.rules import Rule
from llmops.check.waivers import Waivers
from llmops.cli.terminal import add_workspace_arguments, uses_colour, workspace_root
from llmops.diagnostics import Diagnostic, in_order
from llmops.errors import UsageError
from llmops.pipeline import Front, open_pack, open_policies
from llmops.report.policies import coverage_table, policy_page, policy_table, results_table
from llmops.report.text import text_report
from llmops.validate.explain import nearest

EXAMPLES = """\
examples:
  llmops policy list                      every policy and what it does here
  llmops policy explain pinned-revision   why it is there and how to mend a violation
  llmops policy test                      run the cases of every policy
  llmops policy test --pack policies      of a pack alone, without a workspace
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_workspace_arguments(parser)
    parser.add_argument("action", choices=ACTIONS, help="what to do")
    parser.add_argument("names", nargs="*", metavar="NAME", help="these policies only (default: all)")
    parser.add_argument("--pack", metavar="DIR", type=Path, help="the policies of this folder, which needs no workspace")


def run(args: argparse.Namespace) -> int:
    front = _opened_pack(args) if args.pack else open_policies(workspace_root(args), args.env)
    return ACTIONS[args.action](front, _chosen(front, args.names))


def _opened_pack(args: argparse.Namespace) -> Front:
    if not any(args.pack.rglob("*.y*ml")):
        raise UsageError(f"No policies in {args.pack}", "Name a folder with one policy a file.")
    return open_pack(args.pack, args.env)


def _chosen(front: Front, names: Sequence[str]) -> list[Rule]:
    rules = {rule.name: rule for rule in front.packs.rules}
    for name in names:
        if name not in rules:
            raise UsageError(f"No policy is called {name!r}", nearest(name, rules, "Policies"))
    return [rules[name] for name in names] if names else list(rules.values())


def _list(front: Front, rules: Sequence[Rule]) -> int:
    print(policy_table(rules, front.linked.graph.environment), end="")
    return _report(front, _about_packs(front))


def _explain(front: Front, rules: Sequence[Rule]) -> int:
    print("\n\n".join(policy_page(rule, front.environments) for rule in rules), end="")
    return _report(front, _about_packs(front))


def _test(front: Front, rules: Sequence[Rule]) -> int:
    graph = front.linked.graph
    results, judgements = run_cases(rules)
    print(results_table(results), end="")
    if graph.resources:
        examined = examine(front.linked, rules, Moment(date.today()))
        print(f"\nin {graph.environment}:\n{coverage_table(examined, Counter(r.kind for r in graph.resources.values()))}", end="")
    reporter = Reporter(front.linked, front.places, Waivers((), graph.environment, date.today()))
    broken = {rule.name for rule, judgement in zip(rules, judgements, strict=True) if judgement.flaws or judgement.exhausted}
    found = [d for rule, judgement in zip(rules, judgements, strict=True) for d in reporter.flaws(rule, judgement)]
    found += [reporter.failed_case(result) for result in results if result.problem and result.rule.name not in broken]
    outcome = _report(front, [*_about_packs(front), *found])
    if not outcome:
        print(f"\n{len(rules)} policies, {len(results)} cases: all as expected.")
    return outcome


def _about_packs(front: Front) -> Iterator[Diagnostic]:
    """What is wrong with the policies themselves; the specs are `llmops check`'s."""
    files = {source.file for source in front.packs.sources}
    return (d for d in front.diagnostics if d.location.file in files or d.code.startswith("LLM09"))


def _report(front: Front, found: Sequence[Diagnostic] | Iterator[Diagnostic]) -> int:
    ordered = in_order(found)
    if ordered:
        print("\n" + text_report(ordered, front.places.text, colour=uses_colour(sys.stdout)), end="")
    return 1 if ordered else 0


ACTIONS = {"list": _list, "explain": _explain, "test": _test}
