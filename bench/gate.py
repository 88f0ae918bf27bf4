"""Simulates gates of evaluations: how often they are wrong, what they see, and whether their intervals hold what they promise.

`python -m bench.gate [--json] [--gates 1000] [--quick]`; every comparison is made by `llmops.evaluate.statistics` itself, on scores whose
true difference is known. docs/performance.md explains it.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import product
from statistics import fmean
from typing import Any

from bench.gates import KINDS, SCORE, Gate, Kind, gates
from llmops.evaluate.statistics import Paired, Sequential, compare, holm, verdict
from llmops.evaluate.statistics.student import LEVEL, quantile

USUAL, SKEWED = tuple(KINDS)[:3], tuple(KINDS)[3]
SIZES = (100, 400, 1000)
HARD = (*product(USUAL, (20, 50)), *product((SKEWED,), (20, 50, 100, 400)))
"""Few cases, or differences that are skewed most: an interval may be too wide there, but not too narrow."""
EFFECTS = (0.0, -0.05, -0.10)
MARGIN = 0.05
WORDS = ("regressed", "improved", "no worse", "unproven")
FALSE_ALARMS, FALSE_CALM, OFF = 0.05, 0.05, 0.01
"""At most: failing gates where nothing changed, gates that call a loss of the margin no worse, an interval's distance from 95 %."""
QUICK = 100


def main(argv: Sequence[str] | None = None) -> int:
    """1 where a target is missed."""
    parser = argparse.ArgumentParser("python -m bench.gate", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="figures and targets for programs")
    parser.add_argument("--gates", type=int, default=1000, metavar="N", help="of each setting")
    parser.add_argument("--quick", action="store_true", help=f"only {QUICK} gates of each setting")
    args = parser.parse_args(argv)
    report = run(QUICK if args.quick else args.gates)
    print(json.dumps(report, indent=2) if args.json else table(report))
    return 0 if all(target["holds"] for target in report["targets"]) else 1


def run(count: int) -> dict[str, Any]:
    """Everything simulated in one go, in the form that `--json` prints."""
    report: dict[str, Any] = {
        "gates": count,
        "settings": [_setting(*setting, count) for setting in product(USUAL, SIZES, EFFECTS)],
        "hard": [_setting(*setting, effect, count) for setting, effect in product(HARD, EFFECTS)],
        "metrics": [_three_metrics(effect, count) for effect in (EFFECTS[0], EFFECTS[-1])],
        "sequential": [_early_stops(name, effect, count) for name, effect in product(("pass or fail", "conversations"), EFFECTS)],
    }
    report["targets"] = judge(report)
    return report


@dataclass(slots=True)
class _Tally:
    """What came of the gates of one setting."""

    effect: float
    words: Counter[str] = field(default_factory=Counter)
    covered: list[bool] = field(default_factory=list)
    covered_plainly: list[bool] = field(default_factory=list)
    below: list[bool] = field(default_factory=list)
    worse: list[bool] = field(default_factory=list)

    def add(self, gate: Gate) -> None:
        paired = compare(gate.base, gate.head, gate.clusters)
        difference = paired.difference
        self.words[verdict(paired, paired.p, MARGIN)] += 1
        self.covered.append(difference.low <= self.effect <= difference.high)
        self.covered_plainly.append(abs(difference.value - self.effect) <= _plain_half(paired))
        self.below.append(math.fsum(gate.head) < SCORE * len(gate.head))
        self.worse.append(math.fsum(gate.head) < math.fsum(gate.base))


def _plain_half(paired: Paired) -> float:
    """Half of the interval without anything imagined and without skewness: t · the cluster-robust error."""
    return quantile(LEVEL, paired.difference.clusters - 1) * paired.deviation / math.sqrt(paired.difference.n)


def _setting(name: str, n: int, effect: float, count: int) -> dict[str, Any]:
    tally = _Tally(effect)
    for gate in gates(KINDS[name], n, effect, count):
        tally.add(gate)
    return {
        "scores": name,
        "n": n,
        "effect": effect,
        **{word: tally.words[word] / count for word in WORDS},
        "any change": (tally.words["regressed"] + tally.words["improved"]) / count,
        "coverage": fmean(tally.covered),
        "plain_coverage": fmean(tally.covered_plainly),
        "fails_at_least_0.85": fmean(tally.below),
        "fails_new_at_least_old": fmean(tally.worse),
    }


def _three_metrics(effect: float, count: int, n: int = 400) -> dict[str, Any]:
    """Gates over one metric of each kind; the first has the effect, the others none."""
    alarms: Counter[str] = Counter()
    effects = (effect, 0.0, 0.0)
    for metrics in zip(*(gates(KINDS[name], n, e, count) for name, e in zip(USUAL, effects, strict=True)), strict=True):
        paired = [compare(gate.base, gate.head, gate.clusters) for gate in metrics]
        for adjusted, p in (("Holm", holm([each.p for each in paired])), ("alone", [each.p for each in paired])):
            words = [verdict(each, value, MARGIN) for each, value in zip(paired, p, strict=True)]
            alarms[f"{adjusted}, regressed"] += "regressed" in words
            alarms[f"{adjusted}, any proof"] += any(value <= 0.05 for value in p)
    return {"n": n, "effect": effect, **{name: number / count for name, number in alarms.items()}}


def _early_stops(name: str, effect: float, count: int, n: int = 1000) -> dict[str, Any]:
    """Gates that look after each cluster, up to 1,000 cases."""
    stops = [_stop(gate, KINDS[name]) for gate in gates(KINDS[name], n, effect, count)]
    words = Counter(word for word, _ in stops)
    shares = {word: words[word] / count for word in ("regressed", "no worse", None)}
    used = fmean(cases for _, cases in stops)
    return {
        "scores": name,
        "n": n,
        "effect": effect,
        **{word or "undecided": share for word, share in shares.items()},
        "cases": round(used),
    }


def _stop(gate: Gate, kind: Kind) -> tuple[str | None, int]:
    """The decision, and how many cases it took."""
    watch = Sequential(MARGIN)
    for start in range(0, len(gate.base), kind.size):
        cases = slice(start, start + kind.size)
        watch.add(fmean(gate.head[cases]) - fmean(gate.base[cases]))
        if watch.decision:
            return watch.decision, start + kind.size
    return None, len(gate.base)


def judge(report: dict[str, Any]) -> list[dict[str, Any]]:
    """The targets, and whether they are met. A share of few gates is uncertain itself: a single coverage is given twice its error."""
    settings, hard, stops = report["settings"], report["hard"], report["sequential"]
    error = math.sqrt(0.95 * 0.05 / report["gates"])
    unchanged = [s for s in settings if s["effect"] == 0]
    at_margin = [s for s in settings if s["effect"] == -MARGIN]
    metrics = next(m for m in report["metrics"] if m["effect"] == 0)
    return [
        *(_target(f"false alarms, {_name(s)}", s["regressed"], FALSE_ALARMS) for s in unchanged),
        *(_target(f"a loss of the margin called no worse, {_name(s)}", s["no worse"], FALSE_CALM) for s in at_margin),
        *(_target(f"coverage off 95 %, {_name(s)}, effect {s['effect']}", abs(s["coverage"] - 0.95), OFF + 2 * error) for s in settings),
        _target("coverage off 95 %, mean of all settings", abs(fmean(s["coverage"] for s in settings) - 0.95), OFF),
        _target("coverage short of 95 %, worst of the hard settings", 0.95 - min(s["coverage"] for s in hard), OFF + 2 * error),
        _target("false alarms, worst of the hard settings", max(s["regressed"] for s in hard if s["effect"] == 0), FALSE_ALARMS),
        _target("false alarms, three metrics with Holm", metrics["Holm, regressed"], FALSE_ALARMS),
        _target("false alarms, early stop", max(s["regressed"] for s in stops if s["effect"] == 0), FALSE_ALARMS),
        _target("a loss of the margin called no worse, early stop", max(s["no worse"] for s in stops if s["effect"] < 0), FALSE_CALM),
    ]


def _name(setting: dict[str, Any]) -> str:
    return f"{setting['scores']} x {setting['n']}"


def _target(name: str, value: float, limit: float) -> dict[str, Any]:
    return {"name": name, "value": round(value, 4), "limit": round(limit, 4), "holds": value <= limit}


COLUMNS = (*WORDS, "any change", "coverage", "plain_coverage", "fails_at_least_0.85", "fails_new_at_least_old")


def table(report: dict[str, Any]) -> str:
    """The figures for people, in percent."""
    heads = (*WORDS, "any change", "coverage", "plain t", "≥ 0.85", "new ≥ old")
    lines = [f"{'':30}{'effect':>8}" + "".join(f"{head:>11}" for head in heads)]
    lines += [_line(_name(s), s, COLUMNS) for s in report["settings"]]
    lines += ["\nfew cases, or skewed most", *(_line(_name(s), s, COLUMNS) for s in report["hard"])]
    columns = ("Holm, regressed", "Holm, any proof", "alone, regressed", "alone, any proof")
    lines.append(f"\n{'three metrics at once':30}{'effect':>8}" + "".join(f"{column:>18}" for column in columns))
    lines += [_line(f"one of each x {m['n']}", m, columns, 18) for m in report["metrics"]]
    columns = ("regressed", "no worse", "undecided")
    lines.append(f"\n{'early stop, up to':30}{'effect':>8}" + "".join(f"{column:>11}" for column in (*columns, "cases")))
    lines += [_line(_name(s), s, columns) + f"{s['cases']:>11}" for s in report["sequential"]]
    lines.append("")
    lines += [f"{'met' if t['holds'] else 'MISSED'}: {t['name']}: {t['value']}, at most {t['limit']}" for t in report["targets"]]
    return "\n".join(lines)


def _line(name: str, row: dict[str, Any], columns: Sequence[str], width: int = 11) -> str:
    return f"{name:30}{row['effect']:>8}" + "".join(f"{100 * row[column]:>{width}.1f}" for column in columns)


if __name__ == "__main__":
    sys.exit(main())
