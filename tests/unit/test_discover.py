"""Which files are read: YAML below the folders, nothing outside the workspace, nothing that is not a file."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from llmops.load.discover import read_file, read_folders, read_settings
from llmops.load.root import find_root
from llmops.load.tree import Disk
from llmops.load.yaml_core import MAX_BYTES
from llmops.pipeline import check_workspace


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "workspace"
    (folder / "specs" / "deep").mkdir(parents=True)
    (folder / "llmops.yaml").write_text("kind: Workspace\n")
    (folder / "specs" / "b.yaml").write_text("b: 1\n")
    (folder / "specs" / "deep" / "a.yml").write_text("a: 1\n")
    (tmp_path / "outside.yaml").write_text("secret: 1\n")
    return folder


def files_of(root: Path, *folders: str) -> list[str]:
    sources, diagnostics = read_folders(Disk(root), folders)
    assert not diagnostics
    return [source.file for source in sources]


def test_yaml_files_are_found_in_order(root: Path) -> None:
    for name in ("notes.txt", ".hidden.yaml", "deep/z.yaml"):
        (root / "specs" / name).write_text("x: 1")
    (root / "specs" / ".git").mkdir()
    (root / "specs" / ".git" / "c.yaml").write_text("x: 1")
    assert files_of(root, "specs") == ["specs/b.yaml", "specs/deep/a.yml", "specs/deep/z.yaml"]


@pytest.mark.parametrize(
    "folders", [("specs", "specs"), ("specs", "specs/deep"), ("./specs/",), ("specs/../specs",), ("specs", "./specs/deep/../")]
)
def test_a_file_is_read_once_however_it_is_named(root: Path, folders: tuple[str, ...]) -> None:
    assert files_of(root, *folders) == ["specs/b.yaml", "specs/deep/a.yml"]


def test_the_workspace_itself_may_be_the_folder(root: Path) -> None:
    (root / "environments" / "prod").mkdir(parents=True)
    (root / "environments" / "prod" / "patch.yaml").write_text("x: 1")
    assert files_of(root, ".") == ["specs/b.yaml", "specs/deep/a.yml"]
    assert files_of(root, "environments/prod") == ["environments/prod/patch.yaml"]


def test_a_folder_that_does_not_exist_has_no_files(root: Path) -> None:
    assert files_of(root, "environments/dev") == []


@pytest.mark.parametrize("target", ["../../outside.yaml", "missing.yaml", "../..", "deep"])
def test_links_that_lead_to_no_file_inside_are_findings(root: Path, target: str) -> None:
    os.symlink(target, root / "specs" / "link.yaml")
    sources, diagnostics = read_folders(Disk(root), ["specs"])
    assert [d.code for d in diagnostics] == ["LLM0103"]
    assert [s.file for s in sources if s.text is None] == ["specs/link.yaml"]
    assert not any("secret" in (s.text or "") for s in sources)


def test_links_that_stay_inside_are_read(root: Path) -> None:
    os.symlink("deep/a.yml", root / "specs" / "link.yaml")
    assert files_of(root, "specs") == ["specs/b.yaml", "specs/deep/a.yml", "specs/link.yaml"]


def test_a_link_that_is_no_yaml_is_nobody_s_business(root: Path) -> None:
    os.symlink("../../outside.txt", root / "specs" / "README")
    assert files_of(root, "specs") == ["specs/b.yaml", "specs/deep/a.yml"]


def test_a_linked_folder_outside_is_a_finding(root: Path) -> None:
    os.symlink("..", root / "linked")
    assert [d.code for d in read_folders(Disk(root), ["linked"])[1]] == ["LLM0103"]


def test_what_is_no_regular_file_is_not_opened(root: Path) -> None:
    """Opening a pipe would wait for ever."""
    os.mkfifo(root / "specs" / "pipe.yaml")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(root / "specs" / "socket.yaml"))
        _, diagnostics = read_folders(Disk(root), ["specs"])
    assert {(d.code, d.location.file) for d in diagnostics} == {("LLM0102", "specs/pipe.yaml"), ("LLM0102", "specs/socket.yaml")}


@pytest.mark.parametrize("name", [b"\xff.yaml", b"a\nb.yaml", b"\x1b[2J.yaml"])
def test_names_that_cannot_be_printed_are_findings(root: Path, name: bytes) -> None:
    with open(os.path.join(os.fsencode(root / "specs"), name), "wb") as stream:
        stream.write(b"a: 1")
    (found,) = read_folders(Disk(root), ["specs"])[1]
    assert found.code == "LLM0102" and found.location.file.isprintable()


def test_a_folder_that_refuses_is_a_finding(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: object) -> object:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("llmops.load.discover.os.scandir", refuse)
    assert [(d.code, d.location.file) for d in read_folders(Disk(root), ["specs"])[1]] == [("LLM0102", "specs")]


def test_a_file_that_vanishes_is_a_finding(root: Path) -> None:
    source, (found,) = read_file(Disk(root), "specs/gone.yaml")
    assert source.text is None and found.code == "LLM0102" and "No such file" in found.message


@pytest.mark.parametrize(("content", "line", "column"), [(b"\xff", 1, 1), ("é: ü\na: é".encode() + b"\xe9", 2, 5), (b"a: 1\n\n\xc3", 3, 1)])
def test_what_is_not_utf8_is_located(root: Path, content: bytes, line: int, column: int) -> None:
    (root / "specs" / "b.yaml").write_bytes(content)
    (found,) = read_folders(Disk(root), ["specs"])[1]
    assert (found.code, found.location.line, found.location.column) == ("LLM0001", line, column)


def test_a_byte_order_mark_is_no_part_of_the_text(root: Path) -> None:
    (root / "specs" / "b.yaml").write_bytes(b"\xef\xbb\xbfb: 1\n")
    assert read_file(Disk(root), "specs/b.yaml")[0].text == "b: 1\n"


def test_the_largest_file(root: Path) -> None:
    (root / "specs" / "b.yaml").write_bytes(b"#" * MAX_BYTES)
    assert not read_folders(Disk(root), ["specs"])[1]
    (root / "specs" / "b.yaml").write_bytes("é".encode() * (MAX_BYTES // 2) + b"\xc3")
    assert [d.code for d in read_folders(Disk(root), ["specs"])[1]] == ["LLM0007"]


def test_a_file_that_cannot_be_read_hides_no_reference(base: Path) -> None:
    """Whatever the file declares may be what others name, so only the file itself is a finding."""
    (base / "specs" / "model.yaml").write_bytes(b"\xff")
    assert [d.code for d in check_workspace(base).diagnostics] == ["LLM0001"]


def test_the_workspace_is_found_from_below(root: Path, tmp_path: Path) -> None:
    assert find_root(root / "specs" / "deep") == root
    assert find_root(tmp_path) is None
    assert read_settings(Disk(tmp_path))[1][0].code == "LLM0101"
