"""A rendered bundle → the files that are published: archive, bill of materials, statement, signed envelope.

Pure: the same files, origin and key give the same bytes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import orjson

from llmops.provenance.archive import pack
from llmops.provenance.bill_of_materials import list_materials
from llmops.provenance.disk import ARCHIVE, BILL, ENVELOPE, STATEMENT
from llmops.provenance.manifest import MANIFEST
from llmops.provenance.signature import sign
from llmops.provenance.statement import Origin, sha256, state

if TYPE_CHECKING:
    from securesystemslib.signer import CryptoSigner


@dataclass(frozen=True, slots=True)
class Made:
    """`files` by file name; each begins with `name`."""

    name: str
    files: Mapping[str, bytes]


def pack_bundle(rendered: Mapping[str, bytes], origin: Origin, signer: CryptoSigner | None) -> Made:
    """Everything about one environment's bundle; the envelope only with a key."""
    name = f"{origin.workspace}-{origin.environment}"
    archive = pack(rendered)
    digests = {"archive": sha256(archive), "manifest": sha256(rendered[MANIFEST])}
    bill = list_materials(orjson.loads(rendered[MANIFEST]), name + ARCHIVE, digests)
    subjects = {name + ARCHIVE: archive, name + BILL: bill}
    statement = state(subjects, origin)
    files = {**subjects, name + STATEMENT: statement}
    return Made(name, {**files, name + ENVELOPE: sign(statement, signer)} if signer else files)
