"""What a bundle was made from: the shape that in-toto and SLSA prescribe, digests of real files, commits of real repositories."""

from __future__ import annotations

import hashlib
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import orjson
import pytest

from llmops.errors import LlmopsError
from llmops.pipeline import compile_workspace
from llmops.provenance import Refused
from llmops.provenance.origin import commit_at, sources_of
from llmops.provenance.statement import Commit, Origin, read_statement, state
from llmops.resources import File, Git, Graph
from tests.packages import make

HEX = {"type": "string", "pattern": "^[0-9a-f]{64}$"}
DESCRIPTOR = {
    "type": "object",
    "properties": {
        "name": {"type": "string"},
        "uri": {"type": "string", "format": "uri"},
        "digest": {"type": "object", "additionalProperties": {"type": "string", "pattern": "^[0-9a-f]+$"}},
        "annotations": {"type": "object"},
    },
    "anyOf": [{"required": ["uri"]}, {"required": ["digest"]}],
    "additionalProperties": False,
}
STATEMENT = {
    "type": "object",
    "required": ["_type", "subject", "predicateType", "predicate"],
    "additionalProperties": False,
    "properties": {
        "_type": {"const": "https://in-toto.io/Statement/v1"},
        "predicateType": {"const": "https://slsa.dev/provenance/v1"},
        "subject": {
            "type": "array",
            "minItems": 1,
            "items": {
                "type": "object",
                "required": ["name", "digest"],
                "additionalProperties": False,
                "properties": {
                    "name": {"type": "string"},
                    "digest": {"type": "object", "required": ["sha256"], "properties": {"sha256": HEX}},
                },
            },
        },
        "predicate": {
            "type": "object",
            "required": ["buildDefinition", "runDetails"],
            "additionalProperties": False,
            "properties": {
                "buildDefinition": {
                    "type": "object",
                    "required": ["buildType", "externalParameters"],
                    "additionalProperties": False,
                    "properties": {
                        "buildType": {"type": "string", "format": "uri"},
                        "externalParameters": {"type": "object"},
                        "internalParameters": {"type": "object"},
                        "resolvedDependencies": {"type": "array", "items": DESCRIPTOR},
                    },
                },
                "runDetails": {
                    "type": "object",
                    "required": ["builder"],
                    "additionalProperties": False,
                    "properties": {
                        "builder": {
                            "type": "object",
                            "required": ["id"],
                            "additionalProperties": False,
                            "properties": {
                                "id": {"type": "string", "format": "uri"},
                                "version": {"type": "object", "additionalProperties": {"type": "string"}},
                                "builderDependencies": {"type": "array", "items": DESCRIPTOR},
                            },
                        },
                        "metadata": {"type": "object"},
                        "byproducts": {"type": "array", "items": DESCRIPTOR},
                    },
                },
            },
        },
    },
}
"""in-toto Statement v1 with the SLSA Provenance v1 predicate, as their specifications describe them."""

COMMIT = Commit("a" * 40, dirty=False, url="https://git.example.org/team/assistant", directory="assistant")
ORIGIN = Origin(
    "w", "prod", {"Application/b": "sha256:1", "Application/a": "sha256:2"}, (File("z", "1" * 64, 1), File("a", "2" * 64, 1)), COMMIT
)


def git(root: Path, *arguments: str) -> str:
    identity = ("-c", "user.name=Ada", "-c", "user.email=ada@example.org", "-c", "commit.gpgsign=false", "-c", "core.autocrlf=false")
    return subprocess.run(["git", "-C", str(root), *identity, *arguments], check=True, capture_output=True, text=True).stdout.strip()


@pytest.fixture
def repository(base: Path) -> Path:
    git(base, "init", "-q", "-b", "main")
    (base / ".gitignore").write_text("dist/\nbuild/\nspecs/ignored.yaml\n")
    git(base, "add", "-A")
    git(base, "commit", "-qm", "first")
    return base


def compiled(root: Path, environment: str | None = None) -> tuple[Graph, tuple[File, ...]]:
    done = compile_workspace(root, environment)
    assert done.graph is not None
    return done.graph, sources_of(root, done.graph, done.places)


def commit(root: Path) -> Commit | None:
    return commit_at(root, *compiled(root))


def test_the_specifications_shape(repository: Path) -> None:
    made, origin = make(repository, None)
    (statement,) = (content for name, content in made.files.items() if name.endswith(".intoto.json"))
    for content in (statement, state({"x": b""}, ORIGIN), state({"x": b""}, replace(ORIGIN, commit=None))):
        jsonschema.validate(orjson.loads(content), STATEMENT, format_checker=jsonschema.FormatChecker())
    assert read_statement(statement, "s").commit == origin.commit


def test_the_shape_refuses_what_is_wrong() -> None:
    data = orjson.loads(state({"x": b""}, ORIGIN))
    data["predicate"]["invocation"] = {}
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(data, STATEMENT)


def test_a_statement_holds_what_it_was_given() -> None:
    data: Any = orjson.loads(state({"x.tar": b"1", "x.cdx.json": b"2"}, ORIGIN))
    assert data["subject"] == [
        {"name": "x.tar", "digest": {"sha256": hashlib.sha256(b"1").hexdigest()}},
        {"name": "x.cdx.json", "digest": {"sha256": hashlib.sha256(b"2").hexdigest()}},
    ]
    definition = data["predicate"]["buildDefinition"]
    assert definition["externalParameters"] == {
        "workspace": "w",
        "environment": "prod",
        "releases": {"Application/a": "sha256:2", "Application/b": "sha256:1"},
    }
    assert definition["resolvedDependencies"] == [
        {
            "name": "source",
            "uri": "git+https://git.example.org/team/assistant",
            "digest": {"gitCommit": "a" * 40},
            "annotations": {"dirty": False, "directory": "assistant"},
        },
        {"name": "a", "digest": {"sha256": "2" * 64}},
        {"name": "z", "digest": {"sha256": "1" * 64}},
    ]
    assert data["predicate"]["runDetails"]["builder"] == {"id": "urn:llmops:compiler", "version": {"llmops": "0.1.0"}}


@pytest.mark.parametrize("known", [COMMIT, replace(COMMIT, dirty=True), replace(COMMIT, url="", directory=""), None])
def test_a_statement_is_read_back(known: Commit | None) -> None:
    read = read_statement(state({"x.tar": b"1"}, replace(ORIGIN, commit=known)), "s")
    assert read.commit == known
    assert (read.workspace, read.environment, read.releases) == ("w", "prod", ORIGIN.releases)
    assert read.subjects == {"x.tar": hashlib.sha256(b"1").hexdigest()}


@pytest.mark.parametrize(
    "path",
    [
        ("subject",),
        ("subject", 0),
        ("subject", 0, "name"),
        ("subject", 0, "digest", "sha256"),
        ("predicate",),
        ("predicate", "buildDefinition", "externalParameters", "releases"),
        ("predicate", "buildDefinition", "externalParameters", "releases", "Application/a"),
        ("predicate", "buildDefinition", "externalParameters", "environment"),
        ("predicate", "buildDefinition", "resolvedDependencies", 0, "digest", "gitCommit"),
        ("predicate", "buildDefinition", "resolvedDependencies", 0, "annotations", "dirty"),
        ("predicate", "buildDefinition", "resolvedDependencies", 0, "annotations"),
    ],
    ids=lambda path: ".".join(map(str, path)),
)
@pytest.mark.parametrize("value", [None, 1, [1], {"a": 1}], ids=repr)
def test_another_shape_is_refused(path: tuple[str | int, ...], value: object) -> None:
    data = orjson.loads(state({"x.tar": b"1"}, ORIGIN))
    place = data
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    with pytest.raises(Refused, match="s holds no statement about a bundle that can be read"):
        read_statement(orjson.dumps(data), "s")


def test_sources_are_the_files_that_decided_the_bundle(base: Path) -> None:
    folder = base / "environments" / "dev"
    folder.mkdir(parents=True)
    (folder / "patch.yaml").write_text("target: {kind: Model}\npatch:\n  metadata: {labels: {tier: '3'}}\n")
    _, sources = compiled(base, "dev")
    paths = [file.path for file in sources]
    assert paths == sorted(paths)
    assert {"llmops.yaml", "environments/dev/patch.yaml"} <= set(paths)
    assert [path for path in paths if path.startswith("specs/")]
    assert [path for path in paths if path.startswith("docs/")]
    for file in sources:
        assert file.sha256 == hashlib.sha256((base / file.path).read_bytes()).hexdigest()


def test_patches_of_another_environment_are_no_source(base: Path) -> None:
    folder = base / "environments" / "prod"
    folder.mkdir(parents=True)
    (folder / "patch.yaml").write_text("target: {kind: Model}\npatch:\n  metadata: {labels: {tier: '3'}}\n")
    assert not [file for file in compiled(base, "dev")[1] if file.path.startswith("environments/")]


def test_a_file_with_a_byte_order_mark_has_the_digest_that_it_has_on_disk(base: Path) -> None:
    settings = base / "llmops.yaml"
    settings.write_bytes(b"\xef\xbb\xbf" + settings.read_bytes())
    (found,) = (file for file in compiled(base)[1] if file.path == "llmops.yaml")
    assert found.sha256 == hashlib.sha256(settings.read_bytes()).hexdigest()


def test_a_spec_that_changed_meanwhile_is_no_source(base: Path) -> None:
    done = compile_workspace(base)
    assert done.graph is not None
    spec = next(iter(done.graph.resources.values())).source.file
    (base / spec).write_text((base / spec).read_text() + "# later\n")
    with pytest.raises(LlmopsError, match=f"{spec} was changed while the bundle was packed") as refused:
        sources_of(base, done.graph, done.places)
    assert refused.value.hint == "llmops bundle"


def test_outside_git_there_is_no_commit(base: Path) -> None:
    assert commit(base) is None


def test_before_the_first_commit_there_is_none(base: Path) -> None:
    git(base, "init", "-q", "-b", "main")
    assert commit(base) is None


def test_a_clean_commit(repository: Path) -> None:
    assert commit(repository) == Commit(git(repository, "rev-parse", "HEAD"), dirty=False)


def test_the_place_of_the_repository_is_what_the_workspace_declares(repository: Path) -> None:
    graph, sources = compiled(repository)
    linked = replace(graph, git=Git("https://git.example.org/x", "main", "assistant"))
    found = commit_at(repository, linked, sources)
    assert found == Commit(git(repository, "rev-parse", "HEAD"), dirty=False, url="https://git.example.org/x", directory="assistant")


def spec_of(root: Path) -> Path:
    return min((root / "specs").glob("*.yaml"))


def change(root: Path) -> None:
    spec_of(root).write_text(spec_of(root).read_text() + "# more\n")


def change_and_stage(root: Path) -> None:
    change(root)
    git(root, "add", "-A")


def change_a_document(root: Path) -> None:
    document = next((root / "docs").glob("*.md"))
    document.write_text(document.read_text() + "\nMore.\n")


def add_untracked(root: Path) -> None:
    (root / "docs" / "new.md").write_text("# New\n")


def _name(root: Path) -> str:
    return git(root, "ls-files", "specs").splitlines()[0].removeprefix("specs/")


def forget(root: Path) -> None:
    git(root, "rm", "-q", "--cached", f"specs/{_name(root)}")


def remove(root: Path) -> None:
    (root / "notes.txt").unlink()


@pytest.mark.parametrize(
    "edit", [change, change_and_stage, change_a_document, add_untracked, forget, remove], ids=lambda edit: edit.__name__
)
def test_a_dirty_tree_is_said_to_be_one(edit: Any, repository: Path) -> None:
    (repository / "notes.txt").write_text("tracked\n")
    git(repository, "add", "-A")
    git(repository, "commit", "-qm", "notes")
    edit(repository)
    found = commit(repository)
    assert found is not None
    assert found.dirty


def test_a_spec_that_git_ignores_makes_it_dirty(repository: Path) -> None:
    first = spec_of(repository)
    git(repository, "mv", "-f", f"specs/{first.name}", "specs/moved.yaml")
    git(repository, "rm", "-q", "--cached", "specs/moved.yaml")
    git(repository, "commit", "-qm", "forgotten")
    (repository / "specs" / "moved.yaml").rename(repository / "specs" / "ignored.yaml")
    assert git(repository, "status", "--porcelain") == ""
    found = commit(repository)
    assert found is not None
    assert found.dirty


def test_what_was_not_compiled_does_not_make_it_dirty(repository: Path) -> None:
    (repository / "scratch.txt").write_text("mine\n")
    (repository / "dist").mkdir()
    (repository / "dist" / "x.tar").write_bytes(b"")
    found = commit(repository)
    assert found is not None
    assert not found.dirty


def test_a_workspace_in_a_folder_of_a_repository(repository: Path, tmp_path: Path) -> None:
    """A change elsewhere in the repository is no change of the workspace."""
    outer = tmp_path / "outer"
    inner = outer / "assistant"
    outer.mkdir()
    repository.rename(inner)
    (inner / ".git").rename(outer / "old")
    git(outer, "init", "-q", "-b", "main")
    (outer / "README.md").write_text("# Outer\n")
    git(outer, "add", "assistant", "README.md")
    git(outer, "commit", "-qm", "all")
    (outer / "README.md").write_text("# Changed\n")
    assert commit(inner) == Commit(git(outer, "rev-parse", "HEAD"), dirty=False)
    change(inner)
    found = commit(inner)
    assert found is not None
    assert found.dirty
