"""The benchmark of policies: equal rules in every language, each broken once, and contenders that must find what there is."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import yaml

from bench import policies as benchmark
from bench.corpus import generate
from bench.processes import Contender, Failed, Run, bench_in, measure
from bench.rules import Rule, generate_broken, kcl, rego, rules, write_pack
from llmops.kinds import KINDS
from llmops.pipeline import check_workspace

ROOT = Path(__file__).parents[2]
SIZE = 60


@pytest.fixture(scope="module")
def broken(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("broken")
    generate_broken(folder, SIZE)
    write_pack(folder / "policies")
    return folder


def broken_rules(workspace: Path) -> list[str]:
    return sorted(d.policy or d.code for d in check_workspace(workspace).diagnostics)


def specs_of(workspace: Path) -> list[dict[str, Any]]:
    return [yaml.safe_load(path.read_text("utf-8")) for path in sorted((workspace / "specs").rglob("*.yaml"))]


def test_there_are_25_rules_about_every_kind() -> None:
    assert len({rule.name for rule in rules()}) == len(rules()) == 25
    assert {rule.kind for rule in rules()} == set(KINDS) - {"Deployment"}


def test_every_rule_is_broken_once_and_nothing_else_is_wrong(broken: Path) -> None:
    assert broken_rules(broken) == sorted(rule.name for rule in rules())


def test_one_team_can_break_every_rule(tmp_path: Path) -> None:
    generate_broken(tmp_path, 20)
    write_pack(tmp_path / "policies")
    assert broken_rules(tmp_path) == sorted(rule.name for rule in rules())


def test_the_corpus_breaks_no_rule_by_itself(tmp_path: Path) -> None:
    generate(tmp_path, 20)
    write_pack(tmp_path / "policies")
    assert broken_rules(tmp_path) == []


def test_the_corpus_keeps_to_the_starter_pack(tmp_path: Path) -> None:
    """Policies of changes say that they have no base; nothing else is said."""
    generate(tmp_path, SIZE)
    shutil.copytree(benchmark.STARTER, tmp_path / "policies")
    assert set(broken_rules(tmp_path)) <= {"LLM0914"}
    assert len(list(benchmark.STARTER.rglob("*.yaml"))) >= 25


def test_the_rules_in_python_say_the_same(broken: Path, tmp_path: Path) -> None:
    """What checkov is given, which is also how the rules read without a policy engine."""
    generate(tmp_path, SIZE)
    assert python_findings(tmp_path) == Counter()
    assert python_findings(broken) == Counter({rule.name: 1 for rule in rules()})


def python_findings(workspace: Path) -> Counter[str]:
    holds = [(rule, eval(f"lambda r: {rule.python}")) for rule in rules()]
    return Counter(rule.name for spec in specs_of(workspace) for rule, held in holds if rule.kind == spec["kind"] and not held(spec))


def test_every_rule_stands_in_every_program() -> None:
    assert [line.split('"')[1] for line in rego().splitlines() if line.startswith("violations contains")] == [rule.name for rule in rules()]
    assert kcl().count("len([r for r in of(") == len(rules())
    assert all(rule.kcl in kcl() and rule.rego in rego() for rule in rules())


def test_a_rule_that_the_corpus_cannot_break_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Otherwise a change of the corpus would quietly leave contenders less to find."""
    spoil = {"file": "models/model-chat.yaml", "match": "no such text", "to": ""}
    monkeypatch.setattr("bench.rules.rules", lambda: (Rule("odd", "Model", "true", "true", "True", "True", spoil),))
    with pytest.raises(ValueError, match="nothing for odd to break"):
        generate_broken(tmp_path, 20)


SAYS = "print('25 errors.'); raise SystemExit({})"


@pytest.mark.parametrize("code", [0, 1])
def test_a_contender_may_have_findings_where_it_says_so(tmp_path: Path, code: int) -> None:
    contender = Contender("says", (sys.executable, "-c", SAYS.format(code)), tmp_path, says="25 errors")
    assert measure([contender], 1, bench_in(tmp_path))["says"].cpu > 0


@pytest.mark.parametrize(
    ("says", "code", "message"),
    [("26 errors", 1, "says does not say '26 errors'"), ("25 errors", 2, "says exited with 2"), ("", 1, "says exited with 1")],
)
def test_a_contender_that_finds_something_else_gives_no_figure(tmp_path: Path, says: str, code: int, message: str) -> None:
    contender = Contender("says", (sys.executable, "-c", SAYS.format(code)), tmp_path, says=says)
    with pytest.raises(Failed, match=message):
        measure([contender], 1, bench_in(tmp_path))


def test_a_contender_has_variables_of_its_own(tmp_path: Path) -> None:
    command = (sys.executable, "-c", "import os; print(os.environ['WHO'], os.environ['DO_NOT_TRACK'])")
    measure([Contender("who", command, tmp_path, says="me 1", variables={"WHO": "me"})], 1, bench_in(tmp_path))


def test_the_benchmark_prints_figures_and_targets_as_json(tmp_path: Path) -> None:
    sizes = ["--sizes", "20", "40", "60"]
    command = [sys.executable, "-m", "bench.policies", "--json", *sizes, "--repeats", "1", "--peers", str(tmp_path)]
    run = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    assert run.returncode in (0, 1), run.stderr
    report = json.loads(run.stdout)

    measured = {name for name, figure in report["figures"].items() if "absent" not in figure}
    unchanged = {"llmops check, unchanged 40", "llmops check, unchanged 60"}
    assert measured == {"llmops --help", "llmops check 20", "llmops check 40", "llmops check, starter pack 40", *unchanged}
    assert {name for name, figure in report["figures"].items() if figure.get("absent") == "not installed"} == {
        "regorus 40",
        "rego-cpp 40",
        "KCL 40",
        "cel-python 40",
        "checkov 40",
        "check-jsonschema, no rules 40",
    }
    assert [target["name"] for target in report["targets"]] == ["CPU seconds of llmops --help", "CPU seconds of llmops check 20"]


@pytest.mark.parametrize(("cpu", "holds"), [(0.15, True), (0.151, False)])
def test_a_target_says_whether_it_holds(cpu: float, holds: bool) -> None:
    found = benchmark.judge({"llmops check 20": Run(cpu, cpu, 40), "regorus 2000": Run(9, 9, 9)})
    assert found == [{"name": "CPU seconds of llmops check 20", "value": cpu, "limit": 0.15, "holds": holds}]


def test_every_peer_works_on_the_same_specs_and_must_find_what_there_is(tmp_path: Path) -> None:
    generate_broken(tmp_path / "broken", 40)
    peers = {peer.name: peer for peer in benchmark._peers(tmp_path, 40, tmp_path / "bin")}

    assert {peer.folder for peer in peers.values()} == {tmp_path / "broken"}
    assert [name for name, peer in peers.items() if not peer.says] == ["check-jsonschema, no rules 40"]
    assert all("25" in peer.says for peer in peers.values() if peer.says)
    assert (tmp_path / "rules.rego").read_text("utf-8") == rego()
    assert (tmp_path / "rules.k").read_text("utf-8") == kcl()
