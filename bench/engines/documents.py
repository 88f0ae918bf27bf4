"""Reads the specs for engines that are libraries and read no YAML: with libyaml, the fastest way Python has."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml


def documents() -> Iterator[Any]:
    """Every document below `specs` of the folder one works in."""
    for file in sorted(Path("specs").rglob("*.yaml")):
        yield from yaml.load_all(file.read_bytes(), yaml.CSafeLoader)
