"""Measures `llmops check` and `llmops compile` beside the floor and beside peers, and holds them to the targets.

`python -m bench.compile [--json] [--specs 2000 10000] [--repeats 5] [--peers BIN | --no-peers]`; docs/performance.md explains it.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from bench.command import execute, parser_of
from bench.corpus import generate, generate_smallest
from bench.peers import Peers, find_peers
from bench.processes import Contender, Run, bench_in, measure

ROOT = Path(__file__).parent.parent
CHECK_LIMIT = 0.6
"""CPU seconds for `llmops check` of `CHECK_SIZE` files."""
CHECK_SIZE = 2000
PEERS = ROOT / ".venv-bench/bin"
LLMOPS = (sys.executable, "-m", "llmops")
AFRESH = {"LLMOPS_NO_CACHE": "1"}
"""Every run reads everything; what the cache saves is measured by `bench.policies`."""


def main(argv: Sequence[str] | None = None) -> int:
    """1 where a target is missed, 2 where a contender fails."""
    parser = parser_of("bench.compile", str(__doc__), PEERS)
    parser.add_argument("--specs", type=int, nargs="+", default=[CHECK_SIZE, 10_000], metavar="N", help="files a workspace (at least 20)")
    return execute(run, parser.parse_args(argv))


def run(folder: Path, args: argparse.Namespace) -> dict[str, Any]:
    """Everything measured in one go, in the form that `--json` prints."""
    workspaces = {size: folder / f"workspace-{size}" for size in args.specs}
    for size, workspace in workspaces.items():
        generate(workspace, size)
    generate_smallest(folder / "workspace-1")
    smallest = min(workspaces)
    peers = Peers((), {}) if args.no_peers else find_peers(workspaces[smallest], smallest, args.peers.resolve())
    contenders = [*_ours(folder, workspaces), *peers.contenders]
    runs = measure(contenders, args.repeats, bench_in(folder, ROOT / "compiler"))
    return {"figures": figures(runs, peers.absent, smallest), "targets": judge(runs)}


def _ours(folder: Path, workspaces: Mapping[int, Path]) -> list[Contender]:
    one_file = Contender("llmops check 1", (*LLMOPS, "check"), folder / "workspace-1", variables=AFRESH)
    contenders = [Contender("llmops --help", (*LLMOPS, "--help"), folder), one_file]
    for size, workspace in workspaces.items():
        floor = (sys.executable, str(ROOT / "bench/floor.py"), "specs")
        contenders += [
            Contender(f"floor {size}", floor, workspace),
            Contender(f"llmops check {size}", (*LLMOPS, "check"), workspace, variables=AFRESH),
            Contender(f"llmops compile {size}", (*LLMOPS, "compile"), workspace),
        ]
    return contenders


def figures(runs: Mapping[str, Run], absent: Mapping[str, str], size: int) -> dict[str, Any]:
    """Seconds, megabytes, and CPU time as a multiple of the floor's and of `llmops check`'s for the same number of files."""
    figures: dict[str, Any] = {}
    for name, figure in runs.items():
        figures[name] = {"cpu_seconds": round(figure.cpu, 3), "wall_seconds": round(figure.wall, 3), "max_rss_mb": round(figure.rss, 1)}
        files = name.rpartition(" ")[2]
        for key, other in (("times_floor", f"floor {files}"), ("times_check", f"llmops check {files}")):
            if other in runs and other != name:
                figures[name][key] = round(figure.cpu / runs[other].cpu, 2)
    return {**figures, **{f"{name} {size}": {"absent": why} for name, why in absent.items()}}


def judge(runs: Mapping[str, Run]) -> list[dict[str, Any]]:
    """The targets and whether they hold; none where what they speak of was not measured."""
    measured = runs.get(f"llmops check {CHECK_SIZE}")
    if measured is None:
        return []
    value = round(measured.cpu, 3)
    return [{"name": f"CPU seconds of llmops check {CHECK_SIZE}", "value": value, "limit": CHECK_LIMIT, "holds": value <= CHECK_LIMIT}]


if __name__ == "__main__":
    sys.exit(main())
