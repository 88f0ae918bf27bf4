"""Whatever is changed in a packed bundle is refused, with a message that names it. The last rows are signed with the right key."""

from __future__ import annotations

import base64
import gzip
import io
import re
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from llmops.fingerprint import WITHOUT_BEHAVIOUR, fingerprint
from llmops.provenance import GET_AGAIN, PACK_AGAIN, Refused
from llmops.provenance.archive import MOST_MEMBER_BYTES, pack, unpack
from llmops.provenance.manifest import MANIFEST, graph_of
from llmops.provenance.signature import KeyPair, new_key_pair, sign
from llmops.provenance.statement import sha256
from llmops.provenance.verification import verify_files
from tests.conftest import copy_example
from tests.packages import BILL, ENVELOPE, NAME, STATEMENT, TAR, Files, Packed, edited, key_of, lay, make, signer_of, verify

APP = "Application/handbook-assistant"
QUERY = "haystack/handbook-assistant/query.yaml"
OTHER_RELEASE = "sha256:" + "0" * 64


@pytest.fixture(scope="module")
def pair() -> KeyPair:
    return new_key_pair()


@pytest.fixture(scope="module")
def packed(pair: KeyPair, tmp_path_factory: pytest.TempPathFactory) -> Packed:
    signer = signer_of(pair.private)
    made, origin = make(copy_example(tmp_path_factory.mktemp("example")), signer)
    return Packed(made.files, origin, signer)


def member(**fields: Any) -> tarfile.TarInfo:
    """A header as another program would write it."""
    entry = tarfile.TarInfo(fields.pop("name"))
    for field, value in fields.items():
        setattr(entry, field, value)
    return entry


def archive_with(packed: Packed, entry: tarfile.TarInfo, content: bytes = b"") -> bytes:
    """The bundle's archive with one more entry at its end."""
    buffer = io.BytesIO(packed.files[TAR])
    with tarfile.open(fileobj=buffer, mode="a", format=tarfile.GNU_FORMAT) as archive:
        archive.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()


def adding(content: bytes = b"", **fields: Any) -> Callable[[Packed], Files]:
    return lambda p: p.resigned(archive_with(p, member(**fields), content))


def compressed(content: bytes) -> bytes:
    return gzip.compress(content, mtime=0)


def huge(packed: Packed) -> Files:
    """A header that claims more than there is, as a bomb does."""
    header = member(name="bomb", size=MOST_MEMBER_BYTES + 1).tobuf(tarfile.USTAR_FORMAT)
    return packed.resigned(header + bytes(1024))


def reordered(packed: Packed) -> Files:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for path, content in sorted(packed.members.items(), reverse=True):
            archive.addfile(member(name=path, size=len(content)), io.BytesIO(content))
    return packed.resigned(buffer.getvalue())


def of_another_bundle(packed: Packed) -> Files:
    """Statement and signature of an archive with other content."""
    other = packed.repacked({**packed.members, "extra": b""})
    return {**packed.files, STATEMENT: other[STATEMENT], ENVELOPE: other[ENVELOPE]}


def envelope(edit: Callable[[dict[str, Any]], Any]) -> Callable[[Packed], Files]:
    return lambda p: p.having(ENVELOPE, edited(p.files[ENVELOPE], edit))


def another_payload(packed: Packed) -> Files:
    """The payload of an envelope exchanged for one with another commit."""
    changed = packed.files[STATEMENT].replace(b'"dev"', b'"prd"')
    assert changed != packed.files[STATEMENT]
    return envelope(lambda e: e.update(payload=base64.b64encode(changed).decode()))(packed)


def by_another_key(packed: Packed) -> Files:
    return packed.having(ENVELOPE, sign(packed.files[STATEMENT], signer_of(new_key_pair().private)))


def under_a_borrowed_keyid(packed: Packed) -> Files:
    """Signed with another key, and said to be signed with the right one."""
    foreign = orjson.loads(by_another_key(packed)[ENVELOPE])["signatures"][0]
    return envelope(lambda e: e["signatures"][0].update(sig=foreign["sig"]))(packed)


def unpacked_as(edit: Callable[[dict[str, bytes]], Any]) -> Callable[[Packed], Files]:
    """Other members with the manifest left alone, packed and signed anew."""

    def tamper(packed: Packed) -> Files:
        members = packed.members
        edit(members)
        return packed.resigned(pack(members))

    return tamper


def forged(edit: Callable[[dict[str, Any]], Any]) -> Callable[[Packed], Files]:
    return lambda p: p.forged(edit)


def resource(id_: str, **fields: Any) -> Callable[[Packed], Files]:
    return forged(lambda m: m["resources"][id_].update(fields))


def spec(id_: str, **fields: Any) -> Callable[[Packed], Files]:
    return forged(lambda m: m["resources"][id_]["spec"].update(fields))


def release_everywhere(packed: Packed) -> Files:
    """The release exchanged wherever it stands; every digest follows."""
    (true,) = packed.origin.releases.values()
    members = {path: content.replace(true.encode(), OTHER_RELEASE.encode()) for path, content in packed.members.items()}
    listed = orjson.loads(members[MANIFEST])["files"]
    manifest = edited(members[MANIFEST], lambda m: m["files"].update({path: sha256(members[path]) for path in listed}))
    return packed.repacked({**members, MANIFEST: manifest})


def rehashed(edit: Callable[[dict[str, Any]], Any]) -> Callable[[Packed], Files]:
    """Another spec with the hashes and releases that follow from it, as a forger who has read the source would do it."""

    def tamper(packed: Packed) -> Files:
        manifest = orjson.loads(packed.members[MANIFEST])
        edit(manifest)
        graph = fingerprint(graph_of(manifest))
        for id_, entry in manifest["resources"].items():
            entry.update(behaviour=graph.behaviour[id_], metadata=graph.metadata_hash[id_])
        for id_, release in graph.releases.items():
            manifest["applications"][graph[id_].name]["release"] = release
        return packed.repacked({**packed.members, MANIFEST: edited(b"{}", lambda m: m.update(manifest))})

    return tamper


def without_safety(packed: Packed) -> Files:
    return packed.forged(lambda m: m["resources"][APP]["references"].remove("SafetyPolicy/public-assistant"))


def other_query(packed: Packed) -> Files:
    return packed.rendered(QUERY, packed.members[QUERY].replace(b"top_k: 3", b"top_k: 4"))


def other_bill(packed: Packed) -> Files:
    """A bill without its last component, signed; the releases in it are right."""
    return packed.resigned(packed.files[TAR], edited(packed.files[BILL], lambda b: b["components"].pop()))


CUT = "<tar> is cut off: it has no end."
DIFFERS = "<tar> is not the file that <envelope> is about: its SHA-256 is <hex>…, stated is '<hex>'…."
ONE_FORM = "<envelope> is not in the one form that llmops writes an envelope in."
BAD_SIGNATURE = "The signature in <envelope> is not valid: the statement or the signature was changed."
NO_ENVELOPE = "<envelope> is no signed envelope (DSSE) that can be read."

TAMPERED: dict[str, tuple[Callable[[Packed], Files], str]] = {
    # what an attacker without the key can do
    "no signature": (lambda p: p.lacking(ENVELOPE), "<tar> has no signature: there is no .dsse.json for it."),
    "no bill": (lambda p: p.lacking(BILL), "<tar> has no bill of materials: there is no <bill> beside it."),
    "a byte of the archive": (lambda p: p.flipped(TAR, 700), DIFFERS),
    "a cut archive": (lambda p: p.having(TAR, p.files[TAR][:4096]), DIFFERS),
    "a compressed archive": (lambda p: p.having(TAR, compressed(p.files[TAR])), DIFFERS),
    "a byte of the bill": (lambda p: p.flipped(BILL, 700), DIFFERS.replace("<tar>", "<bill>")),
    "a byte of the statement": (lambda p: p.flipped(STATEMENT, 300), "<statement> is not the statement that <envelope> holds."),
    "another payload": (another_payload, BAD_SIGNATURE),
    "a byte of the payload": (lambda p: p.flipped(ENVELOPE, 400), BAD_SIGNATURE),
    "an empty envelope": (lambda p: p.having(ENVELOPE, b""), NO_ENVELOPE),
    "an envelope that is a list": (lambda p: p.having(ENVELOPE, b"[]"), NO_ENVELOPE),
    "an envelope without signatures": (envelope(lambda e: e.pop("signatures")), NO_ENVELOPE),
    "signatures that are a text": (envelope(lambda e: e.update(signatures="x")), NO_ENVELOPE),
    "a signature that is no base64": (envelope(lambda e: e["signatures"][0].update(sig="§")), NO_ENVELOPE),
    "another signature": (envelope(lambda e: e["signatures"][0].update(sig="A" * 86 + "==")), BAD_SIGNATURE),
    "a short signature": (envelope(lambda e: e["signatures"][0].update(sig="AAAA")), BAD_SIGNATURE),
    "bits behind the signature": (
        envelope(
            lambda e: e["signatures"][0].update(sig=e["signatures"][0]["sig"][:-3] + chr(ord(e["signatures"][0]["sig"][-3]) + 1) + "==")
        ),
        ONE_FORM,
    ),
    "a field beside the signature": (envelope(lambda e: e["signatures"][0].update(note="ours")), ONE_FORM),
    "a field beside the payload": (envelope(lambda e: e.update(note="ours")), ONE_FORM),
    "another layout": (lambda p: p.having(ENVELOPE, orjson.dumps(orjson.loads(p.files[ENVELOPE]))), ONE_FORM),
    "nobody's signature": (envelope(lambda e: e.update(signatures=[])), "<envelope> is signed by nobody, not by the given key <hex>."),
    "another key": (by_another_key, "<envelope> is signed by <hex>, not by the given key <hex>."),
    "a key id with escapes": (
        envelope(lambda e: e["signatures"][0].update(keyid="\x1b[2J" + "a" * 20)),
        "<envelope> is signed by '\\x1b[2Jaaaaaaaaaaaa', not by the given key <hex>.",
    ),
    "a borrowed key id": (under_a_borrowed_keyid, BAD_SIGNATURE),
    "another payload type": (
        envelope(lambda e: e.update(payloadType="text/plain")),
        "<envelope> holds a payload of type 'text/plain', not application/vnd.in-toto+json.",
    ),
    "the statement of another bundle": (of_another_bundle, DIFFERS),
    # what only a holder of the key can do, or who is believed without one
    "a subject less": (lambda p: p.stated(lambda s: s["subject"].pop()), f"<envelope> is about '{TAR}', not about <bill>, <tar>."),
    "no subject": (lambda p: p.stated(lambda s: s.update(subject=[])), "<envelope> is about nothing, not about <bill>, <tar>."),
    "another subject": (
        lambda p: p.stated(lambda s: s["subject"][0].update(name="other-dev.tar")),
        f"<envelope> is about '{BILL}', 'other-dev.tar', not about <bill>, <tar>.",
    ),
    "another digest": (lambda p: p.stated(lambda s: s["subject"][0]["digest"].update(sha256="0" * 64)), DIFFERS),
    "a subject twice": (
        lambda p: p.stated(lambda s: s["subject"].append(s["subject"][0])),
        "<envelope> holds no statement about a bundle that can be read.",
    ),
    "a statement that is a number": (
        lambda p: {**p.files, STATEMENT: b"1", ENVELOPE: sign(b"1", p.signer)},
        "<envelope> holds no statement about a bundle that can be read.",
    ),
    "another predicate": (
        lambda p: p.stated(lambda s: s.update(predicateType="https://slsa.dev/verification_summary/v1")),
        "<envelope> states something else than how a bundle of llmops was built.",
    ),
    "other releases in the statement": (
        lambda p: p.stated(lambda s: s["predicate"]["buildDefinition"]["externalParameters"]["releases"].update({APP: OTHER_RELEASE})),
        "<envelope> states other releases than the bundle's manifest.",
    ),
    "another environment in the statement": (
        lambda p: p.stated(lambda s: s["predicate"]["buildDefinition"]["externalParameters"].update(environment="prod")),
        "<envelope> is about another workspace or environment than the bundle's manifest.",
    ),
    "a signed cut archive": (lambda p: p.resigned(p.files[TAR][:512]), "<tar> is cut off in 'dagster/definitions.py'."),
    "a signed archive without its end": (lambda p: p.resigned(p.files[TAR][:1024]), CUT),
    "a signed archive of nothing": (lambda p: p.resigned(b""), CUT),
    "a signed compressed archive": (
        lambda p: p.resigned(compressed(p.files[TAR])),
        "<tar> is compressed (gzip); a bundle is a plain tar.",
    ),
    "a signed text": (lambda p: p.resigned(b"x" * 1024), "<tar> is no tar archive, or a header of it is damaged."),
    "a huge member": (huge, f"<tar> holds 'bomb' of {MOST_MEMBER_BYTES + 1} bytes; at most {MOST_MEMBER_BYTES} are read."),
    "a symbolic link": (
        adding(name="link", type=tarfile.SYMTYPE, linkname="/etc/passwd"),
        "<tar> holds a symbolic link, 'link'; a bundle holds plain files.",
    ),
    "a hard link": (
        adding(name="link", type=tarfile.LNKTYPE, linkname=MANIFEST),
        "<tar> holds a hard link, 'link'; a bundle holds plain files.",
    ),
    "a device": (adding(name="null", type=tarfile.CHRTYPE), "<tar> holds a device, 'null'; a bundle holds plain files."),
    "a pipe": (adding(name="pipe", type=tarfile.FIFOTYPE), "<tar> holds a pipe, 'pipe'; a bundle holds plain files."),
    "a folder": (adding(name="folder", type=tarfile.DIRTYPE), "<tar> holds a folder, 'folder'; a bundle holds plain files."),
    "a sparse member": (
        adding(name="sparse", type=tarfile.GNUTYPE_SPARSE),
        "<tar> holds an entry of type 'S', 'sparse'; a bundle holds plain files.",
    ),
    "a long name": (
        adding(name="a" * 300),
        "<tar> holds an entry of type 'L', '././@LongLink'; a bundle holds plain files.",
    ),
    "a path upwards": (adding(name="../outside"), "<tar> holds '../outside', a path that leaves the archive."),
    "an absolute path": (adding(name="/etc/cron.d/x"), "<tar> holds '/etc/cron.d/x', a path that leaves the archive."),
    "a path upwards in between": (adding(name="dagster/../../x"), "<tar> holds 'dagster/../../x', a path that leaves the archive."),
    "a path with a dot": (adding(name="./x"), "<tar> holds './x', a path that no bundle has."),
    "a path with a backslash": (adding(name="..\\x"), "<tar> holds '..\\\\x', a path that no bundle has."),
    "a path with an escape": (adding(name="\x1b[2J"), "<tar> holds '\\x1b[2J', a path that no bundle has."),
    "a member twice": (adding(name=MANIFEST), f"<tar> holds '{MANIFEST}' twice."),
    "an owner": (
        adding(name="zzz", uid=1000, uname="root"),
        "<tar> is not in the one form that llmops packs: a header, the order or the padding differs.",
    ),
    "bytes behind the end": (
        lambda p: p.resigned(p.files[TAR] + b"more"),
        "<tar> is not in the one form that llmops packs: a header, the order or the padding differs.",
    ),
    "another order": (reordered, "<tar> is not in the one form that llmops packs: a header, the order or the padding differs."),
    "an extra member": (unpacked_as(lambda m: m.update(extra=b"")), "<tar> holds 'extra', which its manifest does not name."),
    "a missing member": (unpacked_as(lambda m: m.pop(QUERY)), f"<tar> lacks '{QUERY}', which its manifest names."),
    "another member": (
        unpacked_as(lambda m: m.update({QUERY: b"components: {}\n"})),
        f"{QUERY} in <tar> is not the file that its manifest names: the digest differs.",
    ),
    "no manifest": (unpacked_as(lambda m: m.pop(MANIFEST)), "<tar> holds no manifest.json: it is no bundle."),
    "a manifest that is no JSON": (
        unpacked_as(lambda m: m.update({MANIFEST: b"{"})),
        "manifest.json is not JSON.",
    ),
    "a manifest of another version": (
        forged(lambda m: m.update(manifest_version=2)),
        "manifest.json is not a manifest that this llmops reads: manifest_version: 1 was expected",
    ),
    # every digest, the bill and the signature fit: only what is computed again tells
    "a forged release": (release_everywhere, f"manifest.json: {APP} claims release sha256:000000000000; its specs give sha256:<hex>."),
    "a forged spec": (
        spec("Model/gemma-local", max_output_tokens=63),
        "manifest.json: the behaviour hash of Model/gemma-local does not follow from its spec.",
    ),
    "a forged document": (
        forged(lambda m: m["resources"]["RetrievalSource/handbook"]["files"][0].update(sha256="0" * 64)),
        "manifest.json: the behaviour hash of RetrievalSource/handbook does not follow from its spec.",
    ),
    "a forged owner": (
        resource("Model/gemma-local", owner="mallory"),
        "manifest.json: the metadata hash of Model/gemma-local does not follow from its spec.",
    ),
    "a reference less": (without_safety, f"manifest.json: {APP} claims other references than its spec has."),
    "a judge that nobody declared": (
        resource("Model/minilm", judge={"model": "Model/gemma-local", "digest": "0123456789abcdef"}),
        "manifest.json: Model/minilm claims another judge than its spec has.",
    ),
    "a resource under another name": (
        forged(lambda m: m["resources"].update({"Model/other": m["resources"]["Model/minilm"]})),
        "manifest.json: Model/other is the entry of Model/minilm.",
    ),
    "an application less": (
        unpacked_as(lambda m: m.update({MANIFEST: edited(m[MANIFEST], lambda d: d["applications"].clear())})),
        "manifest.json names other applications than its resources have.",
    ),
    "a resource less": (
        forged(lambda m: m["resources"].pop("Model/minilm")),
        "manifest.json: RetrievalSource/handbook: No Model is called 'minilm'",
    ),
    "an unknown field": (spec("Model/gemma-local", shell="rm"), "manifest.json: Model/gemma-local: Unknown field 'shell'"),
    "a version of a kind without": (resource("Model/minilm", version="1.0.0"), "manifest.json: Model/minilm is the entry of Model/minilm."),
    "a number without a canonical form": (
        forged(lambda m: m["resources"]["Model/gemma-local"]["spec"]["parameters"].update(seed=2**60)),
        "manifest.json holds a spec that has no canonical form (IntegerDomainError).",
    ),
    "a default less": (
        rehashed(lambda m: m["resources"]["Model/gemma-local"]["spec"].pop("max_output_tokens")),
        "manifest.json: Model/gemma-local lacks a default that every spec has.",
    ),
    "a spec that no check accepts": (
        rehashed(lambda m: m["resources"]["Model/gemma-local"]["spec"].update(context_window=128)),
        "manifest.json: Application/handbook-assistant: <any>",
    ),
    "a dataset without its file": (
        rehashed(lambda m: m["resources"]["Dataset/handbook-questions"].update(files=[])),
        "The specs in manifest.json cannot be rendered (IndexError).",
    ),
    "another spec with every hash made to fit": (
        rehashed(lambda m: m["resources"]["Model/gemma-local"]["spec"].update(max_output_tokens=63)),
        "dagster/manifest.json is not what the bundle's own specs render to.",
    ),
    "another price": (
        forged(lambda m: m["prices"].update(digest=OTHER_RELEASE)),
        "manifest.json is not what the bundle's own specs render to.",
    ),
    "another layout of the manifest": (
        lambda p: p.repacked({**p.members, MANIFEST: p.members[MANIFEST].rstrip()}),
        "manifest.json is not what the bundle's own specs render to.",
    ),
    "another pipeline": (other_query, f"{QUERY} is not what the bundle's own specs render to."),
    "another file for Dagster": (
        lambda p: p.rendered("dagster/definitions.py", b"import os\n"),
        "dagster/definitions.py is not what the bundle's own specs render to.",
    ),
    "a file more, listed": (
        lambda p: p.rendered("haystack/x.yaml", b"x"),
        "haystack/x.yaml is not what the bundle's own specs render to.",
    ),
    "another entry of an application": (
        forged(lambda m: m["applications"]["handbook-assistant"].update(safety=None)),
        "manifest.json is not what the bundle's own specs render to.",
    ),
    "another bill": (other_bill, "<bill> is not the bill of materials of this bundle: it lists other things than the manifest."),
    "a bill that is no bill": (lambda p: p.resigned(p.files[TAR], b"{}"), "<bill> is no bill of materials that can be read."),
    "a bill of another release": (
        lambda p: p.resigned(p.files[TAR], edited(p.files[BILL], lambda b: b["components"][0].update(version=OTHER_RELEASE))),
        "<bill> names other releases than the bundle's manifest.",
    ),
}


def matches(message: str, expected: str) -> bool:
    pattern = re.escape(expected)
    for word, name in {"tar": TAR, "bill": BILL, "statement": STATEMENT, "envelope": ENVELOPE}.items():
        pattern = pattern.replace(re.escape(f"<{word}>"), re.escape(name))
    pattern = pattern.replace(re.escape("<hex>"), "[0-9a-f]+").replace(re.escape("<any>"), ".+")
    return re.fullmatch(pattern, message) is not None


def test_what_was_not_touched_is_verified(packed: Packed, pair: KeyPair, tmp_path: Path) -> None:
    verified = verify(packed.files, tmp_path, key_of(pair.public))
    assert verified.keyid == pair.keyid
    assert verified.contents.releases == dict(packed.origin.releases)
    assert verified.contents.rendered


@pytest.mark.parametrize("case", TAMPERED)
def test_refused_with_its_message(case: str, packed: Packed, pair: KeyPair, tmp_path: Path) -> None:
    tamper, expected = TAMPERED[case]
    with pytest.raises(Refused) as refused:
        verify(tamper(packed), tmp_path, key_of(pair.public))
    assert matches(str(refused.value), expected), str(refused.value)
    assert refused.value.hint
    assert str(refused.value).isprintable()


ONLY_THE_SIGNATURE_TELLS = {
    *("no signature", "nobody's signature", "another signature", "a short signature"),
    *("another key", "a key id with escapes", "a borrowed key id"),
}


@pytest.mark.parametrize("case", TAMPERED)
def test_without_a_key_all_is_refused_but_what_only_the_signature_tells(case: str, packed: Packed, tmp_path: Path) -> None:
    files = TAMPERED[case][0](packed)
    if case in ONLY_THE_SIGNATURE_TELLS:
        assert verify(files, tmp_path, None).keyid == ""
        return
    with pytest.raises(Refused):
        verify(files, tmp_path, None)


def positions(content: bytes, wanted: int) -> list[int]:
    """Evenly spread, with both ends."""
    step = max(1, (len(content) - 1) // (wanted - 1))
    return sorted({*range(0, len(content), step), len(content) - 1})


@pytest.mark.parametrize(("name", "wanted"), [(TAR, 160), (BILL, 120), (STATEMENT, 120), (ENVELOPE, 120)])
def test_any_flipped_bit_is_refused(name: str, wanted: int, packed: Packed, pair: KeyPair, tmp_path: Path) -> None:
    key = key_of(pair.public)
    for number, position in enumerate(positions(packed.files[name], wanted)):
        with pytest.raises(Refused):
            verify(packed.flipped(name, position, number % 8), tmp_path, key)


def test_any_flipped_bit_around_the_payload_is_refused(packed: Packed, pair: KeyPair, tmp_path: Path) -> None:
    """Every byte of key id, signature and punctuation: no signature covers these."""
    content = packed.files[ENVELOPE]
    key = key_of(pair.public)
    behind = content.index(b'",\n  "payloadType"')
    for position in [*range(16), *range(behind, len(content))]:
        with pytest.raises(Refused):
            verify(packed.flipped(ENVELOPE, position, position % 8), tmp_path, key)


def test_any_flipped_byte_of_an_archive_is_refused_by_its_reader_alone(packed: Packed) -> None:
    """Headers and padding, without a statement: what the manifest's digests do not cover has one form."""
    small = pack({"a": b"1", MANIFEST: packed.members[MANIFEST]})
    for position in [*range(1536), *range(len(small) - 1024, len(small), 16)]:
        content = bytearray(small)
        content[position] ^= 4
        with pytest.raises(Refused):
            verify_files(unpack(bytes(content), TAR), TAR)


VALUES: tuple[Any, ...] = (
    None,
    True,
    0,
    -1,
    2**60,
    1.5,
    "",
    "x",
    "Model/minilm",
    "../x",
    [],
    ["x"],
    {},
    {"a": 1},
    "{% for",
    "sha256:" + "0" * 64,
)


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if path:
        yield path
    for step in value if isinstance(value, dict) else range(min(len(value), 3)) if isinstance(value, list) else ():
        yield from places(value[step], (*path, step))


def mutated(manifest: dict[str, Any], path: tuple[Any, ...], value: Any) -> bytes:
    """Another value at a place, or none."""

    def edit(data: Any) -> None:
        for step in path[:-1]:
            data = data[step]
        if value is MISSING:
            del data[path[-1]]
        else:
            data[path[-1]] = value

    return edited(orjson.dumps(manifest), edit)


MISSING = object()


def changes_no_answer(path: tuple[Any, ...]) -> bool:
    """A field that no hash covers: another value is another manifest, which only the signature tells from the first."""
    kind = str(path[1]).partition("/")[0] if len(path) > 3 and path[0] == "resources" and path[2] == "spec" else ""
    inside = path[3:]
    return any(
        len(inside) >= len(pattern) and all(wanted in ("*", step) for wanted, step in zip(pattern, inside, strict=False))
        for pattern in WITHOUT_BEHAVIOUR.get(kind, ())
    )


def test_any_other_value_in_a_manifest_is_refused_and_is_no_bug(packed: Packed) -> None:
    """Every third place, each with another value and with none: never another exception, and never accepted."""
    members, manifest = packed.members, orjson.loads(packed.members[MANIFEST])
    for number, path in enumerate(list(places(manifest))[::3]):
        for value in (MISSING, VALUES[number % len(VALUES)]):
            content = mutated(manifest, path, value)
            if content == members[MANIFEST] or path == ("llmops_version",) or changes_no_answer(path):
                continue
            with pytest.raises(Refused):
                verify_files({**members, MANIFEST: content}, TAR)


def test_a_bundle_of_another_version_is_not_rendered_again_and_says_so(packed: Packed, pair: KeyPair, tmp_path: Path) -> None:
    files = packed.forged(lambda m: m.update(llmops_version="99.0.0"))
    assert not verify(files, tmp_path, key_of(pair.public)).contents.rendered


def test_the_hint_for_a_bundle_of_another_version_names_it(packed: Packed, pair: KeyPair, tmp_path: Path) -> None:
    def edit(manifest: dict[str, Any]) -> None:
        manifest["llmops_version"] = "99.0.0"
        manifest["resources"]["Model/gemma-local"]["spec"]["shape"] = "new"

    with pytest.raises(Refused) as refused:
        verify(packed.forged(edit), tmp_path, key_of(pair.public))
    assert refused.value.hint == "It was packed by llmops 99.0.0; this is 0.1.0. Verify it with that version."


def test_hints_tell_what_was_damaged_from_what_was_packed_wrong(packed: Packed, pair: KeyPair, tmp_path: Path) -> None:
    for case, hint in {"a byte of the archive": GET_AGAIN, "a forged release": PACK_AGAIN}.items():
        with pytest.raises(Refused) as refused:
            verify(TAMPERED[case][0](packed), tmp_path / case, key_of(pair.public))
        assert refused.value.hint == hint


def test_nothing_is_written_by_verifying(packed: Packed, pair: KeyPair, tmp_path: Path) -> None:
    archive = lay(packed.files, tmp_path / "in")
    before = sorted(p.name for p in tmp_path.rglob("*"))
    verify(packed.files, archive.parent, key_of(pair.public))
    assert sorted(p.name for p in tmp_path.rglob("*")) == before
    assert NAME in archive.name
