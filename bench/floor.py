"""The floor that no loader of these files goes below: read every file and let libyaml compose it. Builds no values, checks nothing.

Run as `python floor.py FOLDER` in a process of its own.
"""

from __future__ import annotations

import sys
from pathlib import Path

from yaml.cyaml import CParser


class Composer(CParser):
    """The same nodes as the compiler's: without resolving tags, which `yaml.compose` spends a third of its time on."""

    def resolve(self, *_: object) -> str:
        return ""

    def descend_resolver(self, *_: object) -> None:
        pass

    def ascend_resolver(self) -> None:
        pass


for file in sorted(Path(sys.argv[1]).rglob("*.yaml")):
    Composer(file.read_bytes()).get_single_node()
