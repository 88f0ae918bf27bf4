"""Stage `render`: a linked graph becomes native files of the tools that run it.

Input: `Graph` with its hashes. Output: `Artifact`s, bytes with a path inside the bundle. A target is one file in this
package and one line in `TARGETS`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from io import StringIO
from typing import Any, Protocol

import orjson
import yaml
from yaml.resolver import Resolver

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

    def resolve(self, kind: type[yaml.Node], value: Any, implicit: Any) -> Any:
        """What a value without a tag would be read as. It is asked twice for every text, and most texts come again and again."""
        if kind is yaml.ScalarNode:
            return _resolve_text(value, implicit)
        return super().resolve(kind, value, implicit)  # type: ignore[no-untyped-call]


@lru_cache(4096)
def _resolve_text(value: str, implicit: tuple[bool, bool]) -> Any:
    return Resolver().resolve(yaml.ScalarNode, value, implicit)  # type: ignore[no-untyped-call]


def _style(text: str) -> str | None:
    """Several lines as a block; a text of nothing but white space is readable only in quotes."""
    if "\n" not in text:
        return None
    return "|" if text.strip() else '"'


def _node(dumper: _Dumper, value: Any) -> yaml.Node:
    """A new node for every value, so that no two share one and become an anchor and an alias."""
    if isinstance(value, str):
        return yaml.ScalarNode("tag:yaml.org,2002:str", value, style=_style(value))
    if isinstance(value, dict):
        return yaml.MappingNode("tag:yaml.org,2002:map", [(_node(dumper, k), _node(dumper, v)) for k, v in value.items()], flow_style=False)
    if isinstance(value, list | tuple):
        return yaml.SequenceNode("tag:yaml.org,2002:seq", [_node(dumper, item) for item in value], flow_style=False)
    return dumper.represent_data(value)


def yaml_file(path: str, value: Any, comment: str) -> Artifact:
    """YAML in the order given, under a comment that says where it came from."""
    text = StringIO()
    text.writelines(f"# {line}\n" for line in comment.splitlines())
    dumper = _Dumper(text, allow_unicode=True, width=120)
    dumper.open()
    dumper.serialize(_node(dumper, value))
    dumper.close()
    return Artifact(path, text.getvalue().encode())


def rendered_from(graph: Graph, id_: str) -> str:
    """The comment every YAML artifact opens with."""
    source = graph[id_].source
    return f"Rendered by llmops from {source.file}:{source.line} ({id_}, environment {graph.environment}). Edit that file, not this one."
