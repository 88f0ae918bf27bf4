"""Measures `llmops plan` against a base in a real git repository, beside `dbt ls --select state:modified+` on an equal graph.

`python -m bench.plan [--json] [--specs 2000 10000] [--peer-specs 2000] [--repeats 5] [--peers BIN | --no-peers]`; docs/performance.md
explains it.
"""

from __future__ import annotations

import argparse
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.command import execute, parser_of
from bench.compile import AFRESH, LLMOPS, ROOT, figures
from bench.corpus import generate
from bench.lineage import DBT, Lineage, lineage_of, write_dbt_project
from bench.processes import Bench, Contender, Failed, Run, bench_in, measure
from llmops.pipeline import check_workspace
from llmops.resources import Graph

PLAN_SIZE, LIMIT = 10_000, 1.5
"""CPU seconds of `llmops plan` for one prompt's edit in a workspace of so many specs."""
PEERS = ROOT / ".venv-bench/bin"
PLAN = (*LLMOPS, "plan", "--base", "HEAD")
SPREAD = 100
"""Files that the largest edit changes."""
AUTHOR = ("-c", "user.name=bench", "-c", "user.email=bench@example.org", "-c", "commit.gpgsign=false", "-c", "gc.auto=0")


@dataclass(frozen=True, slots=True)
class Edit:
    """Files of the workspace with what they become, and the applications that a plan must name."""

    name: str
    texts: Mapping[Path, str]
    applications: frozenset[str]


def main(argv: Sequence[str] | None = None) -> int:
    """1 where a target is missed, 2 where a contender fails."""
    parser = parser_of("bench.plan", str(__doc__), PEERS)
    parser.add_argument("--specs", type=int, nargs="+", default=[2000, PLAN_SIZE], metavar="N", help="files a workspace (at least 20)")
    parser.add_argument("--peer-specs", type=int, nargs="+", default=[2000], metavar="N", help="of these, the sizes that dbt is given")
    return execute(run, parser.parse_args(argv))


def run(folder: Path, args: argparse.Namespace) -> dict[str, Any]:
    """Everything measured in one go, in the form that `--json` prints."""
    bench = bench_in(folder, ROOT / "compiler")
    contenders: list[Contender] = []
    absent: dict[str, str] = {}
    for size in args.specs:
        root = folder / f"workspace-{size}"
        generate(root, size)
        commit(root)
        graph = graph_of(root)
        edits = list(edits_of(root, graph))
        for edit in edits:
            hold_to(root, edit, bench)
            contenders.append(Contender(f"llmops plan, {edit.name} {size}", PLAN, root, _becomes(root, edit), "reach", AFRESH))
        contenders.append(Contender(f"llmops plan, nothing {size}", PLAN, root, _becomes(root, None), "nothing changes", AFRESH))
        contenders.append(Contender(f"git diff {size}", ("git", "diff", "--stat", "HEAD"), root, _becomes(root, edits[0])))
        if size in args.peer_specs and not args.no_peers:
            contenders += _peers(folder / f"dbt-{size}", graph, args.peers.resolve(), bench, absent)
    runs = measure(contenders, args.repeats, bench)
    return {"figures": figures(runs, absent, max(args.specs)), "targets": judge(runs)}


def commit(root: Path) -> None:
    """The workspace as the first commit of a repository."""
    for command in (("init", "-q", "-b", "main"), ("add", "-A"), ("commit", "-q", "-m", "start")):
        subprocess.run(["git", "-C", str(root), *AUTHOR, *command], check=True)


def graph_of(root: Path) -> Graph:
    """The linked graph of a clean workspace."""
    graph = check_workspace(root).graph
    assert graph is not None  # the corpus checks clean
    return graph


def edits_of(root: Path, graph: Graph) -> Iterator[Edit]:
    """A prompt's text, an embedder's revision, a document, and many prompts at once."""
    users = _applications_by_use(graph)
    prompts = [resource for resource in graph.of_kind("Prompt") if users.get(resource.id)]
    yield Edit("one prompt", _edited(root, prompts[:1], _prompt), frozenset(users[prompts[0].id]))
    embedders = [resource for resource in graph.of_kind("Model") if resource.spec["task"] == "embedding" and users.get(resource.id)]
    yield Edit("one embedder", _edited(root, embedders[:1], _embedder), frozenset(users[embedders[0].id]))
    document = next(file.path for source in graph.of_kind("RetrievalSource") for file in source.files)
    sources = [source.id for source in graph.of_kind("RetrievalSource") if any(file.path == document for file in source.files)]
    text = (root / document).read_text("utf-8")
    yield Edit(
        "one document", {root / document: f"{text}\nOne line more.\n"}, frozenset().union(*(users.get(id_, set()) for id_ in sources))
    )
    spread = prompts[:: max(1, len(prompts) // SPREAD)][:SPREAD]
    yield Edit(f"{len(spread)} prompts", _edited(root, spread, _prompt), _union(users[prompt.id] for prompt in spread))


def _union(sets: Iterable[set[str]]) -> frozenset[str]:
    return frozenset(name for names in sets for name in names)


def _applications_by_use(graph: Graph) -> dict[str, set[str]]:
    users: dict[str, set[str]] = {}
    for application in graph.of_kind("Application"):
        for id_ in graph.reach(application.id):
            users.setdefault(id_, set()).add(application.id)
    return users


def _edited(root: Path, resources: Sequence[Any], change: Callable[[str], str]) -> dict[Path, str]:
    paths = [root / resource.source.file for resource in resources]
    return {path: change(path.read_text("utf-8")) for path in paths}


def _prompt(text: str) -> str:
    return _replaced(r"Use only the passages", "Use nothing but the passages", text)


def _embedder(text: str) -> str:
    return _replaced(r"(?m)^  dimension: .*$", "  dimension: 321", text)


def _replaced(pattern: str, new: str, text: str) -> str:
    changed = re.sub(pattern, new, text, count=1)
    assert changed != text  # the corpus writes what is looked for
    return changed


def _becomes(root: Path, edit: Edit | None) -> Callable[[], None]:
    """Takes the workspace to an edit, from whatever edit it has."""

    def prepare() -> None:
        subprocess.run(["git", "-C", str(root), "checkout", "-q", "."], check=True)
        for path, text in edit.texts.items() if edit else ():
            path.write_text(text, "utf-8")
        # git looks at what it has not seen since; a person's editor leaves it the time.
        subprocess.run(["git", "-C", str(root), "update-index", "-q", "--refresh"], check=False)

    return prepare


def hold_to(root: Path, edit: Edit, bench: Bench) -> None:
    """Plans once, outside the clock. Raises `Failed` unless the plan names exactly the edit's applications."""
    _becomes(root, edit)()
    variables = {**bench.variables, **AFRESH}
    done = subprocess.run([*PLAN, "--format", "json"], cwd=root, env=variables, capture_output=True, text=True, check=False)
    if done.returncode != 1:
        raise Failed(f"llmops plan, {edit.name} exited with {done.returncode}:\n{done.stderr[-2_000:]}")
    found = {row["application"] for row in json.loads(done.stdout)["applications"]}
    if found != edit.applications:
        raise Failed(
            f"llmops plan, {edit.name}: {len(found)} applications, not {len(edit.applications)}: {sorted(found ^ edit.applications)[:3]}"
        )


def _peers(folder: Path, graph: Graph, programs: Path, bench: Bench, absent: dict[str, str]) -> Iterator[Contender]:
    """dbt on a project with the same nodes and edges, of which the same one has changed."""
    program = shutil.which("dbt", path=str(programs))
    if program is None:
        absent["dbt ls"] = "dbt is not installed"
        return
    prompt = next(r.id for r in graph.of_kind("Prompt") if _applications_by_use(graph).get(r.id))
    lineage = lineage_of(graph, prompt)
    write_dbt_project(folder, graph)
    _prepare_dbt(folder, program, lineage, bench)
    size = len(graph.resources)
    says = lineage.name
    yield Contender(f"dbt ls {size}", _listing(program), folder, _restored(folder), says)
    yield Contender(f"dbt ls, nothing kept {size}", (*_listing(program), "--no-partial-parse"), folder, _restored(folder), says)


def _listing(program: str) -> tuple[str, ...]:
    """What is downstream of whatever differs from the state."""
    return (program, "ls", "--select", "state:modified+", "--state", "state", "--resource-type", "model", "--output", "name", *DBT)


def _prepare_dbt(folder: Path, program: str, lineage: Lineage, bench: Bench) -> None:
    """The state to compare with and what dbt keeps of its parse, then the edit, then one run that must list what is downstream."""
    _dbt(folder, (program, "parse", *DBT), bench)
    (folder / "state").mkdir()
    shutil.copy(folder / "target/manifest.json", folder / "state/manifest.json")
    shutil.copytree(folder / "target", folder / "kept")
    model = folder / lineage.file
    model.write_text(model.read_text("utf-8") + "-- edited\nwhere true\n", "utf-8")
    found = set(_dbt(folder, _listing(program), bench).split()) & lineage.names
    if found != lineage.downstream:
        raise Failed(f"dbt ls lists {len(found)} models, not {len(lineage.downstream)}: {sorted(found ^ lineage.downstream)[:3]}")


def _dbt(folder: Path, command: Sequence[str], bench: Bench) -> str:
    done = subprocess.run(command, cwd=folder, env=dict(bench.variables), capture_output=True, text=True, check=False)
    if done.returncode:
        raise Failed(f"{' '.join(command[1:3])} exited with {done.returncode}:\n{done.stdout[-2_000:]}{done.stderr[-2_000:]}")
    return done.stdout


def _restored(folder: Path) -> Callable[[], None]:
    """What dbt kept before the edit, so that each run meets the edit anew."""

    def prepare() -> None:
        shutil.rmtree(folder / "target", ignore_errors=True)
        shutil.copytree(folder / "kept", folder / "target")

    return prepare


def judge(runs: Mapping[str, Run]) -> list[dict[str, Any]]:
    """The target and whether it holds; none where what it speaks of was not measured."""
    name = f"llmops plan, one prompt {PLAN_SIZE}"
    if name not in runs:
        return []
    value = round(runs[name].cpu, 3)
    return [{"name": f"CPU seconds of {name}", "value": value, "limit": LIMIT, "holds": value <= LIMIT}]


if __name__ == "__main__":
    sys.exit(main())
