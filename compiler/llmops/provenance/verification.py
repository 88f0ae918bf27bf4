"""The checks of a packed bundle, in order: envelope, subjects, archive, manifest, releases, bill of materials, rendering.

Input: bytes that may come from a stranger. Output: `Verified`; the first thing that does not hold is `Refused`. Nothing is
written, imported or executed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import rfc8785

from llmops.errors import LlmopsError
from llmops.fingerprint import fingerprint, judge_identity
from llmops.provenance import PACK_AGAIN, Refused
from llmops.provenance.archive import unpack
from llmops.provenance.bill_of_materials import check_bill, list_materials
from llmops.provenance.manifest import MANIFEST, Manifest, check_specs, graph_of, hint_of, read_manifest
from llmops.provenance.signature import check_signature, open_envelope
from llmops.provenance.statement import Commit, Statement, check_subjects, read_statement, sha256
from llmops.resources import Graph
from llmops.version import VERSION

if TYPE_CHECKING:
    from securesystemslib.signer import SSlibKey


@dataclass(frozen=True, slots=True)
class Named:
    """A file's name, for messages, and its content."""

    name: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Package:
    """What was found for a packed bundle. `statement` and `envelope` are None where there is no such file."""

    archive: Named
    bill: Named
    statement: Named | None
    envelope: Named | None


@dataclass(frozen=True, slots=True)
class Contents:
    """The files of a bundle by path, and its manifest, checked against each other. `rendered`: made again and found equal."""

    files: Mapping[str, bytes]
    manifest: Manifest
    rendered: bool

    @property
    def releases(self) -> dict[str, str]:
        return {f"Application/{name}": str(entry["release"]) for name, entry in self.manifest["applications"].items()}


@dataclass(frozen=True, slots=True)
class Verified:
    """A bundle that holds. `keyid` is empty where no signature was asked for, `commit` None where none is stated."""

    contents: Contents
    keyid: str
    commit: Commit | None


def verify_package(package: Package, key: SSlibKey | None) -> Verified:
    """All checks of an archive with its statement. Without a key nobody is known to have made it: what is returned then is only whole."""
    stated = _stated(package, key)
    statement = read_statement(stated.content, stated.name)
    check_subjects(statement, {named.name: named.content for named in (package.archive, package.bill)}, stated.name)
    contents = verify_files(unpack(package.archive.content, package.archive.name), package.archive.name)
    _check_claims(statement, contents, stated.name)
    _check_bill(package, contents)
    return Verified(contents, key.keyid if key else "", statement.commit)


def _stated(package: Package, key: SSlibKey | None) -> Named:
    """The statement that counts: the signed one where there is an envelope, and the plain file must then be the same."""
    plain, envelope = package.statement, package.envelope
    if key is not None and envelope is None:
        hint = "Sign it when it is packed: llmops bundle --key KEY.pem. Without a signature only its integrity can be checked: --unsigned."
        raise Refused(f"{package.archive.name} has no signature: there is no .dsse.json for it.", hint)
    if envelope is None:
        if plain is None:
            raise Refused(f"{package.archive.name} has no statement: there is no .intoto.json for it.", PACK_AGAIN)
        return plain
    opened = open_envelope(envelope.content, envelope.name)
    if key is not None:
        check_signature(opened, key, envelope.name)
    if plain is not None and plain.content != opened.payload:
        raise Refused(f"{plain.name} is not the statement that {envelope.name} holds.")
    return Named(envelope.name, opened.payload)


def _check_claims(statement: Statement, contents: Contents, name: str) -> None:
    manifest = contents.manifest
    if statement.releases != contents.releases:
        raise Refused(f"{name} states other releases than the bundle's manifest.", PACK_AGAIN)
    if (statement.workspace, statement.environment) != (manifest["workspace"], manifest["environment"]):
        raise Refused(f"{name} is about another workspace or environment than the bundle's manifest.", PACK_AGAIN)


def _check_bill(package: Package, contents: Contents) -> None:
    bill = package.bill
    check_bill(bill.content, contents.manifest, bill.name)
    if contents.rendered:
        digests = {"archive": sha256(package.archive.content), "manifest": sha256(contents.files[MANIFEST])}
        if list_materials(contents.manifest, package.archive.name, digests) != bill.content:
            raise Refused(f"{bill.name} is not the bill of materials of this bundle: it lists other things than the manifest.", PACK_AGAIN)


def verify_files(files: Mapping[str, bytes], name: str) -> Contents:
    """The checks of a bundle's own files: the manifest names each with its digest, and every hash and release follows from its specs."""
    if MANIFEST not in files:
        raise Refused(f"{name} holds no {MANIFEST}: it is no bundle.", "llmops bundle")
    manifest = read_manifest(files[MANIFEST])
    _check_listed(files, manifest, name)
    try:
        graph = fingerprint(graph_of(manifest))
    except (RecursionError, rfc8785.CanonicalizationError) as error:
        raise Refused(f"{MANIFEST} holds a spec that has no canonical form ({type(error).__name__}).") from error
    _check_hashes(manifest, graph)
    return Contents(files, manifest, _rendered_again(files, manifest, graph))


def _check_listed(files: Mapping[str, bytes], manifest: Manifest, name: str) -> None:
    listed = manifest["files"]
    for path in sorted(listed.keys() | files.keys() - {MANIFEST}):
        if path not in files:
            raise Refused(f"{name} lacks {path!r}, which its manifest names.")
        if path not in listed:
            raise Refused(f"{name} holds {path!r}, which its manifest does not name.")
        if sha256(files[path]) != listed[path]:
            raise Refused(f"{path} in {name} is not the file that its manifest names: the digest differs.")


def _check_hashes(manifest: Manifest, graph: Graph) -> None:
    """What a manifest claims, against what its own specs, files and references give."""
    for id_, entry in manifest["resources"].items():
        if sorted({r.target for r in graph[id_].references if not r.judges}) != entry["references"]:
            raise Refused(f"{MANIFEST}: {id_} claims other references than its spec has.", hint_of(manifest))
        judge = graph.target_of(graph[id_], "spec", "judge")
        if entry["judge"] != (judge and {"model": judge.id, "digest": judge_identity(graph, graph[id_])}):
            raise Refused(f"{MANIFEST}: {id_} claims another judge than its spec has.", hint_of(manifest))
        for what, computed in (("behaviour", graph.behaviour[id_]), ("metadata", graph.metadata_hash[id_])):
            if entry[what] != computed:
                raise Refused(f"{MANIFEST}: the {what} hash of {id_} does not follow from its spec.", hint_of(manifest))
    claimed = {f"Application/{name}": entry["release"] for name, entry in manifest["applications"].items()}
    if claimed.keys() != graph.releases.keys():
        raise Refused(f"{MANIFEST} names other applications than its resources have.", hint_of(manifest))
    for id_, release in graph.releases.items():
        if claimed[id_] != release:
            raise Refused(f"{MANIFEST}: {id_} claims release {claimed[id_][:19]}; its specs give {release[:19]}.", hint_of(manifest))


def _rendered_again(files: Mapping[str, bytes], manifest: Manifest, graph: Graph) -> bool:
    """Renders the manifest's own specs and compares; not done for a bundle of another llmops, which may render otherwise."""
    if manifest["llmops_version"] != VERSION:
        return False
    rendered = _rendered(graph)
    for path in sorted(rendered.keys() | files.keys()):
        if rendered.get(path) != files.get(path):
            raise Refused(f"{path} is not what the bundle's own specs render to.", PACK_AGAIN)
    return True


def _rendered(graph: Graph) -> dict[str, bytes]:
    """A renderer may rely on what the linker holds; specs for which that is not so are no reason to trust the files."""
    from llmops.render import render

    check_specs(graph)
    try:
        return {artifact.path: artifact.content for artifact in render(graph)}
    except (AssertionError, LookupError, LlmopsError) as error:
        raise Refused(f"The specs in {MANIFEST} cannot be rendered ({type(error).__name__}).", PACK_AGAIN) from error
