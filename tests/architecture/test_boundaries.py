"""Who may print, exit and touch the disk; and what a compile imports."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.architecture.sources import PACKAGE, PROJECT, STAGES, Source, read_source, sources

CHILD_PROCESSES = {"runtime.local.chat_server", "check.budget"}
"""Processes of their own: the model's server, whose first line tells its parent where it listens, and what policies are judged in."""

DISK_FUNCTIONS = {"open", "os.open", "os.walk", "os.scandir", "os.listdir", "os.replace", "os.remove", "os.makedirs", "os.getenv"}
DISK_METHODS = {
    "read_text",
    "read_bytes",
    "write_text",
    "write_bytes",
    "mkdir",
    "unlink",
    "rmdir",
    "rename",
    "touch",
    "iterdir",
    "rglob",
    "exists",
}
BUILD_STEP = "kinds.generate"
PACKAGED_SCHEMAS = "kinds"

ENGINES = {"dagster", "haystack", "haystack_integrations", "guardrails", "nemoguardrails", "pydantic", "rich", "sqlite3", "asyncio"}


def prints(source: Source) -> list[int]:
    stops = {"print", "exit", "quit", "sys.exit", "os._exit", "SystemExit"}
    return [line for name, line in source.calls() if name in stops]


def disk_calls(source: Source) -> list[int]:
    return [line for name, line in source.calls() if name in DISK_FUNCTIONS or name.rpartition(".")[2] in DISK_METHODS]


def pure_stages() -> list[Source]:
    may = {"load", "write"}
    apart = {BUILD_STEP, PACKAGED_SCHEMAS, *CHILD_PROCESSES}
    return [s for s in sources() if s.part in STAGES and s.part not in may and s.module not in apart]


@pytest.mark.parametrize("source", [s for s in sources() if s.part not in {"cli", "__main__"}], ids=lambda s: s.module)
def test_only_the_command_line_prints_or_exits(source: Source) -> None:
    assert not prints(source) or source.module in CHILD_PROCESSES


def test_only_main_exits() -> None:
    exits = {s.module for s in sources() for name, _ in s.calls() if name in {"sys.exit", "exit", "os._exit", "SystemExit"}}
    assert exits - CHILD_PROCESSES == {"cli.main"}


@pytest.mark.parametrize("source", pure_stages(), ids=lambda s: s.module)
def test_stages_between_load_and_write_touch_no_disk(source: Source) -> None:
    assert not disk_calls(source)


def test_the_scan_sees_what_it_looks_for(tmp_path: Path) -> None:
    bad = tmp_path / "bad.py"
    bad.write_text(
        "import sys\nfrom pathlib import Path\nprint(1)\nsys.exit(2)\nopen('x')\nPath('x').read_text()\np.write_bytes(b'')\n", "utf-8"
    )
    source = read_source(bad, tmp_path)
    assert prints(source) == [3, 4]
    assert disk_calls(source) == [5, 6, 7]


def test_there_are_stages_to_scan() -> None:
    assert {s.part for s in pure_stages()} == set(STAGES) - {"load", "write"}


PROBE = """
import sys
from llmops.cli.main import main
try:
    main(sys.argv[1:])
except SystemExit as end:
    code = end.code
names = {name.partition(".")[0] for name in sys.modules}
print("imported", code, *sorted(names & set(%r)))
"""


@pytest.mark.parametrize(
    "arguments",
    [["compile", "--out", "{out}"], ["check"], ["graph"], ["explain", "LLM0002"], ["--version"]],
    ids=lambda arguments: arguments[0],
)
def test_the_compiler_imports_no_engine(arguments: list[str], tmp_path: Path) -> None:
    command = [part.format(out=tmp_path / "bundle") for part in arguments]
    done = subprocess.run(
        [sys.executable, "-c", PROBE % sorted(ENGINES), *command],
        capture_output=True,
        text=True,
        check=True,
        cwd=PROJECT,
        env={"PYTHONPATH": str(PACKAGE.parent), "PATH": "/usr/bin:/bin"},
    )
    assert done.stdout.splitlines()[-1].split() == ["imported", "0"], done.stdout + done.stderr


def test_the_runtime_alone_imports_no_compile_stage() -> None:
    code = (
        "import sys, llmops.runtime.dagster, llmops.runtime.pipelines, llmops.runtime.measuring.session\n"
        "import llmops.evaluate.gate, llmops.monitor.signals\n"
        "print(*sorted({'.'.join(n.split('.')[:2]) for n in sys.modules if n.startswith('llmops.')}))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env={"PYTHONPATH": str(PACKAGE.parent)})
    assert set(done.stdout.split()) <= {"llmops.errors", "llmops.evaluate", "llmops.monitor", "llmops.runtime", "llmops.version"}
