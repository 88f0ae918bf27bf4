"""Stage `render`: a linked graph becomes native files of the tools that run it.

Input: `Graph` with its hashes. Output: `Artifact`s, bytes with a path inside the bundle. A target is one file in this
package and one line in `TARGETS`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Protocol

import orjson
import yaml

from llmops.resources import Graph


@dataclass(frozen=True, slots=True)
class Artifact:
    """One file of the bundle. `path` is relative to the bundle, with slashes."""

    path: str
    content: bytes


class Target(Protocol):
    """Renders one tool's files. The same graph gives the same bytes on any machine."""

    def __call__(self, graph: Graph, /) -> Iterable[Artifact]: ...


def json_file(path: str, value: Any) -> Artifact:
    """Indented JSON in the order given, with a final newline."""
    return Artifact(path, orjson.dumps(value, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))


class _Dumper(yaml.CSafeDumper):
    """Block style; texts of several lines as literal blocks; no anchors."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _text(dumper: _Dumper, value: str) -> yaml.ScalarNode:
    style = "|" if "\n" in value else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)


_Dumper.add_representer(str, _text)


def yaml_file(path: str, value: Any, comment: str) -> Artifact:
    """YAML in the order given, under a comment that says where it came from."""
    body = yaml.dump(value, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=120)
    header = "".join(f"# {line}\n" for line in comment.splitlines())
    return Artifact(path, (header + body).encode())


def rendered_from(graph: Graph, id_: str) -> str:
    """The comment every YAML artifact opens with."""
    source = graph[id_].source
    return f"Rendered by llmops from {source.file}:{source.line} ({id_}, environment {graph.environment}). Edit that file, not this one."
