"""The linked graph as text, Mermaid, Graphviz or JSON."""

from __future__ import annotations

from collections.abc import Callable

import orjson

from llmops.resources import Graph, Resource


def text_graph(graph: Graph) -> str:
    """A tree from each application down to what it uses."""
    roots = [r for r in graph.resources.values() if r.kind == "Application"] or list(graph.resources.values())
    return "\n".join(line for root in roots for line in _tree(graph, root)) + "\n"


def _tree(graph: Graph, root: Resource) -> list[str]:
    release = graph.releases.get(root.id, "")
    head = f"{root.id}  {release[:19]}  {root.source.file}:{root.source.line}".rstrip()
    return [head, *_branches(graph, root, "")]


def _branches(graph: Graph, resource: Resource, indent: str) -> list[str]:
    targets = list(dict.fromkeys(r.target for r in resource.references))
    lines = []
    for index, target in enumerate(targets):
        last = index == len(targets) - 1
        child = graph[target]
        lines.append(f"{indent}{'└─ ' if last else '├─ '}{child.id}  {child.source.file}:{child.source.line}")
        lines += _branches(graph, child, indent + ("   " if last else "│  "))
    return lines


def mermaid_graph(graph: Graph) -> str:
    """A Mermaid flowchart, which GitHub draws in Markdown."""
    nodes = [f'  n{i}["{id_}"]' for i, id_ in enumerate(graph.resources)]
    number = {id_: i for i, id_ in enumerate(graph.resources)}
    edges = [f"  n{number[source]} --> n{number[target]}" for source, target in _edges(graph)]
    return "\n".join(["flowchart LR", *nodes, *edges]) + "\n"


def dot_graph(graph: Graph) -> str:
    """A Graphviz digraph."""
    edges = [f'  "{source}" -> "{target}";' for source, target in _edges(graph)]
    return "\n".join(["digraph llmops {", "  rankdir=LR;", *(f'  "{id_}";' for id_ in graph.resources), *edges, "}"]) + "\n"


def json_graph(graph: Graph) -> str:
    """`{resources: [{id, file, line}], edges: [{from, to}]}`."""
    value = {
        "resources": [
            {"id": r.id, "file": r.source.file, "line": r.source.line, "release": graph.releases.get(r.id)}
            for r in graph.resources.values()
        ],
        "edges": [{"from": source, "to": target} for source, target in _edges(graph)],
    }
    return orjson.dumps(value, option=orjson.OPT_INDENT_2).decode() + "\n"


def _edges(graph: Graph) -> list[tuple[str, str]]:
    return sorted({(r.id, reference.target) for r in graph.resources.values() for reference in r.references})


GRAPHS: dict[str, Callable[[Graph], str]] = {"text": text_graph, "mermaid": mermaid_graph, "dot": dot_graph, "json": json_graph}
