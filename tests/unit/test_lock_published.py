"""A version that the lock has published and whose content is another now: `check_lock`, and the edit that mends it."""

from __future__ import annotations

from pathlib import Path

import pytest

from llmops.cli.fixes import fix
from llmops.diagnostics import Diagnostic
from llmops.load.source import Source
from llmops.load.tree import Disk
from llmops.lock.published import check_lock, digest_of, next_version
from llmops.lock.source import read_lock
from tests.graphs import PROMPT, make
from tests.unit.lock_samples import ANSWER, linked, lock_text, patch, reword, write_prompt

ENTRY = f"published Prompt/answer@1.0.0 sha256:{ANSWER}"


def check(root: Path, *entries: str, environment: str = "dev") -> list[Diagnostic]:
    return check_lock(Source("llmops.lock", lock_text(*entries)), linked(root, environment))


def test_the_published_content_is_no_finding(base: Path) -> None:
    assert check(base, ENTRY) == []


def test_without_a_lock_nothing_is_hashed(base: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    graph = linked(base)
    monkeypatch.setattr("llmops.lock.published.digest_of", lambda _: pytest.fail("hashed"))
    assert check_lock(None, graph) == []
    assert check_lock(Source("llmops.lock", lock_text()), graph) == []


def test_changed_content(base: Path) -> None:
    reword(base)
    (found,) = check(base, "# a comment", ENTRY)
    assert (found.code, found.severity, found.path) == ("LLM1007", "error", "spec.version")
    assert found.message == "Prompt/answer@1.0.0 is published, and its content has changed"
    assert found.hint == (
        "Set spec.version to 1.0.1, or to 1.1.0 if its variables changed. "
        "A version that is not merged yet is recorded anew by `llmops lock`."
    )
    version, published = found.locations
    assert (version.file, version.line, version.column, version.width) == ("specs/prompt.yaml", 5, 12, 5)
    assert (published.file, published.line, published.width, published.label) == ("llmops.lock", 3, len(ENTRY), "published here")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("  version: 1.0.0\n", "  version: 1.0.0\n  changelog: Said better.\n"),
        ("owner: docs", "owner: other, description: Answers questions"),
        ("question: {type: string}", "question: {type: string, description: What the user asks}"),
        ("kind: Prompt\n", "kind: Prompt\n# a comment\n"),
    ],
)
def test_what_changes_no_answer_changes_no_version(base: Path, old: str, new: str) -> None:
    file = base / "specs" / "prompt.yaml"
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))
    assert check(base, ENTRY) == []


def test_a_text_moved_into_a_file_is_the_same_version_until_the_file_changes(base: Path) -> None:
    file = base / "specs" / "prompt.yaml"
    text = file.read_text()
    content = text.partition('content: "')[2].rstrip('"\n')
    file.write_text(text.replace(f'content: "{content}"', "content_file: answer.jinja"))
    (base / "specs" / "answer.jinja").write_text(content)
    assert check(base, ENTRY) == []
    (base / "specs" / "answer.jinja").write_text(f"{content}\n")
    assert [found.code for found in check(base, ENTRY)] == ["LLM1007"]


def test_a_text_that_cannot_be_read_is_not_told_of_twice(base: Path) -> None:
    file = base / "specs" / "prompt.yaml"
    head = file.read_text().partition("      content:")[0]
    file.write_text(f"{head}      content_file: missing.jinja\n")
    assert check(base, ENTRY) == []


def test_only_the_version_that_is_published_counts(base: Path) -> None:
    write_prompt(base, "answer", "1.1.0")
    assert check(base, ENTRY) == []
    assert check(base, ENTRY.replace("answer", "other")) == []


def test_of_two_published_contents_either_is_right(base: Path) -> None:
    other = ENTRY.replace(ANSWER, "0" * 64)
    assert [found.code for found in check(base, ENTRY, other)] == ["LLM1005"]
    reword(base)
    changed = check(base, ENTRY, other)[1]
    assert [place.line for place in changed.locations if place.file == "llmops.lock"] == [3, 2]


def test_mistakes_of_the_text_are_findings_too(base: Path) -> None:
    reword(base)
    assert [found.code for found in check(base, ENTRY, "nonsense")] == ["LLM1003", "LLM1007"]


def test_the_next_version_is_neither_published_nor_declared(base: Path) -> None:
    reword(base)
    write_prompt(base, "answer", "1.0.1")
    (found,) = check(base, ENTRY, ENTRY.replace("1.0.0", "1.0.2"), ENTRY.replace("1.0.0", "1.1.0"))
    assert found.hint.startswith("Set spec.version to 1.0.3, or to 1.2.0 if")
    (edit,) = found.edits
    assert (edit.file, edit.path, edit.value) == ("specs/prompt.yaml", ("spec", "version"), "1.0.3")


@pytest.mark.parametrize(
    ("version", "step", "taken", "following"),
    [
        ("1.0.0", "patch", (), "1.0.1"),
        ("1.9.9", "patch", ("1.9.10",), "1.9.11"),
        ("1.9.9", "minor", ("1.10.0",), "1.11.0"),
        ("0.0.0", "minor", (), "0.1.0"),
    ],
)
def test_next_version(version: str, step: str, taken: tuple[str, ...], following: str) -> None:
    prompt = make("Prompt", "answer", {**PROMPT, "version": version})
    assert next_version(prompt, step, {f"Prompt/answer@{other}" for other in taken}) == following


def test_the_fix_raises_the_version(base: Path, capsys: pytest.CaptureFixture[str]) -> None:
    reword(base)
    fixed = fix(base, check(base, ENTRY), yes=True)
    assert fixed.written == ("specs/prompt.yaml",)
    assert "-  version: 1.0.0\n+  version: 1.0.1\n" in capsys.readouterr().out
    assert check(base, ENTRY) == []
    assert "Prompt/answer@1.0.1" in linked(base).graph.resources


def test_an_environment_that_says_something_else(base: Path) -> None:
    patch(base, "prod", '{messages: [{role: user, content: "{{ documents }} {{ question }}"}]}')
    assert check(base, ENTRY) == []
    (found,) = check(base, ENTRY, environment="prod")
    assert (found.code, found.message) == ("LLM1007", "Prompt/answer@1.0.0 is published, and says something else in prod")
    assert found.hint == (
        "A version says the same in every environment: move the patch into the spec as version 1.0.1, or let it set spec.version. "
        "A version that is not merged yet is recorded anew by `llmops lock`."
    )
    assert found.edits == ()
    assert [(place.file, place.line, place.label) for place in found.locations] == [
        ("specs/prompt.yaml", 5, ""),
        ("environments/prod/answer.yaml", 2, "patched here"),
        ("llmops.lock", 2, "published here"),
    ]


def test_an_environment_may_have_another_version(base: Path) -> None:
    patch(base, "prod", '{version: 2.0.0, messages: [{role: user, content: "{{ documents }} {{ question }}"}]}')
    assert check(base, ENTRY, environment="prod") == []


def test_a_version_that_a_patch_sets_is_raised_in_the_patch(base: Path) -> None:
    patch(base, "prod", '{version: 2.0.0, messages: [{role: user, content: "{{ documents }} {{ question }}"}]}')
    (found,) = check(base, ENTRY, ENTRY.replace("1.0.0", "2.0.0"), environment="prod")
    (edit,) = found.edits
    assert (edit.file, edit.path, edit.value) == ("environments/prod/answer.yaml", ("patch", "spec", "version"), "2.0.1")


def test_a_patch_of_the_changelog_is_no_other_content(base: Path) -> None:
    patch(base, "prod", "{changelog: For production.}")
    assert check(base, ENTRY, environment="prod") == []
    reword(base)
    (found,) = check(base, ENTRY, environment="prod")
    assert found.message.endswith("its content has changed") and found.edits


def test_the_digest_is_the_behaviour(base: Path) -> None:
    assert digest_of(linked(base).graph["Prompt/answer@1.0.0"]) == f"sha256:{ANSWER}"


def test_a_workspace_without_a_lock(base: Path) -> None:
    assert read_lock(Disk(base)) == (None, [])


def test_the_lock_is_read_with_its_byte_order_mark_and_foreign_bytes(base: Path) -> None:
    (base / "llmops.lock").write_bytes(b"\xef\xbb\xbf" + lock_text(ENTRY, "snapshot Dataset/a b").encode() + b"snapshot Dataset/a \xff\n")
    source, unread = read_lock(Disk(base))
    assert unread == [] and source is not None and source.text is not None
    assert source.text.startswith("lock 1\n")
    assert [(found.code, found.location.line) for found in check_lock(source, linked(base))] == [("LLM1001", 3), ("LLM1001", 4)]


def test_a_lock_outside_the_workspace_is_not_read(base: Path, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("password")
    (base / "llmops.lock").symlink_to(tmp_path / "secret")
    source, (found,) = read_lock(Disk(base))
    assert source is not None and source.text is None
    assert (found.code, found.location.file) == ("LLM0103", "llmops.lock")
    assert check_lock(source, linked(base)) == []


def test_a_lock_that_is_too_large(base: Path) -> None:
    with (base / "llmops.lock").open("wb") as stream:
        stream.truncate(64_000_001)
    source, (found,) = read_lock(Disk(base))
    assert source is not None and source.text is None
    assert (found.code, found.message) == ("LLM0805", "llmops.lock is larger than 64 MB")


def test_a_lock_that_comes_is_noticed(base: Path) -> None:
    from llmops.cache.witness import Witness

    witness = Witness(base)
    read_lock(Disk(base, witness))
    assert witness.missing == {"llmops.lock"}
    (base / "llmops.lock").write_text(lock_text())
    witness = Witness(base)
    read_lock(Disk(base, witness))
    assert "llmops.lock" in witness.seen
