"""Verify a packed bundle: signature, digests, archive, manifest, releases, bill of materials, pipelines.

Everything is computed again from what the archive holds. Without a key only integrity can be checked, not who made the bundle,
and that fails unless --unsigned says that it is enough. A folder that `llmops compile` wrote can be verified too.
"""

from __future__ import annotations

import argparse
import importlib.util
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from llmops.errors import LlmopsError, UsageError

if TYPE_CHECKING:
    from llmops.provenance.verification import Contents, Verified

CLEAN, REFUSED = 0, 1

NO_ORIGIN = "Nothing wrong was found, but nobody is known to have made it: no key was given."
NO_ORIGIN_HINT = "Verify with --key PUBLIC.pem, or say that integrity is enough with --unsigned."

EXAMPLES = """\
examples:
  llmops verify dist/handbook-prod.tar --key signing.pub.pem
  llmops verify dist/handbook-prod.tar --unsigned            integrity alone
  llmops verify build/dev --unsigned                         a bundle that is not packed
  llmops verify dist/handbook-prod.tar --key signing.pub.pem --format json
"""


@dataclass(frozen=True, slots=True)
class Pipelines:
    """How many Haystack loaded, or why none was tried."""

    loaded: int
    untried: str = ""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("path", metavar="PATH", type=Path, help="a .tar that `llmops bundle` wrote, or a bundle's folder")
    trust = parser.add_mutually_exclusive_group()
    trust.add_argument("--key", metavar="FILE", type=Path, help="the ed25519 public key (PEM) that must have signed it")
    trust.add_argument("--unsigned", action="store_true", help="integrity is enough: succeed without a key")
    parser.add_argument("--statement", metavar="FILE", type=Path, help="the .dsse.json or .intoto.json, where it lies elsewhere")
    parser.add_argument("--format", choices=["text", "json"], default="text", help="how the account is written (default: text)")


def run(args: argparse.Namespace) -> int:
    try:
        verified = _verified(args)
        pipelines = _load_pipelines(verified)
    except UsageError:
        raise
    except LlmopsError as error:
        if args.format == "text":
            raise
        _write_json({"verified": False, "refused": str(error), "help": error.hint})
        return REFUSED
    trusted = bool(verified.keyid) or args.unsigned
    if args.format == "json":
        _write_json(_account(verified, pipelines, trusted=trusted))
    else:
        print("\n".join(_lines(args.path, verified, pipelines)))
    if not trusted:
        print(f"llmops: {NO_ORIGIN}\nhelp: {NO_ORIGIN_HINT}", file=sys.stderr)
    return CLEAN if trusted else REFUSED


def _verified(args: argparse.Namespace) -> Verified:
    from llmops.provenance.disk import read_file, read_folder, read_package
    from llmops.provenance.verification import Verified, verify_files, verify_package

    path: Path = args.path
    if not path.exists():
        raise UsageError(f"There is nothing at {path}", "llmops bundle")
    if path.is_dir():
        if args.key or args.statement:
            raise UsageError(f"{path} is a folder, which carries no signature", "Verify the .tar that `llmops bundle` writes.")
        return Verified(verify_files(read_folder(path), str(path)), "", None)
    if args.key is None:
        return verify_package(read_package(path, args.statement), None)
    from llmops.provenance.signature import read_public_key

    key = read_public_key(read_file(args.key), str(args.key))
    return verify_package(read_package(path, args.statement), key)


def _load_pipelines(verified: Verified) -> Pipelines:
    """Only what was rendered again or signed is given to Haystack, which constructs the components that a pipeline names."""
    contents = verified.contents
    if not contents.rendered and not verified.keyid:
        return Pipelines(0, "another llmops rendered them, and nobody vouches for them")
    if importlib.util.find_spec("haystack") is None:
        return Pipelines(0, "Haystack is not installed")
    from llmops.runtime.bundle import Bundle
    from llmops.runtime.construction import construct_pipelines

    with TemporaryDirectory(prefix="llmops-verify-") as folder:
        _extract(contents, Path(folder))
        return Pipelines(construct_pipelines(Bundle.open(folder)))


def _extract(contents: Contents, folder: Path) -> None:
    """The paths are those of plain files below the folder: the archive's reader holds that."""
    for path, content in contents.files.items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)


def _lines(path: Path, verified: Verified, pipelines: Pipelines) -> Iterator[str]:
    from llmops.provenance import printable

    contents, commit = verified.contents, verified.commit
    manifest = contents.manifest
    yield f"{path} is whole: {len(contents.files)} files, {len(manifest['resources'])} resources of {_place(manifest)}"
    yield f"  signature   {'valid, key ' + verified.keyid if verified.keyid else 'not checked'}"
    if commit:
        yield f"  commit      {printable(commit.id)}{', with changes that are not in it' if commit.dirty else ''}"
    for id_, release in contents.releases.items():
        yield f"  release     {id_}  {release}"
    again = (
        "rendered again and found equal" if contents.rendered else f"by llmops {printable(manifest['llmops_version'])}: not rendered again"
    )
    yield f"  files       {again}"
    yield f"  pipelines   {f'not loaded: {pipelines.untried}' if pipelines.untried else f'{pipelines.loaded} loaded by Haystack'}"


def _place(manifest: Mapping[str, Any]) -> str:
    from llmops.provenance import printable

    return printable(f"{manifest['workspace']}, environment {manifest['environment']}")


def _account(verified: Verified, pipelines: Pipelines, *, trusted: bool) -> dict[str, Any]:
    contents, commit = verified.contents, verified.commit
    manifest = contents.manifest
    return {
        "verified": trusted,
        "refused": None if trusted else NO_ORIGIN,
        "help": None if trusted else NO_ORIGIN_HINT,
        "workspace": manifest["workspace"],
        "environment": manifest["environment"],
        "llmops_version": manifest["llmops_version"],
        "releases": contents.releases,
        "keyid": verified.keyid or None,
        "commit": commit.id if commit else None,
        "dirty": commit.dirty if commit else None,
        "files": len(contents.files),
        "resources": len(manifest["resources"]),
        "rendered_again": contents.rendered,
        "pipelines": {"loaded": pipelines.loaded, "not_loaded": pipelines.untried or None},
    }


def _write_json(value: Mapping[str, Any]) -> None:
    import orjson

    sys.stdout.write(orjson.dumps(value, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE).decode())
