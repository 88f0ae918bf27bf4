"""Ed25519 keys and the signed envelope (DSSE) around a statement, by securesystemslib.

The library is imported when it is needed: a bundle without a signature needs none of it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson

from llmops.errors import RuntimeUnavailable, UsageError
from llmops.provenance import Refused

if TYPE_CHECKING:
    from securesystemslib.dsse import Envelope
    from securesystemslib.signer import CryptoSigner, SSlibKey

PAYLOAD_TYPE = "application/vnd.in-toto+json"
INSTALL = 'pip install "llmops-compiler[sign]"'
NEW_KEY = "llmops bundle --new-key NAME"

_KEYID = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class KeyPair:
    """PEM texts: PKCS#8 and SubjectPublicKeyInfo."""

    private: bytes
    public: bytes
    keyid: str


def new_key_pair() -> KeyPair:
    """A new ed25519 key pair; the private key is not encrypted."""
    _require_library()
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
    from securesystemslib.signer import CryptoSigner

    key = Ed25519PrivateKey.generate()
    signer = CryptoSigner(key)
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return KeyPair(signer.private_bytes, public, signer.public_key.keyid)


def read_private_key(pem: bytes, passphrase: bytes | None, name: str) -> CryptoSigner:
    """Raises `UsageError` for whatever is no ed25519 private key; the message never holds any of it."""
    _require_library()
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key
    from securesystemslib.signer import CryptoSigner

    encrypted = b"ENCRYPTED" in pem
    if encrypted and passphrase is None:
        raise UsageError(f"{name} is encrypted", "Give its passphrase in LLMOPS_SIGNING_PASSPHRASE.")
    try:
        key = load_pem_private_key(pem, passphrase if encrypted else None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        hint = "Is LLMOPS_SIGNING_PASSPHRASE right?" if encrypted else f"Give an ed25519 private key as PEM; {NEW_KEY} makes one."
        raise UsageError(f"{name} holds no private key that can be read", hint) from None
    if not isinstance(key, Ed25519PrivateKey):
        raise UsageError(f"{name} holds a key of another sort than ed25519", f"{NEW_KEY} makes one.")
    return CryptoSigner(key)


def read_public_key(pem: bytes, name: str) -> SSlibKey:
    """Raises `UsageError` for whatever is no ed25519 public key."""
    _require_library()
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.serialization import load_pem_public_key
    from securesystemslib.signer import SSlibKey

    if b"PRIVATE KEY" in pem:
        raise UsageError(f"{name} holds a private key", "Verify with the public one, and keep the private one to yourself.")
    try:
        key = load_pem_public_key(pem)
    except (ValueError, UnsupportedAlgorithm):
        raise UsageError(f"{name} holds no public key that can be read", "Give an ed25519 public key as PEM.") from None
    if not isinstance(key, Ed25519PublicKey):
        raise UsageError(f"{name} holds a key of another sort than ed25519", f"{NEW_KEY} makes a pair.")
    return SSlibKey.from_crypto(key)


def sign(payload: bytes, signer: CryptoSigner) -> bytes:
    """The envelope, as the bytes of its file."""
    from securesystemslib.dsse import Envelope

    envelope = Envelope(payload, PAYLOAD_TYPE, {})
    envelope.sign(signer)
    return _written(envelope.to_dict())


def open_envelope(content: bytes, name: str) -> Envelope:
    """The envelope in a file. Raises `Refused` where it is none, holds another payload, or is written otherwise than `sign` does.

    The form matters because a signature covers the payload alone: what stands around it could be changed unnoticed.
    """
    _require_library()
    from securesystemslib.dsse import Envelope
    from securesystemslib.exceptions import FormatError

    try:
        envelope = Envelope.from_dict(orjson.loads(content))
        written = _written(envelope.to_dict())
    except (ValueError, KeyError, TypeError, AttributeError, FormatError) as error:
        raise Refused(f"{name} is no signed envelope (DSSE) that can be read.") from error
    if envelope.payload_type != PAYLOAD_TYPE:
        raise Refused(f"{name} holds a payload of type {envelope.payload_type!r}, not {PAYLOAD_TYPE}.")
    if written != content or any(signature.unrecognized_fields for signature in envelope.signatures.values()):
        raise Refused(f"{name} is not in the one form that llmops writes an envelope in.")
    return envelope


def check_signature(envelope: Envelope, key: SSlibKey, name: str) -> None:
    """Raises `Refused` where `key` did not sign the envelope."""
    from securesystemslib.exceptions import UnverifiedSignatureError, VerificationError

    signature = envelope.signatures.get(key.keyid)
    if signature is None:
        signers = ", ".join(short(keyid) for keyid in sorted(envelope.signatures)) or "nobody"
        hint = "Verify with the public key of whoever published the bundle; if that is the one you gave, do not use these files."
        raise Refused(f"{name} is signed by {signers}, not by the given key {short(key.keyid)}.", hint)
    try:
        key.verify_signature(signature, envelope.pae())
    except (UnverifiedSignatureError, VerificationError) as error:
        raise Refused(f"The signature in {name} is not valid: the statement or the signature was changed.") from error


def short(keyid: str) -> str:
    """The first digits; what is no key id, and may hold anything, is quoted."""
    return keyid[:16] if _KEYID.fullmatch(keyid) else repr(keyid[:16])


def _written(envelope: dict[str, Any]) -> bytes:
    return orjson.dumps(envelope, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


def _require_library() -> None:
    try:
        import cryptography  # noqa: F401 - asked for before names are taken from both
        import securesystemslib.signer  # noqa: F401
    except ImportError as error:
        raise RuntimeUnavailable("Signing and verifying need securesystemslib and cryptography.", INSTALL) from error
