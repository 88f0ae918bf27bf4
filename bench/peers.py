"""Tools that people check comparable files with, on the same or an equal-sized input. `make bench-env` installs them
from bench/requirements.txt into an environment of their own. A peer that is not installed is reported as absent.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from bench.processes import Contender

SCHEMA = Path(__file__).parent.parent / "compiler/llmops/kinds/schemas/llmops.schema.json"
PROFILE = """\
bench:
  target: dev
  outputs:
    dev: {type: duckdb, path: ":memory:"}
"""
PROJECT = """\
name: bench
version: 1.0.0
profile: bench
model-paths: [models]
flags: {send_anonymous_usage_stats: false}
"""
PROPERTIES = """\
version: 2
# Owner: team-{team:04}. Changes come by pull request.
models:
  - name: model_{number}
    description: >-
      What the team keeps about orders of the kind {number}.
    config:
      # Small enough to be rebuilt each time.
      materialized: view
      tags: [team-{team:04}, daily]
      meta:
        owner: team-{team:04}
        tier: 2
        domain: billing
    columns:
      - name: id
        description: One row an order.
        data_tests:
          - unique
          - not_null
      - name: customer
        description: Who ordered it.
        data_tests:
          - not_null
      - name: amount
        description: What it cost, in euro.
      - name: placed_at
        description: When it was ordered, in UTC.
      - name: state
        description: Where it stands.
        data_tests:
          - accepted_values:
              arguments:
                values: [open, sent, paid, returned]
      - name: channel
        description: Where it came from.
"""


@dataclass(frozen=True, slots=True)
class Peers:
    """Those that run, and why the others do not."""

    contenders: tuple[Contender, ...]
    absent: Mapping[str, str]


def find_peers(workspace: Path, size: int, programs: Path) -> Peers:
    """Peers for a workspace of `size` files; their programs lie in the folder `programs`."""
    commands = {
        "dbt parse": ("dbt", "parse", "--no-partial-parse", "--project-dir", ".", "--profiles-dir", "."),
        "check-jsonschema": ("check-jsonschema", "--schemafile", str(SCHEMA), *_spec_files(workspace)),
        "yamllint": ("yamllint", "--no-warnings", "-d", "relaxed", "specs"),
    }
    found = {name: shutil.which(command[0], path=str(programs)) for name, command in commands.items()}
    absent = {name: f"{commands[name][0]} is not installed" for name, program in found.items() if program is None}
    folders = {"dbt parse": workspace.with_name(f"dbt-{size}")}
    if found["dbt parse"]:
        write_dbt_project(folders["dbt parse"], size)
    contenders = [
        Contender(f"{name} {size}", (program, *commands[name][1:]), folders.get(name, workspace), _forget(folders.get(name)))
        for name, program in found.items()
        if program
    ]
    return Peers(tuple(contenders), absent)


def write_dbt_project(folder: Path, size: int) -> None:
    """`size` properties files of about 40 lines, each with its model; every model but the first of ten refers to the one before."""
    (folder / "models").mkdir(parents=True)
    (folder / "dbt_project.yml").write_text(PROJECT)
    (folder / "profiles.yml").write_text(PROFILE)
    for number in range(size):
        team = folder / "models" / f"team_{number // 20:04}"
        team.mkdir(exist_ok=True)
        above = f"{{{{ ref('model_{number - 1}') }}}}" if number % 10 else "(select 1 as id)"
        (team / f"model_{number}.sql").write_text(f"select * from {above} as source\n")
        (team / f"model_{number}.yml").write_text(PROPERTIES.format(number=number, team=number // 20))


def _spec_files(workspace: Path) -> list[str]:
    return sorted(str(path.relative_to(workspace)) for path in (workspace / "specs").rglob("*.yaml"))


def _forget(folder: Path | None) -> Callable[[], None]:
    """dbt keeps what it parsed; every run starts without it, as llmops does."""
    return lambda: shutil.rmtree(folder / "target", ignore_errors=True) if folder else None
