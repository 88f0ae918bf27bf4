"""Pack the bundle of one environment for distribution.

Compiles the workspace and writes WORKSPACE-ENV.tar, its bill of materials (.cdx.json), a statement of what it was made from
(.intoto.json) and, with a key, the signed statement (.dsse.json). The same specs give the same archive on every machine.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from llmops.cli.terminal import add_workspace_arguments, print_findings, workspace_root
from llmops.diagnostics import has_errors
from llmops.errors import UsageError
from llmops.pipeline import Compiled, compile_workspace

if TYPE_CHECKING:
    from securesystemslib.signer import CryptoSigner

    from llmops.provenance.statement import Commit

SIGNING_KEY, PASSPHRASE = "LLMOPS_SIGNING_KEY", "LLMOPS_SIGNING_PASSPHRASE"

EXAMPLES = """\
examples:
  llmops bundle                                   into dist/
  llmops bundle --env prod --out release
  llmops bundle --new-key signing                 writes signing.pem and signing.pub.pem, and stops
  llmops bundle --env prod --key signing.pem      with a signature

The key can also stand in the environment variable LLMOPS_SIGNING_KEY, as PEM text. The passphrase of an encrypted key stands
in LLMOPS_SIGNING_PASSPHRASE.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_workspace_arguments(parser)
    parser.add_argument("--out", metavar="DIR", type=Path, help="where the files go (default: dist in the workspace)")
    keys = parser.add_mutually_exclusive_group()
    keys.add_argument("--key", metavar="FILE", type=Path, help="sign with this ed25519 private key (PEM)")
    keys.add_argument("--new-key", metavar="NAME", type=Path, help="write a new key pair, NAME.pem and NAME.pub.pem, and pack nothing")


def run(args: argparse.Namespace) -> int:
    if args.new_key:
        return _make_keys(args.new_key)
    root = workspace_root(args)
    signer = _signer(args.key)
    compiled = compile_workspace(root, args.env)
    print_findings(compiled.diagnostics, compiled.places)
    if compiled.graph is None or has_errors(compiled.diagnostics):
        print("Nothing was packed.", file=sys.stderr)
        return 1
    _pack(root, args.out or root / "dist", compiled, signer)
    return 0


def _make_keys(name: Path) -> int:
    from llmops.provenance.disk import write_keys
    from llmops.provenance.signature import new_key_pair

    pair = new_key_pair()
    private, public = name.with_name(name.name + ".pem"), name.with_name(name.name + ".pub.pem")
    write_keys(private, public, (pair.private, pair.public))
    print(f"{private}  signs: keep it secret, and out of git")
    print(f"{public}  verifies: give it to whoever runs your bundles\nkey {pair.keyid}")
    return 0


def _signer(key: Path | None) -> CryptoSigner | None:
    """The key that was named, else the one in the environment, else none. Read before anything is compiled."""
    text = os.environ.get(SIGNING_KEY)
    if key is None and text is None:
        return None
    from llmops.provenance.disk import read_file
    from llmops.provenance.signature import read_private_key

    passphrase = os.environ.get(PASSPHRASE)
    given = passphrase.encode() if passphrase is not None else None
    if key is not None:
        return read_private_key(read_file(key), given, str(key))
    if not text:
        raise UsageError(f"{SIGNING_KEY} is empty", "Set it to the PEM text of a private key, or unset it to pack without a signature.")
    return read_private_key(text.encode(), given, SIGNING_KEY)


def _pack(root: Path, out: Path, compiled: Compiled, signer: CryptoSigner | None) -> None:
    from llmops.provenance.disk import ENVELOPE, write_together
    from llmops.provenance.origin import commit_at, sources_of
    from llmops.provenance.packing import Made, pack_bundle
    from llmops.provenance.statement import Origin

    graph = compiled.graph
    assert graph is not None  # checked by the caller
    sources = sources_of(root, graph, compiled.places)
    origin = Origin(graph.workspace, graph.environment, graph.releases, sources, commit_at(root, graph, sources))
    made: Made = pack_bundle({artifact.path: artifact.content for artifact in compiled.artifacts}, origin, signer)
    write_together(out, made.files, stale=() if signer else (made.name + ENVELOPE,))
    print(f"{len(graph.resources)} resources → {len(compiled.artifacts)} files → {_shown(out / made.name)}.tar")
    for id_, release in graph.releases.items():
        print(f"  {id_}  release {release[:19]}")
    print(f"  {_from(origin.commit)}\n  {f'signed with key {signer.public_key.keyid[:16]}' if signer else 'not signed (--key signs)'}")


def _from(commit: Commit | None) -> str:
    if commit is None:
        return "from no commit: git knows none here"
    return f"from commit {commit.id[:12]}{', with changes that are not in it' if commit.dirty else ''}"


def _shown(path: Path) -> str:
    here = Path.cwd()
    return str(path.relative_to(here)) if path.is_relative_to(here) else str(path)
