"""Every kind of mistake, as a workspace with it: the report that the author reads is held by a snapshot.

A case is a folder of `golden/`: `in/` is laid over `_base/`, `removed.txt` lists what is taken away, `environment.txt`
names the environment. `pytest --snapshot-update` writes the reports, which are to be read as an author would.
"""

from __future__ import annotations

import json
import shutil
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from syrupy.assertion import SnapshotAssertion
from syrupy.extensions.single_file import SingleFileSnapshotExtension, WriteMode

from llmops.codes import CODES
from llmops.diagnostics import Diagnostic
from llmops.load.yaml_core import MAX_BYTES, lines_of
from llmops.pipeline import Checked, check_workspace
from llmops.report.json import json_report
from llmops.report.text import text_report

GOLDEN = Path(__file__).parent / "golden"
CASES = sorted(folder.name for folder in GOLDEN.iterdir() if not folder.name.startswith(("_", ".")))
SECRETS = ("hunter2", "abcdefghijklmnopqrstuvwx")

LARGE = {
    "LLM0007": ("specs/large.yaml", MAX_BYTES + 1),
    "LLM0805": ("evals/questions.jsonl", 64_000_001),
}
"""Code → a file that provokes it by its size alone, made when the test runs."""
ELSEWHERE = {
    "LLM0102": "a file that the system refuses to read: tests/unit/test_discover.py",
    "LLM0906": "only `llmops policy test` reports it: tests/unit/test_cli_policy.py",
    "LLM1008": "only `llmops lock` reports it: tests/unit/test_lock_cli.py",
    "LLM1009": "only `llmops lock` reports it: tests/unit/test_lock_cli.py",
    "LLM1010": "only `llmops lock` reports it: tests/unit/test_lock_cli.py",
}


class Report(SingleFileSnapshotExtension):
    """One readable file a case in `__snapshots__/test_golden/`."""

    _write_mode = WriteMode.TEXT
    file_extension = "txt"


def check_case(case: str, folder: Path) -> Checked:
    shutil.copytree(GOLDEN / "_base", folder)
    removed = GOLDEN / case / "removed.txt"
    for name in removed.read_text().split() if removed.exists() else ():
        path = folder / name
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    if (GOLDEN / case / "in").exists():
        shutil.copytree(GOLDEN / case / "in", folder, dirs_exist_ok=True, symlinks=True)
    environment = GOLDEN / case / "environment.txt"
    return check_workspace(folder, environment.read_text().strip() if environment.exists() else None)


@cache
def checked(case: str) -> Checked:
    with TemporaryDirectory() as folder:
        return check_case(case, Path(folder) / "workspace")


@pytest.mark.parametrize("case", CASES)
def test_report(case: str, snapshot: SnapshotAssertion) -> None:
    found = checked(case)
    report = text_report(found.diagnostics, found.places.text, colour=False)
    codes = json.dumps([d.code for d in found.diagnostics])
    assert f"{report or 'no findings'}\n{codes}\n" == snapshot(extension_class=Report)


@pytest.mark.parametrize("case", CASES)
def test_findings_are_located_and_complete(case: str) -> None:
    found = checked(case)
    for diagnostic in found.diagnostics:
        assert diagnostic.code in CODES
        assert diagnostic.message and not diagnostic.message.endswith(".")
        assert diagnostic.hint, "every finding says how to mend it"
        assert_places_exist(diagnostic, found)


def assert_places_exist(diagnostic: Diagnostic, found: Checked) -> None:
    for place in diagnostic.locations:
        text = found.places.text(place.file)
        assert place.line >= 1 and place.column >= 1
        if text is not None:
            lines = lines_of(text)
            assert place.line <= len(lines)
            assert place.column <= len(lines[place.line - 1]) + 1


@pytest.mark.parametrize("case", CASES)
def test_no_secret_is_repeated(case: str) -> None:
    found = checked(case)
    for report in (text_report(found.diagnostics, found.places.text, colour=True), json_report(found.diagnostics)):
        assert not any(secret in report for secret in SECRETS)


@pytest.mark.parametrize("case", [case for case in CASES if not case.startswith("several")])
def test_one_mistake_is_one_finding(case: str) -> None:
    found = checked(case).diagnostics
    assert len(found) == MORE_THAN_ONE.get(case, 1), [d.message for d in found]


MORE_THAN_ONE = {
    "missing-several": 2,
    "row-not-json": 3,
    "secret-as-name": 2,
    "secret-in-broken-file": 2,
    "secret-literal-in-flow": 2,
}
"""Cases with several mistakes."""


@pytest.mark.parametrize("code", LARGE)
def test_files_have_a_largest_size(code: str, base: Path) -> None:
    file, size = LARGE[code]
    with open(base / file, "wb") as stream:
        stream.truncate(size)
    found = check_workspace(base).diagnostics
    assert [d.code for d in found] == [code]


def test_the_base_has_no_mistake(base: Path) -> None:
    assert not check_workspace(base).diagnostics
    assert not check_workspace(base, "prod").diagnostics


def test_every_code_is_provoked() -> None:
    provoked = {d.code for case in CASES for d in checked(case).diagnostics}
    assert set(CODES) - provoked - set(LARGE) - set(ELSEWHERE) == set()
