"""The cache of `llmops check`: every change of anything that a check reads is noticed, and what it recalls is what a check finds."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from llmops.cache import Outcome, begin, entry, evidence, identity, recall, remember, witness
from llmops.cache.entry import FOLDER, KEPT, read_entry, write_entry
from llmops.cache.identity import MARGIN, Machine, digest_of, listing
from llmops.cache.witness import UNSURE, Witness
from llmops.pipeline import check_workspace
from llmops.report.json import json_report
from llmops.report.text import text_report
from tests.conftest import ROOT, Run

SETTINGS = """\
apiVersion: llmops/v1
kind: Workspace
metadata: {name: remembered}
spec:
  environments: {dev: , prod: }
  policies:
    - path: policies
    - package: acme_rules
"""
PATCH = "target: {kind: RetrievalSource}\npatch: {spec: {retrieve: {top_k: 4}}}\n"
POLICY = """\
apiVersion: llmops/v1
kind: Policy
metadata: {{name: {name}, owner: risk, title: Models are pinned}}
spec:
  why: The answers change otherwise.
  enforcement: {{dev: warn}}
  match: {{kinds: [Model]}}
  assert: "{condition}"
  at: spec.model
  message: "{{{{name}}}} is {{{{value}}}}"
  remediation: {{text: Pin it., set: {{spec.revision: "1"}}}}
  tests:
    - {{name: good, expect: pass, resource: {{spec: {{model: gpt-small, revision: "1"}}}}}}
    - {{name: bad, expect: fail, resource: {{spec: {{model: other}}}}}}
"""
WAIVER = """\
apiVersion: llmops/v1
kind: Waiver
metadata: {name: later, owner: ml}
spec: {policy: pinned, target: Model/embedder, reason: Pinned with the next index, expires: 2999-01-01, approved_by: risk}
"""
PACK = """\
apiVersion: llmops/v1
kind: PolicyPack
metadata: {name: acme, owner: risk}
spec: {version: 1.0.0}
"""


@pytest.fixture(params=[0, MARGIN], ids=["identities", "contents"])
def margin(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
    """How long ago a path must have changed for its identity to be believed: with 0 all are, with two seconds none of a test's is."""
    for module in (evidence, witness):
        monkeypatch.setattr(module, "MARGIN", request.param)
    return int(request.param)


@pytest.fixture(autouse=True)
def _at_home(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not in CI, and with a compiler that nobody edits while the tests run."""
    monkeypatch.delenv("CI", raising=False)
    monkeypatch.delenv("LLMOPS_NO_CACHE", raising=False)
    monkeypatch.setattr(identity, "COMPILER", os.path.dirname(json.__file__))


@pytest.fixture
def root(base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A workspace that reads every kind of input there is: two of its models break a policy each, and one of those is waived."""
    files = {
        "llmops.yaml": SETTINGS,
        "environments/dev/more.yaml": PATCH,
        "policies/pinned.yaml": POLICY.format(name="pinned", condition="has(r.spec.revision)"),
        "policies/waivers/later.yaml": WAIVER,
        "prompts/answer.txt": "{% for d in documents %}{{ d.content }} {% endfor %}{{ question }}",
        "../packages/acme_rules/pack.yaml": PACK,
        "../packages/acme_rules/small.yaml": POLICY.format(name="small", condition="r.spec.model == 'gpt-small'"),
    }
    for path, text in files.items():
        (base / path).parent.mkdir(parents=True, exist_ok=True)
        (base / path).write_text(text, "utf-8")
    prompt = base / "specs/prompt.yaml"
    prompt.write_text(prompt.read_text("utf-8").partition("      content:")[0] + "      content_file: ../prompts/answer.txt\n", "utf-8")
    monkeypatch.setattr(sys, "path", [*sys.path, str(tmp_path / "packages")])
    return base


def check(root: Path, environment: str | None = None) -> Outcome:
    """What the verb does."""
    recalled = recall(root, environment)
    if recalled is not None:
        return recalled
    seen = begin(root)
    return remember(seen, environment, check_workspace(root, environment, witness=seen))


def fresh(root: Path, environment: str | None = None) -> Outcome:
    return Outcome.of(check_workspace(root, environment))


def contents(outcome: Outcome) -> tuple[object, ...]:
    """All that a report could show, and all that `--fix` would write."""
    edits = [diagnostic.edits for diagnostic in outcome.diagnostics]
    text = text_report(outcome.diagnostics, outcome.text, colour=False)
    return outcome.environment, outcome.resources, outcome.diagnostics, edits, text, json_report(outcome.diagnostics)


def replace(path: Path, old: str, new: str) -> None:
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new), "utf-8")


@pytest.mark.usefixtures("margin")
def test_what_is_recalled_is_what_a_check_finds(root: Path) -> None:
    found = check(root)
    recalled = recall(root, None)

    assert recalled is not None
    assert contents(recalled) == contents(found) == contents(fresh(root))
    assert [(d.policy, bool(d.waived), d.severity) for d in recalled.diagnostics] == [
        ("pinned", True, "warning"),
        ("small", False, "warning"),
        ("pinned", False, "warning"),
    ]
    assert all(d.edits for d in recalled.diagnostics)
    assert "acme_rules/small.yaml" in {place.file for d in recalled.diagnostics for place in d.locations}


def test_nothing_is_recalled_before_the_first_check(root: Path) -> None:
    assert recall(root, None) is None


def test_environments_are_remembered_apart(root: Path) -> None:
    check(root, "prod")

    assert recall(root, None) is None
    recalled = recall(root, "prod")
    assert recalled is not None
    assert recalled.environment == "prod"
    assert {d.severity for d in recalled.diagnostics if d.counts} == {"error"}


def to_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def to_link(path: Path) -> None:
    path.rmdir()
    path.symlink_to("nowhere")


CHANGES: dict[str, Callable[[Path], object]] = {
    "a spec edited": lambda root: replace(root / "specs/model.yaml", "2048", "4096"),
    "a spec edited to the same length": lambda root: replace(root / "specs/source.yaml", "top_k: 3", "top_k: 5"),
    "a spec added": lambda root: shutil.copy(root / "specs/model.yaml", root / "specs/more.yaml"),
    "a spec added in a new folder": lambda root: shutil.copytree(root / "specs", root / "specs/more"),
    "a spec removed": lambda root: (root / "specs/application.yaml").unlink(),
    "a spec renamed": lambda root: (root / "specs/safety.yaml").rename(root / "specs/zafety.yaml"),
    "a spec renamed to no spec": lambda root: (root / "specs/safety.yaml").rename(root / "specs/safety.txt"),
    "a spec emptied": lambda root: (root / "specs/quality.yaml").write_text(""),
    "an overlay edited": lambda root: replace(root / "environments/dev/more.yaml", "top_k: 4", "top_k: 0"),
    "an overlay added": lambda root: (root / "environments/dev/z.yaml").write_text(PATCH),
    "an overlay removed": lambda root: shutil.rmtree(root / "environments"),
    "the settings edited": lambda root: replace(root / "llmops.yaml", "{dev: , prod: }", "{dev: , prods: }"),
    "the settings take a pack less": lambda root: replace(root / "llmops.yaml", "    - package: acme_rules\n", ""),
    "a dataset's row broken": lambda root: replace(root / "evals/questions.jsonl", '"question"', '"questian"'),
    "a document edited": lambda root: (root / "docs/releases.md").write_text("# Other\n"),
    "a document added": lambda root: (root / "docs/more.md").write_text("# More\n"),
    "a document removed": lambda root: (root / "docs/releases.md").unlink(),
    "a prompt's file edited": lambda root: replace(root / "prompts/answer.txt", "question", "request"),
    "a policy edited": lambda root: replace(root / "policies/pinned.yaml", "has(r.spec.revision)", "!has(r.spec.revision)"),
    "a policy added": lambda root: (root / "policies/b.yaml").write_text(POLICY.format(name="b", condition="has(r.spec.revision)")),
    "a policy removed": lambda root: (root / "policies/pinned.yaml").unlink(),
    "a waiver edited": lambda root: replace(root / "policies/waivers/later.yaml", "2999", "2001"),
    "a waiver removed": lambda root: (root / "policies/waivers/later.yaml").unlink(),
    "a policy of a package edited": lambda root: replace(root / "../packages/acme_rules/small.yaml", "== 'gpt-small'", "== 'x'"),
    "a package's version": lambda root: replace(root / "../packages/acme_rules/pack.yaml", "1.0.0", "2.0.0"),
    "a package removed": lambda root: shutil.rmtree(root / "../packages/acme_rules"),
    "a folder in a file's place": lambda root: to_folder(root / "docs/releases.md"),
}


@pytest.mark.usefixtures("margin")
@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_change_is_noticed(root: Path, change: Callable[[Path], object]) -> None:
    found = check(root)
    assert recall(root, None) is not None, found.diagnostics
    change(root)

    assert recall(root, None) is None
    assert contents(check(root)) == contents(fresh(root))


LINKS: dict[str, Callable[[Path], object]] = {
    "a spec": lambda root: through_link(root, "specs/model.yaml"),
    "a folder of specs": lambda root: through_link(root, "specs"),
    "a document": lambda root: through_link(root, "docs/releases.md"),
    "a folder of documents": lambda root: through_link(root, "docs"),
    "the folder above a prompt": lambda root: through_link(root, "prompts"),
}


def through_link(root: Path, path: str) -> None:
    """The same content, from outside the workspace."""
    elsewhere = root.parent / "elsewhere"
    shutil.move(root / path, elsewhere)
    (root / path).symlink_to(elsewhere)


@pytest.mark.usefixtures("margin")
@pytest.mark.parametrize("change", LINKS.values(), ids=LINKS)
def test_a_link_in_the_place_of_what_was_read_is_noticed(root: Path, change: Callable[[Path], object]) -> None:
    """It leads out of the workspace, which is a finding, though the content is the same."""
    check(root)
    change(root)

    assert recall(root, None) is None
    assert contents(check(root)) == contents(fresh(root))


UNCHANGED: dict[str, Callable[[Path], object]] = {
    "a file touched": lambda root: os.utime(root / "specs/model.yaml"),
    "a file copied onto itself": lambda root: (root / "specs/model.yaml").write_bytes((root / "specs/model.yaml").read_bytes()),
    "permissions changed": lambda root: (root / "docs/releases.md").chmod(0o600),
    "a hidden file beside the specs": lambda root: (root / "specs/.swap").write_text("x"),
    "a file that nothing reads": lambda root: (root / "README.md").write_text("# Read me\n"),
    "a file added and removed": lambda root: os.unlink(shutil.copy(root / "llmops.yaml", root / "specs/x.yaml")),
    "an overlay of another environment": lambda root: shutil.copytree(root / "environments/dev", root / "environments/prod"),
}


@pytest.mark.usefixtures("margin")
@pytest.mark.parametrize("change", UNCHANGED.values(), ids=UNCHANGED)
def test_what_changes_no_content_is_recalled(root: Path, change: Callable[[Path], object]) -> None:
    check(root)
    change(root)

    recalled = recall(root, None)
    assert recalled is not None
    assert contents(recalled) == contents(fresh(root))


def test_the_time_of_a_file_set_back_hides_no_edit(root: Path, margin: int) -> None:
    spec = root / "specs/source.yaml"
    before = spec.stat()
    check(root)
    replace(spec, "top_k: 3", "top_k: 0")
    os.utime(spec, ns=(before.st_atime_ns, before.st_mtime_ns))

    assert (spec.stat().st_size, spec.stat().st_mtime_ns, spec.stat().st_ino) == (before.st_size, before.st_mtime_ns, before.st_ino)
    assert recall(root, None) is None, margin


def test_an_overlay_that_appears_is_noticed(root: Path) -> None:
    check(root, "prod")
    (root / "environments/prod").mkdir()
    assert recall(root, "prod") is None


def test_packs_that_appear_are_noticed(root: Path) -> None:
    (root / "policies").rename(root / "kept")
    replace(root / "llmops.yaml", SETTINGS.partition("  policies:")[2], "")
    replace(root / "llmops.yaml", "  policies:", "")
    assert check(root).diagnostics == ()
    assert recall(root, None) is not None

    (root / "kept").rename(root / "policies")
    assert recall(root, None) is None
    assert check(root).diagnostics


def test_another_day_is_another_check(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A waiver may have expired."""
    check(root)
    assert recall(root, None) is not None

    monkeypatch.setattr("llmops.cache.today", lambda: "2999-01-02")
    assert recall(root, None) is None


def test_another_compiler_is_another_check(root: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    shutil.copytree(Path(json.__file__).parent, tmp_path / "compiler")
    check(root)
    monkeypatch.setattr(identity, "COMPILER", str(tmp_path / "compiler"))

    assert recall(root, None) is None


def test_nothing_is_remembered_of_a_compiler_that_just_changed(root: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Whose modules were loaded before the change and whose after, nobody knows."""
    shutil.copytree(Path(json.__file__).parent, tmp_path / "compiler")
    monkeypatch.setattr(identity, "COMPILER", str(tmp_path / "compiler"))
    check(root)

    assert recall(root, None) is None
    assert not (root / FOLDER).exists()


class Touch:
    """Changes a folder of code in one way and says whether the machine is then another."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.code = folder / "code"
        self.packages = folder / "packages"
        for made in (self.code / "part/__pycache__", self.packages):
            made.mkdir(parents=True)
        (self.code / "part/a.py").write_text("A = 1\n")
        monkeypatch.setattr(identity, "COMPILER", str(self.code))
        monkeypatch.setattr(sys, "path", [*sys.path, str(self.packages), str(folder / "missing.zip")])
        self.before = Machine().digest

    def differs(self) -> bool:
        return Machine().digest != self.before


@pytest.fixture
def touch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Touch:
    return Touch(tmp_path, monkeypatch)


def test_the_machine_stays_itself(touch: Touch) -> None:
    (touch.code / "part/__pycache__/a.pyc").write_text("bytecode")
    assert not touch.differs()


def test_a_module_of_the_compiler_makes_another_machine(touch: Touch) -> None:
    module = touch.code / "part/a.py"
    times = module.stat()
    module.write_text("A = 2\n")
    os.utime(module, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert touch.differs()


def test_a_new_file_of_the_compiler_makes_another_machine(touch: Touch) -> None:
    (touch.code / "part/schema.json").write_text("{}")
    assert touch.differs()


def test_an_installed_package_makes_another_machine(touch: Touch) -> None:
    (touch.packages / "other-2.0.dist-info").mkdir()
    assert touch.differs()


def test_another_search_path_makes_another_machine(touch: Touch, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", [str(touch.packages), *sys.path[:-2]])
    assert touch.differs()


def test_another_python_makes_another_machine(touch: Touch, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "version", "3.99")
    assert touch.differs()


def test_a_package_in_the_folder_one_works_in_makes_another_machine(touch: Touch, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """`python -m llmops` looks there first."""
    here = tmp_path / "here"
    here.mkdir()
    monkeypatch.chdir(here)
    monkeypatch.setattr(sys, "path", [str(here), *sys.path])
    before = Machine().digest
    (here / ".llmops").mkdir()
    assert Machine().digest == before

    (here / "acme_rules").mkdir()
    assert Machine().digest != before


NO_WORKSPACE = {
    "CI": ("CI", "true"),
    "CI with a name": ("CI", "woodpecker"),
    "asked for": ("LLMOPS_NO_CACHE", "1"),
}


@pytest.mark.parametrize(("variable", "value"), NO_WORKSPACE.values(), ids=NO_WORKSPACE)
def test_it_can_be_off(root: Path, monkeypatch: pytest.MonkeyPatch, variable: str, value: str) -> None:
    monkeypatch.setenv(variable, value)
    assert begin(root) is None
    assert contents(check(root)) == contents(fresh(root))
    assert not (root / FOLDER).exists()


@pytest.mark.parametrize("value", ["", "0", "false", "False"])
def test_no_ci_is_no_ci(root: Path, monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("CI", value)
    assert begin(root) is not None
    check(root)
    assert recall(root, None) is not None


def test_in_ci_no_entry_turns_a_failing_check_green(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The entry is genuine but for its findings: what somebody could make who runs the same machine."""
    check(root)
    forge(root, lambda head: head["found"].update(diagnostics=[]))
    forged = recall(root, None)
    assert forged is not None
    assert forged.diagnostics == ()

    monkeypatch.setenv("CI", "true")
    assert recall(root, None) is None
    assert check(root).diagnostics


def only_entry(root: Path) -> Path:
    (found,) = (root / FOLDER).iterdir()
    return found


def forge(root: Path, change: Callable[[dict[str, Any]], object]) -> None:
    path = only_entry(root)
    read = read_entry(str(root), path.name)
    assert read is not None
    change(read[0])
    write_entry(str(root), path.name, *read)


def test_an_entry_from_another_machine_is_none(root: Path) -> None:
    """What comes with a checkout may hold the right digests of every file, but not the identities of this machine's files."""
    check(root)
    forge(root, lambda head: head.update(machine="0" * 64))
    assert recall(root, None) is None


def test_an_entry_of_another_form_is_none(root: Path) -> None:
    check(root)
    forge(root, lambda head: head.update(format=0))
    assert recall(root, None) is None


DAMAGE: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda _: b"",
    "cut": lambda content: content[:-1],
    "cut in the middle": lambda content: content[: len(content) // 2],
    "a bit flipped": lambda content: content[:200] + bytes([content[200] ^ 1]) + content[201:],
    "more at the end": lambda content: content + b"\0",
    "no text": lambda content: b"\xff" * len(content),
    "no JSON": lambda _: entry._checksum(b"{\n") + b"\n{\n",
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
def test_a_damaged_entry_is_none_and_is_replaced(root: Path, damage: Callable[[bytes], bytes]) -> None:
    check(root)
    path = only_entry(root)
    path.write_bytes(damage(path.read_bytes()))

    assert recall(root, None) is None
    assert contents(check(root)) == contents(fresh(root))
    assert recall(root, None) is not None


def test_an_entry_that_is_no_file_is_none(root: Path) -> None:
    check(root)
    path = only_entry(root)
    path.unlink()
    os.mkfifo(path)

    assert recall(root, None) is None
    check(root)
    assert recall(root, None) is not None


@pytest.mark.parametrize("linked", [".llmops", FOLDER])
def test_a_link_in_the_place_of_the_cache_is_not_followed(root: Path, tmp_path: Path, linked: str) -> None:
    """A checkout may bring one; nothing is written where it leads."""
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (root / linked).parent.mkdir(exist_ok=True)
    (root / linked).symlink_to(elsewhere)

    assert check(root).diagnostics
    assert recall(root, None) is None
    assert list(elsewhere.rglob("*")) == []


def test_a_workspace_that_cannot_be_written_to_is_no_error(root: Path) -> None:
    (root / ".llmops").write_text("a file where the folder should be")

    assert contents(check(root)) == contents(fresh(root))
    assert recall(root, None) is None


def test_a_folder_in_the_place_of_an_entry_is_no_error(root: Path) -> None:
    check(root)
    path = only_entry(root)
    path.unlink()
    (path / "x").mkdir(parents=True)

    assert contents(check(root)) == contents(fresh(root))
    assert [made.name for made in (root / FOLDER).iterdir()] == [path.name]


def test_too_large_an_entry_is_not_written(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(entry, "LARGEST", 100)
    check(root)
    assert not (root / FOLDER).exists()


def test_an_entry_is_for_its_owner_alone(root: Path) -> None:
    check(root)
    assert only_entry(root).stat().st_mode & 0o077 == 0


def test_the_oldest_entries_go(tmp_path: Path) -> None:
    for number in range(KEPT + 3):
        write_entry(str(tmp_path), f"entry-{number}", {"number": number}, b"")
        os.utime(tmp_path / FOLDER / f"entry-{number}", (number, number))
    write_entry(str(tmp_path), "last", {}, b"digests")

    assert {path.name for path in (tmp_path / FOLDER).iterdir()} == {"last", *(f"entry-{n}" for n in range(4, KEPT + 3))}
    assert read_entry(str(tmp_path), "last") == ({}, b"digests")
    assert read_entry(str(tmp_path), "entry-3") is None


@pytest.mark.parametrize("asked", ["../../escape", "a/b", "\0", "x" * 5_000, "dev\n", "\udcff"])
def test_no_environment_is_a_path(root: Path, asked: str) -> None:
    assert recall(root, asked) is None


NOT_KEPT: dict[str, tuple[str, Callable[[Path], object]]] = {
    "a file that is missing": ("LLM0802", lambda root: (root / "prompts/answer.txt").unlink()),
    "a pattern without a match": ("LLM0803", lambda root: (root / "docs/releases.md").unlink()),
    "a spec that is no file": ("LLM0102", lambda root: os.mkfifo(root / "specs/x.yaml")),
    "a link that leads nowhere": ("LLM0103", lambda root: (root / "specs/x.yaml").symlink_to("nowhere")),
    "a package that is not installed": ("LLM0909", lambda root: replace(root / "llmops.yaml", "acme_rules", "acme_rulez")),
    "a secret": ("LLM0210", lambda root: replace(root / "specs/model.yaml", "gpt-small", "sk-" + "a1B2" * 12)),
    "settings that cannot be read": ("LLM0002", lambda root: (root / "llmops.yaml").write_text("{")),
}


@pytest.mark.parametrize(("code", "change"), NOT_KEPT.values(), ids=NOT_KEPT)
def test_what_cannot_be_told_again_is_not_remembered(root: Path, code: str, change: Callable[[Path], object]) -> None:
    change(root)

    found = check(root)
    assert code in {d.code for d in found.diagnostics}
    assert recall(root, None) is None
    assert not (root / FOLDER).exists()


@pytest.mark.parametrize("folder", ["specs", "policies"])
def test_a_folder_with_a_link_is_not_remembered(root: Path, folder: str) -> None:
    """What it leads to may become something else without a trace in the folder."""
    (root / folder / "later").symlink_to("../nothing-yet")
    found = check(root)
    assert "LLM0103" not in {d.code for d in found.diagnostics}
    assert recall(root, None) is None

    (root / "nothing-yet").mkdir()
    assert "LLM0103" in {d.code for d in check(root).diagnostics}


def test_a_file_that_changes_while_it_is_checked_is_not_remembered_as_it_became(root: Path, margin: int) -> None:
    seen = Witness(root)
    checked = check_workspace(root, witness=seen)
    replace(root / "specs/source.yaml", "top_k: 3", "top_k: 0")
    remember(seen, None, checked)

    assert recall(root, None) is None, margin
    assert contents(check(root)) == contents(fresh(root))


def test_a_spec_that_appears_while_others_are_checked_is_noticed(root: Path, margin: int) -> None:
    seen = Witness(root)
    checked = check_workspace(root, witness=seen)
    shutil.copy(root / "specs/model.yaml", root / "specs/more.yaml")
    remember(seen, None, checked)

    assert recall(root, None) is None, margin


def test_a_file_that_was_read_twice_with_a_change_between_is_not_remembered(tmp_path: Path) -> None:
    seen = Witness(tmp_path)
    path = tmp_path / "a.md"
    for content in (b"one", b"one", b"two"):
        path.write_bytes(content)
        before = seen.steady
        seen.read(str(path), content, path.stat())
        assert before
    assert not seen.steady


def test_paths_are_relative_to_the_workspace_however_it_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "work").mkdir()
    (tmp_path / "work/a.yaml").write_text("a")
    (tmp_path / "link").symlink_to("work")
    monkeypatch.chdir(tmp_path / "work")
    status = os.stat("a.yaml")

    for root, paths in ((Path(), ["./a.yaml", f"{tmp_path}/work/a.yaml"]), (tmp_path / "link", [f"{tmp_path}/link/a.yaml"])):
        seen = Witness(root)
        for path in paths:
            seen.read(path, b"a", status)
        seen.absent(f"{root}/environments/dev")
        seen.read(f"{tmp_path}/outside.yaml", b"", status)
        assert sorted(seen.seen) == [f"{tmp_path}/outside.yaml", "a.yaml"]
        assert seen.missing == {"environments/dev"}


def test_what_just_changed_has_no_identity(tmp_path: Path) -> None:
    (tmp_path / "new.yaml").write_text("a")
    seen = Witness(tmp_path)
    old = os.stat(json.__file__)
    seen.read(f"{tmp_path}/new.yaml", b"a", os.stat(tmp_path / "new.yaml"))
    seen.read(f"{tmp_path}/old.yaml", b"a", old)

    assert seen.seen["new.yaml"][0] == UNSURE
    assert seen.seen["old.yaml"][0] == [old.st_mtime_ns, old.st_ctime_ns, old.st_size, old.st_ino]


def test_contents_that_were_compared_need_not_be_again(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Once a file is old enough its identity is believed, and the entry says so."""
    check(root)
    assert identities(root).count(UNSURE) == len(identities(root)) > 10
    later = time.time_ns() + 2 * MARGIN
    monkeypatch.setattr(time, "time_ns", lambda: later)

    assert recall(root, None) is not None
    assert UNSURE not in identities(root)
    monkeypatch.setattr(evidence, "digest_of", None)
    assert recall(root, None) is not None


def identities(root: Path) -> list[list[int]]:
    read = read_entry(str(root), only_entry(root).name)
    assert read is not None
    stats: list[list[int]] = read[0]["evidence"]["stats"]
    return stats


def test_a_listing_tells_names_folders_and_links_apart(tmp_path: Path) -> None:
    def digest() -> bytes | None:
        return digest_of(str(tmp_path), os.stat(tmp_path))

    seen = {digest()}
    (tmp_path / ".hidden").touch()
    assert digest() in seen
    for make in (Path.touch, to_folder, to_link):
        make(tmp_path / "a")
        assert digest() not in seen
        seen.add(digest())
    assert listing(["b", "a/"]) == listing(["a/", "b"]) != listing(["a", "b/"])


def test_only_files_and_folders_have_a_digest(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to("pipe")
    for name in ("pipe", "link"):
        assert digest_of(str(tmp_path / name), os.lstat(tmp_path / name)) is None


def test_a_file_name_that_is_no_text_is_remembered(root: Path) -> None:
    with open(os.fsencode(root) + b"/specs/\xff.txt", "wb"):
        pass
    check(root)
    assert recall(root, None) is not None


def test_a_witness_made_before_it_was_off_keeps_nothing(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = Witness(root)
    checked = check_workspace(root, witness=seen)
    monkeypatch.setenv("CI", "true")
    remember(seen, None, checked)
    assert not (root / FOLDER).exists()


def test_texts_are_quoted_as_a_check_quotes_them(root: Path) -> None:
    """With a byte order mark, and Windows' line ends; not those of files that no check quotes."""
    spec = root / "specs/model.yaml"
    spec.write_bytes(b"\xef\xbb\xbf" + spec.read_bytes().replace(b"\n", b"\r\n"))
    found = check(root)
    recalled = recall(root, None)

    assert recalled is not None
    assert contents(recalled) == contents(found)
    assert recalled.text("specs/model.yaml") == found.text("specs/model.yaml") is not None
    assert recalled.text("docs/releases.md") is None


SAME = (["check"], ["check", "--env", "prod"], ["check", "--format", "json"], ["check", "--severity", "error"])


def test_the_command_says_the_same_with_and_without_it(root: Path, llmops: Run, tmp_path: Path) -> None:
    paths = os.pathsep.join([str(ROOT / "compiler"), str(tmp_path / "packages")])
    for arguments in SAME:
        without = llmops(*arguments, cwd=root, CI="true", PYTHONPATH=paths)
        runs = [llmops(*arguments, cwd=root, CI="", PYTHONPATH=paths) for _ in range(2)]
        assert [(run.stdout, run.stderr, run.returncode) for run in runs] == [(without.stdout, without.stderr, without.returncode)] * 2
        assert "pinned" in without.stdout
    assert len(list((root / FOLDER).iterdir())) == 2


IMPORTED = """
import sys
from llmops.cli import check
from llmops.cli.main import main

try:
    main(["check"])
finally:
    print(*sorted({"yaml", "jinja2", "jsonschema_rs", "orjson", "llmops.pipeline", "llmops.report.text"} & set(sys.modules)))
"""


def test_what_is_recalled_imports_no_stage(base: Path) -> None:
    variables = {"PYTHONPATH": str(ROOT / "compiler"), "PATH": os.environ["PATH"]}
    command = [sys.executable, "-c", IMPORTED]
    runs = [subprocess.run(command, cwd=base, env=variables, capture_output=True, text=True, check=False) for _ in range(2)]

    assert [run.returncode for run in runs] == [0, 0], runs[0].stderr
    assert "llmops.pipeline" in runs[0].stdout
    assert runs[1].stdout == runs[0].stdout.splitlines()[0] + "\n\n"


def test_a_reader_that_goes_away_is_no_bug(base: Path) -> None:
    """The verb ends without Python's own tidying up, so what is not yet written must be looked after."""
    reading, writing = os.pipe()
    os.close(reading)
    variables = {"PYTHONPATH": str(ROOT / "compiler"), "PATH": os.environ["PATH"]}
    with os.fdopen(writing, "wb") as stream:
        run = subprocess.run(
            [sys.executable, "-m", "llmops", "check"], cwd=base, env=variables, stdout=stream, stderr=subprocess.PIPE, check=False
        )
    assert (run.returncode, run.stderr) == (1, b"")
