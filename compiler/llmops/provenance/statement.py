"""The statement about a packed bundle: what it was made from and by what (in-toto Statement v1, SLSA Provenance v1).

Input: digests, releases, the commit. Output: the bytes that are signed; read back as a `Statement`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from llmops.provenance import Refused
from llmops.resources import File
from llmops.version import VERSION

STATEMENT_TYPE = "https://in-toto.io/Statement/v1"
PREDICATE_TYPE = "https://slsa.dev/provenance/v1"
BUILD_TYPE = "urn:llmops:bundle:v1"
BUILDER = "urn:llmops:compiler"


@dataclass(frozen=True, slots=True)
class Commit:
    """The commit that a workspace stood at. `dirty`: what was compiled differs from it. `url` is empty where none is declared."""

    id: str
    dirty: bool
    url: str = ""
    directory: str = ""


@dataclass(frozen=True, slots=True)
class Origin:
    """What a bundle was made from. `sources` are the files of the workspace that decided it; `commit` is None outside git."""

    workspace: str
    environment: str
    releases: Mapping[str, str]
    sources: tuple[File, ...]
    commit: Commit | None


@dataclass(frozen=True, slots=True)
class Statement:
    """A statement that was read. `subjects` are SHA-256 digests by file name, in hexadecimal digits."""

    subjects: Mapping[str, str]
    releases: Mapping[str, str]
    environment: str
    workspace: str
    commit: Commit | None


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def state(subjects: Mapping[str, bytes], origin: Origin) -> bytes:
    """The statement about files, by name."""
    return orjson.dumps(
        {
            "_type": STATEMENT_TYPE,
            "subject": [{"name": name, "digest": {"sha256": sha256(content)}} for name, content in subjects.items()],
            "predicateType": PREDICATE_TYPE,
            "predicate": {
                "buildDefinition": _definition(origin),
                "runDetails": {"builder": {"id": BUILDER, "version": {"llmops": VERSION}}},
            },
        },
        option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE,
    )


def _definition(origin: Origin) -> dict[str, Any]:
    return {
        "buildType": BUILD_TYPE,
        "externalParameters": {
            "workspace": origin.workspace,
            "environment": origin.environment,
            "releases": dict(sorted(origin.releases.items())),
        },
        "resolvedDependencies": [*_commits(origin.commit), *_files(origin.sources)],
    }


def _commits(commit: Commit | None) -> list[dict[str, Any]]:
    if commit is None:
        return []
    place = {"uri": f"git+{commit.url}"} if commit.url else {}
    return [
        {
            "name": "source",
            **place,
            "digest": {"gitCommit": commit.id},
            "annotations": {"dirty": commit.dirty, "directory": commit.directory},
        }
    ]


def _files(sources: Iterable[File]) -> list[dict[str, Any]]:
    return [{"name": file.path, "digest": {"sha256": file.sha256}} for file in sorted(sources, key=lambda file: file.path)]


def read_statement(content: bytes, name: str) -> Statement:
    """Raises `Refused` for whatever is no statement about a bundle."""
    try:
        data = orjson.loads(content)
        types = (data["_type"], data["predicateType"], data["predicate"]["buildDefinition"]["buildType"])
        read = _read(data)
    except (ValueError, KeyError, TypeError, IndexError, AttributeError) as error:
        raise Refused(f"{name} holds no statement about a bundle that can be read.") from error
    if types != (STATEMENT_TYPE, PREDICATE_TYPE, BUILD_TYPE):
        raise Refused(f"{name} states something else than how a bundle of llmops was built.")
    return read


def _read(data: Mapping[str, Any]) -> Statement:
    """Raises for anything that has another shape; what is returned has the declared types."""
    definition = data["predicate"]["buildDefinition"]
    given = definition["externalParameters"]
    subjects = {_text(subject["name"]): _text(subject["digest"]["sha256"]) for subject in data["subject"]}
    if len(subjects) < len(data["subject"]):
        raise ValueError("a subject stands twice")
    releases = {_text(name): _text(release) for name, release in given["releases"].items()}
    first = definition["resolvedDependencies"][:1]
    commit = _commit(first[0]) if first and "gitCommit" in first[0]["digest"] else None
    return Statement(subjects, releases, _text(given["environment"]), _text(given["workspace"]), commit)


def _commit(source: Mapping[str, Any]) -> Commit:
    notes = source["annotations"]
    if not isinstance(notes["dirty"], bool):
        raise TypeError("dirty is true or false")
    url = _text(source.get("uri", "")).removeprefix("git+")
    return Commit(_text(source["digest"]["gitCommit"]), notes["dirty"], url, _text(notes["directory"]))


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError("expected a text")
    return value


def check_subjects(statement: Statement, files: Mapping[str, bytes], name: str) -> None:
    """Raises `Refused` where the statement is not about exactly these files, by name."""
    if set(statement.subjects) != set(files):
        about = ", ".join(repr(subject) for subject in sorted(statement.subjects)) or "nothing"
        raise Refused(f"{name} is about {about}, not about {', '.join(sorted(files))}.", "Put the files of one bundle beside each other.")
    for file, content in files.items():
        found, stated = sha256(content), statement.subjects[file]
        if found != stated:
            digests = f"its SHA-256 is {found[:16]}…, stated is {stated[:16]!r}…"
            raise Refused(f"{file} is not the file that {name} is about: {digests}.")
