"""A dbt project with the nodes and edges of a workspace: one model a resource, which refers to what the resource refers to."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from bench.peers import PROFILE, PROJECT, PROPERTIES
from llmops.resources import Graph

DBT = ("--project-dir", ".", "--profiles-dir", ".")
TEAM = 20
"""Models in a folder."""


@dataclass(frozen=True, slots=True)
class Lineage:
    """The model of one resource and its file, all models, and those that come after it, itself included."""

    name: str
    file: Path
    names: frozenset[str]
    downstream: frozenset[str]


def model_name(id_: str) -> str:
    """A resource's id as dbt names models."""
    return re.sub(r"\W", "_", id_).lower()


def lineage_of(graph: Graph, id_: str) -> Lineage:
    """What depends on a resource."""
    downstream = frozenset(model_name(other) for other in graph.resources if id_ in graph.reach(other))
    return Lineage(model_name(id_), _file(graph, id_), frozenset(map(model_name, graph.resources)), downstream)


def write_dbt_project(folder: Path, graph: Graph) -> None:
    """A model and a properties file of about 40 lines for each resource."""
    (folder / "models").mkdir(parents=True)
    (folder / "dbt_project.yml").write_text(PROJECT)
    (folder / "profiles.yml").write_text(PROFILE)
    for number, (id_, resource) in enumerate(graph.resources.items()):
        file = folder / _path(number, id_)
        file.parent.mkdir(exist_ok=True)
        targets = sorted({model_name(reference.target) for reference in resource.references})
        joined = "".join(f"\ncross join {{{{ ref('{target}') }}}}" for target in targets)
        file.write_text(f"select 1 as id{' from (select 1) as start' if targets else ''}{joined}\n")
        properties = PROPERTIES.format(number=number, team=number // TEAM).replace(f"model_{number}", model_name(id_))
        file.with_suffix(".yml").write_text(properties)


def _file(graph: Graph, id_: str) -> Path:
    return _path(list(graph.resources).index(id_), id_)


def _path(number: int, id_: str) -> Path:
    return Path("models", f"team_{number // TEAM:04}", f"{model_name(id_)}.sql")
