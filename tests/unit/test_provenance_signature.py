"""Keys and envelopes: only ed25519, never a word of a private key, and a form that other tools of the format verify."""

from __future__ import annotations

import base64
import sys
from collections.abc import Callable

import orjson
import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_public_key,
)

from llmops.errors import RuntimeUnavailable, UsageError
from llmops.provenance.signature import (
    PAYLOAD_TYPE,
    check_signature,
    new_key_pair,
    open_envelope,
    read_private_key,
    read_public_key,
    sign,
)

PAYLOAD = b'{"_type": "statement"}'


def private_pem(key: ed25519.Ed25519PrivateKey | rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey, passphrase: bytes | None = None) -> bytes:
    encryption: KeySerializationEncryption = BestAvailableEncryption(passphrase) if passphrase else NoEncryption()
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption)


def test_a_pair_signs_and_verifies() -> None:
    pair = new_key_pair()
    envelope = open_envelope(sign(PAYLOAD, read_private_key(pair.private, None, "k")), "e")
    key = read_public_key(pair.public, "p")
    check_signature(envelope, key, "e")
    assert (envelope.payload, key.keyid) == (PAYLOAD, pair.keyid)


def test_two_pairs_differ() -> None:
    assert new_key_pair().keyid != new_key_pair().keyid


def test_a_signature_is_the_same_every_time() -> None:
    signer = read_private_key(new_key_pair().private, None, "k")
    assert sign(PAYLOAD, signer) == sign(PAYLOAD, signer)


def test_the_envelope_is_what_the_format_says() -> None:
    """By hand, without the library: DSSE's pre-authentication encoding under plain ed25519."""
    pair = new_key_pair()
    envelope = orjson.loads(sign(PAYLOAD, read_private_key(pair.private, None, "k")))
    assert set(envelope) == {"payload", "payloadType", "signatures"}
    assert envelope["payloadType"] == PAYLOAD_TYPE
    payload = base64.b64decode(envelope["payload"], validate=True)
    signed = b"DSSEv1 %d %s %d %s" % (len(PAYLOAD_TYPE), PAYLOAD_TYPE.encode(), len(payload), payload)
    key = load_pem_public_key(pair.public)
    assert isinstance(key, ed25519.Ed25519PublicKey)
    key.verify(base64.b64decode(envelope["signatures"][0]["sig"], validate=True), signed)
    with pytest.raises(InvalidSignature):
        key.verify(base64.b64decode(envelope["signatures"][0]["sig"]), payload)


def test_one_of_several_signatures_is_enough() -> None:
    first, second = new_key_pair(), new_key_pair()
    envelopes = [orjson.loads(sign(PAYLOAD, read_private_key(pair.private, None, "k"))) for pair in (first, second)]
    both = envelopes[0] | {"signatures": [e["signatures"][0] for e in envelopes]}
    opened = open_envelope(orjson.dumps(both, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE), "e")
    for pair in (first, second):
        check_signature(opened, read_public_key(pair.public, "p"), "e")


def test_an_encrypted_key_takes_its_passphrase() -> None:
    key = ed25519.Ed25519PrivateKey.generate()
    signer = read_private_key(private_pem(key, b"correct horse"), b"correct horse", "k.pem")
    assert signer.public_key.keyid == read_private_key(private_pem(key), None, "k").public_key.keyid


def test_a_passphrase_that_is_not_needed_is_left_aside() -> None:
    pair = new_key_pair()
    assert read_private_key(pair.private, b"for another key", "k").public_key.keyid == pair.keyid


PRIVATE: dict[str, tuple[Callable[[], bytes], bytes | None, str, str]] = {
    "no PEM": (lambda: b"hunter2", None, "k.pem holds no private key that can be read", "llmops bundle --new-key NAME makes one."),
    "nothing": (lambda: b"", None, "k.pem holds no private key that can be read", "makes one."),
    "damaged": (
        lambda: new_key_pair().private.replace(b"\nM", b"\n!"),
        None,
        "k.pem holds no private key that can be read",
        "makes one.",
    ),
    "public": (lambda: new_key_pair().public, None, "k.pem holds no private key that can be read", "makes one."),
    "encrypted": (
        lambda: private_pem(ed25519.Ed25519PrivateKey.generate(), b"pass"),
        None,
        "k.pem is encrypted",
        "Give its passphrase in LLMOPS_SIGNING_PASSPHRASE.",
    ),
    "wrong passphrase": (
        lambda: private_pem(ed25519.Ed25519PrivateKey.generate(), b"pass"),
        b"hunter2",
        "k.pem holds no private key that can be read",
        "Is LLMOPS_SIGNING_PASSPHRASE right?",
    ),
    "RSA": (
        lambda: private_pem(rsa.generate_private_key(65537, 2048)),
        None,
        "k.pem holds a key of another sort than ed25519",
        "makes one.",
    ),
    "elliptic": (
        lambda: private_pem(ec.generate_private_key(ec.SECP256R1())),
        None,
        "k.pem holds a key of another sort than ed25519",
        "makes one.",
    ),
}


@pytest.mark.parametrize("case", PRIVATE)
def test_no_private_key(case: str) -> None:
    make, passphrase, message, hint = PRIVATE[case]
    pem = make()
    with pytest.raises(UsageError) as refused:
        read_private_key(pem, passphrase, "k.pem")
    assert str(refused.value) == message
    assert refused.value.hint.endswith(hint)
    assert refused.value.__context__ is None or refused.value.__suppress_context__  # a library's error may quote what it read
    secrets = [line for line in pem.decode().splitlines() if len(line) > 6 and "KEY" not in line]
    assert not [line for line in secrets if line in f"{refused.value}{refused.value.hint}"]


PUBLIC: dict[str, tuple[Callable[[], bytes], str]] = {
    "no PEM": (lambda: b"x", "p.pem holds no public key that can be read"),
    "private": (lambda: new_key_pair().private, "p.pem holds a private key"),
    "RSA": (
        lambda: rsa.generate_private_key(65537, 2048).public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
        "p.pem holds a key of another sort than ed25519",
    ),
}


@pytest.mark.parametrize("case", PUBLIC)
def test_no_public_key(case: str) -> None:
    make, message = PUBLIC[case]
    with pytest.raises(UsageError) as refused:
        read_public_key(make(), "p.pem")
    assert str(refused.value) == message
    assert refused.value.hint


@pytest.mark.parametrize("module", ["securesystemslib.signer", "cryptography"])
def test_a_missing_library_is_named_with_its_installation(module: str, monkeypatch: pytest.MonkeyPatch) -> None:
    pair = new_key_pair()
    monkeypatch.setitem(sys.modules, module, None)
    for call in (new_key_pair, lambda: read_private_key(pair.private, None, "k"), lambda: read_public_key(pair.public, "p")):
        with pytest.raises(RuntimeUnavailable, match="securesystemslib and cryptography") as missing:
            call()
        assert missing.value.hint == 'pip install "llmops-compiler[sign]"'
