"""`llmops bundle` and `llmops verify`, as a user and a pipeline run them."""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import shutil
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from llmops.cli import bundle, verify
from llmops.cli import compile as compiling
from llmops.errors import LlmopsError, UsageError
from llmops.provenance import Refused, disk
from llmops.provenance.disk import read_file, read_folder, write_together
from llmops.provenance.signature import new_key_pair
from tests.conftest import Run, copy_example

ENDS = (".cdx.json", ".dsse.json", ".intoto.json", ".tar")


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The example with keys and signed bundles of two environments. Tests copy what they change."""
    root = copy_example(tmp_path_factory.mktemp("workspace") / "example")
    with quiet():
        call(bundle, "--new-key", str(root / "signing"))
        for environment in ("dev", "prod"):
            call(bundle, "--workspace", str(root), "--env", environment, "--key", str(root / "signing.pem"))
    return root


@pytest.fixture
def copy(workspace: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(workspace, tmp_path / "copy"))


@contextmanager
def quiet() -> Iterator[None]:
    before = sys.stdout, sys.stderr
    with open(os.devnull, "w") as nowhere:
        sys.stdout = sys.stderr = nowhere
        try:
            yield
        finally:
            sys.stdout, sys.stderr = before


def call(verb: Any, *arguments: str) -> int:
    parser = argparse.ArgumentParser()
    verb.add_arguments(parser)
    return int(verb.run(parser.parse_args(arguments)))


@pytest.fixture
def without_haystack(monkeypatch: pytest.MonkeyPatch) -> None:
    found = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, package=None: None if name == "haystack" else found(name, package))


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


# bundle


def test_a_signed_bundle_is_four_files(workspace: Path) -> None:
    assert names(workspace / "dist") == sorted(f"handbook-{environment}{end}" for environment in ("dev", "prod") for end in ENDS)


def test_the_account_of_a_bundle(copy: Path, llmops: Run) -> None:
    done = llmops("bundle", "--key", "signing.pem", cwd=copy)
    lines = done.stdout.splitlines()
    assert done.returncode == 0
    assert lines[0] == "12 resources → 15 files → dist/handbook-dev.tar"
    assert lines[1].startswith("  Application/handbook-assistant  release sha256:")
    assert lines[2] == "  from no commit: git knows none here"
    assert lines[3].startswith("  signed with key ")


def test_without_a_key_there_is_no_envelope_and_an_old_one_goes(copy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call(bundle, "--workspace", str(copy)) == 0
    assert "not signed (--key signs)" in capsys.readouterr().out
    assert names(copy / "dist") == sorted(
        [f"handbook-prod{end}" for end in ENDS] + [f"handbook-dev{end}" for end in ENDS if end != ".dsse.json"]
    )


def test_the_key_may_stand_in_the_environment(copy: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    signed = (copy / "dist/handbook-dev.dsse.json").read_bytes()
    monkeypatch.setenv(bundle.SIGNING_KEY, (copy / "signing.pem").read_text())
    assert call(bundle, "--workspace", str(copy), "--out", str(copy / "other")) == 0
    assert (copy / "other/handbook-dev.dsse.json").read_bytes() == signed
    assert "PRIVATE" not in "".join(capsys.readouterr())


def test_a_key_that_is_named_comes_before_the_environment(copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(bundle.SIGNING_KEY, new_key_pair().private.decode())
    with quiet():
        call(bundle, "--workspace", str(copy), "--key", str(copy / "signing.pem"), "--out", str(copy / "other"))
    assert (copy / "other/handbook-dev.dsse.json").read_bytes() == (copy / "dist/handbook-dev.dsse.json").read_bytes()


def test_an_empty_variable_is_no_request_to_pack_unsigned(copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a pipeline whose secret is missing it is set and empty."""
    monkeypatch.setenv(bundle.SIGNING_KEY, "")
    with pytest.raises(UsageError, match="LLMOPS_SIGNING_KEY is empty"):
        call(bundle, "--workspace", str(copy))


def test_a_broken_key_stops_before_anything_is_written(copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(bundle.SIGNING_KEY, "hunter2")
    with pytest.raises(UsageError) as refused:
        call(bundle, "--workspace", str(copy), "--out", str(copy / "other"))
    assert str(refused.value) == "LLMOPS_SIGNING_KEY holds no private key that can be read"
    assert not (copy / "other").exists()


def test_mistakes_in_the_specs_pack_nothing(base: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (base / "specs/broken.yaml").write_text("kind: Prompt\n")
    assert call(bundle, "--workspace", str(base)) == 1
    said = capsys.readouterr()
    assert said.err.endswith("Nothing was packed.\n")
    assert "specs/broken.yaml" in said.err
    assert not (base / "dist").exists()


@contextmanager
def umask(mask: int) -> Iterator[None]:
    before = os.umask(mask)
    try:
        yield
    finally:
        os.umask(before)


def test_the_same_bytes_on_another_machine(workspace: Path, tmp_path: Path, llmops: Run) -> None:
    """Other folder, time zone, hash seed, locale, umask, order of the files on disk."""
    other = tmp_path / "somewhere" / "else"
    other.mkdir(parents=True)
    for path in sorted(workspace.rglob("*"), reverse=True):
        if path.is_file() and "dist" not in path.relative_to(workspace).parts:
            (other / path.relative_to(workspace)).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, other / path.relative_to(workspace))
    for number, mask in enumerate((0o077, 0o000)):
        variables = {"TZ": ("Asia/Kathmandu", "America/Lima")[number], "PYTHONHASHSEED": str(number + 7), "LC_ALL": "C"}
        with umask(mask):
            done = llmops("bundle", "--env", "prod", "--key", "signing.pem", "--out", f"out{number}", cwd=other, **variables)
        assert done.returncode == 0, done.stderr
        for end in ENDS:
            assert (other / f"out{number}/handbook-prod{end}").read_bytes() == (workspace / f"dist/handbook-prod{end}").read_bytes()


def test_a_new_key_pair(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with umask(0):
        assert call(bundle, "--new-key", str(tmp_path / "release.v1")) == 0
    private, public = tmp_path / "release.v1.pem", tmp_path / "release.v1.pub.pem"
    assert stat.S_IMODE(private.stat().st_mode) == 0o600
    assert stat.S_IMODE(public.stat().st_mode) == 0o644
    said = capsys.readouterr().out
    assert "keep it secret, and out of git" in said
    assert private.read_text().splitlines()[1] not in said


@pytest.mark.parametrize("there", ["signing.pem", "signing.pub.pem"])
def test_a_key_is_never_overwritten(there: str, tmp_path: Path) -> None:
    (tmp_path / there).write_text("mine")
    with pytest.raises(UsageError, match=f"{there} exists"):
        call(bundle, "--new-key", str(tmp_path / "signing"))
    assert names(tmp_path) == [there]
    assert (tmp_path / there).read_text() == "mine"


def test_a_key_needs_a_folder(tmp_path: Path) -> None:
    with pytest.raises(LlmopsError, match="Nothing can be written"):
        call(bundle, "--new-key", str(tmp_path / "missing" / "signing"))


# writing and reading


def test_files_are_replaced_together(tmp_path: Path) -> None:
    write_together(tmp_path / "new" / "dist", {"a": b"1", "b": b"2"})
    write_together(tmp_path / "new" / "dist", {"a": b"3"}, stale=["b", "never there"])
    assert {path.name: path.read_bytes() for path in (tmp_path / "new/dist").iterdir()} == {"a": b"3"}


def test_a_failure_leaves_everything_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_together(tmp_path, {"a": b"1"})

    def full(self: Path, content: bytes) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(LlmopsError, match="No space left on device"):
        write_together(tmp_path, {"a": b"2", "b": b"2"}, stale=["a"])
    assert names(tmp_path) == ["a"]
    assert (tmp_path / "a").read_bytes() == b"1"


def test_a_folder_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "dist").write_text("mine")
    with pytest.raises(LlmopsError, match="Nothing can be written to"):
        write_together(tmp_path / "dist", {"a": b"1"})
    assert (tmp_path / "dist").read_text() == "mine"


def test_a_file_has_a_limit(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"12345")
    assert read_file(tmp_path / "x", 5) == b"12345"
    with pytest.raises(Refused, match="x has more than 4 bytes, which no bundle has"):
        read_file(tmp_path / "x", 4)


def test_a_huge_archive_is_not_read(copy: Path) -> None:
    os.truncate(copy / "dist/handbook-dev.tar", disk.MOST_BYTES + 1)
    with pytest.raises(Refused, match=r"handbook-dev.tar has more than 268435456 bytes"):
        call(verify, str(copy / "dist/handbook-dev.tar"), "--unsigned")


def test_a_folder_has_plain_files_only(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"1")
    (tmp_path / "__pycache__").mkdir()
    (tmp_path / "__pycache__/x.pyc").write_bytes(b"1")
    assert read_folder(tmp_path) == {"a": b"1"}
    for target in ("/etc", "a", "nowhere"):
        (tmp_path / "link").symlink_to(target)
        with pytest.raises(Refused, match="holds 'link', which is no plain file"):
            read_folder(tmp_path)
        (tmp_path / "link").unlink()
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(Refused, match="holds 'pipe', which is no plain file"):
        read_folder(tmp_path)


# verify


def test_the_account_of_a_signed_bundle(workspace: Path, without_haystack: None, capsys: pytest.CaptureFixture[str]) -> None:
    archive = workspace / "dist/handbook-prod.tar"
    assert call(verify, str(archive), "--key", str(workspace / "signing.pub.pem")) == 0
    said = capsys.readouterr()
    lines = said.out.splitlines()
    assert lines[0] == f"{archive} is whole: 15 files, 12 resources of handbook, environment prod"
    assert lines[1].startswith("  signature   valid, key ")
    assert lines[2].startswith("  release     Application/handbook-assistant  sha256:")
    assert lines[3:] == ["  files       rendered again and found equal", "  pipelines   not loaded: Haystack is not installed"]
    assert said.err == ""


def test_without_a_key_integrity_is_not_enough(workspace: Path, without_haystack: None, capsys: pytest.CaptureFixture[str]) -> None:
    assert call(verify, str(workspace / "dist/handbook-dev.tar")) == 1
    said = capsys.readouterr()
    assert "  signature   not checked" in said.out
    assert said.err == f"llmops: {verify.NO_ORIGIN}\nhelp: {verify.NO_ORIGIN_HINT}\n"


def test_unless_one_says_that_it_is(workspace: Path, without_haystack: None, capsys: pytest.CaptureFixture[str]) -> None:
    assert call(verify, str(workspace / "dist/handbook-dev.tar"), "--unsigned") == 0
    assert capsys.readouterr().err == ""


def test_a_key_and_unsigned_exclude_each_other(workspace: Path, llmops: Run) -> None:
    done = llmops("verify", "dist/handbook-dev.tar", "--unsigned", "--key", "signing.pub.pem", cwd=workspace)
    assert done.returncode == 2
    assert "not allowed with argument" in done.stderr


def test_an_unsigned_bundle_is_refused_under_a_key(copy: Path, llmops: Run) -> None:
    assert llmops("bundle", cwd=copy).returncode == 0
    done = llmops("verify", "dist/handbook-dev.tar", "--key", "signing.pub.pem", cwd=copy)
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.startswith("llmops: handbook-dev.tar has no signature: there is no .dsse.json for it.\nhelp: Sign it")


def test_a_private_key_does_not_verify(workspace: Path) -> None:
    with pytest.raises(UsageError, match=r"signing.pem holds a private key"):
        call(verify, str(workspace / "dist/handbook-dev.tar"), "--key", str(workspace / "signing.pem"))


def test_a_public_key_does_not_sign(copy: Path) -> None:
    with pytest.raises(UsageError, match=r"signing.pub.pem holds no private key"):
        call(bundle, "--workspace", str(copy), "--key", str(copy / "signing.pub.pem"))


def test_a_folder_is_verified_without_a_key(copy: Path, without_haystack: None, capsys: pytest.CaptureFixture[str]) -> None:
    with quiet():
        call(compiling, "--workspace", str(copy))
    assert call(verify, str(copy / "build/dev")) == 1
    assert call(verify, str(copy / "build/dev"), "--unsigned") == 0
    with pytest.raises(UsageError, match="is a folder, which carries no signature"):
        call(verify, str(copy / "build/dev"), "--key", str(copy / "signing.pub.pem"))
    (copy / "build/dev/more.txt").write_text("x")
    with pytest.raises(Refused, match=r"holds 'more.txt', which its manifest does not name"):
        call(verify, str(copy / "build/dev"), "--unsigned")


@pytest.mark.parametrize(("path", "message"), [("dist/none.tar", "There is nothing at"), ("signing.pem", "is no packed bundle")])
def test_what_is_no_bundle(path: str, message: str, workspace: Path) -> None:
    with pytest.raises(UsageError, match=message):
        call(verify, str(workspace / path), "--unsigned")


def test_a_folder_that_is_no_bundle(tmp_path: Path) -> None:
    with pytest.raises(Refused, match=r"holds no manifest\.json: it is no bundle"):
        call(verify, str(tmp_path), "--unsigned")


@pytest.mark.parametrize(("end", "trust"), [(".dsse.json", ["--key", "signing.pub.pem"]), (".intoto.json", ["--unsigned"])])
def test_a_statement_that_lies_elsewhere(end: str, trust: list[str], copy: Path, llmops: Run) -> None:
    (copy / "elsewhere").mkdir()
    for name in (".dsse.json", ".intoto.json"):
        (copy / f"dist/handbook-dev{name}").rename(copy / f"elsewhere/attestation{name}")
    assert llmops("verify", "dist/handbook-dev.tar", *trust, cwd=copy).returncode == 1
    done = llmops("verify", "dist/handbook-dev.tar", *trust, "--statement", f"elsewhere/attestation{end}", cwd=copy)
    assert done.returncode == 0, done.stderr


def test_a_plain_statement_is_no_signature(copy: Path) -> None:
    statement, key = copy / "dist/handbook-dev.intoto.json", copy / "signing.pub.pem"
    with pytest.raises(Refused, match="has no signature"):
        call(verify, str(copy / "dist/handbook-dev.tar"), "--key", str(key), "--statement", str(statement))


def test_a_statement_that_is_none(copy: Path) -> None:
    (copy / "x.json").write_text("nonsense")
    with pytest.raises(Refused, match=r"x\.json holds neither a statement nor a signed envelope"):
        call(verify, str(copy / "dist/handbook-dev.tar"), "--unsigned", "--statement", str(copy / "x.json"))


def test_the_statement_of_another_environment(copy: Path) -> None:
    other = copy / "dist/handbook-prod.dsse.json"
    with pytest.raises(Refused, match=r"is about 'handbook-prod.cdx.json', 'handbook-prod.tar', not about"):
        call(verify, str(copy / "dist/handbook-dev.tar"), "--unsigned", "--statement", str(other))


def test_json_of_a_signed_bundle(workspace: Path, without_haystack: None, capsys: pytest.CaptureFixture[str]) -> None:
    archive = str(workspace / "dist/handbook-dev.tar")
    assert call(verify, archive, "--key", str(workspace / "signing.pub.pem"), "--format", "json") == 0
    account = json.loads(capsys.readouterr().out)
    assert account["verified"] is True
    assert (account["workspace"], account["environment"], account["files"], account["resources"]) == ("handbook", "dev", 15, 12)
    assert len(account["keyid"]) == 64
    assert list(account["releases"]) == ["Application/handbook-assistant"]
    assert account["pipelines"] == {"loaded": 0, "not_loaded": "Haystack is not installed"}
    assert (account["refused"], account["help"], account["commit"], account["dirty"]) == (None, None, None, None)


def test_json_without_a_key_is_not_verified(workspace: Path, without_haystack: None, capsys: pytest.CaptureFixture[str]) -> None:
    assert call(verify, str(workspace / "dist/handbook-dev.tar"), "--format", "json") == 1
    account = json.loads(capsys.readouterr().out)
    assert (account["verified"], account["refused"], account["keyid"]) == (False, verify.NO_ORIGIN, None)


def test_json_of_a_refusal(copy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    archive = copy / "dist/handbook-dev.tar"
    archive.write_bytes(archive.read_bytes()[:1024])
    assert call(verify, str(archive), "--unsigned", "--format", "json") == 1
    account = json.loads(capsys.readouterr().out)
    assert account["verified"] is False
    assert account["refused"].startswith("handbook-dev.tar is not the file that handbook-dev.dsse.json is about")
    assert account["help"]


PROBE = """
import sys
from llmops.cli.main import main
try:
    main(sys.argv[1:])
except SystemExit as end:
    print(end.code)
print(*sorted({name.partition('.')[0] for name in sys.modules} & {'haystack', 'dagster', 'securesystemslib', 'cryptography', 'pydantic'}))
"""


@pytest.mark.parametrize("arguments", [["bundle", "--out", "{out}"], ["bundle", "--help"], ["verify", "--help"]], ids=" ".join)
def test_without_a_key_no_library_for_signing_is_imported(arguments: list[str], workspace: Path, tmp_path: Path) -> None:
    environment = {"PYTHONPATH": os.fspath(Path(bundle.__file__).parents[2]), "PATH": os.environ["PATH"]}
    command = [sys.executable, "-c", PROBE, *(part.format(out=tmp_path / "out") for part in arguments)]
    done = subprocess.run(command, cwd=workspace, env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-2:] == ["0", ""]
