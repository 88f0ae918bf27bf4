"""The benchmark of plans: edits whose reach is known, an equal graph for dbt, and contenders that must find it."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from bench import plan as benchmark
from bench.lineage import lineage_of, model_name, write_dbt_project
from bench.plan import Edit
from bench.processes import Failed, Run, bench_in
from llmops.plan import plan_against
from llmops.resources import Graph

ROOT = Path(__file__).parents[2]
SIZE = 60
REF = re.compile(r"\{\{ ref\('([a-z0-9_]+)'\) \}\}")


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("bench") / "workspace"
    benchmark.generate(root, SIZE)
    benchmark.commit(root)
    return root


@pytest.fixture(scope="module")
def graph(workspace: Path) -> Graph:
    return benchmark.graph_of(workspace)


@pytest.fixture(scope="module")
def edits(workspace: Path, graph: Graph) -> list[Edit]:
    return list(benchmark.edits_of(workspace, graph))


def test_there_are_four_edits(edits: list[Edit]) -> None:
    names = [edit.name for edit in edits]
    assert names[:3] == ["one prompt", "one embedder", "one document"]
    assert all(edit.texts and edit.applications for edit in edits)
    assert len(edits[3].texts) > 5


@pytest.mark.parametrize("position", range(4))
def test_a_plan_names_the_applications_that_the_benchmark_expects(workspace: Path, edits: list[Edit], position: int) -> None:
    benchmark._becomes(workspace, edits[position])()
    plan = plan_against(workspace, "HEAD")
    assert {row["application"] for row in plan["applications"]} == edits[position].applications
    benchmark._becomes(workspace, None)()
    assert plan_against(workspace, "HEAD")["summary"]["changes"] == 0


def test_a_plan_of_other_applications_stops_the_benchmark(workspace: Path, edits: list[Edit], tmp_path: Path) -> None:
    bench = bench_in(tmp_path, ROOT / "compiler")
    benchmark.hold_to(workspace, edits[0], bench)
    with pytest.raises(Failed, match="1 applications, not 0"):
        benchmark.hold_to(workspace, replace(edits[0], applications=frozenset()), bench)
    benchmark._becomes(workspace, None)()


def test_dbts_project_has_the_same_nodes_and_edges(graph: Graph, tmp_path: Path) -> None:
    write_dbt_project(tmp_path / "dbt", graph)
    files = {path.stem: path.read_text("utf-8") for path in (tmp_path / "dbt/models").rglob("*.sql")}
    assert {name: set(REF.findall(text)) for name, text in files.items()} == {
        model_name(id_): {model_name(reference.target) for reference in resource.references} for id_, resource in graph.resources.items()
    }
    properties = [path for path in (tmp_path / "dbt/models").rglob("*.yml") if f"- name: {path.stem}\n" in path.read_text("utf-8")]
    assert len(properties) == len(files) == SIZE


def test_what_is_downstream_is_what_reaches_it(graph: Graph, tmp_path: Path) -> None:
    prompt = next(graph.of_kind("Prompt")).id
    lineage = lineage_of(graph, prompt)
    write_dbt_project(tmp_path / "dbt", graph)
    assert (tmp_path / "dbt" / lineage.file).is_file()
    assert lineage.name in lineage.downstream < lineage.names
    assert lineage.downstream == {model_name(id_) for id_ in graph.resources if prompt in graph.reach(id_)}


@pytest.mark.parametrize(("cpu", "holds"), [(1.2, True), (1.5, True), (1.501, False)])
def test_the_target_is_held(cpu: float, holds: bool) -> None:
    (target,) = benchmark.judge({"llmops plan, one prompt 10000": Run(cpu, 9.0, 50.0)})
    assert (target["holds"], target["limit"], target["value"]) == (holds, 1.5, cpu)


def test_what_was_not_measured_is_not_judged() -> None:
    assert benchmark.judge({"llmops plan, one prompt 2000": Run(0.1, 0.1, 50.0)}) == []


def test_the_command_reports_figures_and_targets(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "bench.plan", "--json", "--specs", str(SIZE), "--no-peers", "--repeats", "1"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report["targets"] == []
    assert {f"llmops plan, {name} {SIZE}" for name in ("one prompt", "one embedder", "one document", "nothing")} < set(report["figures"])
    assert all(figure["cpu_seconds"] > 0 for figure in report["figures"].values())
