"""What the benchmarks share as commands: their flags, their report as a table or JSON, their exit code."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from bench.processes import Failed

Report = dict[str, Any]


def parser_of(name: str, description: str, peers: Path) -> argparse.ArgumentParser:
    """The flags that every benchmark has; `peers` is where its peers' programs are looked for."""
    parser = argparse.ArgumentParser(f"python -m {name}", description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="figures and targets for programs")
    parser.add_argument("--repeats", type=int, default=5, metavar="N", help="measured rounds; the median counts")
    parser.add_argument("--peers", type=Path, default=peers, metavar="BIN", help="the peers' programs (default: those of `make bench`)")
    parser.add_argument("--no-peers", action="store_true", help="leave the peers out")
    return parser


def execute(run: Callable[[Path, argparse.Namespace], Report], args: argparse.Namespace) -> int:
    """Measures in a folder of its own and prints the report; 1 where a target is missed, 2 where a contender fails."""
    with tempfile.TemporaryDirectory(prefix="llmops-bench-") as folder:
        try:
            report = run(Path(folder), args)
        except Failed as failure:
            print(failure, file=sys.stderr)
            return 2
    print(json.dumps(report, indent=2) if args.json else table(report))
    return 0 if all(target["holds"] for target in report["targets"]) else 1


def table(report: Mapping[str, Any]) -> str:
    """The figures for people."""
    columns = ("cpu_seconds", "wall_seconds", "max_rss_mb", "times_floor", "times_check")
    lines = [f"{'':32}{'CPU s':>9}{'wall s':>9}{'RSS MB':>9}{'x floor':>9}{'x check':>9}"]
    for name, figure in report["figures"].items():
        cells = "".join(f"{figure.get(column, ''):>9}" for column in columns)
        lines.append(f"{name:32}" + (f"  absent: {figure['absent']}" if "absent" in figure else cells))
    for target in report["targets"]:
        lines.append(f"{'met' if target['holds'] else 'MISSED'}: {target['name']}: {target['value']}, at most {target['limit']}")
    return "\n".join(lines)
