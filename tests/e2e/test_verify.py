"""Pipelines of a packed bundle are really loaded by Haystack, after everything else holds and not before."""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from typing import Any

import pytest

from llmops.cli import verify
from llmops.errors import LlmopsError
from llmops.provenance import Refused
from llmops.provenance.signature import KeyPair, new_key_pair
from llmops.provenance.verification import Verified
from tests.conftest import Run, copy_example
from tests.packages import Packed, key_of, lay, make, signer_of
from tests.packages import verify as verify_files

QUERY = "haystack/handbook-assistant/query.yaml"
ELSEWHERE = "99.0.0"


@pytest.fixture(scope="module")
def pair() -> KeyPair:
    return new_key_pair()


@pytest.fixture(scope="module")
def packed(pair: KeyPair, tmp_path_factory: pytest.TempPathFactory) -> Packed:
    signer = signer_of(pair.private)
    made, origin = make(copy_example(tmp_path_factory.mktemp("example")), signer)
    return Packed(made.files, origin, signer)


def of_another_version(packed: Packed, old: bytes = b"", new: bytes = b"") -> dict[str, bytes]:
    """What is not rendered again may hold another pipeline, as an older llmops would have rendered it."""
    content = packed.members[QUERY]
    assert old in content
    changed = packed.rendered(QUERY, content.replace(old, new))
    return Packed(changed, packed.origin, packed.signer).forged(lambda m: m.update(llmops_version=ELSEWHERE))


@pytest.mark.parametrize("environment", ["dev", "prod"])
def test_every_pipeline_of_the_example_loads(environment: str, tmp_path: Path, pair: KeyPair, llmops: Run) -> None:
    """With no secret, no server and no weights."""
    made, _ = make(copy_example(tmp_path / "example"), signer_of(pair.private), environment)
    for name, content in made.files.items():
        (tmp_path / name).write_bytes(content)
    (tmp_path / "key.pem").write_bytes(pair.public)
    done = llmops("verify", f"handbook-{environment}.tar", "--key", "key.pem", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "  pipelines   2 loaded by Haystack\n" in done.stdout
    assert done.stderr == ""


def test_a_signed_bundle_of_another_version_is_loaded(packed: Packed, pair: KeyPair, tmp_path: Path) -> None:
    verified = verify_files(of_another_version(packed), tmp_path, key_of(pair.public))
    assert not verified.contents.rendered
    assert verify._load_pipelines(verified) == verify.Pipelines(2)


def test_one_that_nobody_signed_is_not(packed: Packed, tmp_path: Path) -> None:
    """Constructing a component runs code, so a stranger does not choose which."""
    files = of_another_version(packed, b"llmops.runtime.", b"haystack.components.")
    verified = verify_files(files, tmp_path, None)
    assert verify._load_pipelines(verified).untried == "another llmops rendered them, and nobody vouches for them"


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            b"llmops.runtime.passage_guard.PassageGuard",
            b"subprocess.Popen",
            "has components of types that no pipeline of llmops uses: subprocess.Popen",
        ),
        (b"PassageGuard", b"PassageGuards", "Haystack does not load"),
        (b"top_k: 3", b"top_k: 3\n      hunger: 1", "Haystack does not load"),
    ],
    ids=["foreign type", "unknown type", "unknown argument"],
)
def test_a_signed_pipeline_that_does_not_load_is_refused(
    old: bytes, new: bytes, message: str, packed: Packed, pair: KeyPair, tmp_path: Path
) -> None:
    verified = verify_files(of_another_version(packed, old, new), tmp_path, key_of(pair.public))
    with pytest.raises(LlmopsError) as refused:
        verify._load_pipelines(verified)
    assert message in str(refused.value)
    assert QUERY in str(refused.value)


def test_nothing_is_loaded_before_everything_holds(packed: Packed, pair: KeyPair, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def load(verified: Verified) -> Any:
        raise AssertionError("a pipeline was loaded")

    monkeypatch.setattr(verify, "_load_pipelines", load)
    files = packed.rendered(QUERY, packed.members[QUERY].replace(b"llmops.runtime.", b"subprocess."))
    (tmp_path / "key.pem").write_bytes(pair.public)
    parser = argparse.ArgumentParser()
    verify.add_arguments(parser)
    arguments = parser.parse_args([str(lay(files, tmp_path / "dist")), "--key", str(tmp_path / "key.pem")])
    with pytest.raises(Refused, match=r"query\.yaml is not what the bundle's own specs render to"):
        verify.run(arguments)


def test_loading_leaves_nothing_behind(packed: Packed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    assert verify._load_pipelines(verify_files(packed.files, tmp_path / "dist", None)).loaded == 2
    assert list((tmp_path / "temporary").iterdir()) == []
