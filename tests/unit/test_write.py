"""A bundle is written as a whole or not at all, and never over what somebody else wrote."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from llmops.errors import LlmopsError, UsageError
from llmops.render.base import Artifact
from llmops.write import MARK, write

MANIFEST = Artifact(MARK, b'{"manifest_version": 1, "llmops_version": "0"}')
FIRST = [Artifact("haystack/a/query.yaml", b"a"), Artifact("dagster/defs.yaml", b"b"), MANIFEST]
SECOND = [Artifact("haystack/b/query.yaml", b"c"), MANIFEST]


def files_in(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def as_files(artifacts: list[Artifact]) -> dict[str, bytes]:
    return {artifact.path: artifact.content for artifact in sorted(artifacts, key=lambda a: a.path)}


@pytest.fixture
def out(tmp_path: Path) -> Path:
    folder = tmp_path / "build" / "dev"
    write(FIRST, folder)
    return folder


def assert_nothing_else(out: Path) -> None:
    assert [path.name for path in out.parent.iterdir()] == [out.name]


def test_folders_are_made(out: Path) -> None:
    assert files_in(out) == as_files(FIRST)
    assert stat.S_IMODE(out.stat().st_mode) == 0o755
    assert_nothing_else(out)


def test_a_new_bundle_replaces_the_old_one_and_its_files(out: Path) -> None:
    write(SECOND, out)
    assert files_in(out) == as_files(SECOND)
    assert not (out / "dagster").exists()
    assert_nothing_else(out)


def test_an_empty_folder_is_taken(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    write(FIRST, tmp_path / "empty")
    assert files_in(tmp_path / "empty") == as_files(FIRST)


@pytest.mark.parametrize("manifest", [None, "", "{}", "[]", "not json", '{"manifest_version": 3, "name": "An extension"}'])
def test_a_foreign_folder_is_refused_and_left_alone(tmp_path: Path, manifest: str | None) -> None:
    folder = tmp_path / "homework"
    folder.mkdir()
    (folder / "thesis.txt").write_text("years of work")
    if manifest is not None:
        (folder / MARK).write_text(manifest)
    before = files_in(folder)
    with pytest.raises(UsageError, match="did not write"):
        write(FIRST, folder)
    assert files_in(folder) == before
    assert_nothing_else(folder)


def test_a_file_and_a_link_are_refused(tmp_path: Path, out: Path) -> None:
    (tmp_path / "file").write_text("x")
    (tmp_path / "link").symlink_to(out)
    for path in (tmp_path / "file", tmp_path / "link"):
        with pytest.raises(UsageError, match="not a folder"):
            write(SECOND, path)
    assert files_in(out) == as_files(FIRST)


def test_where_the_system_refuses_the_message_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    for out in (tmp_path / "file" / "bundle", Path("/proc/bundle"), tmp_path / ("n" * 300)):
        with pytest.raises(LlmopsError, match="cannot be written") as caught:
            write(FIRST, out)
        assert "--out" in caught.value.hint and not isinstance(caught.value, UsageError)


def test_the_old_bundle_survives_a_failure_while_writing(out: Path) -> None:
    """The second file cannot be made: its folder is a file."""
    with pytest.raises(LlmopsError):
        write([Artifact("a", b""), Artifact("a/b", b"")], out)
    assert files_in(out) == as_files(FIRST)
    assert_nothing_else(out)


def test_the_old_bundle_survives_a_failure_while_swapping(out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    moves: list[str] = []
    replace = os.replace

    def fail_on_second(source: Path, target: Path) -> None:
        moves.append(str(target))
        if len(moves) == 2:
            raise OSError(28, "No space left on device")
        replace(source, target)

    monkeypatch.setattr("llmops.write.os.replace", fail_on_second)
    with pytest.raises(LlmopsError, match="No space left"):
        write(SECOND, out)
    assert files_in(out) == as_files(FIRST)
    assert_nothing_else(out)


def test_what_is_no_problem_of_the_system_is_not_hidden(out: Path) -> None:
    with pytest.raises(TypeError):
        write([Artifact("a", "text")], out)  # type: ignore[arg-type]
    assert files_in(out) == as_files(FIRST)
    assert_nothing_else(out)
