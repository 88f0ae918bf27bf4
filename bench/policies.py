"""Measures `llmops check` with an organisation's policies, with and without its cache, beside other policy engines on the same files
and rules.

`python -m bench.policies [--json] [--repeats 5] [--peers BIN | --no-peers]`; docs/performance.md explains it.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from bench.command import execute, parser_of
from bench.compile import AFRESH, LLMOPS, ROOT, figures
from bench.corpus import generate
from bench.peers import SCHEMA
from bench.processes import Contender, Run, bench_in, measure
from bench.rules import generate_broken, kcl, rego, rules, write_pack

SMALL, MIDDLE, LARGE = 20, 2000, 10_000
LIMITS = {
    "llmops --help": 0.060,
    f"llmops check {SMALL}": 0.150,
    f"llmops check {MIDDLE}": 0.6,
    f"llmops check, unchanged {MIDDLE}": 0.060,
    f"llmops check, unchanged {LARGE}": 0.150,
}
"""CPU seconds. All checks are of workspaces with 25 policies."""
STARTER = ROOT / "policies"
PEERS = ROOT / ".venv-bench-policies/bin"
ENGINES = ROOT / "bench/engines"
CHECKOV = (
    "-d",
    "specs",
    "--framework",
    "kubernetes",
    "--check",
    "BENCH_*",
    "--compact",
    "--quiet",
    "--skip-download",
    "--external-checks-dir",
)
SETTLED = 2.5
"""Seconds after which the cache believes what the file system says of a file."""


def main(argv: Sequence[str] | None = None) -> int:
    """1 where a target is missed, 2 where a contender fails."""
    parser = parser_of("bench.policies", str(__doc__), PEERS)
    parser.add_argument("--sizes", type=int, nargs=3, default=[SMALL, MIDDLE, LARGE], metavar="N", help="files of the three workspaces")
    return execute(run, parser.parse_args(argv))


def run(folder: Path, args: argparse.Namespace) -> dict[str, Any]:
    """Everything measured in one go, in the form that `--json` prints."""
    contenders = [Contender("llmops --help", (*LLMOPS, "--help"), folder), *_ours(folder, args.sizes)]
    absent: dict[str, str] = {}
    if not args.no_peers:
        programs = args.peers.resolve()
        peers = list(_peers(folder, args.sizes[1], programs))
        contenders += [peer for peer in peers if Path(peer.command[0]).exists()]
        absent = {peer.name.rpartition(" ")[0]: "not installed" for peer in peers if peer not in contenders}
    # A compiler that somebody edits meanwhile is another one each time, and nothing that it remembers would hold.
    compiler = shutil.copytree(ROOT / "compiler", folder / "compiler", ignore=shutil.ignore_patterns("__pycache__"))
    time.sleep(SETTLED)
    runs = measure(contenders, args.repeats, bench_in(folder, compiler))
    return {"figures": figures(runs, absent, args.sizes[1]), "targets": judge(runs)}


def _ours(folder: Path, sizes: Sequence[int]) -> Iterator[Contender]:
    small, middle, large = sizes
    for size in sizes:
        generate(folder / f"clean-{size}", size)
        write_pack(folder / f"clean-{size}/policies")
    generate(folder / "starter", middle)
    shutil.copytree(STARTER, folder / "starter/policies")
    generate_broken(folder / "broken", middle)
    write_pack(folder / "broken/policies")
    yield _check(f"llmops check {small}", folder / f"clean-{small}", _clean(small))
    yield _check(f"llmops check {middle}", folder / "broken", f"{len(rules())} errors")
    yield _check(f"llmops check, starter pack {middle}", folder / "starter", _clean(middle))
    for size in (middle, large):
        yield Contender(f"llmops check, unchanged {size}", (*LLMOPS, "check"), folder / f"clean-{size}", says=_clean(size))


def _clean(size: int) -> str:
    """How a report without findings begins."""
    return f"{size} resources in dev: no "


def _check(name: str, folder: Path, says: str) -> Contender:
    return Contender(name, (*LLMOPS, "check"), folder, says=says, variables=AFRESH)


def _peers(folder: Path, size: int, programs: Path) -> Iterator[Contender]:
    """Every engine on the specs of `folder/broken`; check-jsonschema knows no such rules and only holds them to the schema."""
    (folder / "rules.rego").write_text(rego(), "utf-8")
    (folder / "rules.k").write_text(kcl(), "utf-8")
    table_of_rules = ROOT / "bench/rules.yaml"
    libraries = {
        "regorus": (folder / "rules.rego", "with_regorus.py"),
        "rego-cpp": (folder / "rules.rego", "with_regopy.py"),
        "KCL": (folder / "rules.k", "with_kcl.py"),
        "cel-python": (table_of_rules, "with_cel_python.py"),
    }
    for name, (source, driver) in libraries.items():
        command = (str(programs / "python"), str(ENGINES / driver), str(source))
        yield Contender(f"{name} {size}", command, folder / "broken", says=f"{len(rules())} violations")
    yield Contender(
        f"checkov {size}",
        (str(programs / "checkov"), *CHECKOV, str(ENGINES / "checkov_checks")),
        folder / "broken",
        says=f"Failed checks: {len(rules())},",
        variables={"BENCH_RULES": str(table_of_rules)},
    )
    files = sorted(str(path.relative_to(folder / "broken")) for path in (folder / "broken/specs").rglob("*.yaml"))
    validator = (str(programs / "check-jsonschema"), "--schemafile", str(SCHEMA), *files)
    yield Contender(f"check-jsonschema, no rules {size}", validator, folder / "broken")


def judge(runs: Mapping[str, Run]) -> list[dict[str, Any]]:
    """The targets and whether they hold; none where what they speak of was not measured."""
    measured = {name: round(runs[name].cpu, 3) for name in LIMITS if name in runs}
    return [
        {"name": f"CPU seconds of {name}", "value": value, "limit": LIMITS[name], "holds": value <= LIMITS[name]}
        for name, value in measured.items()
    ]


if __name__ == "__main__":
    sys.exit(main())
