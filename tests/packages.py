"""Packed bundles for tests: a real one of the example workspace, and the means to tamper with it as a skilled forger would."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from llmops.pipeline import compile_workspace
from llmops.provenance.archive import pack, unpack
from llmops.provenance.bill_of_materials import list_materials
from llmops.provenance.disk import read_package
from llmops.provenance.manifest import MANIFEST
from llmops.provenance.origin import commit_at, sources_of
from llmops.provenance.packing import Made, pack_bundle
from llmops.provenance.signature import read_private_key, read_public_key, sign
from llmops.provenance.statement import Origin, sha256, state
from llmops.provenance.verification import Verified, verify_package

if TYPE_CHECKING:
    from securesystemslib.signer import CryptoSigner, SSlibKey

NAME = "handbook-dev"
TAR, BILL, STATEMENT, ENVELOPE = (NAME + end for end in (".tar", ".cdx.json", ".intoto.json", ".dsse.json"))

Files = dict[str, bytes]
Edit = Callable[[Any], None]
"""Changes plain data in place."""


def signer_of(pem: bytes) -> CryptoSigner:
    return read_private_key(pem, None, "key.pem")


def key_of(pem: bytes) -> SSlibKey:
    return read_public_key(pem, "key.pub.pem")


def make(root: Path, signer: CryptoSigner | None, environment: str = "dev") -> tuple[Made, Origin]:
    """Packs a workspace as `llmops bundle` does, without writing."""
    compiled = compile_workspace(root, environment)
    graph = compiled.graph
    assert graph is not None
    sources = sources_of(root, graph, compiled.places)
    origin = Origin(graph.workspace, graph.environment, graph.releases, sources, commit_at(root, graph, sources))
    return pack_bundle({a.path: a.content for a in compiled.artifacts}, origin, signer), origin


@dataclass(frozen=True)
class Packed:
    """The files of a bundle and what made them. Each method gives other files; nothing is changed."""

    files: Mapping[str, bytes]
    origin: Origin
    signer: CryptoSigner

    @property
    def members(self) -> Files:
        return unpack(self.files[TAR], TAR)

    def having(self, name: str, content: bytes) -> Files:
        return {**self.files, name: content}

    def lacking(self, *names: str) -> Files:
        return {name: content for name, content in self.files.items() if name not in names}

    def flipped(self, name: str, position: int, bit: int = 0) -> Files:
        content = bytearray(self.files[name])
        content[position] ^= 1 << bit
        return self.having(name, bytes(content))

    def resigned(self, archive: bytes, bill: bytes | None = None, origin: Origin | None = None) -> Files:
        """Another archive with everything about it made to fit, and signed with the right key."""
        listed = self.files[BILL] if bill is None else bill
        statement = state({TAR: archive, BILL: listed}, origin or self.origin)
        return {TAR: archive, BILL: listed, STATEMENT: statement, ENVELOPE: sign(statement, self.signer)}

    def stated(self, edit: Edit) -> Files:
        """Another statement, signed with the right key."""
        statement = edited(self.files[STATEMENT], edit)
        return {**self.files, STATEMENT: statement, ENVELOPE: sign(statement, self.signer)}

    def forged(self, edit: Edit) -> Files:
        """Another manifest, with archive, bill, statement and signature made to fit: who looks at digests sees nothing."""
        return self.repacked({**self.members, MANIFEST: edited(self.members[MANIFEST], edit)})

    def rendered(self, path: str, content: bytes) -> Files:
        """Another member, with its digest in the manifest and everything else made to fit."""
        members = {**self.members, path: content}
        manifest = edited(members[MANIFEST], lambda m: m["files"].update({path: hashlib.sha256(content).hexdigest()}))
        return self.repacked({**members, MANIFEST: manifest})

    def repacked(self, members: Mapping[str, bytes]) -> Files:
        manifest = orjson.loads(members[MANIFEST])
        archive = pack(members)
        bill = list_materials(manifest, TAR, {"archive": sha256(archive), "manifest": sha256(members[MANIFEST])})
        releases = {f"Application/{name}": entry["release"] for name, entry in manifest["applications"].items()}
        named = replace(self.origin, releases=releases, workspace=manifest["workspace"], environment=manifest["environment"])
        return self.resigned(archive, bill, named)


def edited(content: bytes, edit: Edit) -> bytes:
    """JSON with a change, written as llmops writes it."""
    data = orjson.loads(content)
    edit(data)
    return orjson.dumps(data, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


def lay(files: Mapping[str, bytes], folder: Path) -> Path:
    """Writes the files into a folder; the archive's path."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return folder / TAR


def verify(files: Mapping[str, bytes], folder: Path, key: SSlibKey | None) -> Verified:
    return verify_package(read_package(lay(files, folder), None), key)
