"""The archive: one form, the same on every machine, that other programs read too."""

from __future__ import annotations

import io
import subprocess
import tarfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmops.errors import LlmopsError
from llmops.provenance import Refused, archive
from llmops.provenance.archive import pack, unpack
from llmops.provenance.statement import sha256

FILES = {"manifest.json": b"{}\n", "haystack/a/query.yaml": b"components: {}\n", "empty": b"", "block": b"x" * 512}


def test_the_form_is_pinned() -> None:
    """Another digest means that archives packed before are refused: never change it without a new form."""
    assert sha256(pack(FILES)) == "a6642d66401176ebe53f2f2a0de7ee6eed87fa39e0d4a330f1eff19951546a14"


def test_the_order_of_the_files_is_of_no_account() -> None:
    assert pack(FILES) == pack(dict(reversed(FILES.items())))


def test_what_was_packed_is_unpacked_in_order_of_path() -> None:
    assert list(unpack(pack(FILES), "x.tar").items()) == sorted(FILES.items())


def test_an_archive_of_nothing_is_one() -> None:
    assert unpack(pack({}), "x.tar") == {}


PATHS = st.from_regex(r"[a-z0-9-]{1,20}(/[a-z0-9_-]{1,60}){0,2}(\.json)?", fullmatch=True)


@given(st.dictionaries(PATHS, st.binary(max_size=1500), max_size=5))
def test_any_files_come_back(files: dict[str, bytes]) -> None:
    assert unpack(pack(files), "x.tar") == files


def test_headers_hold_nothing_of_the_machine() -> None:
    with tarfile.open(fileobj=io.BytesIO(pack(FILES))) as opened:
        headers = [(e.mode, e.uid, e.gid, e.uname, e.gname, e.mtime, e.type, e.pax_headers) for e in opened]
    assert headers == [(0o644, 0, 0, "", "", 0, tarfile.REGTYPE, {})] * len(FILES)


def test_another_tar_reads_it(tmp_path: Path) -> None:
    (tmp_path / "x.tar").write_bytes(pack(FILES))
    subprocess.run(["tar", "-xf", "x.tar", "-C", "."], cwd=tmp_path, check=True)
    assert {path: (tmp_path / path).read_bytes() for path in FILES} == FILES


def test_a_long_path_stands_in_two_fields() -> None:
    path = f"nemoguardrails/{'a' * 63}/conversation/config.yml"
    assert unpack(pack({path: b"1"}), "x.tar") == {path: b"1"}


def test_a_path_that_no_header_holds_is_refused() -> None:
    with pytest.raises(LlmopsError, match="cannot be packed: name is too long") as refused:
        pack({"a" * 101: b""})
    assert refused.value.hint == "Give the resource a shorter name."


def test_more_members_than_are_read_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "MOST_MEMBERS", 3)
    with pytest.raises(Refused, match=r"x.tar holds more than 3 files\."):
        unpack(pack(FILES), "x.tar")


@pytest.mark.parametrize(
    ("magic", "format_"), [(b"BZh9", "bzip2"), (b"\xfd7zXZ\0", "xz"), (b"\x28\xb5\x2f\xfd", "zstd"), (b"PK\3\4", "zip")]
)
def test_compressed_archives_are_named(magic: bytes, format_: str) -> None:
    with pytest.raises(Refused, match=f"is compressed \\({format_}\\)"):
        unpack(magic + bytes(600), "x.tar")


@given(st.binary(max_size=3000))
def test_any_bytes_are_refused_or_one_form(data: bytes) -> None:
    """Never another exception; and what is accepted is what `pack` writes."""
    try:
        assert pack(unpack(data, "x.tar")) == data
    except Refused as refused:
        assert str(refused).isprintable()


@given(st.binary(min_size=512, max_size=512))
def test_any_header_is_refused_or_one_form(block: bytes) -> None:
    data = bytearray(block)
    data[148:156] = b" " * 8
    data[148:156] = b"%06o\0 " % sum(data)
    try:
        unpack(bytes(data) + bytes(1024), "x.tar")
    except Refused as refused:
        assert str(refused).isprintable()
