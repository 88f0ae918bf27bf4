"""What pyproject.toml declares is what the code imports, and the lock is whole and fit for a stranger's machine."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from importlib.metadata import entry_points, packages_distributions

import pytest

from llmops.version import VERSION
from tests.architecture.sources import PROJECT, Source, sources

SETTINGS = tomllib.loads((PROJECT / "pyproject.toml").read_text("utf-8"))
LOCKS = ("requirements.txt", "bench/requirements.txt", "bench/policies-requirements.txt")
RUN_TIME = ("runtime", "evaluate", "monitor")
SIGNING = ("provenance", "cli")
"""Where bundles are signed and verified, and the verbs that ask for it."""

COME_WITH = {"openai": "haystack-ai"}
"""Packages that a declared one brings and that the code uses only together with it."""


def canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def declared(*extras: str) -> set[str]:
    project = SETTINGS["project"]
    lines = [*project["dependencies"], *(line for extra in extras for line in project["optional-dependencies"][extra])]
    return {canonical(re.split(r"[\[<>=!~ ;]", line, maxsplit=1)[0]) for line in lines}


def imported(chosen: list[Source]) -> set[str]:
    names: set[str] = set()
    for node in (node for source in chosen for node in ast.walk(source.tree)):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module.partition(".")[0])
    return names - set(sys.stdlib_module_names) - {"llmops"}


def distributions(modules: set[str]) -> dict[str, set[str]]:
    owners = packages_distributions()
    return {module: {canonical(name) for name in owners.get(module, [module])} for module in modules}


def test_the_compiler_needs_only_the_base_dependencies() -> None:
    needed = distributions(imported([s for s in sources() if s.part not in (*RUN_TIME, *SIGNING)]))
    assert {module for module, owners in needed.items() if not owners & declared()} == set()


def test_signing_needs_only_what_sign_declares() -> None:
    needed = distributions(imported([s for s in sources() if s.part in SIGNING]))
    assert {module for module, owners in needed.items() if not owners & declared("sign")} == set()


def test_every_base_dependency_is_imported() -> None:
    needed = distributions(imported([s for s in sources() if s.part not in RUN_TIME]))
    assert declared() - set().union(*needed.values()) == set()


def test_the_runtime_needs_only_what_run_and_local_declare() -> None:
    needed = distributions(imported([s for s in sources() if s.part in RUN_TIME]))
    known = declared("run", "local")
    missing = {module for module, owners in needed.items() if not owners & known}
    assert {module for module in missing if COME_WITH.get(module) not in known} == set()


@pytest.mark.parametrize("lock", LOCKS)
def test_lock_is_pinned_hashed_and_names_no_host(lock: str) -> None:
    text = (PROJECT / lock).read_text("utf-8")
    entries = re.split(r"\n(?=[a-z])", text.strip())
    assert len(entries) > 30
    assert [entry.split()[0] for entry in entries if not re.match(r"[a-z0-9.-]+==", entry) or "--hash=sha256:" not in entry] == []
    assert "://" not in text
    assert not re.search(r"^(torch|sentence-transformers|nvidia-)", text, re.MULTILINE)


def test_the_lock_holds_every_declared_dependency() -> None:
    pinned = set(re.findall(r"^([a-z0-9.-]+)==", (PROJECT / "requirements.txt").read_text("utf-8"), re.MULTILINE))
    assert {name for name in declared("run", "local", "sign", "dev") if name not in pinned} == set()


def test_dagster_finds_the_component_through_its_own_group() -> None:
    from dagster.components.core.package_entry import DG_PLUGIN_ENTRY_POINT_GROUP

    assert SETTINGS["project"]["entry-points"] == {DG_PLUGIN_ENTRY_POINT_GROUP: {"llmops": "llmops.runtime.dagster"}}


def test_the_version_stands_in_one_place() -> None:
    pattern = SETTINGS["tool"]["hatch"]["version"]["pattern"]
    found = re.search(pattern, (PROJECT / SETTINGS["tool"]["hatch"]["version"]["path"]).read_text("utf-8"))
    assert found is not None
    assert found["version"] == VERSION
    assert f"## {VERSION}" in (PROJECT / "CHANGELOG.md").read_text("utf-8")


def test_the_command_is_installed() -> None:
    (command,) = entry_points(group="console_scripts", name="llmops")
    assert command.value == "llmops.cli.main:main"
