"""The generated workspaces are clean, linked, deterministic; the benchmark measures them and prints what it promises."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from bench import command
from bench import compile as benchmark
from bench.corpus import TEAM, generate, generate_smallest, specs
from bench.peers import find_peers, write_dbt_project
from bench.processes import Contender, Failed, bench_in, measure
from llmops.kinds import KINDS
from llmops.pipeline import check_workspace, compile_workspace

ROOT = Path(__file__).parents[2]
SIZE = 50


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("corpus")
    generate(folder, SIZE)
    return folder


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_a_generated_workspace_checks_clean(workspace: Path):
    checked = check_workspace(workspace)

    assert [f"{d.code} {d.location.file}: {d.message}" for d in checked.diagnostics] == []
    assert checked.graph is not None
    assert len(checked.graph.resources) == SIZE


@pytest.mark.parametrize("size", [TEAM, TEAM + 1, 2 * TEAM - 1, 3 * TEAM])
def test_every_size_checks_clean_with_one_spec_a_file(tmp_path: Path, size: int):
    assert generate(tmp_path, size) == size

    checked = check_workspace(tmp_path)
    assert checked.diagnostics == ()
    assert checked.graph is not None
    assert len(list((tmp_path / "specs").rglob("*.yaml"))) == len(checked.graph.resources) == size


def test_it_has_every_rendered_kind(workspace: Path):
    graph = check_workspace(workspace).graph
    assert graph is not None
    kinds = Counter(resource.kind for resource in graph.resources.values())

    assert set(kinds) == set(KINDS) - {"Deployment"}
    assert min(kinds.values()) >= 2


def test_it_is_linked(workspace: Path):
    graph = check_workspace(workspace).graph
    assert graph is not None
    application = graph["Application/team-0001-letters"]

    assert len(graph.targets_of(application, "spec", "variants")) == 2
    assert {id_.partition("/")[0] for id_ in graph.reach(application.id)} == set(KINDS) - {"Deployment"}
    assert all(len(source.files) >= 5 for source in graph.targets_of(application, "spec", "retrieval"))


def test_it_compiles(workspace: Path):
    compiled = compile_workspace(workspace)
    paths = {artifact.path for artifact in compiled.artifacts}

    assert {"manifest.json", "dagster/manifest.json", "haystack/team-0000-search/query.yaml"} <= paths
    assert sum(path.endswith("/indexing.yaml") for path in paths) == 6
    assert compiled.graph is not None
    assert len(set(compiled.graph.releases.values())) == 6


def test_files_have_about_forty_lines_and_comments():
    texts = [text for _, text in specs(200, 1)]

    assert 35 <= sum(text.count("\n") for text in texts) / len(texts) <= 45
    assert all(text.count("\n#") + text.count(" # ") >= 3 for text in texts)


def test_paths_are_spread_over_folders_and_never_repeat():
    paths = [path for path, _ in specs(205, 1)]

    assert len(set(paths)) == 205
    assert len({path.rpartition("/")[0] for path in paths}) >= 50


def test_the_same_seed_gives_the_same_bytes(tmp_path: Path, workspace: Path):
    generate(tmp_path, SIZE)

    assert contents(tmp_path) == contents(workspace)


def test_the_seed_does_not_depend_on_the_hash_seed_of_python(tmp_path: Path, workspace: Path):
    variables = {"PYTHONPATH": str(ROOT), "PYTHONHASHSEED": "7"}
    subprocess.run([sys.executable, "-m", "bench.corpus", str(tmp_path), str(SIZE)], check=True, env=variables, cwd=ROOT)

    assert contents(tmp_path) == contents(workspace)


def test_another_seed_gives_another_workspace(tmp_path: Path, workspace: Path):
    generate(tmp_path, SIZE, seed=2)

    here, there = contents(tmp_path), contents(workspace)
    assert set(here) == set(there)
    assert here != there
    assert check_workspace(tmp_path).diagnostics == ()


def test_a_larger_workspace_begins_with_the_smaller_ones_teams():
    small, large = dict(specs(2 * TEAM, 1)), dict(specs(4 * TEAM, 1))

    assert small.items() <= large.items()


def test_too_small_a_workspace_is_refused(tmp_path: Path):
    with pytest.raises(ValueError, match="at least 20"):
        generate(tmp_path, TEAM - 1)
    assert list(tmp_path.iterdir()) == []


def test_the_smallest_workspace_checks_clean(tmp_path: Path):
    generate_smallest(tmp_path)

    checked = check_workspace(tmp_path)
    assert checked.diagnostics == ()
    assert checked.graph is not None
    assert sorted(resource.kind for resource in checked.graph.resources.values()) == ["Application", "Model", "Prompt"]


def test_dbt_gets_a_project_of_the_same_number_of_files_and_length(tmp_path: Path):
    write_dbt_project(tmp_path / "dbt", 45)
    properties = sorted((tmp_path / "dbt/models").rglob("*.yml"))

    assert len(properties) == len(list((tmp_path / "dbt/models").rglob("*.sql"))) == 45
    assert all(35 <= path.read_text("utf-8").count("\n") <= 45 for path in properties)
    assert "ref('model_0')" in (tmp_path / "dbt/models/team_0000/model_1.sql").read_text("utf-8")


def test_a_peer_that_is_not_there_is_reported(tmp_path: Path, workspace: Path):
    peers = find_peers(workspace, SIZE, tmp_path)

    assert peers.contenders == ()
    assert peers.absent == {
        "dbt parse": "dbt is not installed",
        "check-jsonschema": "check-jsonschema is not installed",
        "yamllint": "yamllint is not installed",
    }


def test_a_contender_that_fails_gives_no_figure(tmp_path: Path):
    broken = Contender("broken", (sys.executable, "-c", "raise SystemExit('no such thing')"), tmp_path)

    with pytest.raises(Failed, match=r"broken exited with 1:\nno such thing"):
        measure([broken], 1, bench_in(tmp_path))


MEASURE = """
import sys
from pathlib import Path
from bench.processes import Contender, bench_in, measure

folder = Path(sys.argv[1])
busy = Contender("busy", (sys.executable, "-c", "b'x' * 200_000_000; sum(range(3_000_000))"), folder)
idle = Contender("idle", (sys.executable, "-c", "pass"), folder)
runs = measure([busy, idle], 1, bench_in(folder))
print(runs["busy"].rss, runs["idle"].rss, runs["busy"].cpu, runs["idle"].cpu)
"""


def test_figures_are_those_of_the_child(tmp_path: Path):
    # In a process of its own: the system counts what the parent holds when a child starts, and this one may hold a lot.
    command = [sys.executable, "-c", MEASURE, str(tmp_path)]
    run = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT, env={"PYTHONPATH": str(ROOT)})
    busy_rss, idle_rss, busy_cpu, idle_cpu = map(float, run.stdout.split())

    assert busy_rss > 200 > 50 > idle_rss
    assert busy_cpu > idle_cpu > 0


def test_the_benchmark_prints_figures_and_targets_as_json():
    command = [sys.executable, "-m", "bench.compile", "--json", "--specs", str(SIZE), "--repeats", "1", "--no-peers"]
    run = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    report = json.loads(run.stdout)

    assert (run.returncode, set(report), report["targets"]) == (0, {"figures", "targets"}, [])
    assert list(report["figures"]) == ["llmops --help", "llmops check 1", "floor 50", "llmops check 50", "llmops compile 50"]
    assert set(report["figures"]["llmops --help"]) == {"cpu_seconds", "wall_seconds", "max_rss_mb"}
    assert {"times_floor", "times_check"} <= set(report["figures"]["llmops compile 50"])
    assert all(value > 0 for figure in report["figures"].values() for value in figure.values())


@pytest.mark.parametrize(("cpu", "holds"), [(0.6, True), (0.601, False)])
def test_a_target_says_whether_it_holds(cpu: float, holds: bool):
    run = benchmark.Run(cpu, cpu, 50)

    expected = {"name": "CPU seconds of llmops check 2000", "value": cpu, "limit": 0.6, "holds": holds}
    assert benchmark.judge({"llmops check 2000": run}) == [expected]


def test_the_table_shows_figures_absent_peers_and_targets():
    figures = {
        "llmops check 2000": {"cpu_seconds": 0.4, "wall_seconds": 0.5, "max_rss_mb": 51.0},
        "yamllint 2000": {"absent": "not installed"},
    }
    target = {"name": "CPU seconds of llmops check 2000", "value": 0.7, "limit": 0.6, "holds": False}

    text = command.table({"figures": figures, "targets": [target]})
    assert "llmops check 2000                     0.4      0.5     51.0" in text
    assert "absent: not installed" in text
    assert "MISSED: CPU seconds of llmops check 2000: 0.7, at most 0.6" in text
