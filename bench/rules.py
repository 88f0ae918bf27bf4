"""The rules of `bench.policies`, the pack and the programs made of them, and the workspace that breaks each rule once.

Input: `rules.yaml` and a workspace of `corpus.py`. Output: files in the workspace and beside it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from bench.corpus import TEAM, generate

POLICY = """\
apiVersion: llmops/v1
kind: Policy
metadata: {{name: {name}, title: {name}, owner: risk}}
spec:
  why: Measured beside the same rule in other languages.
  match: {{kinds: [{kind}]}}
  assert: >-
    {holds}
  message: "{{{{name}}}} breaks {name}"
  remediation: {{text: Keep to the rule.}}
  tests:
    - {{name: passes, expect: pass, resource: {{metadata: {{name: a}}}}}}
    - {{name: fails, expect: fail, resource: {{metadata: {{name: b}}}}}}
"""
REGO = """\
package bench
import rego.v1
"""
KCL = """\
import file
import yaml

resources = [yaml.decode(file.read(path)) for path in file.glob(file.workdir() + "/specs/*/*/*.yaml")]
of = lambda kind {
    [r for r in resources if r.kind == kind]
}
"""


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule in every language; `spoil` is where and how the corpus breaks it."""

    name: str
    kind: str
    holds: str
    rego: str
    kcl: str
    python: str
    spoil: dict[str, str]


@cache
def rules() -> tuple[Rule, ...]:
    entries: list[dict[str, Any]] = yaml.safe_load((Path(__file__).parent / "rules.yaml").read_text("utf-8"))
    return tuple(Rule(**entry) for entry in entries)


def generate_broken(folder: Path, size: int) -> None:
    """Writes a workspace of `size` specs in which every rule is broken once, and nothing else is wrong."""
    generate(folder, size)
    for number, rule in enumerate(rules()):
        path = folder / f"specs/team-{number % (size // TEAM):04}" / rule.spoil["file"]
        text, found = re.subn(rule.spoil["match"], rule.spoil["to"], path.read_text("utf-8"), count=1)
        if not found:
            raise ValueError(f"{path} has nothing for {rule.name} to break")
        path.write_text(text, "utf-8")


def write_pack(folder: Path) -> None:
    """The rules as llmops reads them."""
    folder.mkdir()
    for rule in rules():
        (folder / f"{rule.name}.yaml").write_text(POLICY.format(name=rule.name, kind=rule.kind, holds=rule.holds), "utf-8")


def rego() -> str:
    """One module: `data.bench.violations` is the set of rules that a document breaks."""
    heads = (f'violations contains "{rule.name}" if {{ input.kind == "{rule.kind}"; {rule.rego} }}' for rule in rules())
    return REGO + "\n".join(heads) + "\n"


def kcl() -> str:
    """One program, which reads the files itself; `violations` is their number."""
    broken = (f'len([r for r in of("{rule.kind}") if not ({rule.kcl})])' for rule in rules())
    return KCL + "violations = " + " + ".join(broken) + "\n"
